/* SPDX-License-Identifier: MIT */
/* rules_dnssec.c - DNSSEC and CAA: who vouches for the names themselves. */
#include "common/rules/domain.h"

/* --- DNSSEC --------------------------------------------------------------------- */

static struct rmt_rule_finding *dnssec(struct rmt_rule_findings *findings,
				       enum rmt_rule_state state, const char *name,
				       const char *problem)
{
	return rmt_rule_add(findings, RMT_R_DNSSEC, state, name, "%s", problem);
}

static bool any_bogus(const struct rmt_facts *facts)
{
	return facts->reach.mx.bogus || facts->reach.a.bogus || facts->transport.ds.bogus;
}

static void judge_signed(const struct rmt_facts *facts,
			 struct rmt_rule_findings *findings)
{
	const char *zone = facts->transport.ds.name;

	if (!facts->transport.can_verify)
		dnssec(findings, RMT_RULE_HOLDS, zone,
		       "is signed; whether answers validate was not checked "
		       "(dns.trust_anchors)");
	else if (facts->reach.mx.secure)
		dnssec(findings, RMT_RULE_HOLDS, zone, "is signed, and answers validate");
	else
		dnssec(findings, RMT_RULE_BROKEN, zone,
		       "has a DS record above it, and answers are not signed");
}

void rmt_rule_dnssec(const struct rmt_facts *facts, struct rmt_rule_findings *findings)
{
	const struct rmt_lookup *ds = &facts->transport.ds;

	if (any_bogus(facts))
		dnssec(findings, RMT_RULE_BROKEN, facts->domain,
		       "answers do not validate: whoever checks sees no domain at all")
			->severity = RMT_SEVERITY_ERROR;
	else if (!rmt_lookup_started(ds))
		dnssec(findings, RMT_RULE_NEEDS, facts->domain, "its zone is not known");
	else if (rmt_dns_failed(ds->status))
		dnssec(findings, RMT_RULE_UNKNOWN, ds->name, "DNS did not answer");
	else if (ds->status == RMT_DNS_FOUND)
		judge_signed(facts, findings);
	else
		dnssec(findings, RMT_RULE_HOLDS, ds->name,
		       "is not signed; it is optional, but DANE needs it");
}

/* --- CAA ------------------------------------------------------------------------ */

struct caa {
	bool critical;
	struct rmt_span tag, value;
};

/* RFC 8659, 4.1 */
static bool read_caa(struct rmt_span data, struct caa *caa)
{
	size_t i, len;

	if (data.len < 3)
		return false;
	len = (unsigned char)data.p[1];
	if (len == 0 || len > data.len - 2)
		return false;
	caa->critical = ((unsigned char)data.p[0] & 128) != 0;
	caa->tag = rmt_span(data.p + 2, len);
	caa->value = rmt_span_from(data, 2 + len);
	for (i = 0; i < len; i++)
		if (!g_ascii_isalnum(caa->tag.p[i]))
			return false;
	return true;
}

static bool is_known_tag(struct rmt_span tag)
{
	/* RFC 8659, RFC 9495, the BIMI group, CA/Browser Forum */
	static const char *const tags[] = { "issue",       "issuewild", "iodef",
					    "issuemail",   "issuevmc",  "contactemail",
					    "contactphone" };
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(tags); i++)
		if (rmt_span_eq_nocase(tag, rmt_span_of(tags[i])))
			return true;
	return false;
}

static const char *caa_problem(struct rmt_span data, struct caa *caa)
{
	if (!read_caa(data, caa))
		return "a record cannot be read";
	if (caa->critical && !is_known_tag(caa->tag))
		return "a critical record has a tag nobody knows, so no authority may "
		       "issue";
	return NULL;
}

/* "ca.example; validationmethods=dns-01": up to the semicolon. */
static void append_issuer(GString *out, const struct caa *caa)
{
	struct rmt_span issuer = caa->value, rest;

	if (!rmt_span_eq_nocase(caa->tag, RMT_SPAN("issue")))
		return;
	rmt_span_split(caa->value, ';', &issuer, &rest);
	issuer = rmt_span_trim(issuer);
	g_string_append_printf(out, "%s%.*s", out->len > 0 ? ", " : "",
			       RMT_SPAN_ARGS(issuer));
	if (issuer.len == 0)
		g_string_append(out, "nobody");
}

/* False: it has a flaw, and findings of it were added where they are wanted. */
static bool judge_set(const struct rmt_lookup *set, GString *issuers,
		      struct rmt_rule_findings *findings)
{
	bool good = true;
	size_t i;

	for (i = 0; i < rmt_lookup_count(set); i++) {
		struct caa caa;
		const char *problem = caa_problem(rmt_lookup_value(set, i), &caa);

		if (problem == NULL)
			append_issuer(issuers, &caa);
		else if (findings != NULL)
			rmt_rule_add(findings, RMT_R_CAA, RMT_RULE_BROKEN, set->name,
				     "%s", problem);
		good = good && problem == NULL;
	}
	return good;
}

static void judge_name(const struct rmt_facts *facts, struct rmt_span name,
		       struct rmt_rule_findings *findings)
{
	g_autoptr(GString) issuers = g_string_new(NULL);
	g_autofree char *text = g_strndup(name.p, name.len);
	const struct rmt_lookup *set;
	bool known;

	set = rmt_transport_caa(&facts->transport, name, &known);
	if (set == NULL && !known)
		rmt_rule_add(findings, RMT_R_CAA, RMT_RULE_UNKNOWN, text,
			     "DNS did not answer");
	else if (set == NULL)
		rmt_rule_add(findings, RMT_R_CAA, RMT_RULE_HOLDS, text,
			     "no record, so any authority may issue certificates; it is "
			     "optional");
	else if (judge_set(set, issuers, NULL))
		rmt_rule_add(findings, RMT_R_CAA, RMT_RULE_HOLDS, text,
			     "certificates may be issued by %s (record of %s)",
			     issuers->len > 0 ? issuers->str : "any authority",
			     set->name);
}

/* Several names may share a set: its flaws are told once. */
static void judge_sets(const struct rmt_facts *facts, struct rmt_rule_findings *findings)
{
	g_autoptr(GString) issuers = g_string_new(NULL);
	guint i;

	for (i = 0; i < facts->transport.caa->len; i++)
		judge_set(facts->transport.caa->pdata[i], issuers, findings);
}

/* Of the domain, and of the hosts its mail is brought to. */
void rmt_rule_caa(const struct rmt_facts *facts, struct rmt_rule_findings *findings)
{
	const struct rmt_lookup *mx = &facts->reach.mx;
	size_t i;

	judge_sets(facts, findings);
	judge_name(facts, rmt_span_of(facts->domain), findings);
	if (rmt_reach_null_mx(&facts->reach))
		return;
	for (i = 0; i < MIN(rmt_lookup_count(mx), RMT_REACH_HOSTS_MAX); i++)
		judge_name(facts, rmt_lookup_value(mx, i), findings);
}
