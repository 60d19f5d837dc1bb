/* SPDX-License-Identifier: MIT */
/* counters_private.h - what counters.c, its log and its snapshot share.
 *
 * A slot's value:
 *	bit 63  NAMED: the names have this key
 *	bit 62  of no meaning: snapshots of older versions have it set
 *	bit 61  QUOTA: the rest is the number of a ring in the pool
 *	else    a rate's theoretical arrival time, ns since RMT_TAT_ORIGIN
 * A rate whose time has passed is as good as absent; RMT_COUNTERS_KEEP_NS later its
 * slot is dead. NAMED, a short cut only, does not keep it alive.
 */
#ifndef RMT_COUNTERS_PRIVATE_H
#define RMT_COUNTERS_PRIVATE_H

#include "common/limits/counters.h"
#include "common/limits/names.h"
#include "common/limits/quota.h"
#include "common/limits/table.h"

/* 2020-01-01: 61 bits last until 2093. */
#define RMT_TAT_ORIGIN (UINT64_C(1577836800) * 1000000000)

#define RMT_COUNTERS_KEEP_NS (30 * (int64_t)RMT_NS_PER_SEC)

#define RMT_SLOT_NAMED RMT_TABLE_IGNORED
#define RMT_SLOT_STALE (UINT64_C(1) << 62) /* bit 62 */
#define RMT_SLOT_QUOTA (UINT64_C(1) << 61)
#define RMT_SLOT_VALUE (RMT_SLOT_QUOTA - 1)

enum { RMT_SHARD_BITS = 9, RMT_SHARDS = 1 << RMT_SHARD_BITS, RMT_SECRET_SIZE = 192 };

/* Rings in chunks that never move; free ones are chained by `newest`. */
struct rmt_quota_pool {
	GPtrArray *chunks; /* own; struct rmt_quota [RMT_QUOTA_CHUNK] */
	uint64_t free;     /* number + 1 of the first free one, 0: none */
	uint64_t made, used;
};

struct rmt_sweep {
	unsigned shard;
	uint32_t slot, dead;
	int64_t last_ns;
};

/* Rates that changed since the last write, most of them once however often they did:
 * what the log is to get of them. */
enum { RMT_CHANGES_MAX = 128, RMT_CHANGES_PLACES = 64 };
struct rmt_changes {
	unsigned count;
	uint8_t places[RMT_CHANGES_PLACES]; /* by the key's last bits: where it may be */
	uint64_t pairs[RMT_CHANGES_MAX][2]; /* key, value */
};

/* NULL: not found, and only perhaps not there. */
static inline uint64_t *rmt_changes_find(struct rmt_changes *changes, uint64_t key)
{
	const unsigned place = changes->places[key % RMT_CHANGES_PLACES];

	return place < changes->count && changes->pairs[place][0] == key
		       ? changes->pairs[place]
		       : NULL;
}

/* There must be room. */
static inline uint64_t *rmt_changes_add(struct rmt_changes *changes, uint64_t key)
{
	uint64_t *pair = changes->pairs[changes->count];

	changes->places[key % RMT_CHANGES_PLACES] = (uint8_t)changes->count++;
	pair[0] = key;
	return pair;
}

struct rmt_disk;

struct rmt_counters {
	struct rmt_table slots;
	/* Units that open reservations hold, by key: as small as they are few, however
	 * many counters there are. */
	struct rmt_table held;
	struct rmt_quota_pool quotas;
	struct rmt_names names;
	bool nameless; /* see rmt_counters_nameless */
	struct rmt_sweep sweep;
	/* The time line: line = line_start + (monotonic - monotonic_start). */
	int64_t line_start, monotonic_start;
	int64_t line_last; /* of the last tick or charge */
	unsigned char secret[RMT_SECRET_SIZE];
	struct rmt_counters_client client;
	struct rmt_disk *disk;      /* own; NULL: in memory only */
	struct rmt_changes changes; /* where there is a disk */
};

struct rmt_quota *rmt_quota_pool_get(const struct rmt_quota_pool *pool, uint64_t number);

/* For replay. False: the record makes no sense. */
bool rmt_counters_set_rate(struct rmt_counters *counters, uint64_t key, uint64_t value);
bool rmt_counters_set_quota(struct rmt_counters *counters, uint64_t key, uint64_t sub_ns,
			    uint64_t number, uint64_t count);

/* Puts a ring read from a snapshot behind its slot. */
bool rmt_counters_adopt_quota(struct rmt_counters *counters, struct rmt_slot *slot,
			      const struct rmt_quota *ring);

/* Forgets everything but the secret. */
void rmt_counters_empty(struct rmt_counters *counters);

#endif
