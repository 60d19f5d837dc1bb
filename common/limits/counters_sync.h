/* SPDX-License-Identifier: MIT */
/* counters_sync.h - the thread that brings the log to the disk.
 *
 * It owns the descriptors it is given: it makes room ahead of the writer,
 * synchronises, closes. It wakes only when something was written, and looks a few
 * times more before it sleeps.
 *
 * While the log grows slowly the room is of zeros that are on the disk already, so that
 * what is written then changes no metadata: bringing it to the disk takes one write
 * instead of three or four. A fast log gets its room allocated only. */
#ifndef RMT_COUNTERS_SYNC_H
#define RMT_COUNTERS_SYNC_H

#include <stdint.h>

struct rmt_sync;

struct rmt_sync *rmt_sync_start(void);
void rmt_sync_stop(struct rmt_sync *sync); /* synchronises and closes all */

/* From now on this file (-1: none), which reaches to offset; the one before is
 * synchronised and closed. directory_fd, if not -1, is synchronised too, so that the new
 * name stands. */
void rmt_sync_switch(struct rmt_sync *sync, int fd, uint64_t offset, int directory_fd);

/* The file is about to be written to, up to offset. Waits only where that reaches into
 * room in the making, which it does not while the log grows slowly. */
void rmt_sync_writing(struct rmt_sync *sync, uint64_t offset);

/* Something was written; the file reaches to offset now. */
void rmt_sync_dirty(struct rmt_sync *sync, uint64_t offset);

/* The file is complete: cut to this length when it is closed. */
void rmt_sync_truncate(struct rmt_sync *sync, uint64_t length);

int rmt_sync_error(struct rmt_sync *sync); /* errno, once; 0: none */

#endif
