/* SPDX-License-Identifier: MIT */
/* rules_transport.c - MTA-STS, TLS-RPT and DANE: how mail to the domain is carried. */
#include "common/auth/mta_sts.h"
#include "common/rules/domain.h"
#include "common/rules/optional.h"

enum { STS_ID_MAX = 32, STS_AGE_SHORT_SECS = 86400 };

/* --- MTA-STS -------------------------------------------------------------------- */

static bool is_sts_id(struct rmt_span id)
{
	size_t i;

	for (i = 0; i < id.len; i++)
		if (!g_ascii_isalnum(id.p[i]))
			return false;
	return id.len > 0 && id.len <= STS_ID_MAX;
}

static struct rmt_rule_finding *sts(const struct rmt_facts *facts,
				    struct rmt_rule_findings *findings,
				    enum rmt_rule_state state, const char *problem)
{
	return rmt_rule_add(findings, RMT_R_MTA_STS, state, facts->transport.mta_sts.name,
			    "%s", problem);
}

/* Servers that heed the policy deliver to none of these. */
static bool judge_hosts(const struct rmt_facts *facts,
			const struct rmt_sts_policy *policy,
			struct rmt_rule_findings *findings)
{
	const struct rmt_lookup *mx = &facts->reach.mx;
	bool all = true;
	size_t i;

	for (i = 0; i < rmt_lookup_count(mx); i++) {
		const struct rmt_span host = rmt_lookup_value(mx, i);

		if (rmt_sts_policy_allows(policy, host))
			continue;
		all = false;
		rmt_rule_add(findings, RMT_R_MTA_STS, RMT_RULE_BROKEN, mx->name,
			     "%.*s is an MX, and the policy does not list it",
			     RMT_SPAN_ARGS(host));
	}
	return all;
}

static void judge_policy(const struct rmt_facts *facts,
			 struct rmt_rule_findings *findings)
{
	const GString *text = facts->transport.policy;
	g_autofree char *problem = NULL;
	g_autoptr(GError) err = NULL;
	struct rmt_sts_policy policy;

	if (!rmt_sts_policy_read(rmt_span(text->str, text->len), &policy, &err)) {
		problem = g_strdup_printf("the policy: %s", err->message);
		sts(facts, findings, RMT_RULE_BROKEN, problem);
	} else if (policy.mode == RMT_STS_NONE || judge_hosts(facts, &policy, findings)) {
		problem = g_strdup_printf("policy of mode %s for %u s",
					  rmt_sts_mode_name(policy.mode),
					  policy.max_age_secs);
		sts(facts, findings, RMT_RULE_HOLDS, problem);
	}
	if (err == NULL && policy.mode == RMT_STS_TESTING)
		sts(facts, findings, RMT_RULE_BROKEN,
		    "mode testing protects nobody: once reports show no failure, go on "
		    "to enforce")
			->severity = RMT_SEVERITY_NOTE;
	if (err == NULL && policy.mode != RMT_STS_NONE &&
	    policy.max_age_secs < STS_AGE_SHORT_SECS)
		sts(facts, findings, RMT_RULE_BROKEN,
		    "max_age is below a day: who seldom writes never remembers the "
		    "policy")
			->severity = RMT_SEVERITY_NOTE;
	rmt_sts_policy_clear(&policy);
}

void rmt_rule_mta_sts(const struct rmt_facts *facts, struct rmt_rule_findings *findings)
{
	const struct rmt_transport *transport = &facts->transport;
	g_autofree char *problem = NULL;
	struct rmt_tags tags;

	if (!rmt_optional_read(&transport->mta_sts, RMT_SPAN("v=STSv1"), RMT_R_MTA_STS,
			       findings, &tags))
		return;
	if (!is_sts_id(rmt_tag(&tags, "id"))) {
		sts(facts, findings, RMT_RULE_BROKEN,
		    "id= is not of 1 to 32 letters and digits");
	} else if (transport->policy != NULL) {
		judge_policy(facts, findings);
	} else if (transport->trouble != NULL) {
		problem = g_strdup_printf("the policy cannot be had: %s",
					  transport->trouble);
		sts(facts, findings, RMT_RULE_BROKEN, problem);
	} else {
		sts(facts, findings, RMT_RULE_HOLDS,
		    "announces a policy (it was not fetched)");
	}
}

/* --- TLS-RPT -------------------------------------------------------------------- */

static bool is_report_address(struct rmt_span address)
{
	address = rmt_span_trim(address);
	return rmt_is_https(address) ||
	       (address.len > 7 && strncasecmp(address.p, "mailto:", 7) == 0 &&
		memchr(address.p, '@', address.len) != NULL);
}

static bool are_report_addresses(struct rmt_span list)
{
	struct rmt_span item, rest;

	while (rmt_span_split(list, ',', &item, &rest)) {
		if (!is_report_address(item))
			return false;
		list = rest;
	}
	return is_report_address(list);
}

void rmt_rule_tls_rpt(const struct rmt_facts *facts, struct rmt_rule_findings *findings)
{
	const struct rmt_lookup *txt = &facts->transport.tls_rpt;
	struct rmt_tags tags;

	if (!rmt_optional_read(txt, RMT_SPAN("v=TLSRPTv1"), RMT_R_TLS_RPT, findings,
			       &tags))
		return;
	if (!are_report_addresses(rmt_tag(&tags, "rua")))
		rmt_optional_broken(findings, RMT_R_TLS_RPT, txt,
				    "rua= is no list of mailto: and https:");
	else
		rmt_rule_add(findings, RMT_R_TLS_RPT, RMT_RULE_HOLDS, txt->name,
			     "asks for reports");
}

/* --- DANE ----------------------------------------------------------------------- */

/* RFC 7672, 3.1: usage DANE-TA (2) or DANE-EE (3); others are unusable for SMTP. */
static const char *tlsa_problem(struct rmt_span data)
{
	static const size_t digest[] = { 0, 32, 64 };
	const unsigned char *octets = (const unsigned char *)data.p;

	if (data.len < 4)
		return "is too short";
	if (octets[0] != 2 && octets[0] != 3)
		return "has a usage that mail servers do not heed (RFC 7672, 3.1.3: 3 1 "
		       "1 is best)";
	if (octets[1] > 1)
		return "has a selector nobody knows";
	if (octets[2] > 2)
		return "has a matching type nobody knows";
	if (octets[2] > 0 && data.len - 3 != digest[octets[2]])
		return "has a digest of the wrong length";
	return NULL;
}

static bool judge_records(const struct rmt_lookup *tlsa,
			  struct rmt_rule_findings *findings)
{
	bool usable = false;
	size_t i;

	for (i = 0; i < rmt_lookup_count(tlsa); i++) {
		const char *problem = tlsa_problem(rmt_lookup_value(tlsa, i));

		usable = usable || problem == NULL;
		if (problem != NULL)
			rmt_rule_add(findings, RMT_R_DANE, RMT_RULE_BROKEN, tlsa->name,
				     "a record %s", problem);
	}
	return usable;
}

static void judge_tlsa(const struct rmt_facts *facts, const struct rmt_lookup *tlsa,
		       struct rmt_rule_findings *findings)
{
	const bool validates = facts->transport.can_verify;

	if (tlsa->bogus)
		rmt_rule_add(findings, RMT_R_DANE, RMT_RULE_BROKEN, tlsa->name,
			     "does not validate, so servers that heed DANE do not "
			     "deliver");
	else if (rmt_dns_failed(tlsa->status))
		/* Not harmless: RFC 7672, 2.1.2 has senders wait. */
		rmt_rule_add(findings, RMT_R_DANE, RMT_RULE_UNKNOWN, tlsa->name,
			     "DNS did not answer");
	else if (tlsa->status != RMT_DNS_FOUND)
		rmt_rule_add(findings, RMT_R_DANE, RMT_RULE_HOLDS, tlsa->name,
			     "no record; it is optional");
	else if (!judge_records(tlsa, findings))
		return;
	else if (validates && (!tlsa->secure || !facts->reach.mx.secure))
		rmt_rule_add(findings, RMT_R_DANE, RMT_RULE_BROKEN, tlsa->name,
			     "DNSSEC does not vouch for %s, so nobody heeds it",
			     tlsa->secure ? "the MX record" : "the record");
	else
		rmt_rule_add(findings, RMT_R_DANE, RMT_RULE_HOLDS, tlsa->name,
			     "can be heeded%s",
			     validates ? ""
				       : " if DNSSEC vouches for it, which was not "
					 "checked");
}

/* Where one host has a record and another has none, who is in between makes senders
 * take the other. */
static void judge_gaps(const struct rmt_facts *facts, struct rmt_rule_findings *findings)
{
	const struct rmt_lookup *bare = NULL;
	bool any = false;
	guint i;

	for (i = 0; i < facts->transport.tlsa->len; i++) {
		const struct rmt_lookup *tlsa = facts->transport.tlsa->pdata[i];

		any = any || tlsa->status == RMT_DNS_FOUND;
		if (rmt_dns_void(tlsa->status))
			bare = tlsa;
	}
	if (any && bare != NULL)
		rmt_rule_add(findings, RMT_R_DANE, RMT_RULE_BROKEN, bare->name,
			     "has no record where another host of the MX has one");
}

void rmt_rule_dane(const struct rmt_facts *facts, struct rmt_rule_findings *findings)
{
	guint i;

	for (i = 0; i < facts->transport.tlsa->len; i++)
		judge_tlsa(facts, facts->transport.tlsa->pdata[i], findings);
	if (rmt_dns_failed(facts->reach.mx.status))
		rmt_rule_add(findings, RMT_R_DANE, RMT_RULE_UNKNOWN, facts->domain,
			     "DNS did not answer");
	else if (facts->transport.tlsa->len == 0)
		rmt_rule_add(findings, RMT_R_DANE, RMT_RULE_HOLDS, facts->domain,
			     "has no MX host to look at");
	judge_gaps(facts, findings);
}
