/* SPDX-License-Identifier: MIT */
/* Any octets as what a peer of the agent sends, in two pieces: what is read can
 * be written again, and read as the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dovecot-plugin/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_again(struct rmt_wire_out *out, const struct rmt_wire_record *record)
{
	bool has_body = record->body_len > 0;
	size_t i;

	rmt_wire_begin(out, "JOB", record->id, record->kind);
	for (i = 0; i < record->field_count - has_body; i++)
		rmt_wire_add(out, record->fields[i].name, record->fields[i].value);
	rmt_wire_end(out, record->body, record->body_len);
}

static void compare(const struct rmt_wire_record *a, const struct rmt_wire_record *b)
{
	size_t i;

	if (a->id != b->id || strcmp(a->kind, b->kind) != 0 ||
	    a->field_count != b->field_count || a->body_len != b->body_len ||
	    (a->body_len > 0 && memcmp(a->body, b->body, a->body_len) != 0))
		abort();
	for (i = 0; i + (a->body_len > 0) < a->field_count; i++)
		if (strcmp(a->fields[i].name, b->fields[i].name) != 0 ||
		    strcmp(a->fields[i].value, b->fields[i].value) != 0)
			abort();
}

static void round_trip(const struct rmt_wire_record *record)
{
	struct rmt_wire_in *in = rmt_wire_in_create();
	struct rmt_wire_out out = { 0 };
	struct rmt_wire_record again;

	write_again(&out, record);
	if (out.len - record->body_len < RMT_WIRE_LINE_MAX) {
		rmt_wire_in_feed(in, out.data, out.len);
		if (rmt_wire_in_next(in, &again) != RMT_WIRE_RECORD)
			abort();
		compare(record, &again);
	}
	rmt_wire_out_free(&out);
	rmt_wire_in_destroy(&in);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rmt_wire_in *in = rmt_wire_in_create();
	struct rmt_wire_record record;
	size_t half = size > 0 ? data[0] % size : 0;
	int piece;

	for (piece = 0; piece < 2; piece++) {
		rmt_wire_in_feed(in, piece == 0 ? data : data + half,
				 piece == 0 ? half : size - half);
		while (rmt_wire_in_next(in, &record) == RMT_WIRE_RECORD)
			if (strcmp(record.type, "JOB") == 0)
				round_trip(&record);
	}
	rmt_wire_in_destroy(&in);
	return 0;
}
