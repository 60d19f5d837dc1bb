/* SPDX-License-Identifier: MIT */
/* suppress_line.h - suppressions as lines of text: imports and exports.
 *
 *	address[,reason[,scope[,until[,note[,source[,since]]]]]]
 *
 * Fields are parted by commas, or by tabs where the line has one; a field may
 * stand in double quotes, doubled inside. Empty fields and those left out take
 * the import's defaults. Lines that are blank, begin with '#', or name the
 * columns ("address,...") say nothing. Times as in common/base/when.h, or
 * "never".
 */
#ifndef RMT_SUPPRESS_LINE_H
#define RMT_SUPPRESS_LINE_H

#include "common/store/suppress.h"

enum { RMT_SUPPRESS_LINE_MAX = 4096 };

enum rmt_suppress_line {
	RMT_SUPPRESS_LINE_ENTRY,
	RMT_SUPPRESS_LINE_NOTHING, /* blank, comment, names of columns */
	RMT_SUPPRESS_LINE_BAD,     /* *err says why */
};

/* An entry that looks into buffers of its own, so that millions of lines take
 * no allocation. Of the caller, used again for every line. */
struct rmt_suppress_line_reader {
	const struct rmt_suppression *defaults; /* foreign; address not looked at */
	const struct rmt_fold *fold;            /* foreign; or NULL */
	int64_t now;
	struct rmt_suppression entry; /* the result; its strings are not to be freed */
	struct rmt_addr address;
	char text[RMT_SUPPRESS_LINE_MAX + 1];
};

/* line: without its end. */
enum rmt_suppress_line rmt_suppress_line_read(struct rmt_suppress_line_reader *reader,
					      struct rmt_span line, GError **err);

/* Appends all seven fields and a line feed; reading it gives the entry back. */
void rmt_suppress_line_write(GString *out, const struct rmt_suppression *entry);

/* The names of the columns, as a line. */
extern const char rmt_suppress_line_header[];

#endif
