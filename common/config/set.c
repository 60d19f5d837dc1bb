/* SPDX-License-Identifier: MIT */
#include "common/config/set.h"

#include <glib.h>
#define XXH_INLINE_ALL /* keys are short: a call costs as much as the hash */
#include <xxhash.h>

enum { OFFSET_BITS = 40, HEAD = 2, SLOTS_MIN = 8 };

#define OFFSET_MASK ((UINT64_C(1) << OFFSET_BITS) - 1)

static uint64_t hash_of(struct rmt_span member)
{
	return XXH3_64bits(member.p, member.len);
}

static struct rmt_span member_at(const struct rmt_set *set, uint64_t offset)
{
	uint16_t len;

	memcpy(&len, set->arena + offset, HEAD);
	return rmt_span(set->arena + offset + HEAD, len);
}

/* The member's slot, or the free one where it would go. The table's index uses
 * the low bits, the slot keeps the high ones. */
static uint64_t *find_slot(const struct rmt_set *set, struct rmt_span member,
			   uint64_t hash)
{
	size_t mask = set->slot_count - 1, i = hash & mask;
	uint64_t slot;

	while ((slot = set->slots[i]) != 0) {
		if ((slot >> OFFSET_BITS) == (hash >> OFFSET_BITS) &&
		    rmt_span_eq(member_at(set, (slot & OFFSET_MASK) - 1), member))
			break;
		i = (i + 1) & mask;
	}
	return &set->slots[i];
}

static void grow_slots(struct rmt_set *set)
{
	struct rmt_span member;
	size_t cursor = 0, at = 0;
	uint64_t hash;

	g_free(set->slots);
	set->slot_count = MAX(SLOTS_MIN, set->slot_count * 2);
	set->slots = g_new0(uint64_t, set->slot_count);
	while (rmt_set_next(set, &cursor, &member)) {
		hash = hash_of(member);
		*find_slot(set, member, hash) = (hash & ~OFFSET_MASK) | (at + 1);
		at = cursor;
	}
}

static uint64_t append(struct rmt_set *set, struct rmt_span member)
{
	uint16_t len = (uint16_t)member.len;
	uint64_t at = set->used;

	if (set->size - set->used < HEAD + member.len) {
		set->size = set->size + set->size / 2 + HEAD + member.len;
		set->arena = g_realloc(set->arena, set->size);
	}
	memcpy(set->arena + at, &len, HEAD);
	if (len > 0)
		memcpy(set->arena + at + HEAD, member.p, len);
	set->used += HEAD + len;
	return at;
}

void rmt_set_clear(struct rmt_set *set)
{
	g_free(set->slots);
	g_free(set->arena);
	memset(set, 0, sizeof(*set));
}

bool rmt_set_add(struct rmt_set *set, struct rmt_span member)
{
	uint64_t hash = hash_of(member);
	uint64_t *slot;

	g_assert(member.len <= RMT_SET_MEMBER_MAX && set->used < OFFSET_MASK / 2);
	if (set->count >= set->slot_count - set->slot_count / 4)
		grow_slots(set);
	slot = find_slot(set, member, hash);
	if (*slot != 0)
		return false;
	*slot = (hash & ~OFFSET_MASK) | (append(set, member) + 1);
	set->count++;
	return true;
}

bool rmt_set_has(const struct rmt_set *set, struct rmt_span member)
{
	return set->count > 0 && *find_slot(set, member, hash_of(member)) != 0;
}

bool rmt_set_next(const struct rmt_set *set, size_t *cursor, struct rmt_span *member_r)
{
	if (*cursor >= set->used)
		return false;
	*member_r = member_at(set, *cursor);
	*cursor += HEAD + member_r->len;
	return true;
}
