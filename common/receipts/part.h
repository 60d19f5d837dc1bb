/* SPDX-License-Identifier: MIT */
/* part.h - a message as parts within parts, without building a tree of it.
 *
 * For telling what kind of message it is: bounded in depth, number and octets,
 * linear in time, content with what is broken. Messages within messages are not
 * looked into: who forwards a receipt does not send one.
 *
 *	rmt_part_read(&part, message);
 *	reader = rmt_part_reader(&part);
 *	while (rmt_part_next(&reader, &child)) {
 *		...
 *		rmt_part_clear(&child);
 *	}
 *	rmt_part_clear(&part);
 */
#ifndef RMT_RECEIPTS_PART_H
#define RMT_RECEIPTS_PART_H

#include "common/receipts/mime.h"

enum { RMT_PARTS_MAX = 64 }; /* of one multipart */

struct rmt_part {
	struct rmt_span headers, body; /* of the message */
	struct rmt_mime_type type;     /* text/plain where nothing is said */
};

void rmt_part_read(struct rmt_part *part, struct rmt_span message);
void rmt_part_clear(struct rmt_part *part);
bool rmt_part_is(const struct rmt_part *part, const char *type, const char *subtype);

struct rmt_part_reader {
	struct rmt_span rest;
	char *boundary; /* foreign, of the part; NULL: no parts */
	char guess[80];
	unsigned count;
	bool over; /* the last delimiter was seen, or a limit met */
};

/* The parts of a multipart. Where the boundary is missing or wrong, the first line
 * that looks like one is taken. */
struct rmt_part_reader rmt_part_reader(const struct rmt_part *part);
bool rmt_part_next(struct rmt_part_reader *reader, struct rmt_part *child_r);

/* The body without its transfer encoding, at most max octets. Own. */
GString *rmt_part_decode(const struct rmt_part *part, size_t max);

/* A field of a header section; empty: not there. Value trimmed, folding kept. */
struct rmt_span rmt_part_field(struct rmt_span headers, const char *name);

#endif
