/* SPDX-License-Identifier: MIT */
/* counters_disk_private.h - shared by counters_disk.c and counters_load.c alone. */
#ifndef RMT_COUNTERS_DISK_PRIVATE_H
#define RMT_COUNTERS_DISK_PRIVATE_H

#include "common/limits/counters_disk.h"
#include "common/limits/counters_snapshot.h"
#include "common/limits/kept.h"
#include "common/limits/large.h"

struct rmt_disk {
	struct rmt_counters *counters; /* foreign */
	int directory_fd, lock_fd;     /* own */
	char *directory;               /* own; for messages */
	struct rmt_wal *wal;
	struct rmt_tail *tail;         /* the wal's */
	struct rmt_snapshot *snapshot; /* being taken; or NULL */
	struct rmt_snapshot_names *names;
	uint64_t seed_check;
	bool seed_stored;
	struct rmt_anchor anchor;
	/* Logs: the oldest there, the next to be made, octets of those before the
	 * current. */
	uint64_t oldest_log, next_log, earlier_bytes;
	uint64_t log_max_option, snapshot_bytes;
	size_t snapshot_names; /* there were when the last was begun */
	/* What the last process knew of the time line. */
	bool line_known;
	struct rmt_anchor last_anchor;
	int64_t last_line;
	/* Read for the client: since its last whole list, and a list in the making. */
	struct rmt_kept records, list;
	bool in_list;
	/* Trouble. */
	bool down;
	bool want_snapshot;
	int64_t tried_ns, complained_ns, snapshot_ns;
	bool complained;
	char *last_error;
	uint64_t snapshots, write_errors, sync_errors;
};

/* --- counters_load.c: what stands in the directory becomes counters --- */

/* Snapshot and logs; what is broken is moved aside. */
void rmt_disk_load(struct rmt_disk *disk);

/* A file as it is, with a NUL behind it. */
typedef struct rmt_read { /* for g_auto() */
	char *start;      /* own */
	size_t len, room; /* len: less than it should be where the disk fails */
} rmt_read;

static inline void rmt_read_free(struct rmt_read *bytes)
{
	rmt_large_free(bytes->start, bytes->room);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(rmt_read, rmt_read_free)

/* False: it is not there, or no file. */
bool rmt_disk_read_file(int directory_fd, const char *name, struct rmt_read *bytes_r);

#endif
