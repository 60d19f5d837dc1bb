/* SPDX-License-Identifier: MIT */
/* readiness.c - a question is what some streams want to know of any domain; for
 * each question there is a table of domains. */
#include "common/base/clock.h"
#include "common/rules/domain.h"
#include "common/rules/readiness.h"

#include <inttypes.h>

enum {
	WAITING_MAX = 2000,
	RETRY_MIN_SECS = 15, /* after DNS failed; then twice as long, and so on */
	RETRY_MAX_SECS = 300,
	STALE_OTHERS_SECS = 3600, /* of domains that are not our own */
	TOUCH_US = 1000000,
};

static const int64_t SECOND_US = 1000000;

static const struct {
	enum rmt_rule_number rule;
	unsigned parts; /* enum rmt_facts_part */
	const char *code;
	void (*judge)(const struct rmt_facts *, struct rmt_rule_findings *);
} rows[RMT_REQUIRE_COUNT] = {
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

/* What is looked at only when there is something to tell. */
struct known {
	int64_t known_us;
	int64_t good_until_us[RMT_REQUIRE_COUNT];
	char *texts[RMT_REQUIRE_COUNT]; /* own; of what is broken */
	char *org;                      /* own; of the question for it alone; or NULL */
};

/* Small, for every request looks at one. Bits are 1 << enum rmt_requirement. */
struct entry {
	struct question *question; /* foreign */
	unsigned broken, unknown, stale;
	unsigned failures; /* in a row */
	bool asked, waiting, in_flight, orphan;
	int64_t fresh_until_us, touched_us;
	struct known *known;         /* own */
	struct entry *newer, *older; /* by when it was last asked for */
	uint32_t seed;               /* the cache's */
	uint32_t len;
	char domain[]; /* NUL behind it */
};

struct question {
	char *fingerprint;               /* own */
	unsigned wanted;                 /* bits of requirements */
	GHashTable *entries;             /* own; by domain */
	struct rmt_readiness *readiness; /* foreign */
};

struct rmt_ready_job {
	struct entry *entry;
	struct rmt_facts *facts; /* own */
};

struct rmt_readiness {
	struct rmt_config *config;    /* a reference; or NULL */
	struct question **of_streams; /* own; foreign questions, by stream index */
	GPtrArray *questions;         /* own */
	struct question *orgs;        /* own; for whom a domain belongs to: no stream's */
	GQueue waiting;               /* foreign entries */
	struct entry *newest, *oldest;
	uint32_t seed; /* of hashes */
	struct rmt_readiness_stats stats;
};

/* --- entries -------------------------------------------------------------------------
 */

/* Eight octets at a time; seeded, for strangers choose the names. */
static guint hash_entry(gconstpointer pointer)
{
	const struct entry *entry = pointer;
	uint64_t hash = entry->seed ^ entry->len, word;
	size_t at;

	for (at = 0; at < entry->len; at += sizeof(word)) {
		word = 0;
		memcpy(&word, entry->domain + at, MIN(sizeof(word), entry->len - at));
		hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
		hash ^= hash >> 29;
	}
	return (guint)(hash ^ hash >> 32);
}

static gboolean equal_entries(gconstpointer a, gconstpointer b)
{
	const struct entry *one = a, *other = b;

	return one->len == other->len &&
	       memcmp(one->domain, other->domain, one->len) == 0;
}

static void unlink_entry(struct rmt_readiness *readiness, struct entry *entry)
{
	if (entry->newer != NULL)
		entry->newer->older = entry->older;
	else
		readiness->newest = entry->older;
	if (entry->older != NULL)
		entry->older->newer = entry->newer;
	else
		readiness->oldest = entry->newer;
	entry->newer = entry->older = NULL;
}

static void link_newest(struct rmt_readiness *readiness, struct entry *entry)
{
	entry->older = readiness->newest;
	entry->newer = NULL;
	if (readiness->newest != NULL)
		readiness->newest->newer = entry;
	else
		readiness->oldest = entry;
	readiness->newest = entry;
}

static void clear_texts(struct entry *entry)
{
	size_t i;

	for (i = 0; i < RMT_REQUIRE_COUNT; i++)
		g_clear_pointer(&entry->known->texts[i], g_free);
}

/* One in flight is freed when its job comes back. */
static void free_entry(gpointer pointer)
{
	struct entry *entry = pointer;
	struct rmt_readiness *readiness = entry->question->readiness;

	unlink_entry(readiness, entry);
	readiness->stats.domains--;
	if (entry->waiting)
		g_queue_remove(&readiness->waiting, entry);
	entry->waiting = false;
	clear_texts(entry);
	g_free(entry->known->org);
	g_clear_pointer(&entry->known, g_free);
	if (entry->in_flight)
		entry->orphan = true;
	else
		g_free(entry);
}

static void drop_oldest(struct rmt_readiness *readiness)
{
	struct entry *entry = readiness->oldest;

	g_hash_table_remove(entry->question->entries, entry);
}

static struct entry *new_entry(struct question *question, struct rmt_span domain)
{
	struct rmt_readiness *readiness = question->readiness;
	struct entry *entry = g_malloc0(sizeof(*entry) + domain.len + 1);

	if (readiness->stats.domains >= readiness->config->dns.domains_max)
		drop_oldest(readiness);
	entry->question = question;
	entry->unknown = question->wanted;
	entry->known = g_new0(struct known, 1);
	entry->seed = readiness->seed;
	entry->len = (uint32_t)domain.len;
	memcpy(entry->domain, domain.p, domain.len);
	g_hash_table_add(question->entries, entry);
	link_newest(readiness, entry);
	readiness->stats.domains++;
	return entry;
}

static struct entry *find_entry(const struct question *question, struct rmt_span domain)
{
	union {
		struct entry entry;
		char bytes[sizeof(struct entry) + RMT_DOMAIN_MAX + 1];
	} probe;

	probe.entry.seed = question->readiness->seed;
	probe.entry.len = (uint32_t)domain.len;
	memcpy(probe.entry.domain, domain.p, domain.len);
	return g_hash_table_lookup(question->entries, &probe.entry);
}

/* --- questions -------------------------------------------------------------------------
 */

static void free_question(gpointer pointer)
{
	struct question *question = pointer;

	g_hash_table_unref(question->entries);
	g_free(question->fingerprint);
	g_free(question);
}

static unsigned wanted_by(const struct rmt_stream *stream)
{
	unsigned wanted = 0;
	int i;

	for (i = 0; i < RMT_REQUIRE_COUNT; i++)
		if (stream->require[i] > RMT_LEVEL_OFF)
			wanted |= 1u << i;
	return wanted;
}

static void append_all(GString *out, char *const *strings)
{
	for (; strings != NULL && *strings != NULL; strings++)
		g_string_append_printf(out, " %s", *strings);
	g_string_append_c(out, '\n');
}

/* All that answers depend on, but the domain. */
static char *fingerprint_of(const struct rmt_stream *stream)
{
	GString *out = g_string_new(NULL);
	const struct rmt_egress *egress = stream->egress;

	g_string_append_printf(out, "%x\n", wanted_by(stream));
	append_all(out, egress != NULL ? egress->addresses : NULL);
	if (egress != NULL && egress->helo != NULL)
		g_string_append(out, egress->helo);
	g_string_append_c(out, '\n');
	append_all(out, stream->dkim.selectors);
	if (stream->dkim.domain != NULL)
		g_string_append(out, stream->dkim.domain);
	return g_string_free(out, FALSE);
}

static struct question *find_question(GPtrArray *questions, const char *fingerprint,
				      guint *at_r)
{
	struct question *question;

	for (*at_r = 0; questions != NULL && *at_r < questions->len; ++*at_r) {
		question = questions->pdata[*at_r];
		if (strcmp(question->fingerprint, fingerprint) == 0)
			return question;
	}
	return NULL;
}

static struct question *new_question(struct rmt_readiness *readiness, unsigned wanted,
				     char *fingerprint)
{
	struct question *question = g_new0(struct question, 1);

	question->fingerprint = fingerprint;
	question->wanted = wanted;
	question->entries =
		g_hash_table_new_full(hash_entry, equal_entries, free_entry, NULL);
	question->readiness = readiness;
	return question;
}

/* The stream's question, kept from before where it is the same. */
static struct question *question_for(struct rmt_readiness *readiness,
				     const struct rmt_stream *stream, GPtrArray *before)
{
	char *fingerprint = fingerprint_of(stream);
	struct question *question;
	guint at;

	question = find_question(readiness->questions, fingerprint, &at);
	if (question == NULL) {
		question = find_question(before, fingerprint, &at);
		if (question != NULL)
			g_ptr_array_steal_index_fast(before, at);
		else
			question = new_question(readiness, wanted_by(stream),
						g_steal_pointer(&fingerprint));
		g_ptr_array_add(readiness->questions, question);
	}
	g_free(fingerprint);
	return question;
}

struct rmt_readiness *rmt_readiness_new(void)
{
	struct rmt_readiness *readiness = g_new0(struct rmt_readiness, 1);

	readiness->seed = g_random_int();
	readiness->orgs =
		new_question(readiness, 1u << RMT_REQUIRE_DMARC, g_strdup("org"));
	return readiness;
}

void rmt_readiness_configure(struct rmt_readiness *readiness, struct rmt_config *config)
{
	g_autoptr(GPtrArray) before = readiness->questions;
	struct rmt_config *old = readiness->config;
	guint i;

	readiness->config = rmt_config_ref(config);
	readiness->questions = g_ptr_array_new_with_free_func(free_question);
	g_free(readiness->of_streams);
	readiness->of_streams = g_new0(struct question *, config->streams->len);
	for (i = 0; i < config->streams->len; i++) {
		const struct rmt_stream *stream = config->streams->pdata[i];

		if (stream->requires)
			readiness->of_streams[i] =
				question_for(readiness, stream, before);
	}
	while (readiness->stats.domains > config->dns.domains_max)
		drop_oldest(readiness);
	if (old != NULL)
		rmt_config_unref(old);
}

void rmt_readiness_free(struct rmt_readiness *readiness)
{
	if (readiness == NULL)
		return;
	if (readiness->questions != NULL)
		g_ptr_array_unref(readiness->questions);
	free_question(readiness->orgs);
	g_queue_clear(&readiness->waiting);
	g_free(readiness->of_streams);
	if (readiness->config != NULL)
		rmt_config_unref(readiness->config);
	g_free(readiness);
}

/* A stream of a configuration that is no longer in force is found by its name. */
static struct question *question_of(const struct rmt_readiness *readiness,
				    const struct rmt_stream *stream)
{
	const GPtrArray *streams = readiness->config->streams;

	if (stream->index < streams->len && streams->pdata[stream->index] == stream)
		return readiness->of_streams[stream->index];
	stream = rmt_config_stream(readiness->config, stream->name);
	return stream != NULL ? readiness->of_streams[stream->index] : NULL;
}

/* --- asking --------------------------------------------------------------------------
 */

static void touch(struct rmt_readiness *readiness, struct entry *entry, int64_t now_us)
{
	if (now_us - entry->touched_us < TOUCH_US)
		return;
	entry->touched_us = now_us;
	unlink_entry(readiness, entry);
	link_newest(readiness, entry);
}

static void renew(struct rmt_readiness *readiness, struct entry *entry)
{
	if (entry->waiting || entry->in_flight)
		return;
	if (readiness->waiting.length >= WAITING_MAX) {
		readiness->stats.dropped++;
		return;
	}
	entry->waiting = true;
	g_queue_push_tail(&readiness->waiting, entry);
}

/* The first of these bits whose level is the highest; -1: none. */
static int gravest(const struct rmt_stream *stream, unsigned bits)
{
	int i, found = -1;

	for (i = 0; bits >> i != 0; i++)
		if ((bits >> i & 1) != 0 && stream->require[i] > RMT_LEVEL_OFF &&
		    (found < 0 || stream->require[i] > stream->require[found]))
			found = i;
	return found;
}

static void set_ready(struct rmt_ready *ready, enum rmt_ready_state state, int level,
		      int requirement, const char *text)
{
	ready->state = state;
	ready->level = (enum rmt_level)level;
	ready->rule = rmt_rule_get(rows[requirement].rule)->id;
	ready->code = rows[requirement].code;
	ready->text = text;
}

/* What would stop mail comes first: what is missing, then what is not known. */
static void answer(const struct rmt_stream *stream, const struct entry *entry,
		   struct rmt_ready *ready)
{
	const int broken = gravest(stream, entry->broken);
	const int unknown = gravest(stream, entry->unknown);
	bool waits;

	*ready = (struct rmt_ready){ .state = RMT_READY, .stale = entry->stale != 0 };
	waits = unknown >= 0 && stream->on_unknown >= RMT_LEVEL_DEFER &&
		stream->require[unknown] >= RMT_LEVEL_DEFER;
	if (broken >= 0 && (stream->require[broken] >= RMT_LEVEL_DEFER || !waits))
		set_ready(ready, RMT_NOT_READY, stream->require[broken], broken,
			  entry->known->texts[broken]);
	else if (unknown >= 0)
		set_ready(ready, RMT_READY_UNKNOWN,
			  waits ? RMT_LEVEL_DEFER : RMT_LEVEL_LOG, unknown,
			  "DNS has not answered yet about the sender's domain");
}

static void count(struct rmt_readiness_stats *stats, const struct rmt_ready *ready)
{
	stats->ready += ready->state == RMT_READY;
	stats->unknown += ready->state == RMT_READY_UNKNOWN;
	stats->not_ready += ready->state == RMT_NOT_READY;
	stats->stale += ready->stale;
}

void rmt_readiness_get(struct rmt_readiness *readiness, const struct rmt_stream *stream,
		       struct rmt_span domain, int64_t now_us, struct rmt_ready *ready_r)
{
	struct question *question = question_of(readiness, stream);
	struct entry *entry;

	*ready_r = (struct rmt_ready){ .state = RMT_READY };
	if (question == NULL || domain.len == 0 || domain.len > RMT_DOMAIN_MAX)
		return;
	entry = find_entry(question, domain);
	if (entry == NULL)
		entry = new_entry(question, domain);
	touch(readiness, entry, now_us);
	if (now_us >= entry->fresh_until_us)
		renew(readiness, entry);
	answer(stream, entry, ready_r);
	count(&readiness->stats, ready_r);
}

/* What was found once stays until the next answer: organisations do not change for
 * want of DNS. */
bool rmt_readiness_org(struct rmt_readiness *readiness, struct rmt_span domain,
		       int64_t now_us, struct rmt_span *org_r)
{
	struct entry *entry;

	if (domain.len == 0 || domain.len > RMT_DOMAIN_MAX)
		return false;
	entry = find_entry(readiness->orgs, domain);
	if (entry == NULL)
		entry = new_entry(readiness->orgs, domain);
	touch(readiness, entry, now_us);
	if (now_us >= entry->fresh_until_us)
		renew(readiness, entry);
	if (entry->known->org == NULL)
		return false;
	*org_r = rmt_span_of(entry->known->org);
	return true;
}

/* --- jobs ----------------------------------------------------------------------------
 */

struct rmt_ready_job *rmt_readiness_next(struct rmt_readiness *readiness)
{
	struct entry *entry = g_queue_pop_head(&readiness->waiting);
	struct rmt_ready_job *job;

	if (entry == NULL)
		return NULL;
	entry->waiting = false;
	entry->in_flight = true;
	job = g_new0(struct rmt_ready_job, 1);
	job->entry = entry;
	return job;
}

static unsigned parts_of(const struct question *question)
{
	unsigned parts = 0;
	int i;

	for (i = 0; i < RMT_REQUIRE_COUNT; i++)
		if ((question->wanted >> i & 1) != 0)
			parts |= rows[i].parts;
	return parts;
}

/* A stream that asks this question; NULL: none does. */
static const struct rmt_stream *stream_of(const struct question *question)
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

static struct rmt_facts *facts_of(const struct entry *entry, int64_t now)
{
	const struct rmt_stream *stream = stream_of(entry->question);
	struct rmt_facts_query query = {
		.domain = entry->domain,
		.dkim_domain = stream != NULL ? stream->dkim.domain : NULL,
		.parts = parts_of(entry->question),
		.now = now,
	};
	struct rmt_facts *facts = rmt_facts_new(&query);
	char **selector;

	if (stream == NULL)
		return facts;
	add_egress(facts, stream->egress);
	for (selector = stream->dkim.selectors; selector != NULL && *selector != NULL;
	     selector++)
		rmt_facts_add_selector(facts, *selector);
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

static int64_t stale_us(const struct rmt_readiness *readiness, const struct entry *entry)
{
	struct rmt_span domain = rmt_span(entry->domain, entry->len);
	char **own = readiness->config->organization;

	for (; *own != NULL; own++)
		if (rmt_domain_within(domain, rmt_span_of(*own)))
			return (int64_t)(readiness->config->dns.stale_ns / 1000);
	return STALE_OTHERS_SECS * SECOND_US;
}

static void judge(struct rmt_readiness *readiness, struct entry *entry, int requirement,
		  const struct rmt_facts *facts, int64_t now_us)
{
	const unsigned bit = 1u << requirement;
	const struct rmt_rule_finding *broken;
	struct rmt_rule_findings findings;

	rmt_rule_findings_init(&findings);
	rows[requirement].judge(facts, &findings);
	broken = first_broken(&findings);
	if (broken != NULL) {
		entry->broken |= bit;
		entry->known->texts[requirement] =
			g_strdup_printf("%s: %s", broken->place, broken->problem);
	} else if (rmt_rule_sum(&findings, rows[requirement].rule, NULL) !=
		   RMT_RULE_UNKNOWN)
		entry->known->good_until_us[requirement] =
			now_us + stale_us(readiness, entry);
	else if (entry->known->good_until_us[requirement] > now_us)
		entry->stale |= bit;
	else
		entry->unknown |= bit;
	rmt_rule_findings_clear(&findings);
}

static int64_t fresh_secs(const struct rmt_readiness *readiness,
			  const struct entry *entry, const struct rmt_facts *facts)
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

static void take_org(struct entry *entry, const struct rmt_facts *facts)
{
	const struct rmt_dmarc_view *view = &rmt_dmarc_result(facts->dmarc)->tree;

	if (view->verdict == RMT_DMARC_TEMPERROR)
		return;
	g_free(entry->known->org);
	entry->known->org = g_strndup(view->org_domain.p, view->org_domain.len);
}

static void take_over(struct rmt_readiness *readiness, struct entry *entry,
		      const struct rmt_facts *facts, int64_t now_us)
{
	int i;

	entry->broken = entry->unknown = entry->stale = 0;
	clear_texts(entry);
	for (i = 0; i < RMT_REQUIRE_COUNT; i++)
		if ((entry->question->wanted >> i & 1) != 0)
			judge(readiness, entry, i, facts, now_us);
	if (entry->question == readiness->orgs)
		take_org(entry, facts);
	entry->asked = true;
	entry->known->known_us = now_us;
	entry->failures = (entry->unknown | entry->stale) != 0 ? entry->failures + 1 : 0;
	entry->fresh_until_us = now_us + fresh_secs(readiness, entry, facts) * SECOND_US;
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

/* --- in words ------------------------------------------------------------------------
 */

static void explain_one(const struct rmt_stream *stream, const struct entry *entry,
			int requirement, GString *out)
{
	const unsigned bit = 1u << requirement;
	const char *state = "holds";

	if ((entry->broken & bit) != 0)
		state = "is missing: ";
	else if ((entry->unknown & bit) != 0)
		state = entry->asked ? "unknown: DNS did not answer"
				     : "unknown: DNS has not answered yet";
	else if ((entry->stale & bit) != 0)
		state = "holds, as was known before DNS went silent";
	g_string_append_printf(
		out, "require %s (%s): %s%s", rmt_requirement_name(requirement),
		rmt_rule_get(rows[requirement].rule)->id, state,
		(entry->broken & bit) != 0 ? entry->known->texts[requirement] : "");
	if ((entry->broken & bit) != 0)
		g_string_append_printf(out, " -> %s",
				       rmt_level_name(stream->require[requirement]));
	g_string_append_c(out, '\n');
}

void rmt_readiness_explain(struct rmt_readiness *readiness,
			   const struct rmt_stream *stream, struct rmt_span domain,
			   int64_t now_us, struct rmt_ready *ready_r, GString *out)
{
	const struct question *question = question_of(readiness, stream);
	struct entry nothing = { .unknown = question != NULL ? question->wanted : 0 };
	const struct entry *entry = NULL;
	int i;

	if (question != NULL && domain.len <= RMT_DOMAIN_MAX)
		entry = find_entry(question, domain);
	if (entry == NULL)
		entry = &nothing;
	for (i = 0; i < RMT_REQUIRE_COUNT; i++)
		if (stream->require[i] > RMT_LEVEL_OFF)
			explain_one(stream, entry, i, out);
	if (entry->asked)
		g_string_append_printf(
			out, "require: asked %" PRId64 " s ago, again %s\n",
			(now_us - entry->known->known_us) / SECOND_US,
			now_us < entry->fresh_until_us ? "later" : "when next seen");
	answer(stream, entry, ready_r);
}

void rmt_readiness_stats(const struct rmt_readiness *readiness,
			 struct rmt_readiness_stats *stats_r)
{
	*stats_r = readiness->stats;
	stats_r->waiting = readiness->waiting.length;
}
