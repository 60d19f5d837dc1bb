/* SPDX-License-Identifier: MIT */
/* rules_names.c - R8, R9, R17, R18, R19: what names lead to. */
#include "common/message/idn.h"
#include "common/rules/domain.h"
#include "common/rules/names.h"
#include "common/rules/record.h"
#include "common/rules/scripts.h"

/* --- R8 -------------------------------------------------------------------------------
 */

void rmt_rule_free_mail(const struct rmt_facts *facts, struct rmt_rule_findings *findings)
{
	if (rmt_is_free_mail(rmt_span_of(facts->domain)))
		rmt_rule_add(findings, RMT_R8, RMT_RULE_BROKEN, facts->domain,
			     "is a free mailbox provider's: only its own hosts may send "
			     "for it");
	else
		rmt_rule_add(findings, RMT_R8, RMT_RULE_HOLDS, facts->domain,
			     "is no free mailbox provider's");
}

/* --- R9 -------------------------------------------------------------------------------
 */

static void add_no_ptr(const struct rmt_egress_facts *egress,
		       struct rmt_rule_findings *findings)
{
	bool named = egress->helo != NULL && rmt_dns_name_ok(rmt_span_of(egress->helo)) &&
		     rmt_dns_label_count(rmt_span_of(egress->helo)) >= 2;
	struct rmt_rule_finding *finding = rmt_rule_add(
		findings, RMT_R9, RMT_RULE_BROKEN, egress->address, "has no PTR record");

	if (named)
		finding->record =
			rmt_record(egress->ptr.name, "PTR", "%s.", egress->helo);
	else
		finding->remedy =
			g_strdup("have the network's owner set one; --helo NAME "
				 "shows the record");
}

static void add_not_back(const struct rmt_egress_facts *egress,
			 struct rmt_rule_findings *findings)
{
	const struct rmt_lookup *first = egress->names->pdata[0];

	rmt_rule_add(findings, RMT_R9, RMT_RULE_BROKEN, egress->address,
		     "its PTR record names %s, which does not have that address",
		     first->name)
		->record = rmt_record(first->name, egress->ip.is_v6 ? "AAAA" : "A", "%s",
				      egress->address);
}

static void judge_helo(const struct rmt_egress_facts *egress,
		       struct rmt_rule_findings *findings)
{
	const struct rmt_lookup *helo = &egress->helo_address;

	if (egress->helo == NULL || rmt_dns_failed(helo->status))
		return;
	if (rmt_dns_label_count(rmt_span_of(egress->helo)) < 2)
		rmt_rule_add(findings, RMT_R9, RMT_RULE_BROKEN, egress->address,
			     "HELO name '%s' is no full domain name", egress->helo)
			->severity = RMT_SEVERITY_WARNING;
	else if (helo->status != RMT_DNS_FOUND) {
		struct rmt_rule_finding *finding =
			rmt_rule_add(findings, RMT_R9, RMT_RULE_BROKEN, egress->address,
				     "HELO name %s has no address", egress->helo);

		finding->severity = RMT_SEVERITY_WARNING;
		finding->record = rmt_record(helo->name, egress->ip.is_v6 ? "AAAA" : "A",
					     "%s", egress->address);
	}
}

static void judge_address(const struct rmt_egress_facts *egress,
			  struct rmt_rule_findings *findings)
{
	bool known;
	const char *name = rmt_egress_name(egress, &known);

	if (name != NULL)
		rmt_rule_add(findings, RMT_R9, RMT_RULE_HOLDS, egress->address,
			     "is %s, there and back", name);
	else if (!known)
		rmt_rule_add(findings, RMT_R9, RMT_RULE_UNKNOWN, egress->address,
			     "DNS did not answer");
	else if (egress->names->len == 0)
		add_no_ptr(egress, findings);
	else
		add_not_back(egress, findings);
	if (name != NULL && rmt_is_generic_name(rmt_span_of(name), &egress->ip))
		rmt_rule_add(findings, RMT_R9, RMT_RULE_BROKEN, egress->address,
			     "%s looks like a name that networks give to customers", name)
			->severity = RMT_SEVERITY_WARNING;
	judge_helo(egress, findings);
}

void rmt_rule_ptr(const struct rmt_facts *facts, struct rmt_rule_findings *findings)
{
	guint i;

	if (rmt_facts_parked(facts))
		rmt_rule_add(findings, RMT_R9, RMT_RULE_NEEDS, facts->domain,
			     "the domain says that no mail comes from it");
	else if (facts->egress->len == 0)
		rmt_rule_add(findings, RMT_R9, RMT_RULE_NEEDS, facts->domain,
			     "needs the addresses mail leaves from: --egress ADDRESS");
	for (i = 0; i < facts->egress->len; i++)
		judge_address(facts->egress->pdata[i], findings);
}

/* --- R17, R18 (reach.c) ---------------------------------------------------------------
 */

static void no_mail(const struct rmt_facts *facts, enum rmt_rule_number number,
		    struct rmt_rule_findings *findings)
{
	rmt_rule_add(findings, number, RMT_RULE_NEEDS, facts->domain,
		     "the domain says that no mail comes from it");
}

void rmt_rule_domain_exists(const struct rmt_facts *facts,
			    struct rmt_rule_findings *findings)
{
	if (rmt_facts_parked(facts))
		no_mail(facts, RMT_R17, findings);
	else
		rmt_rule_resolves(&facts->reach, "", findings);
}

void rmt_rule_can_reply(const struct rmt_facts *facts, struct rmt_rule_findings *findings)
{
	if (!rmt_facts_parked(facts)) {
		rmt_rule_answerable(&facts->reach, "", findings);
		return;
	}
	no_mail(facts, RMT_R18, findings);
	if (facts->reach.mx.status == RMT_DNS_NODATA)
		rmt_rule_add(findings, RMT_R18, RMT_RULE_BROKEN, facts->domain,
			     "could say that it takes no mail either (RFC 7505)")
			->record = rmt_record(facts->domain, "MX", "0 .");
}

/* --- R19 ------------------------------------------------------------------------------
 */

void rmt_rule_scripts(const struct rmt_facts *facts, struct rmt_rule_findings *findings)
{
	g_autoptr(GString) unicode = g_string_new(NULL);

	if (!rmt_domain_unicode(rmt_span_of(facts->domain), unicode))
		rmt_rule_add(findings, RMT_R19, RMT_RULE_BROKEN, facts->domain,
			     "a label that begins with xn-- is none (RFC 5891)");
	else if (!rmt_scripts_ok(rmt_span(unicode->str, unicode->len)))
		rmt_rule_add(findings, RMT_R19, RMT_RULE_BROKEN, facts->domain,
			     "'%s' mixes scripts", unicode->str);
	else
		rmt_rule_add(findings, RMT_R19, RMT_RULE_HOLDS, facts->domain,
			     "each label keeps to one script");
}
