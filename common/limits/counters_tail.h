/* SPDX-License-Identifier: MIT */
/* counters_tail.h - the log's last frames, on their way to its file.
 *
 * With a path, they are kept in a file of shared memory there until the thread that
 * synchronises the log brings them to it, many at once: so that no answer waits for a
 * system call. What stands in that memory is the kernel's: a process that is killed
 * loses nothing of it, and the next one writes it to the log. A machine that loses
 * power loses it, as it loses what was written and not synchronised.
 *
 * Without a path, or where no such file can be made, each frame is written at once.
 *
 * One thread begins, adds and ends; another may drain at any time.
 */
#ifndef RMT_COUNTERS_TAIL_H
#define RMT_COUNTERS_TAIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rmt_tail;

/* path: of a file on a tmpfs, kept between processes of one directory of counters;
 * elsewhere a full or a broken disk would end the process by SIGBUS. NULL: none. */
struct rmt_tail *rmt_tail_open(const char *path);

/* Removes the file if all it held was drained. */
void rmt_tail_free(struct rmt_tail *tail);

/* Writes to the logs in the directory what a process that was killed left here, if it
 * was made with this seed, and synchronises it. */
void rmt_tail_recover(struct rmt_tail *tail, int directory_fd, uint64_t seed_check);

/* From now on frames belong to this log (fd foreign), behind its first `written`
 * octets. What was not drained of the log before is forgotten. */
void rmt_tail_begin(struct rmt_tail *tail, int fd, uint64_t number, uint64_t written,
		    uint64_t seed_check);
/* No log is written from now on; what was not drained stays for the next process. */
void rmt_tail_end(struct rmt_tail *tail);

/* Adds a frame; false: errno says why, and it was not added. Part of it may then stand
 * in the file, where the next is written over it. */
bool rmt_tail_add(struct rmt_tail *tail, const char *frame, size_t len);

/* Writes to the file what was added; false: errno says why. */
bool rmt_tail_drain(struct rmt_tail *tail);

#endif
