/* SPDX-License-Identifier: MIT */
/* facts.c - asking for all facts of a domain, in rounds. */
#include "common/message/addr.h"
#include "common/rules/facts.h"

/* Tried where nobody names a selector: what mailbox providers, mailing services
 * and packages write into their instructions. */
static const char *const usual_selectors[] = {
	"default", "dkim", "mail", "google", "selector1", "selector2",
	"s1",      "s2",   "k1",   "sig1",   "2025",      "2026",
};

/* --- making and freeing ------------------------------------------------------------- */

static void egress_free(struct rmt_egress_facts *egress)
{
	g_free(egress->address);
	g_free(egress->helo);
	rmt_spf_free(egress->spf);
	rmt_lookup_clear(&egress->ptr);
	rmt_lookup_clear(&egress->helo_address);
	g_ptr_array_unref(egress->names);
	g_free(egress);
}

static void selector_free(struct rmt_selector_facts *selector)
{
	g_free(selector->name);
	rmt_lookup_clear(&selector->txt);
	g_free(selector);
}

static void report_free(struct rmt_report_facts *report)
{
	rmt_lookup_clear(&report->permit);
	rmt_lookup_clear(&report->mx);
	rmt_lookup_clear(&report->a);
	g_free(report->domain);
	g_free(report);
}

static char *folded(struct rmt_span domain)
{
	char out[RMT_DOMAIN_MAX + 1];
	struct rmt_span name = rmt_domain_fold(domain, out);

	return g_strndup(name.p, name.len);
}

static void set_sender(struct rmt_facts *facts, const struct rmt_facts_query *query)
{
	struct rmt_span local, domain;

	facts->mail_from = query->mail_from != NULL
				   ? g_strdup(query->mail_from)
				   : g_strdup_printf("postmaster@%s", facts->domain);
	if (rmt_span_split_last(rmt_span_of(facts->mail_from), '@', &local, &domain))
		facts->mail_from_domain = folded(domain);
	else
		facts->mail_from_domain = g_strdup("");
}

struct rmt_facts *rmt_facts_new(const struct rmt_facts_query *query)
{
	struct rmt_facts *facts = g_new0(struct rmt_facts, 1);

	facts->domain = folded(rmt_span_of(query->domain));
	set_sender(facts, query);
	facts->dkim_domain = query->dkim_domain != NULL
				     ? folded(rmt_span_of(query->dkim_domain))
				     : g_strdup(facts->domain);
	facts->parts = query->parts != 0 ? query->parts : RMT_FACTS_ALL;
	facts->helo = g_strdup(query->helo != NULL ? query->helo : "");
	facts->now = query->now;
	facts->psl = query->psl;
	facts->key = query->key;
	facts->bimi_logo = query->bimi_logo;
	facts->bimi_mark = query->bimi_mark;
	facts->bimi_roots = query->bimi_roots;
	facts->dmarc = rmt_dmarc_new();
	rmt_reach_init(&facts->reach, rmt_span_of(facts->domain));
	rmt_transport_init(&facts->transport);
	facts->transport.can_verify = query->can_verify;
	if (query->mta_sts.p != NULL)
		facts->transport.policy =
			g_string_new_len(query->mta_sts.p, (gssize)query->mta_sts.len);
	facts->reports = g_ptr_array_new_with_free_func((GDestroyNotify)report_free);
	facts->egress = g_ptr_array_new_with_free_func((GDestroyNotify)egress_free);
	facts->selectors = g_ptr_array_new_with_free_func((GDestroyNotify)selector_free);
	facts->askers = g_ptr_array_new();
	return facts;
}

void rmt_facts_free(struct rmt_facts *facts)
{
	if (facts == NULL)
		return;
	rmt_lookup_clear(&facts->txt);
	rmt_lookup_clear(&facts->dmarc_txt);
	rmt_lookup_clear(&facts->dkim_node);
	rmt_lookup_clear(&facts->bimi);
	rmt_lookup_clear(&facts->bimi_org);
	rmt_reach_clear(&facts->reach);
	rmt_transport_clear(&facts->transport);
	rmt_spf_survey_clear(&facts->survey);
	rmt_dmarc_free(facts->dmarc);
	g_ptr_array_unref(facts->reports);
	g_ptr_array_unref(facts->egress);
	g_ptr_array_unref(facts->selectors);
	g_ptr_array_unref(facts->askers);
	g_free(facts->domain);
	g_free(facts->mail_from_domain);
	g_free(facts->mail_from);
	g_free(facts->dkim_domain);
	g_free(facts->helo);
	g_free(facts);
}

void rmt_facts_add_egress(struct rmt_facts *facts, const struct rmt_ip *ip,
			  const char *helo)
{
	struct rmt_egress_facts *egress = g_new0(struct rmt_egress_facts, 1);
	GString *address = g_string_new(NULL);

	rmt_ip_format(ip, address);
	egress->ip = *ip;
	egress->address = g_string_free(address, FALSE);
	egress->helo = g_strdup(helo);
	egress->spf = rmt_spf_new();
	egress->names = g_ptr_array_new_with_free_func((GDestroyNotify)rmt_lookup_free);
	g_ptr_array_add(facts->egress, egress);
}

static void add_selector(struct rmt_facts *facts, const char *name, bool is_guess)
{
	struct rmt_selector_facts *selector = g_new0(struct rmt_selector_facts, 1);

	selector->name = g_strdup(name);
	selector->is_guess = is_guess;
	g_ptr_array_add(facts->selectors, selector);
}

void rmt_facts_add_selector(struct rmt_facts *facts, const char *selector)
{
	add_selector(facts, selector, false);
	facts->selectors_named = true;
}

/* --- the first round -----------------------------------------------------------------
 */

static void add_asker(struct rmt_facts *facts, struct rmt_asker *asker)
{
	g_ptr_array_add(facts->askers, asker);
}

static void ask(struct rmt_facts *facts, struct rmt_lookup *lookup,
		enum rmt_dns_type type, const char *prefix)
{
	rmt_lookup_start(lookup, type, "%s%s", prefix, facts->domain);
	add_asker(facts, &lookup->asker);
}

static bool wants(const struct rmt_facts *facts, enum rmt_facts_part part)
{
	return (facts->parts & part) != 0;
}

static void ask_names(struct rmt_facts *facts)
{
	rmt_reach_ask(&facts->reach, facts->askers);
}

static void ask_optional(struct rmt_facts *facts)
{
	ask(facts, &facts->bimi, RMT_DNS_TXT, "default._bimi.");
	ask(facts, &facts->txt, RMT_DNS_TXT, "");
	rmt_transport_ask(&facts->transport, &facts->reach, 0, facts->askers);
}

static void ask_dmarc(struct rmt_facts *facts)
{
	struct rmt_dmarc_query query = {
		.from = rmt_span_of(facts->domain),
		.spf = { rmt_span_of(facts->domain), RMT_DMARC_AUTH_PASS },
		.psl = facts->psl,
	};

	ask(facts, &facts->dmarc_txt, RMT_DNS_TXT, "_dmarc.");
	add_asker(facts, rmt_dmarc_start(facts->dmarc, &query));
}

static void ask_spf(struct rmt_facts *facts, struct rmt_egress_facts *egress)
{
	const char *helo = egress->helo != NULL ? egress->helo : facts->helo;
	struct rmt_spf_query query = {
		.ip = egress->ip,
		.helo = rmt_span_of(helo),
		.mail_from = rmt_span_of(facts->mail_from),
		.now = facts->now,
	};

	add_asker(facts, rmt_spf_start(egress->spf, &query));
}

static void ask_ptr(struct rmt_facts *facts, struct rmt_egress_facts *egress)
{
	g_autoptr(GString) reverse = g_string_new(NULL);

	rmt_ip_format_reverse(&egress->ip, reverse);
	rmt_lookup_start(&egress->ptr, RMT_DNS_PTR, "%s", reverse->str);
	add_asker(facts, &egress->ptr.asker);
	if (egress->helo == NULL)
		return;
	rmt_lookup_start(&egress->helo_address,
			 egress->ip.is_v6 ? RMT_DNS_AAAA : RMT_DNS_A, "%s", egress->helo);
	add_asker(facts, &egress->helo_address.asker);
}

static void ask_egress(struct rmt_facts *facts)
{
	guint i;

	for (i = 0; i < facts->egress->len; i++) {
		if (wants(facts, RMT_FACTS_SPF))
			ask_spf(facts, facts->egress->pdata[i]);
		if (wants(facts, RMT_FACTS_PTR))
			ask_ptr(facts, facts->egress->pdata[i]);
	}
}

static void ask_survey(struct rmt_facts *facts)
{
	const char *sender = facts->mail_from_domain;

	rmt_spf_survey_start(&facts->survey,
			     rmt_span_of(*sender != '\0' ? sender : facts->helo));
	add_asker(facts, &facts->survey.asker);
}

static void ask_selectors(struct rmt_facts *facts)
{
	size_t i;

	if (facts->selectors->len == 0)
		for (i = 0; i < G_N_ELEMENTS(usual_selectors); i++)
			add_selector(facts, usual_selectors[i], true);
	for (i = 0; i < facts->selectors->len; i++) {
		struct rmt_selector_facts *selector = facts->selectors->pdata[i];

		rmt_lookup_start(&selector->txt, RMT_DNS_TXT, "%s._domainkey.%s",
				 selector->name, facts->dkim_domain);
		add_asker(facts, &selector->txt.asker);
	}
	rmt_lookup_start(&facts->dkim_node, RMT_DNS_TXT, "_domainkey.%s",
			 facts->dkim_domain);
	add_asker(facts, &facts->dkim_node.asker);
}

static void first_round(struct rmt_facts *facts)
{
	static const struct {
		enum rmt_facts_part part;
		void (*ask)(struct rmt_facts *facts);
	} questions[] = {
		{ RMT_FACTS_NAMES, ask_names }, { RMT_FACTS_OPTIONAL, ask_optional },
		{ RMT_FACTS_DMARC, ask_dmarc }, { RMT_FACTS_KEYS, ask_selectors },
		{ RMT_FACTS_SPF, ask_survey },  { RMT_FACTS_ALL, ask_egress },
	};
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(questions); i++)
		if (wants(facts, questions[i].part))
			questions[i].ask(facts);
}

/* --- the second ------------------------------------------------------------------------
 */

static void read_key(const struct rmt_facts *facts, struct rmt_selector_facts *selector)
{
	struct rmt_dns_record records[RMT_LOOKUP_VALUES_MAX];
	struct rmt_dns_answer answer = rmt_lookup_answer(&selector->txt, records);
	struct rmt_dkim_record record = { .data = NULL };
	struct rmt_span text;

	selector->reason = rmt_dkim_record_choose(&answer, &text);
	if (selector->reason == RMT_DKIM_OK)
		selector->reason = rmt_dkim_record_parse(text, &record);
	if (selector->reason == RMT_DKIM_OK) {
		selector->type = record.type;
		selector->testing = record.testing;
		selector->bits = rmt_dkim_record_bits(&record);
		selector->is_our_key =
			facts->key != NULL && rmt_dkim_public_is(facts->key, &record);
		if (selector->bits == 0)
			selector->reason = RMT_DKIM_KEY_SYNTAX;
	}
	rmt_dkim_record_clear(&record);
}

static void ask_back(struct rmt_facts *facts, struct rmt_egress_facts *egress)
{
	size_t i;

	for (i = 0; i < MIN(rmt_lookup_count(&egress->ptr), RMT_FACTS_NAMES_MAX); i++) {
		struct rmt_lookup *back = rmt_lookup_new();
		struct rmt_span name = rmt_lookup_value(&egress->ptr, i);

		rmt_lookup_start(back, egress->ip.is_v6 ? RMT_DNS_AAAA : RMT_DNS_A,
				 "%.*s", RMT_SPAN_ARGS(name));
		g_ptr_array_add(egress->names, back);
		add_asker(facts, &back->asker);
	}
}

/* The record of the organisation counts where the domain has none. */
static void ask_bimi_org(struct rmt_facts *facts)
{
	struct rmt_span org = rmt_dmarc_result(facts->dmarc)->tree.org_domain;

	if (!rmt_lookup_started(&facts->bimi) || !rmt_dns_void(facts->bimi.status) ||
	    org.len == 0 || rmt_span_eq(org, rmt_span_of(facts->domain)))
		return;
	rmt_lookup_start(&facts->bimi_org, RMT_DNS_TXT, "default._bimi.%.*s",
			 RMT_SPAN_ARGS(org));
	add_asker(facts, &facts->bimi_org.asker);
}

/* RFC 9990, 4: organisations are told apart by a walk; the list of suffixes comes to the
 * same but for domains with psd=, and costs no question. */
static bool is_foreign(const struct rmt_facts *facts, struct rmt_span domain,
		       struct rmt_span policy_domain)
{
	if (facts->psl != NULL)
		return !rmt_span_eq(rmt_psl_org(facts->psl, domain),
				    rmt_psl_org(facts->psl, policy_domain));
	return !rmt_dns_below_or_same(domain, policy_domain) &&
	       !rmt_dns_below_or_same(policy_domain, domain);
}

static void ask_report(struct rmt_facts *facts, struct rmt_span domain,
		       struct rmt_span policy_domain)
{
	struct rmt_report_facts *report = g_new0(struct rmt_report_facts, 1);

	report->domain = folded(domain);
	report->is_foreign =
		is_foreign(facts, rmt_span_of(report->domain), policy_domain);
	rmt_lookup_start(&report->mx, RMT_DNS_MX, "%s", report->domain);
	rmt_lookup_start(&report->a, RMT_DNS_A, "%s", report->domain);
	add_asker(facts, &report->mx.asker);
	add_asker(facts, &report->a.asker);
	if (report->is_foreign) {
		rmt_lookup_start(&report->permit, RMT_DNS_TXT, "%.*s._report._dmarc.%s",
				 RMT_SPAN_ARGS(policy_domain), report->domain);
		add_asker(facts, &report->permit.asker);
	}
	g_ptr_array_add(facts->reports, report);
}

static void ask_reports(struct rmt_facts *facts)
{
	const struct rmt_dmarc_view *view = &rmt_dmarc_result(facts->dmarc)->tree;
	struct rmt_span domains[RMT_FACTS_REPORTS_MAX];
	size_t i, count;

	count = rmt_dmarc_report_domains(view->record, domains, RMT_FACTS_REPORTS_MAX);
	for (i = 0; i < count; i++)
		ask_report(facts, domains[i], view->policy_domain);
}

static void ask_more_optional(struct rmt_facts *facts)
{
	rmt_transport_ask(&facts->transport, &facts->reach, 1, facts->askers);
	ask_bimi_org(facts);
	ask_reports(facts);
}

static void second_round(struct rmt_facts *facts)
{
	guint i;

	for (i = 0; wants(facts, RMT_FACTS_KEYS) && i < facts->selectors->len; i++)
		read_key(facts, facts->selectors->pdata[i]);
	for (i = 0; wants(facts, RMT_FACTS_PTR) && i < facts->egress->len; i++)
		ask_back(facts, facts->egress->pdata[i]);
	if (wants(facts, RMT_FACTS_NAMES))
		ask_names(facts);
	if (wants(facts, RMT_FACTS_OPTIONAL))
		ask_more_optional(facts);
}

GPtrArray *rmt_facts_ask(struct rmt_facts *facts)
{
	g_ptr_array_set_size(facts->askers, 0);
	if (facts->round == 0)
		first_round(facts);
	else if (facts->round == 1)
		second_round(facts);
	facts->round++;
	return facts->askers->len > 0 ? facts->askers : NULL;
}

/* --- how long it holds ----------------------------------------------------------------
 */

static void least_of_egress(uint32_t *ttl, const struct rmt_facts *facts)
{
	guint i, j;

	for (i = 0; i < facts->egress->len; i++) {
		const struct rmt_egress_facts *egress = facts->egress->pdata[i];

		if (wants(facts, RMT_FACTS_SPF))
			*ttl = MIN(*ttl, rmt_spf_result(egress->spf)->ttl_secs);
		rmt_lookup_least_ttl(&egress->ptr, ttl);
		for (j = 0; j < egress->names->len; j++)
			rmt_lookup_least_ttl(egress->names->pdata[j], ttl);
	}
}

uint32_t rmt_facts_ttl(const struct rmt_facts *facts)
{
	uint32_t ttl = rmt_reach_ttl(&facts->reach);
	guint i;

	for (i = 0; i < facts->selectors->len; i++) {
		const struct rmt_selector_facts *selector = facts->selectors->pdata[i];

		rmt_lookup_least_ttl(&selector->txt, &ttl);
	}
	if (wants(facts, RMT_FACTS_DMARC))
		ttl = MIN(ttl, rmt_dmarc_result(facts->dmarc)->ttl_secs);
	least_of_egress(&ttl, facts);
	return ttl;
}

/* --- what follows at once -------------------------------------------------------------
 */

static bool leads_back(const struct rmt_lookup *back, const struct rmt_ip *ip)
{
	size_t i, width = ip->is_v6 ? 16 : 4;

	for (i = 0; i < rmt_lookup_count(back); i++) {
		struct rmt_span address = rmt_lookup_value(back, i);

		if (address.len == width && memcmp(address.p, ip->octets, width) == 0)
			return true;
	}
	return false;
}

const char *rmt_egress_name(const struct rmt_egress_facts *egress, bool *known_r)
{
	guint i;

	*known_r = !rmt_dns_failed(egress->ptr.status);
	for (i = 0; i < egress->names->len; i++) {
		const struct rmt_lookup *back = egress->names->pdata[i];

		if (rmt_dns_failed(back->status))
			*known_r = false;
		else if (leads_back(back, &egress->ip)) {
			*known_r = true;
			return back->name;
		}
	}
	return NULL;
}

bool rmt_facts_parked(const struct rmt_facts *facts)
{
	return facts->survey.records == 1 && facts->survey.sends_nothing &&
	       facts->egress->len == 0;
}
