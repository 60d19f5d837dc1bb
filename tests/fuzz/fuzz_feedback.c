/* SPDX-License-Identifier: MIT */
/* The same octets as a stored value of each table, as a line of the log, and as an
 * aggregate report. */
#include <stdlib.h>

#include "common/feedback/aggregate.h"
#include "common/feedback/feedback.h"
#include "common/feedback/maillog.h"
#include "common/feedback/mailed.h"
#include "common/feedback/rates.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_tables(struct rmt_span value)
{
	char key[RMT_INBOX_ID] = { 0 };
	struct rmt_inbox_row row;
	struct rmt_rates rates;
	struct rmt_return ret;

	rmt_mailed_free(rmt_mailed_read(value));
	rmt_event_free(rmt_event_read(value));
	if (rmt_return_read(value, &ret))
		rmt_return_clear(&ret);
	if (rmt_rates_read(rmt_span("s\0p\0\0\0\0\1", 8), value, &rates))
		rmt_rates_clear(&rates);
	if (rmt_rates_read(value, RMT_SPAN(""), &rates))
		rmt_rates_clear(&rates);
	if (rmt_inbox_read(rmt_span(key, sizeof(key)), value, &row))
		rmt_inbox_row_clear(&row);
}

static void read_log(struct rmt_span line)
{
	struct rmt_maillog log;

	if (rmt_maillog_read(line, &log))
		rmt_maillog_said(&log);
}

static void read_aggregate(struct rmt_span octets)
{
	GString *xml = rmt_aggregate_unpack(octets, NULL);

	if (xml == NULL)
		return;
	if (xml->len > RMT_AGGREGATE_OCTETS_MAX + 65536)
		abort();
	rmt_aggregate_free(rmt_aggregate_read(rmt_span(xml->str, xml->len), NULL));
	g_string_free(xml, TRUE);
}

static void read_mail(struct rmt_span octets)
{
	struct rmt_store *store;
	unsigned rows;

	if (!rmt_store_open(&store, "mem:", false, NULL))
		abort();
	rmt_aggregate_take_mail(store, octets, 1770000000, &rows, NULL);
	rmt_store_close(&store);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rmt_span octets = rmt_span((const char *)data, size);

	read_tables(octets);
	read_log(octets);
	read_aggregate(octets);
	read_mail(octets);
	return 0;
}
