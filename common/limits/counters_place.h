/* SPDX-License-Identifier: MIT */
/* counters_place.h - a counter where it stands: found, asked and charged.
 *
 * For counters.c, and for reserve.c, which does this for every limit of every
 * recipient: inline, since a call costs as much as the arithmetic. Rates only; a
 * quota goes through counters.h.
 */
#ifndef RMT_COUNTERS_PLACE_H
#define RMT_COUNTERS_PLACE_H

#include "common/limits/counters_disk.h"
#include "common/limits/counters_private.h"
#include "common/limits/gcra.h"

/* The time line never goes back, whoever says what time it is. */
static inline uint64_t rmt_counters_now(struct rmt_counters *counters, int64_t line_ns)
{
	counters->line_last = MAX(counters->line_last, line_ns);
	return (uint64_t)counters->line_last;
}

/* A moment as a slot's value. */
static inline uint64_t rmt_slot_stored(uint64_t ns)
{
	return ns <= RMT_TAT_ORIGIN ? 0 : MIN(ns - RMT_TAT_ORIGIN, RMT_SLOT_VALUE);
}

static inline uint64_t rmt_slot_tat(uint64_t value)
{
	return (value & RMT_SLOT_QUOTA) != 0 ? 0
					     : (value & RMT_SLOT_VALUE) + RMT_TAT_ORIGIN;
}

static inline uint64_t rmt_counters_held(const struct rmt_counters *counters,
					 uint64_t key)
{
	const struct rmt_slot *slot =
		counters->held.used > 0 ? rmt_table_find(&counters->held, key) : NULL;

	return slot != NULL ? slot->value : 0;
}

/* The key's slot: where it was last time (*place), or searched; NULL: not there. */
static inline G_ALWAYS_INLINE struct rmt_slot *rmt_counters_slot(
	const struct rmt_counters *counters, uint64_t key, uint32_t *place)
{
	const struct rmt_shard *shard = rmt_table_shard(&counters->slots, key);
	struct rmt_slot *slot;

	if (*place < shard->size && shard->slots[*place].key == key)
		return &shard->slots[*place];
	slot = rmt_table_find(&counters->slots, key);
	if (slot != NULL)
		*place = (uint32_t)(slot - shard->slots);
	return slot;
}

/* As rmt_counters_fits_in, of a rate, where nobody wants to know its usage. */
static inline G_ALWAYS_INLINE bool rmt_rate_fits(struct rmt_counters *counters,
						 uint64_t key,
						 const struct rmt_measure *measure,
						 uint64_t n, uint64_t now,
						 uint32_t *place)
{
	const struct rmt_slot *slot = rmt_counters_slot(counters, key, place);
	const uint64_t value = slot != NULL ? slot->value : 0;

	counters->nameless |= (value & RMT_SLOT_NAMED) == 0;
	return rmt_measure_fits(measure, slot != NULL ? rmt_slot_tat(value) : 0,
				rmt_counters_held(counters, key), n, now, NULL);
}

/* What the log is to get. */
static inline void rmt_rate_changed(struct rmt_counters *counters,
				    const struct rmt_slot *slot)
{
	struct rmt_changes *changes = &counters->changes;
	uint64_t *pair;

	if (counters->disk == NULL)
		return;
	pair = rmt_changes_find(changes, slot->key);
	if (pair == NULL && changes->count == RMT_CHANGES_MAX)
		rmt_disk_take_changes(counters->disk);
	if (pair == NULL)
		pair = rmt_changes_add(changes, slot->key);
	pair[1] = slot->value & RMT_SLOT_VALUE;
}

static inline void rmt_slot_set_tat(struct rmt_slot *slot, uint64_t tat)
{
	slot->value = (slot->value & RMT_SLOT_NAMED) |
		      rmt_slot_stored(MIN(tat, RMT_GCRA_TAT_MAX));
}

/* A slot that is a rate's. */
static inline void rmt_rate_charge(struct rmt_counters *counters, struct rmt_slot *slot,
				   const struct rmt_measure *measure, uint64_t n,
				   uint64_t now)
{
	rmt_slot_set_tat(slot,
			 rmt_measure_charge(measure, rmt_slot_tat(slot->value), n, now));
	rmt_rate_changed(counters, slot);
}

#endif
