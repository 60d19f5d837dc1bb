/* SPDX-License-Identifier: MIT */
/* rules_dkim.c - R4, as far as keys go. */
#include "common/rules/domain.h"
#include "common/rules/record.h"

enum { BITS_MIN = 1024 };

static bool is_usable(const struct rmt_selector_facts *selector)
{
	return selector->reason == RMT_DKIM_OK && selector->type == RMT_DKIM_RSA &&
	       selector->bits >= BITS_MIN;
}

bool rmt_facts_dkim_usable(const struct rmt_facts *facts)
{
	guint i;

	for (i = 0; i < facts->selectors->len; i++)
		if (is_usable(facts->selectors->pdata[i]))
			return true;
	return false;
}

static char *our_record(const struct rmt_facts *facts,
			const struct rmt_selector_facts *selector)
{
	g_autoptr(GString) text = g_string_new(NULL);

	if (facts->key == NULL)
		return NULL;
	rmt_dkim_public_format(facts->key, text);
	return rmt_record_txt(selector->txt.name, rmt_span(text->str, text->len));
}

/* What is wrong beside a key that can be used hurts less. */
static struct rmt_rule_finding *add_flaw(const struct rmt_facts *facts,
					 const struct rmt_selector_facts *selector,
					 struct rmt_rule_findings *findings,
					 const char *problem)
{
	struct rmt_rule_finding *finding = rmt_rule_add(
		findings, RMT_R4, RMT_RULE_BROKEN, selector->txt.name, "%s", problem);

	if (rmt_facts_dkim_usable(facts))
		finding->severity = RMT_SEVERITY_WARNING;
	return finding;
}

static void judge_rsa(const struct rmt_facts *facts,
		      const struct rmt_selector_facts *selector,
		      struct rmt_rule_findings *findings)
{
	g_autofree char *small = g_strdup_printf(
		"the RSA key has %u bits, and 1024 are asked for", selector->bits);

	if (selector->bits < BITS_MIN) {
		add_flaw(facts, selector, findings, small);
		return;
	}
	rmt_rule_add(findings, RMT_R4, RMT_RULE_HOLDS, selector->txt.name,
		     "publishes an RSA key of %u bits%s", selector->bits,
		     selector->is_guess ? " (a usual name; nobody named it)" : "");
	if (selector->bits < RMT_DKIM_BITS_GOOD)
		rmt_rule_add(findings, RMT_R4, RMT_RULE_BROKEN, selector->txt.name,
			     "the RSA key has %u bits; 2048 are recommended",
			     selector->bits)
			->severity = RMT_SEVERITY_NOTE;
}

static void judge_key(const struct rmt_facts *facts,
		      const struct rmt_selector_facts *selector,
		      struct rmt_rule_findings *findings)
{
	if (selector->type == RMT_DKIM_RSA)
		judge_rsa(facts, selector, findings);
	else if (rmt_facts_dkim_usable(facts))
		rmt_rule_add(findings, RMT_R4, RMT_RULE_HOLDS, selector->txt.name,
			     "publishes an Ed25519 key beside RSA");
	else
		add_flaw(
			facts, selector, findings,
			"publishes an Ed25519 key and no RSA key stands beside it: Gmail "
			"and Outlook do not verify it");
	if (selector->testing)
		rmt_rule_add(findings, RMT_R4, RMT_RULE_BROKEN, selector->txt.name,
			     "the key says t=y, so some treat its mail as unsigned")
			->severity = RMT_SEVERITY_NOTE;
	if (facts->key != NULL && !selector->is_our_key && !selector->is_guess)
		rmt_rule_add(findings, RMT_R4, RMT_RULE_BROKEN, selector->txt.name,
			     "the published key is not that of the key file")
			->record = our_record(facts, selector);
}

static void judge_selector(const struct rmt_facts *facts,
			   const struct rmt_selector_facts *selector,
			   struct rmt_rule_findings *findings)
{
	if (selector->reason == RMT_DKIM_OK)
		judge_key(facts, selector, findings);
	else if (selector->is_guess)
		return;
	else if (selector->reason == RMT_DKIM_DNS)
		rmt_rule_add(findings, RMT_R4, RMT_RULE_UNKNOWN, selector->txt.name,
			     "DNS did not answer");
	else
		add_flaw(facts, selector, findings,
			 rmt_dkim_reason_text(selector->reason))
			->record = our_record(facts, selector);
}

/* Nobody named a selector, and none of the usual ones has a key. */
static void judge_node(const struct rmt_facts *facts, struct rmt_rule_findings *findings)
{
	if (rmt_facts_parked(facts))
		rmt_rule_add(findings, RMT_R4, RMT_RULE_NEEDS, facts->domain,
			     "the domain says that no mail comes from it");
	else if (rmt_dns_failed(facts->dkim_node.status))
		rmt_rule_add(findings, RMT_R4, RMT_RULE_UNKNOWN, facts->dkim_node.name,
			     "DNS did not answer");
	else if (facts->dkim_node.status == RMT_DNS_NXDOMAIN)
		rmt_rule_add(
			findings, RMT_R4, RMT_RULE_BROKEN, facts->dkim_node.name,
			"does not exist, so no DKIM key is published for the domain");
	else
		rmt_rule_add(
			findings, RMT_R4, RMT_RULE_NEEDS, facts->dkim_node.name,
			"holds selectors that nobody named: --selector NAME, as s= of "
			"a DKIM-Signature says");
}

void rmt_rule_dkim(const struct rmt_facts *facts, struct rmt_rule_findings *findings)
{
	guint i, before = findings->list->len;

	for (i = 0; i < facts->selectors->len; i++)
		judge_selector(facts, facts->selectors->pdata[i], findings);
	if (findings->list->len == before)
		judge_node(facts, findings);
}
