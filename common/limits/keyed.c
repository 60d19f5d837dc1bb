/* SPDX-License-Identifier: MIT */
#include "common/limits/keyed.h"

#include <string.h>

enum { LINEAR = RMT_KEYED_LINEAR, ROOM_FIRST = 8, ROOM_KEPT = 64 };

static uint64_t key_at(const struct rmt_keyed *keyed, uint32_t i)
{
	uint64_t key;

	memcpy(&key, rmt_keyed_at(keyed, i), sizeof(key));
	return key;
}

/* The place in the index where the key is or would be. */
static uint32_t place(const struct rmt_keyed *keyed, uint64_t key)
{
	uint32_t i = (uint32_t)(((key & UINT32_MAX) * keyed->index_size) >> 32);

	while (keyed->index[i] != 0 && key_at(keyed, keyed->index[i] - 1) != key)
		if (++i == keyed->index_size)
			i = 0;
	return i;
}

uint32_t rmt_keyed_find_indexed(const struct rmt_keyed *keyed, uint64_t key)
{
	uint32_t i = keyed->index[place(keyed, key)];

	return i != 0 ? i - 1 : RMT_KEYED_NONE;
}

static void reindex(struct rmt_keyed *keyed)
{
	uint32_t i;

	g_free(keyed->index);
	keyed->index_size = keyed->count * 3;
	keyed->index = g_new0(uint32_t, keyed->index_size);
	for (i = 0; i < keyed->count; i++)
		keyed->index[place(keyed, key_at(keyed, i))] = i + 1;
}

void *rmt_keyed_add_slowly(struct rmt_keyed *keyed, uint64_t key)
{
	char *item;

	if (keyed->count == keyed->room) {
		keyed->room = keyed->room > 0 ? keyed->room * 2 : ROOM_FIRST;
		keyed->items = g_realloc_n(keyed->items, keyed->room, keyed->stride);
	}
	item = rmt_keyed_at(keyed, keyed->count);
	memcpy(item, &key, sizeof(key));
	keyed->count++;
	if (keyed->count > LINEAR && keyed->count * 4 > keyed->index_size * 3)
		reindex(keyed);
	else if (keyed->index != NULL)
		keyed->index[place(keyed, key)] = keyed->count;
	return item;
}

void rmt_keyed_clear(struct rmt_keyed *keyed)
{
	g_clear_pointer(&keyed->index, g_free);
	keyed->index_size = 0;
	keyed->count = 0;
	if (keyed->room > ROOM_KEPT)
		rmt_keyed_finish(keyed);
}

void rmt_keyed_finish(struct rmt_keyed *keyed)
{
	g_clear_pointer(&keyed->items, g_free);
	g_clear_pointer(&keyed->index, g_free);
	keyed->count = keyed->room = keyed->index_size = 0;
}
