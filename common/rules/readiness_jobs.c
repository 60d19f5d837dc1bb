/* SPDX-License-Identifier: MIT */
/* readiness_jobs.c - asking DNS about a domain, and what comes of it. */
#include "common/base/clock.h"
#include "common/rules/readiness_private.h"

enum {
	RETRY_MIN_SECS = 15, /* after DNS failed; then twice as long, and so on */
	RETRY_MAX_SECS = 300,
	STALE_OTHERS_SECS = 3600, /* of domains that are not our own */
};

const struct rmt_ready_row rmt_ready_rows[RMT_REQUIRE_COUNT] = {
	[RMT_REQUIRE_SPF] = { RMT_R2, RMT_FACTS_SPF, "7.27", rmt_rule_spf },
	[RMT_REQUIRE_SPF_RECORD] = { RMT_R3, RMT_FACTS_SPF, "7.24", rmt_rule_spf_record },
	[RMT_REQUIRE_DKIM] = { RMT_R4, RMT_FACTS_KEYS, "7.30", rmt_rule_dkim },
	[RMT_REQUIRE_DMARC] = { RMT_R5, RMT_FACTS_DMARC, "7.40", rmt_rule_dmarc_record },
	[RMT_REQUIRE_PTR] = { RMT_R9, RMT_FACTS_PTR, "7.25", rmt_rule_ptr },
	[RMT_REQUIRE_FREE_MAIL] = { RMT_R8, 0, "7.26", rmt_rule_free_mail },
	[RMT_REQUIRE_EXISTS] = { RMT_R17, RMT_FACTS_NAMES, "1.8",
				 rmt_rule_domain_exists },
	[RMT_REQUIRE_REPLY] = { RMT_R18, RMT_FACTS_NAMES, "1.8", rmt_rule_can_reply },
	[RMT_REQUIRE_SCRIPTS] = { RMT_R19, 0, "7.1", rmt_rule_scripts },
};

struct rmt_ready_job *rmt_readiness_next(struct rmt_readiness *readiness)
{
	struct rmt_ready_entry *entry = g_queue_pop_head(&readiness->waiting);
	struct rmt_ready_job *job;

	if (entry == NULL)
		return NULL;
	entry->waiting = false;
	entry->in_flight = true;
	job = g_new0(struct rmt_ready_job, 1);
	job->entry = entry;
	return job;
}

static unsigned parts_of(const struct rmt_ready_question *question)
{
	unsigned parts = 0;
	int i;

	for (i = 0; i < RMT_REQUIRE_COUNT; i++)
		if ((question->wanted >> i & 1) != 0)
			parts |= rmt_ready_rows[i].parts;
	return parts;
}

/* A stream that asks this question; NULL: none does. */
static const struct rmt_stream *stream_of(const struct rmt_ready_question *question)
{
	const struct rmt_readiness *readiness = question->readiness;
	guint i;

	if (question == readiness->orgs)
		return NULL;
	for (i = 0; readiness->of_streams[i] != question; i++)
		;
	return readiness->config->streams->pdata[i];
}

static void add_egress(struct rmt_facts *facts, const struct rmt_egress *egress)
{
	struct rmt_ip ip;
	char **address;

	if (egress == NULL)
		return;
	for (address = egress->addresses; *address != NULL; address++)
		if (rmt_ip_parse(rmt_span_of(*address), &ip))
			rmt_facts_add_egress(facts, &ip, egress->helo);
}

static void add_selectors(struct rmt_facts *facts, char *const *selectors)
{
	for (; selectors != NULL && *selectors != NULL; selectors++)
		rmt_facts_add_selector(facts, *selectors);
}

/* As the administrator says, and as was seen. */
static void find_selectors(struct rmt_facts *facts, const struct rmt_ready_entry *entry,
			   const struct rmt_stream *stream)
{
	const struct rmt_readiness *readiness = entry->question->readiness;
	const char *own = stream->dkim.domain;
	g_auto(GStrv) learned = NULL;

	if (stream->dkim.learn && readiness->selectors != NULL)
		learned = readiness->selectors(
			readiness->selectors_context,
			own != NULL ? rmt_span_of(own)
				    : rmt_span(entry->domain, entry->len));
	add_selectors(facts, stream->dkim.selectors);
	add_selectors(facts, learned);
}

static struct rmt_facts *facts_of(const struct rmt_ready_entry *entry, int64_t now)
{
	const struct rmt_stream *stream = stream_of(entry->question);
	struct rmt_facts_query query = {
		.domain = entry->domain,
		.mail_from = stream != NULL ? rmt_return_address(stream) : NULL,
		.dkim_domain = stream != NULL ? stream->dkim.domain : NULL,
		.parts = parts_of(entry->question),
		.now = now,
	};
	struct rmt_facts *facts = rmt_facts_new(&query);

	if (stream == NULL)
		return facts;
	add_egress(facts, stream->egress);
	find_selectors(facts, entry, stream);
	return facts;
}

GPtrArray *rmt_ready_job_askers(struct rmt_ready_job *job, int64_t now)
{
	if (job->entry->orphan)
		return NULL;
	if (job->facts == NULL)
		job->facts = facts_of(job->entry, now);
	return parts_of(job->entry->question) != 0 ? rmt_facts_ask(job->facts) : NULL;
}

/* What is only advice, as the table of rules has it, refuses nothing. */
static const struct rmt_rule_finding *first_broken(
	const struct rmt_rule_findings *findings)
{
	guint i;

	for (i = 0; i < findings->list->len; i++) {
		const struct rmt_rule_finding *finding = findings->list->pdata[i];

		if (finding->state == RMT_RULE_BROKEN &&
		    finding->severity >= finding->rule->severity)
			return finding;
	}
	return NULL;
}

/* DNS kept the answer back; or no selector was seen yet to ask for. */
static bool is_open(const struct rmt_rule_findings *findings, size_t requirement)
{
	enum rmt_rule_state state =
		rmt_rule_sum(findings, rmt_ready_rows[requirement].rule, NULL);

	return state == RMT_RULE_UNKNOWN ||
	       (state == RMT_RULE_NEEDS && requirement == RMT_REQUIRE_DKIM);
}

static int64_t stale_us(const struct rmt_readiness *readiness,
			const struct rmt_ready_entry *entry)
{
	struct rmt_span domain = rmt_span(entry->domain, entry->len);
	char **own = readiness->config->organization;

	for (; *own != NULL; own++)
		if (rmt_domain_within(domain, rmt_span_of(*own)))
			return (int64_t)(readiness->config->dns.stale_ns / 1000);
	return STALE_OTHERS_SECS * RMT_READY_SECOND_US;
}

static void judge(struct rmt_readiness *readiness, struct rmt_ready_entry *entry,
		  int requirement, const struct rmt_facts *facts, int64_t now_us)
{
	const unsigned bit = 1u << requirement;
	const struct rmt_rule_finding *broken;
	struct rmt_rule_findings findings;

	rmt_rule_findings_init(&findings);
	rmt_ready_rows[requirement].judge(facts, &findings);
	broken = first_broken(&findings);
	if (broken != NULL) {
		entry->broken |= bit;
		entry->known->texts[requirement] =
			g_strdup_printf("%s: %s", broken->place, broken->problem);
	} else if (!is_open(&findings, requirement))
		entry->known->good_until_us[requirement] =
			now_us + stale_us(readiness, entry);
	else if (entry->known->good_until_us[requirement] > now_us)
		entry->stale |= bit;
	else
		entry->unknown |= bit;
	rmt_rule_findings_clear(&findings);
}

static int64_t fresh_secs(const struct rmt_readiness *readiness,
			  const struct rmt_ready_entry *entry,
			  const struct rmt_facts *facts)
{
	const struct rmt_dns_config *dns = &readiness->config->dns;
	const int64_t ttl_max = (int64_t)(dns->ttl_max_ns / RMT_NS_PER_SEC);
	const int64_t bad_max = (int64_t)(dns->negative_ttl_max_ns / RMT_NS_PER_SEC);
	int64_t secs = MIN((int64_t)rmt_facts_ttl(facts), ttl_max);

	if (entry->failures > 0)
		return MIN(RETRY_MIN_SECS << MIN(entry->failures - 1, 8), RETRY_MAX_SECS);
	if (entry->broken != 0)
		secs = MIN(secs, bad_max);
	return MAX(secs, MIN(RETRY_MIN_SECS, bad_max));
}

static void take_org(struct rmt_ready_entry *entry, const struct rmt_facts *facts)
{
	const struct rmt_dmarc_view *view = &rmt_dmarc_result(facts->dmarc)->tree;

	if (view->verdict == RMT_DMARC_TEMPERROR)
		return;
	g_free(entry->known->org);
	entry->known->org = g_strndup(view->org_domain.p, view->org_domain.len);
}

static void take_over(struct rmt_readiness *readiness, struct rmt_ready_entry *entry,
		      const struct rmt_facts *facts, int64_t now_us)
{
	int i;

	entry->broken = entry->unknown = entry->stale = 0;
	rmt_ready_clear_texts(entry);
	for (i = 0; i < RMT_REQUIRE_COUNT; i++)
		if ((entry->question->wanted >> i & 1) != 0)
			judge(readiness, entry, i, facts, now_us);
	if (entry->question == readiness->orgs)
		take_org(entry, facts);
	entry->asked = true;
	entry->known->known_us = now_us;
	entry->failures = (entry->unknown | entry->stale) != 0 ? entry->failures + 1 : 0;
	entry->fresh_until_us =
		now_us + fresh_secs(readiness, entry, facts) * RMT_READY_SECOND_US;
	readiness->stats.refreshes++;
	readiness->stats.failures += entry->failures > 0;
}

static void free_job(struct rmt_ready_job *job)
{
	job->entry->in_flight = false;
	if (job->entry->orphan)
		g_free(job->entry);
	rmt_facts_free(job->facts);
	g_free(job);
}

void rmt_readiness_done(struct rmt_readiness *readiness, struct rmt_ready_job *job,
			int64_t now_us)
{
	if (!job->entry->orphan)
		take_over(readiness, job->entry, job->facts, now_us);
	free_job(job);
}

void rmt_readiness_drop(struct rmt_readiness *readiness, struct rmt_ready_job *job)
{
	(void)readiness;
	free_job(job);
}
