/* SPDX-License-Identifier: MIT */
/* mime.h - a message cut into its parts, as spans of it (RFC 2045, 2046).
 *
 * Nothing is copied but what has a transfer encoding, and a message within the
 * message is a part like any other: who wants to see inside begins again there.
 * What is damaged is cut as far as it goes: a boundary that never comes ends
 * where the part around it ends.
 */
#ifndef RMT_REPORT_MIME_H
#define RMT_REPORT_MIME_H

#include <glib.h>
#include <stdbool.h>

#include "common/base/span.h"

enum { RMT_MIME_NAME = 72 };

struct rmt_mime_part {
	struct rmt_span body;
	char type[RMT_MIME_NAME]; /* "text/plain", lower case; what is not said is that */
	char charset[RMT_MIME_NAME];  /* or "" */
	char encoding[RMT_MIME_NAME]; /* "base64", lower case; or "" */
};

/* False ends the walk. */
typedef bool rmt_mime_each(void *context, const struct rmt_mime_part *part);

/* Each part that is no multipart, in its order. message: line ends are LF. False:
 * there are parts deeper or more than the limits of report.h. */
bool rmt_mime_walk(struct rmt_span message, rmt_mime_each *each, void *context);

/* The content: part->body itself, or put into buffer. */
struct rmt_span rmt_mime_content(const struct rmt_mime_part *part, GByteArray *buffer);

#endif
