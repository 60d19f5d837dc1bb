/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "common/cli/batch.h"
#include "common/cli/cli.h"
#include "common/cli/report.h"

/* --- text -----------------------------------------------------------------------------
 */

static const char *remedy_of(const struct rmt_rule_finding *finding)
{
	return finding->remedy != NULL ? finding->remedy : finding->rule->remedy;
}

static void put_finding(const struct rmt_rule_finding *finding, GString *out)
{
	g_string_append_printf(out, "  %s %s, %s: %s\n", finding->rule->id,
			       finding->rule->name, finding->place, finding->problem);
}

/* Several findings with one remedy name it once, behind the last. */
static void put_remedy(const struct rmt_rule_finding *finding,
		       const struct rmt_rule_finding *next, GString *out)
{
	if (finding->record != NULL)
		g_string_append_printf(out, "      publish: %s\n", finding->record);
	else if (finding->severity > RMT_SEVERITY_NOTE &&
		 (next == NULL || next->record != NULL ||
		  strcmp(remedy_of(next), remedy_of(finding)) != 0))
		g_string_append_printf(out, "      remedy:  %s\n", remedy_of(finding));
}

static bool is_in(const struct rmt_rule_finding *finding, enum rmt_rule_state state,
		  int severity)
{
	return finding->state == state &&
	       (severity < 0 || (int)finding->severity == severity);
}

/* One heading and what stands under it; nothing where there is none. */
static void put_group(const struct rmt_rule_findings *findings, const char *title,
		      enum rmt_rule_state state, int severity, GString *out)
{
	g_autoptr(GPtrArray) group = g_ptr_array_new();
	guint i;

	for (i = 0; i < findings->list->len; i++)
		if (is_in(findings->list->pdata[i], state, severity))
			g_ptr_array_add(group, findings->list->pdata[i]);
	if (group->len > 0)
		g_string_append_printf(out, "\n%s\n", title);
	for (i = 0; i < group->len; i++) {
		put_finding(group->pdata[i], out);
		if (state == RMT_RULE_BROKEN)
			put_remedy(group->pdata[i],
				   i + 1 < group->len ? group->pdata[i + 1] : NULL, out);
	}
}

/* What needs the same thing stands on one line. */
static void put_needs(const struct rmt_rule_findings *findings, GString *out)
{
	g_autoptr(GHashTable) done = g_hash_table_new(g_str_hash, g_str_equal);
	guint i, j;

	for (i = 0; i < findings->list->len; i++) {
		const struct rmt_rule_finding *first = findings->list->pdata[i];

		if (first->state != RMT_RULE_NEEDS ||
		    !g_hash_table_add(done, first->problem))
			continue;
		if (g_hash_table_size(done) == 1)
			g_string_append(out, "\nnot checked\n");
		g_string_append(out, " ");
		for (j = i; j < findings->list->len; j++) {
			const struct rmt_rule_finding *next = findings->list->pdata[j];

			if (next->state == RMT_RULE_NEEDS &&
			    strcmp(next->problem, first->problem) == 0)
				g_string_append_printf(out, " %s", next->rule->id);
		}
		g_string_append_printf(out, ": %s\n", first->problem);
	}
}

void rmt_report_findings(const struct rmt_rule_findings *findings, GString *out)
{
	put_group(findings, "errors: providers refuse mail for these", RMT_RULE_BROKEN,
		  RMT_SEVERITY_ERROR, out);
	put_group(findings, "warnings: to be mended", RMT_RULE_BROKEN,
		  RMT_SEVERITY_WARNING, out);
	put_group(findings, "notes", RMT_RULE_BROKEN, RMT_SEVERITY_NOTE, out);
	put_group(findings, "unknown: DNS did not answer, so nothing is said of these",
		  RMT_RULE_UNKNOWN, -1, out);
	put_group(findings, "in order", RMT_RULE_HOLDS, -1, out);
	put_needs(findings, out);
}

void rmt_report_rules(uint64_t rules, GString *out)
{
	unsigned i;

	for (i = RMT_R1; i < RMT_RULE_END; i++)
		if ((rules >> i & 1) != 0)
			g_string_append_printf(out, " %s", rmt_rule_get(i)->id);
}

void rmt_report_line(GString *out, const char *label, const char *format, ...)
{
	g_autofree char *text = NULL;
	va_list args;
	char *p;

	va_start(args, format);
	text = g_strdup_vprintf(format, args);
	va_end(args);
	g_string_append_printf(out, "  %-12s ", label);
	for (p = text; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || (unsigned char)*p >= 0x7f)
			g_string_append_printf(out, "\\x%02x", (unsigned char)*p);
		else
			g_string_append_c(out, *p);
	g_string_append_c(out, '\n');
}

/* --- JSON -----------------------------------------------------------------------------
 */

static json_t *text_or_null(const char *text)
{
	return text != NULL ? rmt_batch_text(rmt_span_of(text)) : json_null();
}

static json_t *finding_json(const struct rmt_rule_finding *finding)
{
	bool broken = finding->state == RMT_RULE_BROKEN;
	json_t *out = json_object();

	json_object_set_new(out, "rule", json_string(finding->rule->id));
	json_object_set_new(out, "name", json_string(finding->rule->name));
	json_object_set_new(out, "state",
			    json_string(rmt_rule_state_name(finding->state)));
	if (broken)
		json_object_set_new(out, "severity",
				    json_string(rmt_severity_name(finding->severity)));
	json_object_set_new(out, "place", text_or_null(finding->place));
	json_object_set_new(out, "problem", text_or_null(finding->problem));
	if (broken) {
		json_object_set_new(out, "remedy", text_or_null(remedy_of(finding)));
		json_object_set_new(out, "record", text_or_null(finding->record));
	}
	return out;
}

json_t *rmt_report_findings_json(const struct rmt_rule_findings *findings)
{
	json_t *out = json_array();
	guint i;

	for (i = 0; i < findings->list->len; i++)
		json_array_append_new(out, finding_json(findings->list->pdata[i]));
	return out;
}

json_t *rmt_report_rules_json(uint64_t rules)
{
	json_t *out = json_array();
	unsigned i;

	for (i = RMT_R1; i < RMT_RULE_END; i++)
		if ((rules >> i & 1) != 0)
			json_array_append_new(out, json_string(rmt_rule_get(i)->id));
	return out;
}

json_t *rmt_report_judgement_json(const struct rmt_judgement *judgement,
				  enum rmt_provider provider)
{
	const struct rmt_rule_finding *by = judgement->by;
	json_t *out = json_object();

	json_object_set_new(out, "verdict",
			    json_string(rmt_provider_verdict_name(judgement->verdict)));
	json_object_set_new(out, "rule",
			    by != NULL ? json_string(by->rule->id) : json_null());
	json_object_set_new(out, "reply",
			    by != NULL ? text_or_null(by->rule->replies[provider])
				       : json_null());
	json_object_set_new(out, "broken", rmt_report_rules_json(judgement->broken));
	json_object_set_new(out, "flawed", rmt_report_rules_json(judgement->flawed));
	json_object_set_new(out, "unknown", rmt_report_rules_json(judgement->unknown));
	json_object_set_new(out, "not_checked", rmt_report_rules_json(judgement->needed));
	return out;
}

void rmt_report_json(json_t *object, GString *out)
{
	char *text = json_dumps(object, JSON_INDENT(2));

	g_string_append_printf(out, "%s\n", text);
	free(text);
	json_decref(object);
}

int rmt_report_status(const struct rmt_rule_findings *findings)
{
	bool unknown = false;
	guint i;

	for (i = 0; i < findings->list->len; i++) {
		const struct rmt_rule_finding *finding = findings->list->pdata[i];

		if (finding->state == RMT_RULE_BROKEN &&
		    finding->severity >= RMT_SEVERITY_WARNING)
			return RMT_EXIT_NO;
		unknown = unknown || finding->state == RMT_RULE_UNKNOWN;
	}
	return unknown ? RMT_EXIT_TROUBLE : RMT_EXIT_OK;
}
