/* SPDX-License-Identifier: MIT */
/* rules.c - the list of what was found. */
#include "common/rules/rules.h"

enum { SHOWN_MAX = 600 };

static void finding_free(struct rmt_rule_finding *finding)
{
	g_free(finding->place);
	g_free(finding->problem);
	g_free(finding->record);
	g_free(finding->remedy);
	g_free(finding);
}

void rmt_rule_findings_init(struct rmt_rule_findings *findings)
{
	findings->list = g_ptr_array_new_with_free_func((GDestroyNotify)finding_free);
}

void rmt_rule_findings_clear(struct rmt_rule_findings *findings)
{
	g_clear_pointer(&findings->list, g_ptr_array_unref);
}

/* Quotes and backslashes stay as they are: these are sentences, not log values. */
static char *printable(const char *text)
{
	char *copy = g_utf8_make_valid(text, (gssize)strnlen(text, SHOWN_MAX)), *p;

	for (p = copy; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
	return copy;
}

static struct rmt_rule_finding *add(struct rmt_rule_findings *findings,
				    enum rmt_rule_number number,
				    enum rmt_rule_state state, const char *place,
				    const char *format, va_list args) G_GNUC_PRINTF(5, 0);

static struct rmt_rule_finding *add(struct rmt_rule_findings *findings,
				    enum rmt_rule_number number,
				    enum rmt_rule_state state, const char *place,
				    const char *format, va_list args)
{
	struct rmt_rule_finding *finding = g_new0(struct rmt_rule_finding, 1);
	g_autofree char *problem = g_strdup_vprintf(format, args);

	finding->rule = rmt_rule_get(number);
	finding->state = state;
	finding->severity = finding->rule->severity;
	finding->place = printable(place);
	finding->problem = printable(problem);
	g_ptr_array_add(findings->list, finding);
	return finding;
}

struct rmt_rule_finding *rmt_rule_add(struct rmt_rule_findings *findings,
				      enum rmt_rule_number number,
				      enum rmt_rule_state state, const char *place,
				      const char *format, ...)
{
	struct rmt_rule_finding *finding;
	va_list args;

	va_start(args, format);
	finding = add(findings, number, state, place, format, args);
	va_end(args);
	return finding;
}

void rmt_rule_note(struct rmt_rule_findings *findings, enum rmt_rule_number number,
		   const char *place, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add(findings, number, RMT_RULE_BROKEN, place, format, args)->severity =
		RMT_SEVERITY_NOTE;
	va_end(args);
}

/* Broken ones first, the worst before the others; then what is not known. */
static int weight(const struct rmt_rule_finding *finding)
{
	static const int of_state[] = {
		[RMT_RULE_BROKEN] = 0,
		[RMT_RULE_UNKNOWN] = 10,
		[RMT_RULE_NEEDS] = 20,
		[RMT_RULE_HOLDS] = 30,
	};
	int state = of_state[finding->state];

	return state == 0 ? RMT_SEVERITY_ERROR - (int)finding->severity : state;
}

static gint compare(gconstpointer a, gconstpointer b)
{
	const struct rmt_rule_finding *left = *(struct rmt_rule_finding *const *)a;
	const struct rmt_rule_finding *right = *(struct rmt_rule_finding *const *)b;
	int difference = weight(left) - weight(right);

	return difference != 0 ? difference
			       : (int)left->rule->number - (int)right->rule->number;
}

void rmt_rule_findings_sort(struct rmt_rule_findings *findings)
{
	g_ptr_array_sort(findings->list, compare); /* stable, GLib promises */
}

const char *rmt_rule_state_name(enum rmt_rule_state state)
{
	static const char *const names[] = { "holds", "broken", "unknown",
					     "not-checked" };

	return names[state];
}
