/* SPDX-License-Identifier: MIT */
/* rules_dmarc.c - R5. */
#include "common/rules/domain.h"
#include "common/rules/record.h"

static const char *policy_asked(const struct rmt_dmarc_view *view)
{
	return rmt_dmarc_policy_name(view->disposition);
}

/* A text that was meant to be a policy: its first tag is off by case or order. */
static bool looks_like_policy(const struct rmt_lookup *txt)
{
	size_t i;

	for (i = 0; i < rmt_lookup_count(txt); i++) {
		struct rmt_span text = rmt_lookup_value(txt, i);
		g_autofree char *lower = g_ascii_strdown(text.p, (gssize)text.len);

		if (strstr(lower, "dmarc1") != NULL || strstr(lower, "p=") != NULL)
			return true;
	}
	return false;
}

static void add_missing(const struct rmt_facts *facts, const struct rmt_dmarc_view *view,
			struct rmt_rule_findings *findings)
{
	struct rmt_dns_record records[RMT_LOOKUP_VALUES_MAX];
	struct rmt_dns_answer answer = rmt_lookup_answer(&facts->dmarc_txt, records);
	const char *problem = "there is no DMARC record";
	g_autofree char *wanted = NULL;
	struct rmt_rule_finding *finding;
	struct rmt_span text;

	if (rmt_dmarc_select(&answer, &text) > 1)
		problem = "there is more than one DMARC record, so none counts";
	else if (view->problem != NULL)
		problem = view->problem;
	else if (looks_like_policy(&facts->dmarc_txt))
		problem = "the text is no DMARC record: it must begin with 'v=DMARC1;' "
			  "just so";
	finding = rmt_rule_add(findings, RMT_R5, RMT_RULE_BROKEN, facts->dmarc_txt.name,
			       "%s", problem);
	wanted = g_strdup_printf("v=DMARC1; p=%s; rua=mailto:postmaster@%s",
				 rmt_facts_parked(facts) ? "reject" : "none",
				 facts->domain);
	finding->record = rmt_record_txt(facts->dmarc_txt.name, rmt_span_of(wanted));
}

static void add_views(const struct rmt_facts *facts,
		      const struct rmt_dmarc_result *result,
		      struct rmt_rule_findings *findings)
{
	bool older_none = result->psl.verdict == RMT_DMARC_NO_POLICY;

	if (facts->psl == NULL || !result->divergent)
		return;
	if (older_none)
		rmt_rule_add(findings, RMT_R5, RMT_RULE_BROKEN, facts->dmarc_txt.name,
			     "receivers that go by public suffixes (RFC 7489) find no "
			     "policy")
			->severity = RMT_SEVERITY_WARNING;
	else
		rmt_rule_add(findings, RMT_R5, RMT_RULE_BROKEN, facts->dmarc_txt.name,
			     "receivers differ: p=%s of organisation %.*s by RFC 9989, "
			     "p=%s of %.*s by RFC 7489",
			     policy_asked(&result->tree),
			     RMT_SPAN_ARGS(result->tree.org_domain),
			     policy_asked(&result->psl),
			     RMT_SPAN_ARGS(result->psl.org_domain))
			->severity = RMT_SEVERITY_NOTE;
}

static void add_advice(const struct rmt_facts *facts, const struct rmt_dmarc_view *view,
		       struct rmt_rule_findings *findings)
{
	struct rmt_dmarc_record record;

	if (rmt_facts_parked(facts) && view->disposition != RMT_DMARC_REJECT)
		rmt_rule_add(
			findings, RMT_R5, RMT_RULE_BROKEN, facts->dmarc_txt.name,
			"no mail comes from the domain, so others' should be refused: "
			"p=reject")
			->severity = RMT_SEVERITY_WARNING;
	else if (view->disposition == RMT_DMARC_NONE)
		rmt_rule_add(findings, RMT_R5, RMT_RULE_BROKEN, facts->dmarc_txt.name,
			     "p=none protects nobody: once reports show that all mail is "
			     "aligned, go on to quarantine, then reject")
			->severity = RMT_SEVERITY_NOTE;
	if (rmt_dmarc_record_parse(view->record, &record) && !record.has_rua)
		rmt_rule_add(findings, RMT_R5, RMT_RULE_BROKEN, facts->dmarc_txt.name,
			     "no rua=mailto:..., so no reports come")
			->severity = RMT_SEVERITY_NOTE;
}

void rmt_rule_dmarc_record(const struct rmt_facts *facts,
			   struct rmt_rule_findings *findings)
{
	const struct rmt_dmarc_result *result = rmt_dmarc_result(facts->dmarc);
	const struct rmt_dmarc_view *view = &result->tree;

	if (view->verdict == RMT_DMARC_TEMPERROR) {
		rmt_rule_add(findings, RMT_R5, RMT_RULE_UNKNOWN, facts->dmarc_txt.name,
			     "DNS did not answer");
		return;
	}
	if (view->verdict == RMT_DMARC_NO_POLICY) {
		add_missing(facts, view, findings);
		return;
	}
	rmt_rule_add(findings, RMT_R5, RMT_RULE_HOLDS, facts->dmarc_txt.name,
		     "policy %s, of %.*s", policy_asked(view),
		     RMT_SPAN_ARGS(view->policy_domain));
	add_views(facts, result, findings);
	add_advice(facts, view, findings);
}
