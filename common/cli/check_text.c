/* SPDX-License-Identifier: MIT */
/* check_text.c - what `remite check` says to people: facts, findings, verdicts. */
#include "common/cli/check.h"
#include "common/cli/report.h"

/* --- facts
 * ------------------------------------------------------------------------------ */

static const char *trouble(const struct rmt_lookup *lookup)
{
	return rmt_dns_failed(lookup->status) ? "unknown, DNS did not answer" : "none";
}

static void put_zone(const struct rmt_facts *facts, GString *out)
{
	struct rmt_span org = rmt_dmarc_result(facts->dmarc)->tree.org_domain;
	bool known;
	const char *zone = rmt_facts_zone(facts, &known);

	if (org.len > 0)
		rmt_report_line(out, "organisation", "%.*s", RMT_SPAN_ARGS(org));
	rmt_report_line(out, "zone", "%s",
			zone != NULL ? zone : (known ? "none" : "unknown"));
}

static void put_spf(const struct rmt_facts *facts, GString *out)
{
	const struct rmt_spf_survey *spf = &facts->survey;

	if (spf->records == 0 && spf->flaws->len > 0)
		rmt_report_line(out, "SPF", "unknown, DNS did not answer");
	else if (spf->records == 0)
		rmt_report_line(out, "SPF", "none");
	else
		rmt_report_line(out, "SPF", "%s", spf->text->str);
	if (spf->records == 1)
		rmt_report_line(out, "",
				"%u of 10 look-ups in the worst case, %u find "
				"nothing",
				spf->lookups, spf->voids);
}

static void put_dkim(const struct rmt_facts *facts, GString *out)
{
	bool any = false;
	guint i;

	for (i = 0; i < facts->selectors->len; i++) {
		const struct rmt_selector_facts *selector = facts->selectors->pdata[i];
		bool good = selector->reason == RMT_DKIM_OK;

		if (selector->is_guess && !good)
			continue;
		any = true;
		if (good)
			rmt_report_line(
				out, "DKIM", "%s: %s, %u bits%s", selector->name,
				selector->type == RMT_DKIM_RSA ? "RSA" : "Ed25519",
				selector->bits,
				selector->is_our_key ? ", the key of the file" : "");
		else
			rmt_report_line(out, "DKIM", "%s: %s", selector->name,
					rmt_dkim_reason_text(selector->reason));
	}
	if (!any)
		rmt_report_line(out, "DKIM", "no selector is known");
}

static void put_dmarc(const struct rmt_facts *facts, GString *out)
{
	const struct rmt_dmarc_view *view = &rmt_dmarc_result(facts->dmarc)->tree;

	if (view->verdict == RMT_DMARC_TEMPERROR)
		rmt_report_line(out, "DMARC", "unknown, DNS did not answer");
	else if (view->verdict == RMT_DMARC_NO_POLICY)
		rmt_report_line(out, "DMARC", "none");
	else
		rmt_report_line(out, "DMARC", "%.*s (of %.*s)",
				RMT_SPAN_ARGS(view->record),
				RMT_SPAN_ARGS(view->policy_domain));
}

static void put_mx(const struct rmt_facts *facts, GString *out)
{
	g_autoptr(GString) hosts = g_string_new(NULL);
	size_t i;

	for (i = 0; i < rmt_lookup_count(&facts->mx); i++) {
		struct rmt_span host = rmt_lookup_value(&facts->mx, i);

		g_string_append_printf(hosts, "%s%.*s", i > 0 ? ", " : "",
				       RMT_SPAN_ARGS(host));
	}
	if (rmt_facts_null_mx(facts))
		g_string_append(hosts, ". (takes no mail)");
	rmt_report_line(out, "MX", "%s",
			hosts->len > 0 ? hosts->str : trouble(&facts->mx));
}

static void put_egress(const struct rmt_facts *facts, GString *out)
{
	guint i;

	for (i = 0; i < facts->egress->len; i++) {
		const struct rmt_egress_facts *egress = facts->egress->pdata[i];
		const struct rmt_spf_result *spf = rmt_spf_result(egress->spf);
		bool known;
		const char *name = rmt_egress_name(egress, &known);

		rmt_report_line(
			out, "egress", "%s: %s, SPF %s (%u look-ups)", egress->address,
			name != NULL ? name : (known ? "no name" : "name unknown"),
			rmt_spf_verdict_name(spf->result), spf->lookups);
	}
	if (facts->egress->len == 0)
		rmt_report_line(
			out, "egress",
			"none named, neither by --egress nor in the configuration");
}

/* --- verdicts
 * ---------------------------------------------------------------------------- */

static void put_judgement(const struct rmt_check *check, enum rmt_provider provider,
			  bool bulk, GString *out)
{
	struct rmt_judgement judgement;

	rmt_rules_judge(&check->findings, provider, bulk, &judgement);
	g_string_append_printf(out, "  %-10s %-9s ",
			       bulk ? "" : rmt_provider_name(provider),
			       bulk ? "bulk:" : "any mail:");
	if (judgement.verdict == RMT_REFUSES) {
		const char *reply = judgement.by->rule->replies[provider];

		g_string_append(out, "refuses for");
		rmt_report_rules(judgement.broken, out);
		if (reply != NULL)
			g_string_append_printf(out, ", with %s", reply);
	} else if (judgement.verdict == RMT_UNSURE) {
		g_string_append(out, "unknown, for want of an answer to");
		rmt_report_rules(judgement.unknown, out);
	} else {
		g_string_append(out, "nothing against it in what was checked");
	}
	g_string_append_c(out, '\n');
	if (!bulk || judgement.needed == 0)
		return;
	g_string_append_printf(out, "  %-10s %-9s", "", "open:");
	rmt_report_rules(judgement.needed, out);
	g_string_append_c(out, '\n');
}

static void put_verdicts(const struct rmt_check *check, GString *out)
{
	unsigned i;

	g_string_append(out, "\nverdicts\n");
	if (rmt_facts_parked(check->facts))
		g_string_append(
			out, "  every provider refuses mail from it, as its owner asks "
			     "(v=spf1 -all)\n");
	for (i = 0; i < RMT_PROVIDER_COUNT && !rmt_facts_parked(check->facts); i++) {
		put_judgement(check, i, false, out);
		put_judgement(check, i, true, out);
	}
}

void rmt_check_text(const struct rmt_check *check, GString *out)
{
	const struct rmt_facts *facts = check->facts;

	g_string_append_printf(out, "%s\n", facts->domain);
	put_zone(facts, out);
	put_spf(facts, out);
	put_dkim(facts, out);
	put_dmarc(facts, out);
	put_mx(facts, out);
	put_egress(facts, out);
	rmt_report_findings(&check->findings, out);
	put_verdicts(check, out);
}
