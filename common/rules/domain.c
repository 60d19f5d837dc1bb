/* SPDX-License-Identifier: MIT */
#include "common/rules/domain.h"

/* In the order of worth: the first that fits. */
static const char *what_it_needs(const struct rmt_rule *rule)
{
	if ((rule->sources & RMT_FROM_MESSAGE) != 0)
		return "needs a message: remite predict FILE";
	if ((rule->sources & RMT_FROM_HOST) != 0)
		return "needs Postfix's configuration: remite doctor";
	return "needs the log: bounces and complaints";
}

void rmt_rules_domain(const struct rmt_facts *facts, struct rmt_rule_findings *findings)
{
	static void (*const judges[RMT_RULE_END])(const struct rmt_facts *,
						  struct rmt_rule_findings *) = {
		[RMT_R1] = rmt_rule_spf_or_dkim,
		[RMT_R2] = rmt_rule_spf,
		[RMT_R3] = rmt_rule_spf_record,
		[RMT_R4] = rmt_rule_dkim,
		[RMT_R5] = rmt_rule_dmarc_record,
		[RMT_R8] = rmt_rule_free_mail,
		[RMT_R9] = rmt_rule_ptr,
		[RMT_R17] = rmt_rule_domain_exists,
		[RMT_R18] = rmt_rule_can_reply,
		[RMT_R19] = rmt_rule_scripts,
		[RMT_R_BIMI] = rmt_rule_bimi,
		[RMT_R_MTA_STS] = rmt_rule_mta_sts,
		[RMT_R_TLS_RPT] = rmt_rule_tls_rpt,
		[RMT_R_REPORTS] = rmt_rule_reports,
		[RMT_R_DNSSEC] = rmt_rule_dnssec,
		[RMT_R_DANE] = rmt_rule_dane,
		[RMT_R_CAA] = rmt_rule_caa,
	};
	unsigned i;

	for (i = RMT_R1; i < RMT_RULE_END; i++)
		if (judges[i] != NULL)
			judges[i](facts, findings);
		else
			rmt_rule_add(findings, i, RMT_RULE_NEEDS, facts->domain, "%s",
				     what_it_needs(rmt_rule_get(i)));
	rmt_rule_spf_text(facts, findings);
	rmt_rule_dmarc_text(facts, findings);
}
