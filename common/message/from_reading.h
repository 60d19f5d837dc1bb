/* SPDX-License-Identifier: MIT */
/* from_reading.h - the two readings behind from.h; of no use elsewhere. */
#ifndef RMT_FROM_READING_H
#define RMT_FROM_READING_H

#include <glib.h>

#include "common/message/from.h"

/* Our own: the value of one From field by RFC 5322, 3.4, and nothing obsolete
 * but a dot in a name. offset is within value. names: every name and comment,
 * unfolded, a line each, for the look at what a reader is shown. */
bool rmt_from_read_strict(struct rmt_span value, struct rmt_from *from_r, GString *names);

/* GMime's: the section as it parses it has exactly one From field, with exactly
 * one mailbox, which is address. */
bool rmt_from_gmime_reads(struct rmt_span section, const char *address);

/* Text of a header as GMime decodes its encoded-words, own. */
char *rmt_from_decode(const char *text);

/* True where text shows something of the form x@y.z other than address. */
bool rmt_from_shows_other(const char *text, const char *address);

#endif
