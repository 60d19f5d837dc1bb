/* SPDX-License-Identifier: MIT */
/* domain.h - the rules that DNS alone can judge: facts in, findings out.
 *
 * Each function judges the rule it is named after, and adds at least one finding.
 * Rules that take a message, Postfix's configuration or a log say so (NEEDS).
 */
#ifndef RMT_DOMAIN_RULES_H
#define RMT_DOMAIN_RULES_H

#include "common/rules/facts.h"
#include "common/rules/rules.h"

/* All of them, in the table's order. */
void rmt_rules_domain(const struct rmt_facts *facts, struct rmt_rule_findings *findings);

/* rules_spf.c */
void rmt_rule_spf_or_dkim(const struct rmt_facts *facts,
			  struct rmt_rule_findings *findings); /* R1 */
void rmt_rule_spf(const struct rmt_facts *facts,
		  struct rmt_rule_findings *findings); /* R2 */
void rmt_rule_spf_record(const struct rmt_facts *facts,
			 struct rmt_rule_findings *findings); /* R3 */

/* What of their texts does not do what it seems to: notes for R3 and R5.
 * rules_spf_text.c, rules_dmarc_text.c */
void rmt_rule_spf_text(const struct rmt_facts *facts, struct rmt_rule_findings *findings);
void rmt_rule_dmarc_text(const struct rmt_facts *facts,
			 struct rmt_rule_findings *findings);

/* rules_dkim.c */
void rmt_rule_dkim(const struct rmt_facts *facts,
		   struct rmt_rule_findings *findings); /* R4 */
/* A key that Gmail and Outlook can verify with is published. */
bool rmt_facts_dkim_usable(const struct rmt_facts *facts);

/* rules_dmarc.c */
void rmt_rule_dmarc_record(const struct rmt_facts *facts,
			   struct rmt_rule_findings *findings); /* R5 */

/* rules_names.c */
void rmt_rule_free_mail(const struct rmt_facts *facts,
			struct rmt_rule_findings *findings); /* R8 */
void rmt_rule_ptr(const struct rmt_facts *facts,
		  struct rmt_rule_findings *findings); /* R9 */
void rmt_rule_domain_exists(const struct rmt_facts *facts,
			    struct rmt_rule_findings *findings); /* R17 */
void rmt_rule_can_reply(const struct rmt_facts *facts,
			struct rmt_rule_findings *findings); /* R18 */
void rmt_rule_scripts(const struct rmt_facts *facts,
		      struct rmt_rule_findings *findings); /* R19 */

/* Records nobody must have: rules_bimi.c */
void rmt_rule_bimi(const struct rmt_facts *facts, struct rmt_rule_findings *findings);

/* rules_transport.c */
void rmt_rule_mta_sts(const struct rmt_facts *facts, struct rmt_rule_findings *findings);
void rmt_rule_tls_rpt(const struct rmt_facts *facts, struct rmt_rule_findings *findings);
void rmt_rule_dane(const struct rmt_facts *facts, struct rmt_rule_findings *findings);

/* rules_dnssec.c */
void rmt_rule_dnssec(const struct rmt_facts *facts, struct rmt_rule_findings *findings);
void rmt_rule_caa(const struct rmt_facts *facts, struct rmt_rule_findings *findings);

/* rules_reports.c */
void rmt_rule_reports(const struct rmt_facts *facts, struct rmt_rule_findings *findings);

#endif
