/* SPDX-License-Identifier: MIT */
/* Whatever comes in, the result keeps the promises of report.h. */
#include <glib.h>
#include <stdint.h>

#include "common/report/report.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_event(const struct rmt_report_event *event)
{
	g_assert(event->recipient != NULL && strlen(event->recipient) <= 512);
	g_assert(event->class < RMT_CLASSES && event->rule != NULL);
	g_assert(strlen(event->status) < sizeof(event->status));
	g_assert(strlen(event->reply) == 0 || strlen(event->reply) == 3);
	if (event->hard)
		g_assert(event->action == RMT_ACTION_FAILED &&
			 (event->class == RMT_CLASS_DEAD_ADDRESS ||
			  event->class == RMT_CLASS_DEAD_DOMAIN));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct rmt_report_reader *reader;
	/* A copy of its own, so that an over-read shows. */
	g_autofree char *copy = g_memdup2(data, size);
	g_autoptr(rmt_report) report = NULL;
	guint i;

	if (reader == NULL)
		reader = rmt_report_reader_new();
	report = rmt_report_read(reader, rmt_span(copy, size));
	g_assert(report->events->len <= RMT_REPORT_EVENTS_MAX);
	for (i = 0; i < report->events->len; i++)
		check_event(g_ptr_array_index(report->events, i));
	return 0;
}
