/* SPDX-License-Identifier: MIT */
#include "common/limits/names.h"

enum { HEAD = 12, LIMITS_MAX = 65535 };

void rmt_names_init(struct rmt_names *names, unsigned bits)
{
	*names = (struct rmt_names){ .bits = bits };
	names->shards = g_new0(struct rmt_names_shard, (size_t)1 << bits);
	names->limits = g_ptr_array_new_with_free_func(g_free);
	names->limit_numbers = g_hash_table_new(g_str_hash, g_str_equal);
}

static void shard_clear(struct rmt_names *names, struct rmt_names_shard *shard)
{
	names->count -= shard->count;
	names->bytes -= shard->room + shard->index_size * sizeof(uint32_t);
	g_free(shard->records);
	g_free(shard->index);
	*shard = (struct rmt_names_shard){ 0 };
}

void rmt_names_finish(struct rmt_names *names)
{
	size_t i;

	for (i = 0; names->shards != NULL && i < (size_t)1 << names->bits; i++)
		shard_clear(names, &names->shards[i]);
	g_free(names->shards);
	rmt_pieces_finish(&names->later);
	g_clear_pointer(&names->later_last, g_free);
	g_clear_pointer(&names->pending, g_free);
	g_clear_pointer(&names->limit_numbers, g_hash_table_unref);
	g_clear_pointer(&names->limits, g_ptr_array_unref);
	names->shards = NULL;
}

bool rmt_names_next(const char *records, size_t len, size_t *offset,
		    struct rmt_name *name_r)
{
	uint16_t value_len;

	if (len - *offset < HEAD)
		return false;
	memcpy(&name_r->key, records + *offset, 8);
	memcpy(&name_r->limit, records + *offset + 8, 2);
	memcpy(&value_len, records + *offset + 10, 2);
	if (name_r->key == 0 || value_len > RMT_NAME_VALUE_MAX ||
	    len - *offset - HEAD < value_len)
		return false;
	name_r->value = rmt_span(records + *offset + HEAD, value_len);
	*offset += HEAD + value_len;
	return true;
}

static uint32_t place(const struct rmt_names *names, const struct rmt_names_shard *shard,
		      uint64_t key)
{
	return (uint32_t)((((key << names->bits) >> 32) * shard->index_size) >> 32);
}

/* The key's place in the index, or the free one where it would be. */
static uint32_t find(const struct rmt_names *names, const struct rmt_names_shard *shard,
		     uint64_t key)
{
	uint32_t i = place(names, shard, key);

	while (shard->index[i] != 0 &&
	       memcmp(shard->records + shard->index[i] - 1, &key, sizeof(key)) != 0)
		if (++i == shard->index_size)
			i = 0;
	return i;
}

void rmt_names_put_off(struct rmt_names *names)
{
	const size_t shards = (size_t)1 << names->bits;
	size_t i;

	names->pending = g_new(uint32_t, shards);
	names->later_last = g_new0(uint32_t, shards);
	rmt_pieces_init(&names->later);
	for (i = 0; i < shards; i++)
		names->pending[i] = 1;
}

void rmt_names_expect(struct rmt_names *names, unsigned i, uint32_t count)
{
	if (names->pending == NULL)
		rmt_names_put_off(names);
	names->count += (size_t)count - (names->pending[i] - 1);
	names->pending[i] = count + 1;
}

static bool is_put_off(const struct rmt_names *names, unsigned i)
{
	return names->pending != NULL && names->pending[i] > 0;
}

/* A record of `later`: the place + 1 of the one before in its shard, then itself. */
static void add_kept(struct rmt_names *names, uint32_t place)
{
	struct rmt_name name;
	const char *record;
	uint32_t before;
	size_t offset, left;

	for (; place != 0; place = before) {
		record = rmt_pieces_at(&names->later, place - 1, &left);
		memcpy(&before, record, sizeof(before));
		offset = sizeof(before);
		names->later_count--;
		if (rmt_names_next(record, left, &offset, &name))
			rmt_names_add(names, name.key,
				      rmt_names_limit_name(names, name.limit),
				      name.value);
	}
	if (names->later_count > 0 || names->later.all->len == 0)
		return;
	rmt_pieces_finish(&names->later);
	rmt_pieces_init(&names->later);
}

static void make_shard(struct rmt_names *names, unsigned i)
{
	const uint32_t on_disk = names->pending[i] - 1, place = names->later_last[i];
	size_t len = 0;
	char *records = NULL;

	names->count -= on_disk;
	names->pending[i] = names->later_last[i] = 0;
	if (on_disk > 0)
		records = names->fetch(names->fetch_context, i, &len);
	if (records != NULL)
		rmt_names_adopt(names, i, records, len);
	add_kept(names, place);
}

static struct rmt_names_shard *shard_at(const struct rmt_names *names, unsigned i)
{
	if (is_put_off(names, i))
		make_shard((struct rmt_names *)names, i); /* a cache, to the caller */
	return &names->shards[i];
}

const struct rmt_names_shard *rmt_names_shard_at(const struct rmt_names *names,
						 unsigned i)
{
	return shard_at(names, i);
}

static struct rmt_names_shard *shard_of(const struct rmt_names *names, uint64_t key)
{
	return shard_at(names, (unsigned)(key >> (64 - names->bits)));
}

bool rmt_names_has(const struct rmt_names *names, uint64_t key)
{
	const struct rmt_names_shard *shard = shard_of(names, key);

	return shard->index_size > 0 && shard->index[find(names, shard, key)] != 0;
}

static bool is_limit(const struct rmt_names *names, uint16_t number,
		     struct rmt_span limit)
{
	return number < names->limits->len &&
	       rmt_span_eq(rmt_span_of(names->limits->pdata[number]), limit);
}

uint16_t rmt_names_limit(struct rmt_names *names, struct rmt_span limit)
{
	const uint16_t next =
		(uint16_t)((names->last_limit + 1) % MAX(names->limits->len, 1));
	g_autofree char *text = NULL;
	gpointer number;

	if (is_limit(names, names->last_limit, limit))
		return names->last_limit;
	/* Who is new under one limit is new under the next. */
	if (is_limit(names, next, limit))
		return names->last_limit = next;
	text = g_strndup(limit.p != NULL ? limit.p : "", limit.len);
	number = g_hash_table_lookup(names->limit_numbers, text);
	if (number == NULL) {
		if (names->limits->len >= LIMITS_MAX)
			return LIMITS_MAX - 1;
		g_ptr_array_add(names->limits, text);
		number = GUINT_TO_POINTER(names->limits->len);
		g_hash_table_insert(names->limit_numbers, g_steal_pointer(&text), number);
	}
	names->last_limit = (uint16_t)(GPOINTER_TO_UINT(number) - 1);
	return names->last_limit;
}

struct rmt_span rmt_names_limit_name(const struct rmt_names *names, uint16_t limit)
{
	return rmt_span_of(limit < names->limits->len ? names->limits->pdata[limit]
						      : "?");
}

/* Index over all records, with room for a third more. */
static bool reindex(struct rmt_names *names, struct rmt_names_shard *shard)
{
	struct rmt_name name;
	size_t offset = 0, at = 0;
	uint32_t i;

	names->bytes -= shard->index_size * sizeof(uint32_t);
	g_free(shard->index);
	shard->index_size = shard->count + shard->count / 3 + 4;
	shard->index = g_new0(uint32_t, shard->index_size);
	names->bytes += shard->index_size * sizeof(uint32_t);
	while (rmt_names_next(shard->records, shard->len, &offset, &name)) {
		i = find(names, shard, name.key);
		if (shard->index[i] != 0 ||
		    name.key >> (64 - names->bits) != (uint64_t)(shard - names->shards))
			return false;
		shard->index[i] = (uint32_t)at + 1;
		at = offset;
	}
	return offset == shard->len;
}

static void reserve_room(struct rmt_names *names, struct rmt_names_shard *shard,
			 size_t more)
{
	uint32_t room = shard->room;

	if (shard->len + more <= room)
		return;
	shard->room = (uint32_t)(shard->len + more + shard->len / 8);
	shard->records = g_realloc(shard->records, shard->room);
	names->bytes += (size_t)shard->room - room;
}

static void put_head(char *record, uint64_t key, uint16_t limit, uint16_t len)
{
	memcpy(record, &key, 8);
	memcpy(record + 8, &limit, 2);
	memcpy(record + 10, &len, 2);
}

bool rmt_names_add(struct rmt_names *names, uint64_t key, struct rmt_span limit,
		   struct rmt_span value)
{
	struct rmt_names_shard *shard = shard_of(names, key);
	uint16_t number, len = (uint16_t)MIN(value.len, RMT_NAME_VALUE_MAX);
	char *record;

	if (rmt_names_has(names, key) || shard->len > UINT32_MAX / 2)
		return false;
	if (shard->count + 2 > shard->index_size - shard->index_size / 5)
		reindex(names, shard);
	reserve_room(names, shard, HEAD + len);
	number = rmt_names_limit(names, limit);
	record = shard->records + shard->len;
	put_head(record, key, number, len);
	if (len > 0)
		memcpy(record + HEAD, value.p, len);
	shard->index[find(names, shard, key)] = shard->len + 1;
	shard->len += HEAD + len;
	shard->count++;
	names->count++;
	return true;
}

void rmt_names_add_later(struct rmt_names *names, uint64_t key, struct rmt_span limit,
			 struct rmt_span value)
{
	const unsigned i = (unsigned)(key >> (64 - names->bits));
	const uint16_t len = (uint16_t)MIN(value.len, RMT_NAME_VALUE_MAX);
	const size_t size = sizeof(uint32_t) + HEAD + len;
	uint32_t place;
	char *record =
		is_put_off(names, i) ? rmt_pieces_add(&names->later, size, &place) : NULL;

	if (record == NULL) {
		rmt_names_add(names, key, limit, value);
		return;
	}
	memcpy(record, &names->later_last[i], sizeof(uint32_t));
	record += sizeof(uint32_t);
	put_head(record, key, rmt_names_limit(names, limit), len);
	if (len > 0)
		memcpy(record + HEAD, value.p, len);
	names->later_last[i] = place + 1;
	names->later_count++;
}

static uint32_t count_records(const char *records, size_t len)
{
	struct rmt_name name;
	size_t offset = 0;
	uint32_t count = 0;

	while (rmt_names_next(records, len, &offset, &name))
		count++;
	return count;
}

bool rmt_names_adopt(struct rmt_names *names, unsigned i, char *records, size_t len)
{
	struct rmt_names_shard *shard = &names->shards[i];

	shard_clear(names, shard);
	shard->records = records;
	shard->len = shard->room = (uint32_t)len;
	shard->count = count_records(records, len);
	names->count += shard->count;
	names->bytes += len;
	if (reindex(names, shard))
		return true;
	shard_clear(names, shard);
	return false;
}

void rmt_names_prune(struct rmt_names *names, unsigned i,
		     bool (*keep)(void *context, uint64_t key), void *context)
{
	struct rmt_names_shard *shard = shard_at(names, i);
	g_autoptr(GByteArray) kept = g_byte_array_new();
	struct rmt_name name;
	size_t offset = 0, at = 0;
	guint len;

	while (rmt_names_next(shard->records, shard->len, &offset, &name)) {
		if (keep(context, name.key))
			g_byte_array_append(kept, (guint8 *)shard->records + at,
					    (guint)(offset - at));
		at = offset;
	}
	len = kept->len;
	if (len < shard->len)
		rmt_names_adopt(names, i, g_memdup2(kept->data, len), len);
}
