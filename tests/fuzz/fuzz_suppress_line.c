/* SPDX-License-Identifier: MIT */
/* Any line of an import: an entry, nothing or a sentence; an entry survives
 * being written and read again. */
#include <stdlib.h>
#include <string.h>

#include "common/store/suppress_line.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct rmt_suppression defaults = {
	(char *)"all", NULL, (char *)"manual", (char *)"-", (char *)"-", 1000, 0
};
static struct rmt_suppress_line_reader first = { .defaults = &defaults, .now = 1000 };
static struct rmt_suppress_line_reader second = { .defaults = &defaults, .now = 1000 };

static void check_round_trip(const struct rmt_suppression *entry)
{
	g_autoptr(GString) line = g_string_new(NULL);
	const struct rmt_suppression *again = &second.entry;

	rmt_suppress_line_write(line, entry);
	if (line->len > RMT_SUPPRESS_LINE_MAX)
		return; /* quoting made it too long */
	if (rmt_suppress_line_read(&second, rmt_span(line->str, line->len - 1), NULL) !=
	    RMT_SUPPRESS_LINE_ENTRY)
		abort();
	if (strcmp(again->address, entry->address) != 0 ||
	    strcmp(again->reason, entry->reason) != 0 ||
	    strcmp(again->scope, entry->scope) != 0 ||
	    strcmp(again->note, entry->note) != 0 ||
	    strcmp(again->source, entry->source) != 0 || again->since != entry->since ||
	    again->until != entry->until)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autoptr(GError) err = NULL;

	switch (rmt_suppress_line_read(&first, rmt_span((const char *)data, size),
				       &err)) {
	case RMT_SUPPRESS_LINE_ENTRY:
		check_round_trip(&first.entry);
		return 0;
	case RMT_SUPPRESS_LINE_BAD:
		if (err == NULL)
			abort();
		return 0;
	case RMT_SUPPRESS_LINE_NOTHING:
		break;
	}
	return 0;
}
