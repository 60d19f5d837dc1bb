/* SPDX-License-Identifier: MIT */
/* parts.h - a message cut into its parts, as spans of it (RFC 2045, 2046).
 *
 * Nothing is copied but what has a transfer encoding, and a message within the
 * message is a part like any other: who wants to see inside begins again there.
 * What is damaged is cut as far as it goes: a boundary that never comes ends
 * where the part around it ends.
 */
#ifndef RMT_REPORT_PARTS_H
#define RMT_REPORT_PARTS_H

#include <glib.h>
#include <stdbool.h>

#include "common/base/span.h"

enum { RMT_PART_NAME = 72 };

struct rmt_part {
	struct rmt_span body;
	char type[RMT_PART_NAME]; /* "text/plain", lower case; what is not said is that */
	char charset[RMT_PART_NAME];  /* or "" */
	char encoding[RMT_PART_NAME]; /* "base64", lower case; or "" */
};

/* False ends the walk. */
typedef bool rmt_parts_each(void *context, const struct rmt_part *part);

/* Each part that is no multipart, in its order. message: line ends are LF. False:
 * there are parts deeper or more than the limits of report.h. */
bool rmt_parts_walk(struct rmt_span message, rmt_parts_each *each, void *context);

/* The content: part->body itself, or what buffer then holds. */
struct rmt_span rmt_part_content(const struct rmt_part *part, GString *buffer);

#endif
