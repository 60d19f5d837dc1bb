/* SPDX-License-Identifier: MIT */
#include "postfix-policy/milter/outcome.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/base/log.h"

void rmt_outcome_init(struct rmt_outcome *outcome)
{
	outcome->count = 0;
	outcome->level = outcome->done = RMT_LEVEL_OFF;
	outcome->why = NULL;
	outcome->open = NULL;
}

void rmt_outcome_add_va(struct rmt_outcome *outcome, enum rmt_level level,
			const char *rule, const char *code, const char *format,
			va_list args)
{
	g_autoptr(GString) shown = NULL;
	g_autofree char *text = NULL;
	struct rmt_found *found;

	if (level == RMT_LEVEL_OFF || outcome->count == RMT_FINDINGS_MAX)
		return;
	text = g_strdup_vprintf(format, args);
	shown = g_string_new(NULL);
	rmt_log_printable(shown, rmt_span_of(text), RMT_FINDING_TEXT_MAX - 8);
	found = &outcome->found[outcome->count++];
	found->level = level;
	g_strlcpy(found->rule, rule, sizeof(found->rule));
	g_strlcpy(found->code, code, sizeof(found->code));
	g_strlcpy(found->text, shown->str, sizeof(found->text));
}

void rmt_outcome_add(struct rmt_outcome *outcome, enum rmt_level level, const char *rule,
		     const char *code, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	rmt_outcome_add_va(outcome, level, rule, code, format, args);
	va_end(args);
}

enum rmt_level rmt_outcome_highest(const struct rmt_outcome *outcome)
{
	enum rmt_level highest = RMT_LEVEL_OFF;
	size_t i;

	for (i = 0; i < outcome->count; i++)
		highest = MAX(highest, outcome->found[i].level);
	return highest;
}

void rmt_outcome_decide(struct rmt_outcome *outcome, enum rmt_mode mode)
{
	size_t i;

	outcome->level = rmt_outcome_highest(outcome);
	outcome->why = NULL;
	for (i = 0; i < outcome->count && outcome->why == NULL; i++)
		if (outcome->found[i].level == outcome->level)
			outcome->why = &outcome->found[i];
	outcome->done = outcome->level;
	if (mode == RMT_MODE_REPORT)
		outcome->done = MIN(outcome->level, RMT_LEVEL_LOG);
}

/* --- words ---------------------------------------------------------------------- */

void rmt_outcome_rules(const struct rmt_outcome *outcome, GString *out)
{
	size_t i, k;

	for (i = 0; i < outcome->count; i++) {
		for (k = 0; k < i; k++)
			if (strcmp(outcome->found[k].rule, outcome->found[i].rule) == 0)
				break;
		if (k == i)
			g_string_append_printf(out, "%s%s", i > 0 ? "," : "",
					       outcome->found[i].rule);
	}
	if (outcome->count == 0)
		g_string_append_c(out, '-');
}

/* RFC 5321, 4.2.3: 552 is about storage and sizes, as is X.3.4. */
static const char *basic_code(const struct rmt_found *found)
{
	if (found->level == RMT_LEVEL_DEFER)
		return "451";
	return strcmp(found->code, "3.4") == 0 ? "552" : "550";
}

void rmt_outcome_reply(const struct rmt_outcome *outcome, struct rmt_reply *reply_r)
{
	const struct rmt_found *why = outcome->why;

	g_strlcpy(reply_r->code, basic_code(why), sizeof(reply_r->code));
	snprintf(reply_r->status, sizeof(reply_r->status), "%c.%s",
		 why->level == RMT_LEVEL_DEFER ? '4' : '5', why->code);
	snprintf(reply_r->text, sizeof(reply_r->text), "%s (rule %s)", why->text,
		 why->rule);
}

void rmt_outcome_field(const struct rmt_outcome *outcome, GString *out)
{
	size_t i;

	for (i = 0; i < outcome->count; i++)
		if (outcome->found[i].level >= RMT_LEVEL_HEADER)
			g_string_append_printf(
				out, "%s%s: %s", out->len > 0 ? ";\n\t" : "",
				outcome->found[i].rule, outcome->found[i].text);
}
