/* SPDX-License-Identifier: MIT */
#include "common/cli/finding.h"

static void finding_free(struct rmt_finding *finding)
{
	g_free(finding->place);
	g_free(finding->problem);
	g_free(finding->remedy);
	g_free(finding);
}

void rmt_findings_init(struct rmt_findings *findings)
{
	findings->list = g_ptr_array_new_with_free_func((GDestroyNotify)finding_free);
	findings->check = "";
}

void rmt_findings_finish(struct rmt_findings *findings)
{
	g_ptr_array_unref(findings->list);
}

void rmt_find(struct rmt_findings *findings, enum rmt_severity severity,
	      const char *place, const char *remedy, const char *format, ...)
{
	struct rmt_finding *finding = g_new0(struct rmt_finding, 1);
	va_list args;

	finding->check = findings->check;
	finding->severity = severity;
	finding->place = g_strdup(place);
	finding->remedy = g_strdup(remedy);
	va_start(args, format);
	finding->problem = g_strdup_vprintf(format, args);
	va_end(args);
	g_ptr_array_add(findings->list, finding);
}

unsigned rmt_findings_count(const struct rmt_findings *findings,
			    enum rmt_severity severity)
{
	unsigned count = 0;
	guint i;

	for (i = 0; i < findings->list->len; i++) {
		const struct rmt_finding *finding = g_ptr_array_index(findings->list, i);

		if (finding->severity >= severity)
			count++;
	}
	return count;
}
