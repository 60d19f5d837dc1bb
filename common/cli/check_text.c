/* SPDX-License-Identifier: MIT */
/* check_text.c - what `remite check` says to people: facts, findings, verdicts. */
#include "common/auth/mta_sts.h"
#include "common/cli/check.h"
#include "common/cli/report.h"

enum { RECORD_SHOWN = 400, HOSTS_SHOWN = 12 };

/* --- facts
 * ------------------------------------------------------------------------------ */

static const char *trouble(const struct rmt_lookup *lookup)
{
	return rmt_dns_failed(lookup->status) ? "unknown, DNS did not answer" : "none";
}

/* A record of a line or two; of a longer one its beginning, for the JSON has it all. */
static void put_record(GString *out, const char *label, struct rmt_span text,
		       const char *behind)
{
	if (text.len <= RECORD_SHOWN)
		rmt_report_line(out, label, "%.*s%s", RMT_SPAN_ARGS(text), behind);
	else
		rmt_report_line(out, label, "%.*s ... (%zu octets in all)%s",
				RECORD_SHOWN, text.p, text.len, behind);
}

static void put_zone(const struct rmt_facts *facts, GString *out)
{
	struct rmt_span org = rmt_dmarc_result(facts->dmarc)->tree.org_domain;
	bool known;
	const char *zone = rmt_reach_zone(&facts->reach, &known);

	if (org.len > 0)
		rmt_report_line(out, "organisation", "%.*s", RMT_SPAN_ARGS(org));
	if (facts->reach.mx.status == RMT_DNS_NXDOMAIN)
		rmt_report_line(out, "zone", "none: there is no such domain");
	else
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
		put_record(out, "SPF", rmt_span(spf->text->str, spf->text->len), "");
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
	g_autofree char *of =
		g_strdup_printf(" (of %.*s)", RMT_SPAN_ARGS(view->policy_domain));

	if (view->verdict == RMT_DMARC_TEMPERROR)
		rmt_report_line(out, "DMARC", "unknown, DNS did not answer");
	else if (view->verdict == RMT_DMARC_NO_POLICY)
		rmt_report_line(out, "DMARC", "none");
	else
		put_record(out, "DMARC", view->record, of);
}

static void put_mx(const struct rmt_facts *facts, GString *out)
{
	size_t count = rmt_lookup_count(&facts->reach.mx), i;
	g_autoptr(GString) hosts = g_string_new(NULL);

	for (i = 0; i < MIN(count, HOSTS_SHOWN); i++) {
		struct rmt_span host = rmt_lookup_value(&facts->reach.mx, i);

		g_string_append_printf(hosts, "%s%.*s", i > 0 ? ", " : "",
				       RMT_SPAN_ARGS(host));
	}
	if (count > HOSTS_SHOWN)
		g_string_append_printf(hosts, " and %zu more", count - HOSTS_SHOWN);
	if (rmt_reach_null_mx(&facts->reach))
		g_string_append(hosts, ". (takes no mail)");
	rmt_report_line(out, "MX", "%s",
			hosts->len > 0 ? hosts->str : trouble(&facts->reach.mx));
}

/* What is said of the record, and of what stands behind it. */
static void put_sts(const struct rmt_facts *facts, GString *out)
{
	const struct rmt_transport *transport = &facts->transport;
	g_autoptr(GError) err = NULL;
	struct rmt_sts_policy policy;

	if (!rmt_transport_has_sts(transport)) {
		rmt_report_line(out, "MTA-STS", "%s", trouble(&transport->mta_sts));
		return;
	}
	if (transport->policy == NULL) {
		rmt_report_line(out, "MTA-STS", "announced; policy %s",
				transport->trouble != NULL ? "not to be had"
							   : "not fetched");
		return;
	}
	if (rmt_sts_policy_read(rmt_span(transport->policy->str, transport->policy->len),
				&policy, &err))
		rmt_report_line(out, "MTA-STS", "%s, for %u s",
				rmt_sts_mode_name(policy.mode), policy.max_age_secs);
	else
		rmt_report_line(out, "MTA-STS", "announced; policy not readable");
	rmt_sts_policy_clear(&policy);
}

static void put_dnssec(const struct rmt_facts *facts, GString *out)
{
	const struct rmt_transport *transport = &facts->transport;

	if (facts->reach.mx.bogus)
		rmt_report_line(out, "DNSSEC", "answers do not validate");
	else if (!rmt_lookup_started(&transport->ds))
		rmt_report_line(out, "DNSSEC", "unknown, the zone is not known");
	else if (transport->ds.status != RMT_DNS_FOUND)
		rmt_report_line(out, "DNSSEC", "%s", trouble(&transport->ds));
	else
		rmt_report_line(out, "DNSSEC", "signed, %s",
				facts->reach.mx.secure  ? "validated"
				: transport->can_verify ? "but answers are not"
							: "not validated here");
}

static void put_dane(const struct rmt_facts *facts, GString *out)
{
	guint i, found = 0;

	for (i = 0; i < facts->transport.tlsa->len; i++) {
		const struct rmt_lookup *tlsa = facts->transport.tlsa->pdata[i];

		found += tlsa->status == RMT_DNS_FOUND;
	}
	if (found > 0)
		rmt_report_line(out, "DANE", "TLSA records of %u of %u MX hosts", found,
				facts->transport.tlsa->len);
	else
		rmt_report_line(out, "DANE", "%s",
				facts->transport.tlsa->len > 0
					? "none"
					: trouble(&facts->reach.mx));
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
	put_sts(facts, out);
	put_dnssec(facts, out);
	put_dane(facts, out);
	put_egress(facts, out);
	rmt_report_findings(&check->findings, out);
	put_verdicts(check, out);
}
