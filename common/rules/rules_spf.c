/* SPDX-License-Identifier: MIT */
/* rules_spf.c - R1, R2, R3. */
#include "common/rules/domain.h"
#include "common/rules/names.h"
#include "common/rules/record.h"

enum { VOIDS_MAX = 2, LOOKUPS_MAX = 10, LOOKUPS_NEAR = 9 };

/* --- R1 -------------------------------------------------------------------------------
 */

struct spf_sum {
	unsigned pass, unknown, rest;
};

static struct spf_sum sum_spf(const struct rmt_facts *facts)
{
	struct spf_sum sum = { 0, 0, 0 };
	guint i;

	for (i = 0; i < facts->egress->len; i++) {
		const struct rmt_egress_facts *egress = facts->egress->pdata[i];
		enum rmt_spf_verdict verdict = rmt_spf_result(egress->spf)->result;

		sum.pass += verdict == RMT_SPF_PASS;
		sum.unknown += verdict == RMT_SPF_TEMPERROR;
		sum.rest += verdict != RMT_SPF_PASS && verdict != RMT_SPF_TEMPERROR;
	}
	return sum;
}

/* Nothing below _domainkey at all (RFC 8020), or no key under the names given. */
static bool surely_no_key(const struct rmt_facts *facts)
{
	guint i;

	if (facts->dkim_node.status == RMT_DNS_NXDOMAIN)
		return true;
	if (!facts->selectors_named)
		return false;
	for (i = 0; i < facts->selectors->len; i++) {
		const struct rmt_selector_facts *selector = facts->selectors->pdata[i];

		if (selector->reason == RMT_DKIM_OK || selector->reason == RMT_DKIM_DNS)
			return false;
	}
	return true;
}

static void add_parked(const struct rmt_facts *facts, enum rmt_rule_number number,
		       struct rmt_rule_findings *findings)
{
	rmt_rule_add(findings, number, RMT_RULE_NEEDS, facts->domain,
		     "the domain says that no mail comes from it");
}

void rmt_rule_spf_or_dkim(const struct rmt_facts *facts,
			  struct rmt_rule_findings *findings)
{
	struct spf_sum sum = sum_spf(facts);
	const char *domain = facts->mail_from_domain;

	if (rmt_facts_parked(facts))
		add_parked(facts, RMT_R1, findings);
	else if (sum.pass > 0 && sum.unknown + sum.rest == 0)
		rmt_rule_add(findings, RMT_R1, RMT_RULE_HOLDS, domain,
			     "SPF passes for every address mail leaves from");
	else if (rmt_facts_dkim_usable(facts))
		rmt_rule_add(findings, RMT_R1, RMT_RULE_NEEDS, domain,
			     "a DKIM key is published; whether mail is signed with it "
			     "takes a message");
	else if (sum.unknown > 0 || facts->dkim_node.status == RMT_DNS_TIMEOUT ||
		 facts->dkim_node.status == RMT_DNS_SERVFAIL)
		rmt_rule_add(findings, RMT_R1, RMT_RULE_UNKNOWN, domain,
			     "DNS did not answer");
	else if (sum.rest > 0 && surely_no_key(facts))
		rmt_rule_add(findings, RMT_R1, RMT_RULE_BROKEN, domain,
			     "SPF does not pass, and there is no DKIM key to sign with");
	else
		rmt_rule_add(findings, RMT_R1, RMT_RULE_NEEDS, domain,
			     "needs the addresses mail leaves from (--egress), or the "
			     "selector of its signatures (--selector)");
}

/* --- R2 -------------------------------------------------------------------------------
 */

/* It is nobody's but the provider's to change. */
static bool can_publish(const struct rmt_facts *facts)
{
	return *facts->mail_from_domain != '\0' &&
	       !rmt_is_free_mail(rmt_span_of(facts->mail_from_domain));
}

static void judge_egress(const struct rmt_facts *facts,
			 const struct rmt_egress_facts *egress,
			 struct rmt_rule_findings *findings)
{
	const struct rmt_spf_result *spf = rmt_spf_result(egress->spf);
	struct rmt_rule_finding *finding;

	if (spf->result == RMT_SPF_PASS)
		rmt_rule_add(findings, RMT_R2, RMT_RULE_HOLDS, egress->address,
			     "SPF of %.*s passes by '%.*s'", RMT_SPAN_ARGS(spf->domain),
			     RMT_SPAN_ARGS(spf->term));
	else if (spf->result == RMT_SPF_TEMPERROR)
		rmt_rule_add(findings, RMT_R2, RMT_RULE_UNKNOWN, egress->address,
			     "SPF of %.*s: %.*s", RMT_SPAN_ARGS(spf->domain),
			     RMT_SPAN_ARGS(spf->problem));
	else {
		finding = rmt_rule_add(findings, RMT_R2, RMT_RULE_BROKEN, egress->address,
				       spf->problem.len > 0 ? "SPF of %.*s: %s: %.*s"
							    : "SPF of %.*s says %s%.*s",
				       RMT_SPAN_ARGS(spf->domain),
				       rmt_spf_verdict_name(spf->result),
				       RMT_SPAN_ARGS(spf->problem));
		if (spf->result != RMT_SPF_PERMERROR && can_publish(facts))
			finding->record = rmt_record_spf(facts);
	}
}

static void judge_published(const struct rmt_facts *facts,
			    struct rmt_rule_findings *findings)
{
	const struct rmt_spf_survey *survey = &facts->survey;
	bool failed = survey->flaws->len > 0 &&
		      ((struct rmt_spf_survey_flaw *)survey->flaws->pdata[0])->flaw ==
			      RMT_SPF_NO_ANSWER;

	if (survey->records == 0 && failed)
		rmt_rule_add(findings, RMT_R2, RMT_RULE_UNKNOWN, facts->mail_from_domain,
			     "DNS did not answer");
	else if (survey->records == 0)
		rmt_rule_add(findings, RMT_R2, RMT_RULE_BROKEN, facts->mail_from_domain,
			     "has no SPF record")
			->remedy = g_strdup("say --egress ADDRESS to see the record that "
					    "is right for it");
	else
		rmt_rule_add(findings, RMT_R2, RMT_RULE_NEEDS, facts->mail_from_domain,
			     "needs the addresses mail leaves from: --egress ADDRESS");
}

void rmt_rule_spf(const struct rmt_facts *facts, struct rmt_rule_findings *findings)
{
	guint i;

	if (rmt_facts_parked(facts))
		add_parked(facts, RMT_R2, findings);
	else if (facts->egress->len == 0)
		judge_published(facts, findings);
	for (i = 0; i < facts->egress->len; i++)
		judge_egress(facts, facts->egress->pdata[i], findings);
}

/* --- R3 -------------------------------------------------------------------------------
 */

/* severity: in the domain's own record, and in one that it includes, which others
 * answer for (those of large providers do hold wide networks). */
static const struct flaw_row {
	enum rmt_severity own, included;
	const char *text, *remedy;
} flaw_rows[] = {
	[RMT_SPF_SEVERAL] = { RMT_SEVERITY_ERROR, RMT_SEVERITY_ERROR,
			      "has more than one SPF record, so none counts",
			      "join them into one" },
	[RMT_SPF_SYNTAX] = { RMT_SEVERITY_ERROR, RMT_SEVERITY_ERROR,
			     "cannot be read, so all of it is void",
			     "mend it; RFC 7208, 12 has the syntax" },
	[RMT_SPF_TARGET] = { RMT_SEVERITY_ERROR, RMT_SEVERITY_ERROR,
			     "names a domain without one SPF record",
			     "take the term out, or have that domain publish a record" },
	[RMT_SPF_LOOP] = { RMT_SEVERITY_ERROR, RMT_SEVERITY_ERROR, "leads in a circle",
			   "take the term out" },
	[RMT_SPF_PASS_ALL] = { RMT_SEVERITY_ERROR, RMT_SEVERITY_ERROR,
			       "lets everybody send",
			       "end the record with ~all or -all" },
	[RMT_SPF_PASS_ANY] = { RMT_SEVERITY_ERROR, RMT_SEVERITY_ERROR,
			       "is the whole internet", "name your own addresses only" },
	[RMT_SPF_WIDE] = { RMT_SEVERITY_ERROR, RMT_SEVERITY_NOTE,
			   "is a network wider than /16",
			   "name your own addresses only" },
	[RMT_SPF_USES_PTR] = { RMT_SEVERITY_ERROR, RMT_SEVERITY_WARNING,
			       "is not to be used (RFC 7208, 5.5)",
			       "name the addresses (ip4:, ip6:) in its place" },
	[RMT_SPF_MANY_MX] = { RMT_SEVERITY_ERROR, RMT_SEVERITY_ERROR,
			      "names a domain with more than 10 MX hosts",
			      "name the addresses (ip4:, ip6:) in its place" },
	[RMT_SPF_VOID] = { RMT_SEVERITY_WARNING, RMT_SEVERITY_NOTE, "finds nothing",
			   "take the term out" },
	[RMT_SPF_TOO_DEEP] = { RMT_SEVERITY_ERROR, RMT_SEVERITY_ERROR,
			       "leads to more names than are looked at",
			       "name the addresses (ip4:, ip6:) in its place" },
};

static void judge_flaw(const struct rmt_spf_survey_flaw *flaw,
		       struct rmt_rule_findings *findings)
{
	const struct flaw_row *row = &flaw_rows[flaw->flaw];
	struct rmt_rule_finding *finding;

	if (flaw->flaw == RMT_SPF_NO_ANSWER) {
		rmt_rule_add(findings, RMT_R3, RMT_RULE_UNKNOWN, flaw->domain,
			     "DNS did not answer");
		return;
	}
	if (flaw->flaw == RMT_SPF_SEVERAL)
		finding = rmt_rule_add(findings, RMT_R3, RMT_RULE_BROKEN, flaw->domain,
				       "%s", row->text);
	else
		finding = rmt_rule_add(findings, RMT_R3, RMT_RULE_BROKEN, flaw->domain,
				       "'%s' %s", flaw->text, row->text);
	finding->severity = flaw->depth == 0 ? row->own : row->included;
	finding->remedy = g_strdup(row->remedy);
}

/* Whose record it is: of the null sender, that of the HELO name. */
static const char *looked_at(const struct rmt_facts *facts)
{
	return *facts->mail_from_domain != '\0' ? facts->mail_from_domain : facts->helo;
}

static char *describe_costs(const struct rmt_spf_survey *survey)
{
	GString *out = g_string_new(NULL);
	guint i;

	for (i = 0; i < survey->costs->len; i++) {
		const struct rmt_spf_survey_cost *cost = survey->costs->pdata[i];

		g_string_append_printf(out, "%s%s %u", i > 0 ? ", " : "", cost->text,
				       cost->lookups);
	}
	return g_string_free(out, FALSE);
}

static bool judge_limits(const struct rmt_facts *facts,
			 struct rmt_rule_findings *findings)
{
	const struct rmt_spf_survey *survey = &facts->survey;
	g_autofree char *costs = describe_costs(survey);

	if (survey->lookups > LOOKUPS_MAX)
		rmt_rule_add(findings, RMT_R3, RMT_RULE_BROKEN, looked_at(facts),
			     "takes %u look-ups, and 10 are allowed (%s)",
			     survey->lookups, costs);
	if (survey->voids > VOIDS_MAX)
		rmt_rule_add(findings, RMT_R3, RMT_RULE_BROKEN, looked_at(facts),
			     "%u look-ups find nothing, and 2 are allowed", survey->voids)
			->severity = RMT_SEVERITY_WARNING;
	if (survey->lookups >= LOOKUPS_NEAR && survey->lookups <= LOOKUPS_MAX)
		rmt_rule_add(findings, RMT_R3, RMT_RULE_BROKEN, looked_at(facts),
			     "takes %u of the 10 look-ups that are allowed (%s)",
			     survey->lookups, costs)
			->severity = RMT_SEVERITY_NOTE;
	return survey->lookups > LOOKUPS_MAX || survey->voids > VOIDS_MAX;
}

void rmt_rule_spf_record(const struct rmt_facts *facts,
			 struct rmt_rule_findings *findings)
{
	const struct rmt_spf_survey *survey = &facts->survey;
	bool beyond = judge_limits(facts, findings);
	guint i;

	for (i = 0; i < survey->flaws->len; i++)
		judge_flaw(survey->flaws->pdata[i], findings);
	if (survey->all == '?' || (survey->records == 1 && survey->all == 0 &&
				   strstr(survey->text->str, "redirect=") == NULL))
		rmt_rule_add(findings, RMT_R3, RMT_RULE_BROKEN, looked_at(facts),
			     "does not say that others may not send")
			->severity = RMT_SEVERITY_NOTE;
	if (survey->records == 0 && survey->flaws->len == 0)
		rmt_rule_add(findings, RMT_R3, RMT_RULE_NEEDS, looked_at(facts),
			     "there is no SPF record");
	else if (!beyond && survey->flaws->len == 0)
		rmt_rule_add(findings, RMT_R3, RMT_RULE_HOLDS, looked_at(facts),
			     "%u of 10 look-ups in the worst case", survey->lookups);
}
