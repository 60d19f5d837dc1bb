/* SPDX-License-Identifier: MIT */
/* rules_spf_text.c - R3: what of an SPF record's text does not do what it seems to. */
#include "common/auth/spf_record.h"
#include "common/rules/domain.h"

enum { GOOD_MAX = 450, SHOWN_MAX = 60, NOTES_MAX = 8 };

static struct rmt_span shown(struct rmt_span text)
{
	return rmt_span(text.p, MIN(text.len, SHOWN_MAX));
}

/* RFC 7208, 5.1 and 6.1: nothing behind all is evaluated, nor is redirect= beside it. */
static void judge_end(const struct rmt_facts *facts, struct rmt_rule_findings *findings)
{
	g_autoptr(GArray) terms = g_array_new(FALSE, FALSE, sizeof(struct rmt_spf_term));
	guint most = findings->list->len + NOTES_MAX, i;
	const GString *text = facts->survey.text;
	struct rmt_spf_record record;
	struct rmt_span wrong;
	bool has_all = false;

	if (!rmt_spf_record_parse(rmt_span(text->str, text->len), &record, terms, &wrong))
		return;
	for (i = 0; i < terms->len && findings->list->len < most; i++) {
		const struct rmt_spf_term *term =
			&g_array_index(terms, struct rmt_spf_term, i);

		if (has_all)
			rmt_rule_note(
				findings, RMT_R3, facts->mail_from_domain,
				"'%.*s' stands behind 'all', so it is never looked at",
				RMT_SPAN_ARGS(
					shown(rmt_spf_part(text->str, term->text))));
		has_all = has_all || term->mechanism == RMT_SPF_ALL;
	}
	if (has_all && record.redirect.len > 0)
		rmt_rule_note(findings, RMT_R3, facts->mail_from_domain,
			      "redirect= stands beside 'all', so it is never followed");
}

static bool contains(struct rmt_span text, const char *word)
{
	g_autofree char *lower = g_ascii_strdown(text.p, (gssize)text.len);

	return strstr(lower, word) != NULL;
}

/* Meant for a record, but RFC 7208, 4.5 passes it over. */
static void judge_strays(const struct rmt_facts *facts,
			 struct rmt_rule_findings *findings)
{
	guint most = findings->list->len + NOTES_MAX;
	size_t i;

	for (i = 0; i < rmt_lookup_count(&facts->txt) && findings->list->len < most;
	     i++) {
		struct rmt_span text = rmt_lookup_value(&facts->txt, i);

		if (rmt_spf_is_record(text))
			continue;
		if (contains(text, "spf2.0/"))
			rmt_rule_note(findings, RMT_R3, facts->domain,
				      "'%.*s' is of Sender ID, which is long dead: take "
				      "it out",
				      RMT_SPAN_ARGS(shown(text)));
		else if (contains(text, "v=spf"))
			rmt_rule_note(findings, RMT_R3, facts->domain,
				      "'%.*s' is no SPF record: it must begin with "
				      "'v=spf1' and a blank",
				      RMT_SPAN_ARGS(shown(text)));
	}
}

void rmt_rule_spf_text(const struct rmt_facts *facts, struct rmt_rule_findings *findings)
{
	const struct rmt_spf_survey *survey = &facts->survey;

	judge_strays(facts, findings);
	if (survey->records != 1)
		return;
	if (survey->text->len > GOOD_MAX)
		rmt_rule_note(
			findings, RMT_R3, facts->mail_from_domain,
			"has %zu octets, and 450 fit into any answer (RFC 7208, 3.4)",
			survey->text->len);
	judge_end(facts, findings);
}
