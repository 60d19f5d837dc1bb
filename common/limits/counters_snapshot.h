/* SPDX-License-Identifier: MIT */
/* counters_snapshot.h - all counters in one file, taken while answers go on.
 *
 * The file: a head, then chunks, each with its length and checksum: the slots
 * of a shard as they stand in memory, the rings of its quotas in the slots'
 * order, the names of a shard, the limits' names, an end. It is not of one
 * moment: a counter that changes meanwhile is in the log `first_log` and after
 * with its newer value, which was begun before the snapshot was.
 *
 * The owner copies about RMT_SNAPSHOT_STEP octets a step; a thread of the
 * snapshot's own makes checksums, writes, synchronises, renames
 * "snapshot.new" to "snapshot" and removes the logs before first_log.
 */
#ifndef RMT_COUNTERS_SNAPSHOT_H
#define RMT_COUNTERS_SNAPSHOT_H

#include "common/limits/counters_log.h"
#include "common/limits/counters_private.h"

enum { RMT_SNAPSHOT_VERSION = 1, RMT_SNAPSHOT_STEP = 256 << 10 };

struct rmt_snapshot_head {
	char magic[8];
	uint32_t version, size;
	uint64_t first_log;
	uint64_t seed_check;
	struct rmt_anchor anchor;
	int64_t line_ns; /* when it was begun */
	uint32_t shard_bits, zero;
	uint64_t checksum; /* of all before */
};

/* Where the names are, to be fetched later. */
struct rmt_snapshot_names {
	int fd; /* own; -1: none */
	struct rmt_snapshot_place {
		uint64_t offset, checksum, seed;
		size_t len;
	} places[RMT_SHARDS];
};

/* Reads into empty counters. names takes a duplicate of fd. RMT_LOG_TORN is
 * never returned: a snapshot is whole or broken. After a failure the counters
 * must be emptied. */
enum rmt_log_result rmt_snapshot_read(int fd, struct rmt_counters *counters,
				      uint64_t seed_check,
				      struct rmt_snapshot_names *names,
				      struct rmt_snapshot_head *head_r);

/* Puts all checksums right, as far as lengths lead: for fuzzers. */
void rmt_snapshot_mend(char *bytes, size_t len);

struct rmt_snapshot;

enum rmt_snapshot_state { RMT_SNAPSHOT_RUNS, RMT_SNAPSHOT_DONE, RMT_SNAPSHOT_FAILED };

struct rmt_tail;

/* Logs from oldest_log up to before head->first_log are removed at the end.
 * log_fd (the first log's; taken) is synchronised before the rename, with what is in its
 * tail (foreign). NULL: errno. */
struct rmt_snapshot *rmt_snapshot_begin(int directory_fd, int log_fd,
					struct rmt_tail *tail, uint64_t oldest_log,
					const struct rmt_snapshot_head *head);
enum rmt_snapshot_state rmt_snapshot_step(struct rmt_snapshot *snapshot,
					  struct rmt_counters *counters);
/* Waits for the thread; *bytes_r: of the file. Returns errno of a failure, 0;
 * one that still runs is given up (ECANCELED). */
int rmt_snapshot_free(struct rmt_snapshot *snapshot, uint64_t *bytes_r);

#endif
