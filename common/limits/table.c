/* SPDX-License-Identifier: MIT */
#include "common/limits/table.h"

#include <glib.h>
#include <sys/mman.h>

#include "common/limits/large.h"

/* From here on arrays are whole pages of their own: what a growing shard
 * leaves behind goes back to the system and not into holes of the heap. */
enum {
	PAGE = 4096,
	MAPPED_FROM = 8 * PAGE,
	LARGE_PAGE = 2 << 20,
	SIZE_MIN = 8,
	SIZE_KEPT = 256,
	LOAD_PERCENT = 80
};

void rmt_table_init(struct rmt_table *table, unsigned bits, unsigned slack)
{
	*table = (struct rmt_table){ .bits = bits, .slack = slack };
	table->shards = g_new0(struct rmt_shard, (size_t)1 << bits);
}

static size_t bytes_of(uint32_t size)
{
	size_t bytes = (size_t)size * sizeof(struct rmt_slot);

	return bytes < MAPPED_FROM ? bytes : (bytes + PAGE - 1) / PAGE * PAGE;
}

static void *take_room(struct rmt_table *table, size_t bytes)
{
	void *memory = table->room;

	table->room += bytes;
	table->room_left -= bytes;
	return memory;
}

static struct rmt_slot *array_new(struct rmt_table *table, uint32_t size)
{
	size_t bytes = bytes_of(size);
	void *memory;

	if (bytes < MAPPED_FROM)
		return g_malloc0(bytes);
	if (bytes <= table->room_left)
		return take_room(table, bytes);
	/* Hashed keys soon touch every page, and mostly read it first, for two faults
	 * each. */
	memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (memory == MAP_FAILED)
		g_error("counters: no memory for a table of %zu octets", bytes);
	return memory;
}

static void array_free(struct rmt_slot *slots, uint32_t size)
{
	if (slots != NULL && bytes_of(size) >= MAPPED_FROM)
		munmap(slots, bytes_of(size));
	else
		g_free(slots);
}

void rmt_table_finish(struct rmt_table *table)
{
	size_t i;

	rmt_table_expect(table, 0);
	for (i = 0; table->shards != NULL && i < (size_t)1 << table->bits; i++)
		array_free(table->shards[i].slots, table->shards[i].size);
	g_free(table->shards);
	*table = (struct rmt_table){ 0 };
}

static void insert_new(const struct rmt_table *table, struct rmt_slot *slots,
		       uint32_t size, struct rmt_slot slot)
{
	uint32_t i = rmt_table_place(table, size, slot.key);

	while (slots[i].key != 0)
		if (++i == size)
			i = 0;
	slots[i] = slot;
}

static uint32_t count_live(const struct rmt_shard *shard, uint64_t threshold)
{
	uint32_t i, live = 0;

	for (i = 0; i < shard->size; i++)
		live += shard->slots[i].key != 0 &&
			!rmt_table_is_dead(shard->slots[i].value, threshold);
	return live;
}

static void replace(struct rmt_table *table, struct rmt_shard *shard,
		    struct rmt_slot *slots, uint32_t size, uint32_t used)
{
	table->bytes += bytes_of(size) - bytes_of(shard->size);
	table->used += (size_t)used - shard->used;
	array_free(shard->slots, shard->size);
	*shard = (struct rmt_shard){ slots, size, used };
}

static uint32_t size_for(const struct rmt_table *table, uint32_t live)
{
	uint64_t want = ((uint64_t)live + 1) * (100 + table->slack) / LOAD_PERCENT + 1;
	uint64_t size =
		bytes_of((uint32_t)MIN(want, UINT32_MAX / sizeof(struct rmt_slot))) /
		sizeof(struct rmt_slot);

	return (uint32_t)MAX(size, SIZE_MIN);
}

void rmt_table_rebuild(struct rmt_table *table, unsigned number, uint64_t threshold)
{
	struct rmt_shard *shard = &table->shards[number];
	uint32_t i, live = count_live(shard, threshold), size = size_for(table, live);
	struct rmt_slot *slots;

	if (live == 0) {
		replace(table, shard, NULL, 0, 0);
		return;
	}
	slots = array_new(table, size);
	for (i = 0; i < shard->size; i++)
		if (shard->slots[i].key != 0 &&
		    !rmt_table_is_dead(shard->slots[i].value, threshold))
			insert_new(table, slots, size, shard->slots[i]);
	replace(table, shard, slots, size, live);
}

static bool is_full(const struct rmt_shard *shard)
{
	return ((uint64_t)shard->used + 1) * 100 > (uint64_t)shard->size * LOAD_PERCENT;
}

/* A dead slot on the key's way, else the free one at its end (the shard has one). */
static struct rmt_slot *slot_for_new(struct rmt_table *table, struct rmt_shard *shard,
				     uint64_t key, uint64_t threshold)
{
	uint32_t i = rmt_table_place(table, shard->size, key);

	for (; shard->slots[i].key != 0; i = i + 1 == shard->size ? 0 : i + 1)
		if (rmt_table_is_dead(shard->slots[i].value, threshold))
			return &shard->slots[i];
	shard->used++;
	table->used++;
	return &shard->slots[i];
}

struct rmt_slot *rmt_table_put_new(struct rmt_table *table, uint64_t key,
				   uint64_t threshold)
{
	struct rmt_shard *shard = rmt_table_shard(table, key);
	struct rmt_slot *slot;

	if (is_full(shard)) {
		rmt_table_rebuild(table, (unsigned)(shard - table->shards), threshold);
		if (shard->size == 0)
			replace(table, shard, array_new(table, SIZE_MIN), SIZE_MIN, 0);
	}
	slot = slot_for_new(table, shard, key, threshold);
	*slot = (struct rmt_slot){ key, 0 };
	return slot;
}

static uint32_t distance(const struct rmt_shard *shard, uint32_t from, uint32_t to)
{
	return to >= from ? to - from : to + shard->size - from;
}

void rmt_table_remove(struct rmt_table *table, struct rmt_slot *slot)
{
	struct rmt_shard *shard = rmt_table_shard(table, slot->key);
	uint32_t gap = (uint32_t)(slot - shard->slots), i = gap, home;

	for (;;) {
		i = i + 1 == shard->size ? 0 : i + 1;
		if (shard->slots[i].key == 0)
			break;
		home = rmt_table_place(table, shard->size, shard->slots[i].key);
		if (distance(shard, home, i) >= distance(shard, gap, i)) {
			shard->slots[gap] = shard->slots[i];
			gap = i;
		}
	}
	shard->slots[gap] = (struct rmt_slot){ 0, 0 };
	shard->used--;
	table->used--;
	if (shard->size > SIZE_KEPT && shard->used < shard->size / 8)
		rmt_table_rebuild(table, (unsigned)(shard - table->shards), 0);
}

void rmt_table_expect(struct rmt_table *table, size_t bytes)
{
	if (table->room_left > 0)
		munmap(table->room, table->room_left);
	table->room = NULL;
	table->room_left = bytes / LARGE_PAGE * LARGE_PAGE;
	if (table->room_left > 0)
		table->room = rmt_large_new(table->room_left);
}

struct rmt_slot *rmt_table_adopt(struct rmt_table *table, unsigned i, uint32_t size,
				 uint32_t used)
{
	replace(table, &table->shards[i], size > 0 ? array_new(table, size) : NULL, size,
		used);
	return table->shards[i].slots;
}
