/* SPDX-License-Identifier: MIT */
/* suppress_import.c - millions of entries, in batches that let others write. */
#include <stdlib.h>

#include "common/store/suppress_record.h"

enum {
	CHUNK_OCTETS = 64 << 20, /* packed entries kept before they are sorted */
	CHUNK_ITEMS = 1 << 20,
	BATCH_FIRST = 256,
	BATCH_MIN = 64,
	BATCH_MAX = 8192,
	AHEAD = 8, /* items */
	RECORDS_MAX = BATCH_MAX / RMT_JOURNAL_HASHES + 1,
};
/* Half of what is promised: the disk is not always as fast as the last time. */
static const uint64_t hold_goal_ns = 2500000;

struct item {
	uint64_t hash;
	size_t offset; /* in the arena */
};

struct rmt_suppress_import {
	struct rmt_store *store; /* foreign */
	GString *arena;          /* own; entries as rmt_suppress_pack() makes them */
	GArray *items;           /* own; struct item */
	size_t batch;            /* entries in the next commit */
	uint64_t added, replaced;
	/* Of the batch under way. */
	struct rmt_suppress_merge merges[BATCH_MAX];
	struct rmt_store_change changes[BATCH_MAX + RECORDS_MAX];
	char keys[BATCH_MAX][RMT_SUPPRESS_KEY];
	uint64_t hashes[BATCH_MAX];
	GString *records[RECORDS_MAX]; /* own */
};

struct rmt_suppress_import *rmt_suppress_import_begin(struct rmt_store *store)
{
	struct rmt_suppress_import *import = g_new0(struct rmt_suppress_import, 1);
	size_t i;

	import->store = store;
	import->arena = g_string_new(NULL);
	import->items = g_array_new(FALSE, FALSE, sizeof(struct item));
	import->batch = BATCH_FIRST;
	for (i = 0; i < RECORDS_MAX; i++)
		import->records[i] = g_string_new(NULL);
	return import;
}

void rmt_suppress_import_free(struct rmt_suppress_import *import)
{
	size_t i;

	if (import == NULL)
		return;
	for (i = 0; i < RECORDS_MAX; i++)
		g_string_free(import->records[i], TRUE);
	g_string_free(import->arena, TRUE);
	g_array_free(import->items, TRUE);
	g_free(import);
}

/* Of two with one hash the later line comes later, and wins. */
static int compare_items(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	return x->offset < y->offset ? -1 : 1;
}

static struct rmt_store_change change_of(struct rmt_suppress_import *import, size_t i,
					 const struct item *item)
{
	struct rmt_unpack in = { rmt_span(import->arena->str + item->offset,
					  import->arena->len - item->offset),
				 false };

	rmt_suppress_unpack(&in, &import->merges[i].view);
	import->hashes[i] = item->hash;
	return (struct rmt_store_change){
		.table = RMT_SUPPRESS_TABLE,
		.key = rmt_suppress_key(item->hash, import->keys[i]),
		.modify = rmt_suppress_merge,
		.context = &import->merges[i],
	};
}

static size_t add_journal(struct rmt_suppress_import *import, size_t count)
{
	size_t i, records = 0, part;

	for (i = 0; i < count; i += part) {
		part = MIN(count - i, (size_t)RMT_JOURNAL_HASHES);
		import->changes[count + records] = rmt_journal_change(
			import->records[records], &import->hashes[i], part);
		records++;
	}
	return records;
}

/* The next batch is as long as the last hold allows; it grows in small steps. */
static void adapt_batch(struct rmt_suppress_import *import, size_t count)
{
	struct rmt_store_stats stats;
	uint64_t fits;

	rmt_store_stats(import->store, &stats);
	fits = count * hold_goal_ns / MAX(stats.hold_last_ns, 1);
	import->batch =
		CLAMP(MIN(fits, import->batch + import->batch / 8), BATCH_MIN, BATCH_MAX);
}

static bool write_batch(struct rmt_suppress_import *import, const struct item *items,
			size_t count, GError **err)
{
	size_t i, total;

	for (i = 0; i < count; i++) {
		/* In the order of the hashes no two lie side by side. */
		__builtin_prefetch(import->arena->str +
				   items[MIN(i + AHEAD, count - 1)].offset);
		import->changes[i] = change_of(import, i, &items[i]);
	}
	total = count + add_journal(import, count);
	if (!rmt_store_commit_batch(import->store, import->changes, total, false, err))
		return false;
	for (i = 0; i < count; i++)
		import->replaced += import->merges[i].was_there_r;
	import->added += count;
	adapt_batch(import, count);
	return true;
}

static bool write_chunk(struct rmt_suppress_import *import, GError **err)
{
	struct item *items = (struct item *)import->items->data;
	size_t i, part;

	qsort(items, import->items->len, sizeof(*items), compare_items);
	for (i = 0; i < import->items->len; i += part) {
		part = MIN(import->items->len - i, import->batch);
		if (!write_batch(import, items + i, part, err))
			return false;
	}
	g_array_set_size(import->items, 0);
	g_string_truncate(import->arena, 0);
	return true;
}

bool rmt_suppress_import_add(struct rmt_suppress_import *import,
			     const struct rmt_suppression *entry, GError **err)
{
	struct rmt_suppress_view view = rmt_suppress_view_of(entry);
	struct item item = { rmt_suppress_hash(view.address), import->arena->len };

	if (!rmt_suppress_check(entry, err))
		return false;
	rmt_suppress_pack(import->arena, &view);
	g_array_append_val(import->items, item);
	if (import->arena->len < CHUNK_OCTETS && import->items->len < CHUNK_ITEMS)
		return true;
	return write_chunk(import, err);
}

bool rmt_suppress_import_end(struct rmt_suppress_import *import, uint64_t *added_r,
			     uint64_t *replaced_r, GError **err)
{
	bool ok = write_chunk(import, err) &&
		  rmt_store_commit_batch(import->store, NULL, 0, true, err);

	if (ok) {
		*added_r = import->added;
		*replaced_r = import->replaced;
	}
	rmt_suppress_import_free(import);
	return ok;
}
