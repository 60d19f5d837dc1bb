/* SPDX-License-Identifier: MIT */
/* counters_disk.h - the counters' directory: seed, lock, logs, snapshots, trouble.
 *
 * STATE/counters holds
 *	lock		whose flock says that a process owns the directory; its pid
 *	seed		of the keys' hash, made once
 *	snapshot	and snapshot.new while one is written
 *	log.N		since the snapshot, several after restarts
 *	*.broken-N	what could not be read, moved aside
 * and a file elsewhere the end of the last log (counters_tail.h).
 *
 * Trouble (full, read-only, error): what was gathered is dropped, counting goes
 * on in memory, it is logged once a minute; every second a new log is tried,
 * which begins with all open reservations and is followed by a snapshot. Until
 * that is done, a crash loses what was counted in between: limits are then
 * fuller on disk than they were, never mail.
 */
#ifndef RMT_COUNTERS_DISK_H
#define RMT_COUNTERS_DISK_H

#include "common/limits/counters_log.h"
#include "common/limits/counters_private.h"

/* Locks, reads what is there into the (empty) counters, sets their secret and
 * time line, begins a new log. NULL: another process has it, or there is no
 * such directory and none can be made. */
struct rmt_disk *rmt_disk_open(struct rmt_counters *counters,
			       const struct rmt_counters_options *options, GError **err);
void rmt_disk_close(struct rmt_disk *disk);

/* Gives the client its records, then lets it write its list to the new log. */
void rmt_disk_attach(struct rmt_disk *disk);

void rmt_disk_add(struct rmt_disk *disk, enum rmt_log_type type, const void *a,
		  size_t a_len, const void *b, size_t b_len);
/* The same of a record that the caller writes there at once; NULL: nothing is logged. */
void *rmt_disk_room(struct rmt_disk *disk, enum rmt_log_type type, size_t len);
/* The counters' changes become a record of the log; there are none then. */
void rmt_disk_take_changes(struct rmt_disk *disk);
bool rmt_disk_write(struct rmt_disk *disk);
void rmt_disk_tick(struct rmt_disk *disk);
void rmt_disk_stats(const struct rmt_disk *disk, struct rmt_counters_stats *stats_r);

/* Applies one record of a log; false: it makes no sense. */
bool rmt_disk_apply(struct rmt_counters *counters, enum rmt_log_type type,
		    const char *record, size_t len);

#endif
