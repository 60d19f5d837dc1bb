/* SPDX-License-Identifier: MIT */
/* counters_sync.h - the thread that brings the log to the disk.
 *
 * It owns the descriptors it is given: it synchronises and closes them. It wakes only
 * when something was written, and looks a few times more before it sleeps. */
#ifndef RMT_COUNTERS_SYNC_H
#define RMT_COUNTERS_SYNC_H

#include <stdint.h>

struct rmt_sync;
struct rmt_tail;

/* The tail (foreign) is drained before each synchronisation. */
struct rmt_sync *rmt_sync_start(struct rmt_tail *tail);
void rmt_sync_stop(struct rmt_sync *sync); /* synchronises and closes all */

/* From now on this file (-1: none); the one before is synchronised and closed.
 * directory_fd, if not -1, is synchronised too, so that the new name stands. */
void rmt_sync_switch(struct rmt_sync *sync, int fd, int directory_fd);

/* Something was written. */
void rmt_sync_dirty(struct rmt_sync *sync);

/* The file is complete: cut to this length when it is closed. */
void rmt_sync_truncate(struct rmt_sync *sync, uint64_t length);

int rmt_sync_error(struct rmt_sync *sync); /* errno, once; 0: none */

#endif
