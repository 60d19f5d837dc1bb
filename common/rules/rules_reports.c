/* SPDX-License-Identifier: MIT */
/* rules_reports.c - do DMARC's reports get to where they are asked for? */
#include "common/auth/dmarc_record.h"
#include "common/rules/domain.h"
#include "common/rules/record.h"

/* Who takes reports about others says so (RFC 9990, 4; RFC 7489, 7.1). */
static bool permits(const struct rmt_lookup *permit)
{
	struct rmt_dns_record records[RMT_LOOKUP_VALUES_MAX];
	struct rmt_dns_answer answer = rmt_lookup_answer(permit, records);
	struct rmt_span text;

	return rmt_dmarc_select(&answer, &text) > 0;
}

static void judge_foreign(const struct rmt_report_facts *report,
			  struct rmt_rule_findings *findings)
{
	const struct rmt_lookup *permit = &report->permit;

	if (rmt_dns_failed(permit->status))
		rmt_rule_add(findings, RMT_R_REPORTS, RMT_RULE_UNKNOWN, report->domain,
			     "DNS did not answer");
	else if (permits(permit))
		rmt_rule_add(findings, RMT_R_REPORTS, RMT_RULE_HOLDS, report->domain,
			     "says that it takes the reports");
	else
		rmt_rule_add(findings, RMT_R_REPORTS, RMT_RULE_BROKEN, report->domain,
			     "has not said that it takes reports about this domain, so "
			     "none are sent there")
			->record = rmt_record_txt(permit->name, RMT_SPAN("v=DMARC1;"));
}

static bool is_null_mx(const struct rmt_lookup *mx)
{
	return rmt_lookup_count(mx) == 1 && rmt_lookup_value(mx, 0).len == 0;
}

static bool takes_mail(const struct rmt_report_facts *report)
{
	return rmt_dns_failed(report->mx.status) || rmt_dns_failed(report->a.status) ||
	       (report->mx.status == RMT_DNS_FOUND && !is_null_mx(&report->mx)) ||
	       (report->mx.status != RMT_DNS_FOUND && report->a.status == RMT_DNS_FOUND);
}

void rmt_rule_reports(const struct rmt_facts *facts, struct rmt_rule_findings *findings)
{
	guint i;

	if (rmt_dmarc_result(facts->dmarc)->tree.verdict == RMT_DMARC_TEMPERROR)
		rmt_rule_add(findings, RMT_R_REPORTS, RMT_RULE_UNKNOWN,
			     facts->dmarc_txt.name, "DNS did not answer");
	else if (facts->reports->len == 0)
		rmt_rule_add(findings, RMT_R_REPORTS, RMT_RULE_HOLDS,
			     facts->dmarc_txt.name, "no address for reports to look at");
	for (i = 0; i < facts->reports->len; i++) {
		const struct rmt_report_facts *report = facts->reports->pdata[i];

		if (!takes_mail(report))
			rmt_rule_add(findings, RMT_R_REPORTS, RMT_RULE_BROKEN,
				     report->domain,
				     "takes no mail, so reports get nowhere");
		if (report->is_foreign)
			judge_foreign(report, findings);
		else if (takes_mail(report))
			rmt_rule_add(findings, RMT_R_REPORTS, RMT_RULE_HOLDS,
				     report->domain,
				     "is of the same organisation: reports need no "
				     "leave");
	}
}
