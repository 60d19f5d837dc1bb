/* SPDX-License-Identifier: MIT */
#include "common/limits/held.h"

/* A new record looks at so many others, so that those without use become fewer
 * than are made; below KEPT nobody counts them. */
enum { BITS = 6, SLACK = 100, CHUNK = 1024, LOOKED_AT = 4, KEPT = 4096 };

void rmt_held_init(struct rmt_held_set *set)
{
	*set = (struct rmt_held_set){ 0 };
	rmt_table_init(&set->by_key, BITS, SLACK);
	set->chunks = g_ptr_array_new_with_free_func(g_free);
	set->free = g_ptr_array_new();
}

void rmt_held_finish(struct rmt_held_set *set)
{
	rmt_table_finish(&set->by_key);
	g_ptr_array_unref(set->chunks);
	g_ptr_array_unref(set->free);
}

size_t rmt_held_bytes(const struct rmt_held_set *set)
{
	return set->by_key.bytes +
	       (size_t)set->chunks->len * CHUNK * sizeof(struct rmt_held);
}

static struct rmt_held *number(const struct rmt_held_set *set, uint32_t i)
{
	struct rmt_held *chunk = set->chunks->pdata[i / CHUNK];

	return &chunk[i % CHUNK];
}

static void drop(struct rmt_held_set *set, struct rmt_held *held)
{
	rmt_table_remove(&set->by_key, rmt_table_find(&set->by_key, held->key));
	*held = (struct rmt_held){ 0 };
	g_ptr_array_add(set->free, held);
	set->live--;
}

static void look_at_next(struct rmt_held_set *set)
{
	struct rmt_held *held = number(set, set->hand);

	set->hand = set->hand + 1 < set->made ? set->hand + 1 : 0;
	if (held->key == 0 || held->units > 0)
		return;
	if (held->is_used != 0)
		held->is_used = 0;
	else
		drop(set, held);
}

static struct rmt_held *take(struct rmt_held_set *set)
{
	if (set->free->len > 0)
		return g_ptr_array_steal_index_fast(set->free, set->free->len - 1);
	if (set->made % CHUNK == 0)
		g_ptr_array_add(set->chunks, g_new0(struct rmt_held, CHUNK));
	return number(set, set->made++);
}

struct rmt_held *rmt_held_new(struct rmt_held_set *set, uint64_t key)
{
	struct rmt_held *held;
	unsigned i;

	for (i = 0; i < LOOKED_AT && set->live >= KEPT; i++)
		look_at_next(set);
	held = take(set);
	held->key = key;
	rmt_table_put(&set->by_key, key, 0)->value = (uintptr_t)held;
	set->live++;
	return held;
}
