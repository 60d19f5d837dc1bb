/* SPDX-License-Identifier: MIT */
/* counters.h - how much of each limit is used, in memory and on disk.
 *
 * A counter is found by the 64-bit keyed hash of its name ("stream/limit" and
 * the key's values); rates take 16 octets in the table (hash, theoretical
 * arrival time), quotas a ring of 60 + 1 sub-windows beside it. Names stand in
 * a cold arena, for listing only.
 *
 * On disk (directory STATE/counters): a snapshot and a log of what came since,
 * both versioned and with checksums. Log records hold new values, not
 * differences, so a snapshot may be taken while answers go on, in steps.
 * Records are gathered by the calls below, written by rmt_counters_write()
 * before the answers go out (kill -9 loses nothing), and synchronised every
 * 5 ms by a thread of this module (power loss takes at most that).
 *
 * Not thread safe: one owner. No call but open waits for the disk longer than
 * a write(2) into the page cache takes.
 */
#ifndef RMT_COUNTERS_H
#define RMT_COUNTERS_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/base/clock.h"
#include "common/base/span.h"
#include "common/config/config.h"

struct rmt_counters;
struct rmt_measure; /* gcra.h */

/* Of the client's records, for the reading of a log: what one is about (never 0; left as
 * it is: nothing that ends). True: it ends that, so that of all that was said about it
 * before, this included, nothing need be replayed. */
typedef bool rmt_counters_ends(const void *record, size_t len, uint64_t *about_r);

struct rmt_counters_options {
	const char *directory; /* NULL: in memory only (tests, replay) */
	const char *tail;  /* a file on a tmpfs for the log's last frames; NULL: none */
	int64_t wall_secs; /* now */
	int64_t monotonic_ns; /* now, of CLOCK_BOOTTIME */
	const char *boot_id;  /* of this boot: CLOCK_BOOTTIME goes on within one */
	/* Octets of log after which a snapshot is begun in any case, a name given since
	 * the last counted as 128; 0: 64 MB, or three quarters of the last snapshot. From
	 * 8 MB on a minute since the last is enough. */
	size_t log_max;
	rmt_counters_ends *ends; /* the client's; NULL: every record is replayed */
};

/* Reads snapshot and log. A torn last record is cut off and logged. A format
 * of a newer version, or a broken checksum in the middle, moves the files
 * aside (name.broken-N), logs an error and starts empty: mail goes on.
 * The directory is locked: a second opener fails, naming the other's pid. */
bool rmt_counters_open(struct rmt_counters **counters_r,
		       const struct rmt_counters_options *options, GError **err);

/* Writes and synchronises what is there. Sets the pointer to NULL. */
void rmt_counters_close(struct rmt_counters **counters);

/* The time line at this moment: never goes back, never runs faster than
 * monotonic_ns does while the process lives or within one boot. */
int64_t rmt_counters_line(const struct rmt_counters *counters, int64_t monotonic_ns);

/* The keyed hash (seed: one per installation, kept with the state) of what
 * makes a counter's name. Never 0. */
uint64_t rmt_counters_hash(const struct rmt_counters *counters, const void *name,
			   size_t len);

/* Fetches the counter's line into the processor's cache; changes nothing. */
void rmt_counters_prefetch(const struct rmt_counters *counters, uint64_t key);

struct rmt_usage {
	uint64_t used;    /* units, committed and held; rounded up */
	uint64_t limit;   /* count of a quota, burst of a rate */
	int64_t retry_ns; /* until one unit fits (0: now) */
};

/* Whether n more units fit beside what is committed and held. usage_r may be NULL. */
bool rmt_counters_fits(struct rmt_counters *counters, uint64_t key,
		       const struct rmt_amount *amount, uint64_t n, int64_t line_ns,
		       struct rmt_usage *usage_r);

/* Holds n units (a reservation): they count against the limit and do not
 * drain. Kept by the reservations module, which alone logs them. */
void rmt_counters_hold(struct rmt_counters *counters, uint64_t key, uint64_t n);
void rmt_counters_unhold(struct rmt_counters *counters, uint64_t key, uint64_t n);

/* Commits n units, also past the limit: what has happened is counted. */
void rmt_counters_charge(struct rmt_counters *counters, uint64_t key,
			 const struct rmt_amount *amount, uint64_t n, int64_t line_ns);

/* The same for who has the measure at hand and comes back to the counter: *place is
 * where it was found, a hint that is for ever good (UINT32_MAX: none yet). */
bool rmt_counters_fits_in(struct rmt_counters *counters, uint64_t key,
			  const struct rmt_measure *measure, uint64_t n, int64_t line_ns,
			  struct rmt_usage *usage_r, uint32_t *place);
void rmt_counters_charge_in(struct rmt_counters *counters, uint64_t key,
			    const struct rmt_measure *measure, uint64_t n,
			    int64_t line_ns, uint32_t *place);

/* Gives n committed units back (a message refused after the commit). */
void rmt_counters_refund(struct rmt_counters *counters, uint64_t key,
			 const struct rmt_amount *amount, uint64_t n, int64_t line_ns);

/* Remembers the counter's name the first time it is charged or held. limit_id
 * is "stream/limit", value what the user would call the key ("ann@example.org"). */
bool rmt_counters_is_named(const struct rmt_counters *counters, uint64_t key);
void rmt_counters_name(struct rmt_counters *counters, uint64_t key,
		       struct rmt_span limit_id, struct rmt_span value);

/* Whether a counter that may have no name was asked (fits_in) or charged since the
 * last call: only then is there anything to ask the two calls above. */
bool rmt_counters_nameless(struct rmt_counters *counters);

/* Forgets what is committed (not what is held). False: nothing was counted. */
bool rmt_counters_reset(struct rmt_counters *counters, uint64_t key);

/* Walks the names in steps so that answers go on between them. *cursor starts
 * at 0; at most `most` names a call; false at the end. */
typedef void rmt_counters_each(void *context, uint64_t key, struct rmt_span limit_id,
			       struct rmt_span value);
bool rmt_counters_walk(const struct rmt_counters *counters, uint64_t *cursor, size_t most,
		       rmt_counters_each *each, void *context);

/* Appends a record of another module to the log (the reservations). It comes
 * back through the replay function given below at the next open, after the
 * last snapshot's own. */
void rmt_counters_log(struct rmt_counters *counters, const void *record, size_t len);

/* The same without a copy: len octets, at any alignment, to be written before anything
 * else is called; NULL: nothing is logged. */
void *rmt_counters_log_room(struct rmt_counters *counters, size_t len);

struct rmt_counters_client {
	void *context;
	void (*replay)(void *context, const void *record, size_t len);
	/* Writes (by rmt_counters_log) all records that a new log must begin with. */
	void (*snapshot)(void *context);
};

/* Replays what open found for this client; call once, right after open. */
void rmt_counters_attach(struct rmt_counters *counters,
			 const struct rmt_counters_client *client);

/* Writes what was gathered. False: the disk refuses (full, read-only, error);
 * counting goes on in memory, it is logged at most once a minute and tried
 * again with a fresh snapshot; err_r of rmt_counters_stats tells. */
bool rmt_counters_write(struct rmt_counters *counters);

/* A few microseconds of upkeep: sweeps expired counters, takes snapshot steps.
 * Call once per turn of the loop and at least every 100 ms. */
void rmt_counters_tick(struct rmt_counters *counters, int64_t line_ns);

struct rmt_counters_stats {
	uint64_t rates, quotas, held_keys, names;
	uint64_t table_bytes, quota_bytes, name_bytes, log_bytes;
	uint64_t snapshots, write_errors, sync_errors;
	const char *last_error; /* foreign; NULL: none */
};
void rmt_counters_stats(const struct rmt_counters *counters,
			struct rmt_counters_stats *stats_r);

#endif
