/* SPDX-License-Identifier: MIT */
/* rules_dmarc_text.c - R5: what of a DMARC record's text does not do what it seems to. */
#include "common/auth/dmarc_record.h"
#include "common/rules/domain.h"

enum { SHOWN_MAX = 60, REPORTS_USUAL = 2, NOTES_MAX = 8 };

static struct rmt_span shown(struct rmt_span text)
{
	return rmt_span(text.p, MIN(text.len, SHOWN_MAX));
}

/* What the tags take (RFC 9989, 4.7); several: with ':' between. */
static const struct tag {
	const char *name;
	const char *values; /* with blanks around; NULL: anything */
	const char *note;   /* said of every record that has it; or NULL */
} tags[] = {
	{ "v", NULL, NULL },
	{ "p", " none quarantine reject ", NULL },
	{ "sp", " none quarantine reject ", NULL },
	{ "np", " none quarantine reject ", NULL },
	{ "adkim", " r s ", NULL },
	{ "aspf", " r s ", NULL },
	{ "fo", " 0 1 d s ", NULL },
	{ "psd", " y n u ", NULL },
	{ "t", " y n ", NULL },
	{ "rua", NULL, NULL },
	{ "ruf", NULL, NULL },
	{ "pct", NULL, "older receivers alone heed it: RFC 9989 has t=y in its place" },
	{ "rf", NULL, "RFC 9989 has taken it out" },
	{ "ri", NULL, "RFC 9989 has taken it out" },
};

static const struct tag *find_tag(struct rmt_span name)
{
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(tags); i++)
		if (rmt_span_eq_nocase(name, rmt_span_of(tags[i].name)))
			return &tags[i];
	return NULL;
}

static bool is_value(const struct tag *tag, struct rmt_span value)
{
	g_autofree char *lower = g_ascii_strdown(value.p, (gssize)value.len);
	g_auto(GStrv) words = g_strsplit(lower, ":", -1);
	bool all = words[0] != NULL;
	size_t i;

	if (strcmp(tag->name, "fo") != 0 && words[0] != NULL && words[1] != NULL)
		return false;
	for (i = 0; words[i] != NULL; i++) {
		g_autofree char *word = g_strdup_printf(" %s ", g_strstrip(words[i]));

		all = all && strlen(word) > 2 && strstr(tag->values, word) != NULL;
	}
	return all;
}

static void judge_reports(const char *place, struct rmt_span name, struct rmt_span list,
			  struct rmt_rule_findings *findings)
{
	guint most = findings->list->len + NOTES_MAX;
	size_t count = 0;

	while (list.len > 0 && findings->list->len < most) {
		struct rmt_span uri = list;

		if (!rmt_span_split(list, ',', &uri, &list))
			list.len = 0;
		uri = rmt_span_trim(uri);
		count++;
		if (!rmt_dmarc_uri_ok(uri))
			rmt_rule_note(findings, RMT_R5, place,
				      "%.*s: '%.*s' is no address for reports: write "
				      "mailto:user@domain",
				      RMT_SPAN_ARGS(name), RMT_SPAN_ARGS(shown(uri)));
		else if (memchr(uri.p, '!', uri.len) != NULL)
			rmt_rule_note(findings, RMT_R5, place,
				      "%.*s: receivers pass over the size behind '!' "
				      "(RFC 9990)",
				      RMT_SPAN_ARGS(name));
	}
	if (count > REPORTS_USUAL)
		rmt_rule_note(findings, RMT_R5, place,
			      "%.*s: some send to the first two addresses only",
			      RMT_SPAN_ARGS(name));
}

static void judge_tag(const char *place, struct rmt_span name, struct rmt_span value,
		      struct rmt_rule_findings *findings)
{
	const struct tag *tag = find_tag(name);

	if (name.len == 0 && value.len > 0)
		rmt_rule_note(findings, RMT_R5, place, "'%.*s' is no tag: it has no '='",
			      RMT_SPAN_ARGS(shown(value)));
	else if (name.len > 0 && tag == NULL)
		rmt_rule_note(findings, RMT_R5, place,
			      "tag '%.*s' is unknown, so it is passed over",
			      RMT_SPAN_ARGS(shown(name)));
	if (tag == NULL)
		return;
	if (tag->note != NULL)
		rmt_rule_note(findings, RMT_R5, place, "tag '%s': %s", tag->name,
			      tag->note);
	if (tag->values != NULL && !is_value(tag, value))
		rmt_rule_note(findings, RMT_R5, place, "%s=%.*s is not one of%.*s",
			      tag->name, RMT_SPAN_ARGS(shown(value)),
			      (int)strlen(tag->values) - 1, tag->values);
	if (strcmp(tag->name, "rua") == 0 || strcmp(tag->name, "ruf") == 0)
		judge_reports(place, name, value, findings);
}

static void judge_record(const char *place, struct rmt_span text,
			 struct rmt_rule_findings *findings)
{
	struct rmt_span rest = text, name, value;
	guint most = findings->list->len + NOTES_MAX;
	struct rmt_dmarc_record record;
	unsigned at = 0;

	for (; findings->list->len < most && rmt_dmarc_next_tag(&rest, &name, &value);
	     at++) {
		judge_tag(place, name, value, findings);
		if (at > 1 && rmt_span_eq_nocase(name, RMT_SPAN("p")))
			rmt_rule_note(
				findings, RMT_R5, place,
				"p= should stand right behind v=: older receivers (RFC "
				"7489, "
				"6.4) look for it there");
	}
	if (rmt_dmarc_record_parse(text, &record) && record.sp == RMT_DMARC_NONE &&
	    record.p > RMT_DMARC_NONE)
		rmt_rule_note(
			findings, RMT_R5, place,
			"sp=none: mail in the name of any subdomain is not protected");
}

/* Other texts beside a record: receivers pass over them, some programs do not. */
static void judge_beside(const struct rmt_lookup *txt, struct rmt_rule_findings *findings)
{
	size_t count = MIN(rmt_lookup_count(txt), NOTES_MAX), i;
	struct rmt_dns_record records[RMT_LOOKUP_VALUES_MAX];
	struct rmt_dns_answer answer = rmt_lookup_answer(txt, records);
	struct rmt_dmarc_record record;
	struct rmt_span text;

	if (rmt_dmarc_select(&answer, &text) == 0)
		return;
	for (i = 0; i < count; i++) {
		text = rmt_lookup_value(txt, i);
		if (!rmt_dmarc_record_parse(text, &record))
			rmt_rule_note(findings, RMT_R5, txt->name,
				      "'%.*s' is no DMARC record, and does not belong "
				      "there",
				      RMT_SPAN_ARGS(shown(text)));
	}
}

/* A record where nobody looks for it. */
static void judge_apex(const struct rmt_facts *facts, struct rmt_rule_findings *findings)
{
	struct rmt_dmarc_record record;
	size_t i;

	for (i = 0; i < rmt_lookup_count(&facts->txt); i++)
		if (rmt_dmarc_record_parse(rmt_lookup_value(&facts->txt, i), &record)) {
			rmt_rule_note(findings, RMT_R5, facts->txt.name,
				      "a DMARC record stands at the domain itself, where "
				      "nobody looks: it belongs to _dmarc.%s",
				      facts->domain);
			return;
		}
}

void rmt_rule_dmarc_text(const struct rmt_facts *facts,
			 struct rmt_rule_findings *findings)
{
	const struct rmt_dmarc_view *view = &rmt_dmarc_result(facts->dmarc)->tree;
	g_autofree char *place =
		g_strdup_printf("_dmarc.%.*s", RMT_SPAN_ARGS(view->policy_domain));

	if (view->record.len > 0)
		judge_record(place, view->record, findings);
	judge_beside(&facts->dmarc_txt, findings);
	judge_apex(facts, findings);
}
