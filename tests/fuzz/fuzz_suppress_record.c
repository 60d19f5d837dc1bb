/* SPDX-License-Identifier: MIT */
/* Any stored value: what of it can be read survives merging; nothing crashes.
 * The same octets are tried as a suppression, a journal record and a stream's
 * state. */
#include <stdlib.h>

#include "common/store/stream_state.h"
#include "common/store/suppress_record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t count(struct rmt_span value, bool *damaged_r)
{
	struct rmt_suppress_reader reader;
	struct rmt_suppress_view view;
	size_t n = 0;

	rmt_suppress_read(&reader, value);
	while (rmt_suppress_next(&reader, &view)) {
		rmt_suppress_judge_view(&view, "news", "class", NULL, 1000);
		n++;
	}
	*damaged_r = reader.in.damaged;
	return n;
}

static void merge(struct rmt_span value)
{
	struct rmt_suppress_merge merge = {
		.view = { .scope = RMT_SPAN("all"),
			  .address = RMT_SPAN("fuzz@example.org"),
			  .reason = RMT_SPAN("dead"),
			  .since = 1000 },
	};
	g_autoptr(GString) merged = g_string_new(NULL);
	bool damaged, damaged_after;
	size_t before = count(value, &damaged), after;
	enum rmt_store_verdict verdict = rmt_suppress_merge(&merge, value, merged);

	if ((verdict == RMT_STORE_REFUSE) != damaged)
		abort();
	if (verdict != RMT_STORE_PUT)
		return;
	after = count(rmt_span(merged->str, merged->len), &damaged_after);
	if (damaged_after || after > before + 1 || after == 0)
		abort();
}

static void read_journal(struct rmt_span record)
{
	uint64_t hash;

	if (!rmt_journal_begin(&record))
		return;
	while (rmt_journal_next(&record, &hash))
		;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rmt_span value = rmt_span((const char *)data, size);
	struct rmt_stream_state state;

	merge(value);
	read_journal(value);
	if (rmt_stream_state_read(value, &state))
		rmt_stream_state_clear(&state);
	return 0;
}
