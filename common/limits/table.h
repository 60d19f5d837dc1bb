/* SPDX-License-Identifier: MIT */
/* table.h - 64-bit keys (uniform hashes, never 0) to 64-bit values, 16 octets a slot.
 *
 * Cut into shards by the key's first bits: each is an array of its own with
 * linear probing, and grows on its own, so that no growth stops the world. Its
 * size is no power of two: a key finds its place by multiplication, and an
 * array grows by as little as 15 %, so that a key takes at most about 23 octets.
 *
 * Two ways to be rid of a key. rmt_table_remove() closes the gap: for tables
 * whose keys come and go. Otherwise a value at or below a threshold the caller names (all
 * flag bits of RMT_TABLE_IGNORED apart) is dead. Dead slots are taken over by
 * new keys that pass by, and dropped when their shard is rebuilt.
 */
#ifndef RMT_TABLE_H
#define RMT_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rmt_slot {
	uint64_t key; /* 0: free */
	uint64_t value;
};

struct rmt_shard {
	struct rmt_slot *slots; /* own; NULL while empty */
	uint32_t size, used;    /* slots; dead ones count as used */
};

struct rmt_table {
	struct rmt_shard *shards; /* own */
	unsigned bits;            /* 2^bits shards */
	unsigned slack;           /* percent of room a rebuilt shard gets to grow */
	size_t bytes;             /* of all arrays */
	size_t used;
	char *room; /* own; for arrays to come, see rmt_table_expect() */
	size_t room_left;
};

/* A value with this bit is as dead or alive as it is without. */
#define RMT_TABLE_IGNORED (UINT64_C(1) << 63)

static inline bool rmt_table_is_dead(uint64_t value, uint64_t threshold)
{
	return (value & ~RMT_TABLE_IGNORED) <= threshold;
}

void rmt_table_init(struct rmt_table *table, unsigned bits, unsigned slack);
void rmt_table_finish(struct rmt_table *table);

static inline struct rmt_shard *rmt_table_shard(const struct rmt_table *table,
						uint64_t key)
{
	return &table->shards[key >> (64 - table->bits)];
}

__extension__ typedef unsigned __int128 rmt_table_wide;

static inline uint32_t rmt_table_place(const struct rmt_table *table, uint32_t size,
				       uint64_t key)
{
	return (uint32_t)(((rmt_table_wide)(key << table->bits) * size) >> 64);
}

/* The slot's key is gone; other slots may have moved, since a shard that has become
 * nearly empty shrinks. Where this is used, values are above 0. */
void rmt_table_remove(struct rmt_table *table, struct rmt_slot *slot);

/* Always inline: GCC 12 sees no effect in a function that only fetches ahead, and
 * leaves its call out. */
static inline __attribute__((always_inline)) void rmt_table_prefetch(
	const struct rmt_table *table, uint64_t key)
{
	const struct rmt_shard *shard = rmt_table_shard(table, key);
	const struct rmt_slot *slot;

	if (shard->slots == NULL)
		return;
	slot = &shard->slots[rmt_table_place(table, shard->size, key)];
	__builtin_prefetch(slot, 1);
	__builtin_prefetch(slot + 4, 1); /* the next line: a chain has some slots */
}

/* NULL: not there. A slot found may be dead. Valid until the next rmt_table_put. */
static inline struct rmt_slot *rmt_table_find(const struct rmt_table *table, uint64_t key)
{
	const struct rmt_shard *shard = rmt_table_shard(table, key);
	const struct rmt_slot *end;
	struct rmt_slot *slot;

	if (shard->size == 0)
		return NULL;
	end = shard->slots + shard->size;
	slot = &shard->slots[rmt_table_place(table, shard->size, key)];
	for (; slot->key != key; slot = slot + 1 == end ? shard->slots : slot + 1)
		if (slot->key == 0)
			return NULL;
	return slot;
}

/* For a key that is not there. */
struct rmt_slot *rmt_table_put_new(struct rmt_table *table, uint64_t key,
				   uint64_t threshold);

/* The key's slot, made with value 0 if it was not there. */
static inline struct rmt_slot *rmt_table_put(struct rmt_table *table, uint64_t key,
					     uint64_t threshold)
{
	struct rmt_slot *slot = rmt_table_find(table, key);

	return slot != NULL ? slot : rmt_table_put_new(table, key, threshold);
}

/* Makes shard number i as large as its live keys need. */
void rmt_table_rebuild(struct rmt_table *table, unsigned i, uint64_t threshold);

/* Arrays of so many octets in all are about to be adopted: their memory is taken at
 * once. 0: no more are; what is left is given back. */
void rmt_table_expect(struct rmt_table *table, size_t bytes);

/* Gives the (empty) shard room for exactly `size` slots, to be filled by the
 * caller with what was a shard's array of that size; `used` is his to set. */
struct rmt_slot *rmt_table_adopt(struct rmt_table *table, unsigned i, uint32_t size,
				 uint32_t used);

#endif
