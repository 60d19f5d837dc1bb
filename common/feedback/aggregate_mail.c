/* SPDX-License-Identifier: MIT */
/* Aggregate reports come as attachments, under many types: what begins like gzip, zip
 * or XML and reads as a report is one. */
#include <string.h>

#include "common/base/log.h"
#include "common/feedback/aggregate.h"
#include "common/report/parts.h"

struct search {
	GString *buffer;              /* own */
	struct rmt_aggregate *report; /* own; the first; or NULL */
};

static bool may_be_one(const struct rmt_part *part)
{
	static const char *const types[] = {
		"application/gzip",
		"application/x-gzip",
		"application/zip",
		"application/x-zip",
		"application/x-zip-compressed",
		"application/octet-stream",
		"application/xml",
		"text/xml",
	};
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(types); i++)
		if (strcmp(part->type, types[i]) == 0)
			return true;
	return false;
}

static bool begins_so(struct rmt_span content)
{
	return rmt_span_starts(content, RMT_SPAN("\x1f\x8b")) ||
	       rmt_span_starts(content, RMT_SPAN("PK\3\4")) ||
	       rmt_span_starts(rmt_span_trim(content), RMT_SPAN("<"));
}

static bool look_at(void *context, const struct rmt_part *part)
{
	struct search *search = context;
	struct rmt_span content;
	GString *xml;

	if (!may_be_one(part))
		return true;
	content = rmt_part_content(part, search->buffer);
	xml = begins_so(content) ? rmt_aggregate_unpack(content, NULL) : NULL;
	if (xml == NULL)
		return true;
	search->report = rmt_aggregate_read(rmt_span(xml->str, xml->len), NULL);
	g_string_free(xml, TRUE);
	return search->report == NULL;
}

static struct rmt_aggregate *find(struct rmt_span message)
{
	struct search search = { g_string_new(NULL), NULL };
	g_autoptr(GString) text = g_string_new_len(message.p, (gssize)message.len);

	g_string_replace(text, "\r\n", "\n", 0);
	rmt_parts_walk(rmt_span(text->str, text->len), look_at, &search);
	g_string_free(search.buffer, TRUE);
	return search.report;
}

bool rmt_aggregate_take_mail(struct rmt_store *store, struct rmt_span message,
			     int64_t now, unsigned *rows_r, GError **err)
{
	struct rmt_aggregate *report;
	bool ok;

	*rows_r = 0;
	if (memmem(message.p, message.len, "application/", 12) == NULL &&
	    memmem(message.p, message.len, "/xml", 4) == NULL)
		return true;
	report = find(message);
	if (report == NULL)
		return true;
	if (report->rows->len > RMT_AGGREGATE_MAILED_ROWS)
		g_ptr_array_set_size(report->rows, RMT_AGGREGATE_MAILED_ROWS);
	if (rmt_aggregate_count(store) >= RMT_AGGREGATE_KEPT) {
		rmt_log(RMT_LOG_WARNING,
			"a DMARC report is not kept: there are %d (remite feedback "
			"expire)",
			RMT_AGGREGATE_KEPT);
		rmt_aggregate_free(report);
		return true;
	}
	ok = rmt_aggregate_put(store, report, now, rows_r, err);
	rmt_aggregate_free(report);
	return ok;
}
