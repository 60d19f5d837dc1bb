/* SPDX-License-Identifier: MIT */
/* kept.h - the client's records while a log is read: those of what has ended by then
 * are forgotten as its end is read.
 *
 * Nearly everything a log tells of has ended in it. So what is kept stays small, and
 * in the processor's cache, however long the log is.
 */
#ifndef RMT_KEPT_H
#define RMT_KEPT_H

#include <glib.h>

#include "common/limits/counters.h"
#include "common/limits/table.h"

struct rmt_kept {
	rmt_counters_ends *ends; /* NULL: all is kept */
	GByteArray *records;     /* own */
	struct rmt_table last;   /* what a record is about -> its last one's place + 1 */
	size_t forgotten;        /* octets of records */
};

void rmt_kept_init(struct rmt_kept *kept, rmt_counters_ends *ends);
void rmt_kept_finish(struct rmt_kept *kept);
void rmt_kept_clear(struct rmt_kept *kept);

void rmt_kept_add(struct rmt_kept *kept, const void *record, size_t len);

/* In the order they came. */
void rmt_kept_each(const struct rmt_kept *kept,
		   void (*call)(void *context, const void *record, size_t len),
		   void *context);

#endif
