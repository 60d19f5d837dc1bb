/* SPDX-License-Identifier: MIT */
/* held.h - units that open reservations hold, by counter.
 *
 * A record stays for a while after its last unit is gone: busy counters (the
 * stream's, a client's) are held again at once. It never moves, and who keeps its
 * address as a hint saves the search: the record is right if it still has the key.
 * It also remembers where the counter's slot is.
 */
#ifndef RMT_HELD_H
#define RMT_HELD_H

#include <glib.h>

#include "common/limits/table.h"

struct rmt_held {
	uint64_t key;     /* 0: free */
	uint64_t units;   /* more than none: the record stays */
	uint32_t place;   /* in the slot's shard, if the key is found there */
	uint32_t is_used; /* since it was last looked at for being dropped */
};

struct rmt_held_set {
	struct rmt_table by_key; /* key -> address */
	GPtrArray *chunks;       /* own; struct rmt_held [] */
	GPtrArray *free;         /* foreign */
	uint32_t made, live;
	uint32_t hand; /* next one to be looked at */
};

void rmt_held_init(struct rmt_held_set *set);
void rmt_held_finish(struct rmt_held_set *set);
size_t rmt_held_bytes(const struct rmt_held_set *set);

/* NULL: none. */
static inline struct rmt_held *rmt_held_find(const struct rmt_held_set *set, uint64_t key)
{
	const struct rmt_slot *slot = rmt_table_find(&set->by_key, key);

	return slot != NULL ? (struct rmt_held *)(uintptr_t)slot->value : NULL;
}

/* Of a key that has none. Others without units may be dropped. */
struct rmt_held *rmt_held_new(struct rmt_held_set *set, uint64_t key);

static inline struct rmt_held *rmt_held_at(struct rmt_held_set *set, uint64_t key,
					   struct rmt_held *hint)
{
	struct rmt_held *held = hint;

	if (held == NULL || held->key != key)
		held = rmt_held_find(set, key);
	if (held == NULL)
		held = rmt_held_new(set, key);
	held->is_used = 1;
	return held;
}

#endif
