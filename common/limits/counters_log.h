/* SPDX-License-Identifier: MIT */
/* counters_log.h - the counters' log: files log.N of frames of records.
 *
 * A file (segment) begins with struct rmt_segment. What one rmt_counters_write()
 * gathered is one frame: magic, length, time line, checksum, records, zeros up
 * to a multiple of 8. Records hold new values, not differences: reading one twice, or
 * over a snapshot that knows it already, changes nothing. Numbers are in the
 * machine's own byte order: the state is not carried between kinds of machines.
 *
 * A frame that is not whole ends the log there: a process that was killed or a
 * machine that lost power leaves such ends, and in the last case also later
 * frames without the ones before. If such a later frame is from more than
 * RMT_LOG_LOSS_NS after, it was written when the earlier must have been on the
 * disk long since, and the log is broken.
 *
 * Reading is pure (bytes in, records out). Writing (struct rmt_wal): records
 * are gathered, a frame is given to the log's tail (counters_tail.h), fdatasync
 * is by a thread that sleeps while there is nothing to do, and RMT_SYNC_REST_US
 * more from the first write on.
 */
#ifndef RMT_COUNTERS_LOG_H
#define RMT_COUNTERS_LOG_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RMT_LOG_VERSION = 2, RMT_LOG_RECORD_MAX = 1 << 20, RMT_SYNC_REST_US = 4000 };
#define RMT_LOG_LOSS_NS (INT64_C(10) * 1000000000)

enum rmt_log_type {
	RMT_LOG_RATE = 1,     /* key, slot value; from version 2 on several such pairs */
	RMT_LOG_QUOTA,        /* key, sub-window's ns, its number, its count */
	RMT_LOG_RESET,        /* key */
	RMT_LOG_NAME,         /* key, u16 length of the limit's name, it, the value */
	RMT_LOG_CLIENT,       /* another module's */
	RMT_LOG_CLIENT_BEGIN, /* all a client has to say: replaces what it said before, */
	RMT_LOG_CLIENT_END,   /* if this end is found */
};

/* Where on the clocks a process began; the time line goes on from there. */
struct rmt_anchor {
	int64_t line_ns, monotonic_ns, wall_secs;
	char boot_id[40];
};

struct rmt_segment {
	char magic[8];
	uint32_t version, size;
	uint64_t number;
	uint64_t seed_check; /* hash of the keys' seed: other seeds make other keys */
	struct rmt_anchor anchor;
	uint64_t checksum; /* of all before */
};

enum rmt_log_result {
	RMT_LOG_WHOLE,
	RMT_LOG_TORN,   /* ends in the middle of a frame: the good part was given */
	RMT_LOG_NEWER,  /* of a version this program does not know */
	RMT_LOG_BROKEN, /* damaged in its head or middle */
};

struct rmt_log_reading {
	struct rmt_segment segment;
	int64_t line_ns; /* of the last frame, or the anchor's */
	size_t good;     /* octets up to the end of the last whole frame */
};

typedef void rmt_log_each(void *context, int64_t line_ns, enum rmt_log_type type,
			  const char *record, size_t len);

/* ahead, if not NULL, sees each record of a frame some records before each does. */
enum rmt_log_result rmt_log_read(const char *bytes, size_t len, rmt_log_each *ahead,
				 rmt_log_each *each, void *context,
				 struct rmt_log_reading *reading_r);

/* Octets of the whole frames, of log `number`, at the beginning of these bytes. */
size_t rmt_log_whole_frames(const char *bytes, size_t len, uint64_t number);

/* Puts all checksums right, as far as lengths lead: for fuzzers. */
void rmt_log_mend(char *bytes, size_t len);

struct rmt_tail;
struct rmt_wal;

/* Starts the thread. directory_fd is foreign, the tail taken. */
struct rmt_wal *rmt_wal_new(int directory_fd, struct rmt_tail *tail);
/* Writes, synchronises, cuts the file to its length. */
void rmt_wal_free(struct rmt_wal *wal, int64_t line_ns);

/* Makes log.NUMBER and goes on there. False: errno says why; the wal is closed. */
bool rmt_wal_begin(struct rmt_wal *wal, uint64_t number, uint64_t seed_check,
		   const struct rmt_anchor *anchor);
/* Drops what was gathered, writes nothing until the next begin. */
void rmt_wal_stop(struct rmt_wal *wal);
bool rmt_wal_is_open(const struct rmt_wal *wal);

/* Gathers a record made of two parts (b may be NULL); returns the octets gathered. */
size_t rmt_wal_add(struct rmt_wal *wal, enum rmt_log_type type, const void *a,
		   size_t a_len, const void *b, size_t b_len);

/* Gathers a record of len octets that the caller writes there at once; NULL: the wal is
 * closed. */
void *rmt_wal_room(struct rmt_wal *wal, enum rmt_log_type type, size_t len);

/* Octets gathered, and written to this segment. */
size_t rmt_wal_gathered(const struct rmt_wal *wal);
uint64_t rmt_wal_written(const struct rmt_wal *wal);
uint64_t rmt_wal_number(const struct rmt_wal *wal);
/* A second descriptor of the segment, the caller's; -1: none. */
int rmt_wal_dup(const struct rmt_wal *wal);

/* False: errno says why. A part of a frame may then stand in the file; it is
 * written over by the next try, or reads as torn. */
bool rmt_wal_flush(struct rmt_wal *wal, int64_t line_ns);

/* errno of a failed synchronisation since the last call, or 0. */
int rmt_wal_sync_error(struct rmt_wal *wal);

#endif
