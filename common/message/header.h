/* SPDX-License-Identifier: MIT */
/* header.h - the fields of a header section, octet by octet as they stand.
 *
 * A line ends with LF, a CR before it belongs to the end. Nothing is decoded,
 * nothing is mended: what is no field is handed out as a line without name.
 *
 *	struct rmt_header_reader reader = rmt_header_read(message);
 *	while (rmt_header_next(&reader, &field))
 *		...
 *	body = rmt_span_from(message, reader.at);
 */
#ifndef RMT_HEADER_H
#define RMT_HEADER_H

#include "common/base/span.h"

struct rmt_header_field {
	struct rmt_span
		name; /* without blanks before the colon; empty: no field at all */
	struct rmt_span value; /* all behind the colon, folding included */
	struct rmt_span raw;   /* name to last octet, without the final line end */
	size_t offset;         /* of raw in the message */
};

struct rmt_header_reader {
	struct rmt_span message;
	size_t at; /* next octet; behind the empty line at the end */
};

static inline struct rmt_header_reader rmt_header_read(struct rmt_span message)
{
	return (struct rmt_header_reader){ message, 0 };
}

/* False at the empty line that ends the section (it is consumed) or where the
 * message ends. */
bool rmt_header_next(struct rmt_header_reader *reader, struct rmt_header_field *field_r);

/* Header section with the empty line, and what follows. */
void rmt_header_split(struct rmt_span message, struct rmt_span *headers_r,
		      struct rmt_span *body_r);

#endif
