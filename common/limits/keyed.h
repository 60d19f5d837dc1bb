/* SPDX-License-Identifier: MIT */
/* keyed.h - a growing array of structs that begin with a 64-bit hash, found by it.
 *
 * A handful is searched from front to back; from 17 on an index is
 * kept, so that a stranger with 100,000 recipients costs no more each than
 * one with ten. Items are only added; positions stay, addresses do not.
 */
#ifndef RMT_KEYED_H
#define RMT_KEYED_H

#include <glib.h>
#include <stdint.h>

enum { RMT_KEYED_NONE = UINT32_MAX, RMT_KEYED_LINEAR = 16 };

struct rmt_keyed {
	char *items;     /* own */
	uint32_t *index; /* own; position + 1, 0: free; NULL for a handful */
	uint32_t stride, count, room, index_size;
};

static inline void *rmt_keyed_at(const struct rmt_keyed *keyed, uint32_t i)
{
	return keyed->items + (size_t)i * keyed->stride;
}

uint32_t rmt_keyed_find_indexed(const struct rmt_keyed *keyed, uint64_t key);

/* The position, or RMT_KEYED_NONE. */
static inline uint32_t rmt_keyed_find(const struct rmt_keyed *keyed, uint64_t key)
{
	uint32_t i;

	if (keyed->index != NULL)
		return rmt_keyed_find_indexed(keyed, key);
	for (i = 0; i < keyed->count; i++)
		if (*(const uint64_t *)rmt_keyed_at(keyed, i) == key)
			return i;
	return RMT_KEYED_NONE;
}

void *rmt_keyed_add_slowly(struct rmt_keyed *keyed, uint64_t key);

/* A new item, of which only the key is set; it must not be there yet. */
static inline void *rmt_keyed_add(struct rmt_keyed *keyed, uint64_t key)
{
	uint64_t *item;

	if (keyed->count >= RMT_KEYED_LINEAR || keyed->count == keyed->room)
		return rmt_keyed_add_slowly(keyed, key);
	item = rmt_keyed_at(keyed, keyed->count++);
	*item = key;
	return item;
}

/* Empties it; memory for a handful is kept for the next use. */
void rmt_keyed_clear(struct rmt_keyed *keyed);
void rmt_keyed_finish(struct rmt_keyed *keyed);

#endif
