/* SPDX-License-Identifier: MIT */
/* rules_optional.c - records nobody must have: BIMI, MTA-STS, TLS-RPT. */
#include "common/auth/bimi.h"
#include "common/auth/dkim_tag.h"
#include "common/rules/domain.h"

enum { STS_ID_MAX = 32 };

/* Texts that begin with the version; text_r is the last of them. */
static size_t select_version(const struct rmt_lookup *txt, struct rmt_span version,
			     struct rmt_span *text_r)
{
	size_t i, found = 0;

	for (i = 0; i < rmt_lookup_count(txt); i++)
		if (rmt_span_starts(rmt_lookup_value(txt, i), version)) {
			*text_r = rmt_lookup_value(txt, i);
			found++;
		}
	return found;
}

/* What all three begin with. True: there is one record, and its tags are read. */
static bool read_one(const struct rmt_lookup *txt, struct rmt_span version,
		     enum rmt_rule_number number, struct rmt_rule_findings *findings,
		     struct rmt_tags *tags_r)
{
	struct rmt_span text = { NULL, 0 };
	size_t count = select_version(txt, version, &text);

	if (rmt_dns_failed(txt->status))
		rmt_rule_add(findings, number, RMT_RULE_UNKNOWN, txt->name,
			     "DNS did not answer");
	else if (count == 0)
		rmt_rule_add(findings, number, RMT_RULE_HOLDS, txt->name,
			     "no record; it is optional");
	else if (count > 1)
		rmt_rule_add(findings, number, RMT_RULE_BROKEN, txt->name,
			     "there is more than one record, so none counts");
	else if (!rmt_tags_parse(text, tags_r))
		rmt_rule_add(findings, number, RMT_RULE_BROKEN, txt->name,
			     "the record cannot be read");
	else
		return true;
	return false;
}

static void broken(struct rmt_rule_findings *findings, enum rmt_rule_number number,
		   const struct rmt_lookup *txt, const char *problem)
{
	rmt_rule_add(findings, number, RMT_RULE_BROKEN, txt->name, "%s", problem);
}

/* --- BIMI ------------------------------------------------------------------------------
 */

static bool is_https(struct rmt_span url)
{
	return url.len > 8 && strncasecmp(url.p, "https://", 8) == 0;
}

static bool dmarc_enforces(const struct rmt_facts *facts)
{
	const struct rmt_dmarc_view *view = &rmt_dmarc_result(facts->dmarc)->tree;

	return view->verdict == RMT_DMARC_PASS && !view->testing &&
	       (view->disposition == RMT_DMARC_QUARANTINE ||
		view->disposition == RMT_DMARC_REJECT);
}

static void judge_logo(const struct rmt_facts *facts, const struct rmt_lookup *txt,
		       struct rmt_rule_findings *findings)
{
	g_autoptr(GError) err = NULL;

	if (facts->bimi_logo.p == NULL)
		return;
	if (rmt_bimi_svg_check(facts->bimi_logo, &err))
		rmt_rule_add(findings, RMT_R_BIMI, RMT_RULE_HOLDS, txt->name,
			     "the logo keeps the profile SVG Tiny PS");
	else
		rmt_rule_add(findings, RMT_R_BIMI, RMT_RULE_BROKEN, txt->name,
			     "the logo: %s", err->message);
}

static void judge_mark(const struct rmt_facts *facts, const struct rmt_lookup *txt,
		       struct rmt_rule_findings *findings)
{
	struct rmt_span org = rmt_dmarc_result(facts->dmarc)->tree.org_domain;
	struct rmt_bimi_mark mark = { .has_usage = false };
	g_autoptr(GError) err = NULL;

	if (facts->bimi_mark.p == NULL)
		return;
	if (rmt_bimi_mark_read(facts->bimi_mark, facts->now, &mark, &err) &&
	    rmt_bimi_mark_check(&mark, rmt_span_of(facts->domain), org, facts->bimi_logo,
				&err))
		rmt_rule_add(findings, RMT_R_BIMI, RMT_RULE_HOLDS, txt->name,
			     "the mark certificate is for the domain (%s)",
			     mark.mark_type);
	else
		rmt_rule_add(findings, RMT_R_BIMI, RMT_RULE_BROKEN, txt->name,
			     "the mark certificate %s", err->message);
	rmt_bimi_mark_clear(&mark);
}

void rmt_rule_bimi(const struct rmt_facts *facts, struct rmt_rule_findings *findings)
{
	const struct rmt_lookup *txt =
		rmt_lookup_started(&facts->bimi_org) ? &facts->bimi_org : &facts->bimi;
	struct rmt_span logo, mark;
	struct rmt_tags tags;

	if (!read_one(txt, RMT_SPAN("v=BIMI1"), RMT_R_BIMI, findings, &tags))
		return;
	judge_logo(facts, txt, findings);
	judge_mark(facts, txt, findings);
	logo = rmt_tag(&tags, "l");
	mark = rmt_tag(&tags, "a");
	if (logo.p != NULL && logo.len == 0)
		rmt_rule_add(findings, RMT_R_BIMI, RMT_RULE_HOLDS, txt->name,
			     "says that no logo is to be shown");
	else if (!is_https(logo))
		broken(findings, RMT_R_BIMI, txt, "l= is no https address");
	else if (mark.len > 0 && !is_https(mark))
		broken(findings, RMT_R_BIMI, txt, "a= is no https address");
	else if (!dmarc_enforces(facts))
		broken(findings, RMT_R_BIMI, txt,
		       "no logo is shown before DMARC asks for quarantine or reject");
	else if (mark.len == 0)
		broken(findings, RMT_R_BIMI, txt,
		       "without a mark certificate (a=) Gmail and Apple show no logo");
	else
		rmt_rule_add(findings, RMT_R_BIMI, RMT_RULE_HOLDS, txt->name,
			     "names logo and certificate (neither was fetched)");
}

/* --- MTA-STS
 * ----------------------------------------------------------------------------- */

static bool is_sts_id(struct rmt_span id)
{
	size_t i;

	for (i = 0; i < id.len; i++)
		if (!g_ascii_isalnum(id.p[i]))
			return false;
	return id.len > 0 && id.len <= STS_ID_MAX;
}

void rmt_rule_mta_sts(const struct rmt_facts *facts, struct rmt_rule_findings *findings)
{
	const struct rmt_lookup *txt = &facts->mta_sts;
	struct rmt_tags tags;

	if (!read_one(txt, RMT_SPAN("v=STSv1"), RMT_R_MTA_STS, findings, &tags))
		return;
	if (!is_sts_id(rmt_tag(&tags, "id")))
		broken(findings, RMT_R_MTA_STS, txt,
		       "id= is not of 1 to 32 letters and digits");
	else
		rmt_rule_add(findings, RMT_R_MTA_STS, RMT_RULE_HOLDS, txt->name,
			     "announces a policy (it was not fetched)");
}

/* --- TLS-RPT
 * ----------------------------------------------------------------------------- */

static bool is_report_address(struct rmt_span address)
{
	address = rmt_span_trim(address);
	return is_https(address) ||
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
	const struct rmt_lookup *txt = &facts->tls_rpt;
	struct rmt_tags tags;

	if (!read_one(txt, RMT_SPAN("v=TLSRPTv1"), RMT_R_TLS_RPT, findings, &tags))
		return;
	if (!are_report_addresses(rmt_tag(&tags, "rua")))
		broken(findings, RMT_R_TLS_RPT, txt,
		       "rua= is no list of mailto: and https:");
	else
		rmt_rule_add(findings, RMT_R_TLS_RPT, RMT_RULE_HOLDS, txt->name,
			     "asks for reports");
}
