/* SPDX-License-Identifier: MIT */
/* rules_bimi.c - the logo beside a message: its record, file and certificate. */
#include "common/auth/bimi.h"
#include "common/rules/domain.h"
#include "common/rules/optional.h"

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
				&err) &&
	    (facts->bimi_roots.p == NULL ||
	     rmt_bimi_mark_trusted(facts->bimi_mark, facts->bimi_roots, facts->now,
				   &err)))
		rmt_rule_add(findings, RMT_R_BIMI, RMT_RULE_HOLDS, txt->name,
			     "the mark certificate is for the domain (%s)%s",
			     mark.mark_type,
			     facts->bimi_roots.p != NULL
				     ? " and of a trusted authority"
				     : "; whose it is was not checked (--bimi-roots)");
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

	if (!rmt_optional_read(txt, RMT_SPAN("v=BIMI1"), RMT_R_BIMI, findings, &tags))
		return;
	judge_logo(facts, txt, findings);
	judge_mark(facts, txt, findings);
	logo = rmt_tag(&tags, "l");
	mark = rmt_tag(&tags, "a");
	if (logo.p != NULL && logo.len == 0)
		rmt_rule_add(findings, RMT_R_BIMI, RMT_RULE_HOLDS, txt->name,
			     "says that no logo is to be shown");
	else if (!rmt_is_https(logo))
		rmt_optional_broken(findings, RMT_R_BIMI, txt, "l= is no https address");
	else if (mark.len > 0 && !rmt_is_https(mark))
		rmt_optional_broken(findings, RMT_R_BIMI, txt, "a= is no https address");
	else if (!dmarc_enforces(facts))
		rmt_optional_broken(
			findings, RMT_R_BIMI, txt,
			"no logo is shown before DMARC asks for quarantine or reject");
	else if (mark.len == 0)
		rmt_optional_broken(
			findings, RMT_R_BIMI, txt,
			"without a mark certificate (a=) Gmail and Apple show no logo");
	else
		rmt_rule_add(findings, RMT_R_BIMI, RMT_RULE_HOLDS, txt->name,
			     "names logo and certificate (neither was fetched)");
}
