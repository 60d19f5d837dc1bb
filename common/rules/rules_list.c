/* SPDX-License-Identifier: MIT */
/* rules_list.c - R13, R14, R16's mark: what bulk mail needs so that people can leave. */
#include <glib.h>

#include "common/message/header.h"
#include "common/rules/body_text.h"
#include "common/rules/header.h"

/* --- R13 -------------------------------------------------------------------------- */

/* What the fields say, signed or not; NULL: one click is offered. */
static const char *offer_problem(const struct rmt_header_facts *header,
				 const struct rmt_header_field *list_field)
{
	struct rmt_header_field post = { .value = { NULL, 0 } };
	struct rmt_list_unsubscribe list;
	enum rmt_one_click result;
	bool http;

	if (!rmt_header_first(header, "List-Unsubscribe-Post", &post))
		post.value = rmt_span(NULL, 0);
	rmt_list_unsubscribe_read(list_field->value, &list);
	result = rmt_one_click_judge(&list, post.value);
	http = list.http_count > 0;
	rmt_list_unsubscribe_clear(&list);
	if (result != RMT_ONE_CLICK_OK)
		return rmt_one_click_text(result);
	return http ? "List-Unsubscribe has an http: address (RFC 8058, 3.1)" : NULL;
}

static void judge_coverage(const struct rmt_covered *covered,
			   struct rmt_rule_findings *findings)
{
	const char *place = "List-Unsubscribe";

	switch (covered->result) {
	case RMT_COVERED_ONE_CLICK:
		rmt_rule_add(findings, RMT_R13, RMT_RULE_HOLDS, place,
			     "one click, signed by %s", covered->domain);
		break;
	case RMT_COVERED_UNKNOWN:
		rmt_rule_add(findings, RMT_R13, RMT_RULE_UNKNOWN, place,
			     "DNS did not answer");
		break;
	case RMT_COVERED_MAILTO:
	case RMT_COVERED_NOTHING:
		rmt_rule_add(findings, RMT_R13, RMT_RULE_BROKEN, place,
			     "of what the signature covers: %s",
			     rmt_one_click_text(covered->one_click));
		break;
	default:
		rmt_rule_add(findings, RMT_R13, RMT_RULE_BROKEN, place, "%s",
			     rmt_covered_text(covered->result));
	}
}

void rmt_rule_one_click(const struct rmt_header_facts *header,
			struct rmt_rule_findings *findings)
{
	const char *place = "List-Unsubscribe", *problem;
	struct rmt_header_field field;

	if (!rmt_header_first(header, "List-Unsubscribe", &field)) {
		rmt_rule_add(findings, RMT_R13, RMT_RULE_BROKEN, place, "is missing");
		return;
	}
	problem = offer_problem(header, &field);
	if (problem != NULL)
		rmt_rule_add(findings, RMT_R13, RMT_RULE_BROKEN, place, "%s", problem);
	else if (header->unsubscribe == NULL)
		rmt_rule_add(findings, RMT_R13, RMT_RULE_NEEDS, place,
			     "signatures are not verified here");
	else
		judge_coverage(header->unsubscribe, findings);
}

/* --- R14 -----------------------------------------------------------------------------
 */

/* What such links are called, in lower case. */
static const char *const words[] = {
	"unsubscribe",
	"opt out",
	"opt-out",
	"optout",
	"email preferences",
	"abmelden",
	"abbestellen",
	"abmeldung",
	"darse de baja",
	"darme de baja",
	"cancelar la suscripci",
	"cancelar suscripci",
	"désabonner",
	"désinscrire",
	"d&eacute;sabonner",
	"disiscriv",
	"cancella iscrizione",
	"cancelar inscri",
	"uitschrijven",
	"afmelden",
	"wypisz",
	"avregistrera",
	"afmeld",
};

void rmt_rule_unsubscribe_link(const struct rmt_header_facts *header,
			       struct rmt_rule_findings *findings)
{
	g_autoptr(GString) text = g_string_new(NULL);
	enum rmt_body_text kind;
	size_t i;

	if (header->text.p == NULL) {
		rmt_rule_add(findings, RMT_R14, RMT_RULE_NEEDS, "body", "is not known");
		return;
	}
	kind = rmt_body_text(header->section, header->text, text);
	for (i = 0; i < G_N_ELEMENTS(words); i++)
		if (strstr(text->str, words[i]) != NULL) {
			rmt_rule_add(findings, RMT_R14, RMT_RULE_HOLDS, "body",
				     "says '%s'", words[i]);
			return;
		}
	if (kind == RMT_BODY_CODED)
		rmt_rule_add(findings, RMT_R14, RMT_RULE_NEEDS, "body",
			     "is encoded in a way that is not undone here");
	else if (kind == RMT_BODY_NO_TEXT)
		rmt_rule_add(findings, RMT_R14, RMT_RULE_NEEDS, "body",
			     "has no text in its beginning");
	else
		rmt_rule_add(findings, RMT_R14, RMT_RULE_BROKEN, "body",
			     "has no link or word to unsubscribe in its beginning");
}

/* --- R16
 * --------------------------------------------------------------------------------- */

enum { FEEDBACK_PARTS_MAX = 4, SENDER_MIN = 5, SENDER_MAX = 15 };

/* Gmail's a:b:c:sender. */
static const char *feedback_problem(struct rmt_span value)
{
	struct rmt_span text = rmt_span_trim(value), before, sender = text;
	size_t i, parts = 1;

	for (i = 0; i < text.len; i++)
		parts += text.p[i] == ':';
	rmt_span_split_last(text, ':', &before, &sender);
	if (parts > FEEDBACK_PARTS_MAX)
		return "has more than four parts";
	if (sender.len < SENDER_MIN || sender.len > SENDER_MAX)
		return "ends without a sender's mark of 5 to 15 characters (a:b:c:mark)";
	return NULL;
}

void rmt_rule_feedback_id(const struct rmt_header_facts *header,
			  struct rmt_rule_findings *findings)
{
	struct rmt_header_field field;
	const char *problem = "is missing: Gmail tells complaints by it";

	if (rmt_header_first(header, "Feedback-ID", &field))
		problem = feedback_problem(field.value);
	if (problem == NULL)
		rmt_rule_add(findings, RMT_R16, RMT_RULE_HOLDS, "Feedback-ID",
			     "is there");
	else
		rmt_rule_add(findings, RMT_R16, RMT_RULE_BROKEN, "Feedback-ID", "%s",
			     problem)
			->severity = RMT_SEVERITY_NOTE;
}
