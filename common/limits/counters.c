/* SPDX-License-Identifier: MIT */
#include "common/limits/counters_private.h"

#include <string.h>
#include <sys/random.h>
#include <xxhash.h>

#include "common/limits/counters_disk.h"
#include "common/limits/gcra.h"

enum { QUOTA_CHUNK = 128, SLACK = 15 };

/* --- rings ------------------------------------------------------------------- */

struct rmt_quota *rmt_quota_pool_get(const struct rmt_quota_pool *pool, uint64_t number)
{
	struct rmt_quota *chunk = pool->chunks->pdata[number / QUOTA_CHUNK];

	return &chunk[number % QUOTA_CHUNK];
}

static uint64_t pool_take(struct rmt_quota_pool *pool)
{
	uint64_t number;
	struct rmt_quota *quota;

	pool->used++;
	if (pool->free != 0) {
		number = pool->free - 1;
		quota = rmt_quota_pool_get(pool, number);
		pool->free = quota->newest;
		memset(quota, 0, sizeof(*quota));
		return number;
	}
	if (pool->made % QUOTA_CHUNK == 0)
		g_ptr_array_add(pool->chunks, g_new0(struct rmt_quota, QUOTA_CHUNK));
	return pool->made++;
}

static void pool_give(struct rmt_quota_pool *pool, uint64_t number)
{
	rmt_quota_pool_get(pool, number)->newest = pool->free;
	pool->free = number + 1;
	pool->used--;
}

/* --- slots ------------------------------------------------------------------- */

static uint64_t stored(int64_t line_ns)
{
	uint64_t ns = line_ns > 0 ? (uint64_t)line_ns : 0;

	return ns <= RMT_TAT_ORIGIN ? 0 : MIN(ns - RMT_TAT_ORIGIN, RMT_SLOT_VALUE);
}

static uint64_t tat_of(uint64_t value)
{
	return (value & RMT_SLOT_QUOTA) != 0 ? 0
					     : (value & RMT_SLOT_VALUE) + RMT_TAT_ORIGIN;
}

static struct rmt_slot *slot_find(const struct rmt_counters *counters, uint64_t key)
{
	return rmt_table_find(&counters->slots, key);
}

static struct rmt_slot *slot_put(struct rmt_counters *counters, uint64_t key)
{
	struct rmt_slot *slot =
		rmt_table_put(&counters->slots, key, stored(counters->line_last));

	counters->nameless |= (slot->value & RMT_SLOT_NAMED) == 0;
	return slot;
}

static struct rmt_quota *quota_of(const struct rmt_counters *counters,
				  const struct rmt_slot *slot)
{
	if (slot == NULL || (slot->value & RMT_SLOT_QUOTA) == 0)
		return NULL;
	return rmt_quota_pool_get(&counters->quotas, slot->value & RMT_SLOT_VALUE);
}

/* Makes the slot a quota's. What was counted as a rate is forgotten: the
 * administrator made another limit of it. */
static struct rmt_quota *make_quota(struct rmt_counters *counters, struct rmt_slot *slot)
{
	struct rmt_quota *quota = quota_of(counters, slot);

	if (quota != NULL)
		return quota;
	slot->value = (slot->value & RMT_SLOT_FLAGS) | RMT_SLOT_QUOTA |
		      pool_take(&counters->quotas);
	return quota_of(counters, slot);
}

static inline void make_rate(struct rmt_counters *counters, struct rmt_slot *slot)
{
	if ((slot->value & RMT_SLOT_QUOTA) == 0)
		return;
	pool_give(&counters->quotas, slot->value & RMT_SLOT_VALUE);
	slot->value &= RMT_SLOT_FLAGS;
}

static uint64_t held_of(const struct rmt_counters *counters, const struct rmt_slot *slot)
{
	const struct rmt_held *held;

	if (slot == NULL || (slot->value & RMT_SLOT_HELD) == 0)
		return 0;
	held = rmt_held_find(&counters->held, slot->key);
	return held != NULL ? held->units : 0;
}

/* The key's slot: where it was last time (*place), or searched. */
static inline G_ALWAYS_INLINE struct rmt_slot *slot_in(
	const struct rmt_counters *counters, uint64_t key, uint32_t *place)
{
	const struct rmt_shard *shard = rmt_table_shard(&counters->slots, key);
	struct rmt_slot *slot;

	if (*place < shard->size && shard->slots[*place].key == key)
		return &shard->slots[*place];
	slot = slot_find(counters, key);
	if (slot != NULL)
		*place = (uint32_t)(slot - shard->slots);
	return slot;
}

static inline G_ALWAYS_INLINE struct rmt_slot *slot_of(
	const struct rmt_counters *counters, struct rmt_held *held)
{
	return slot_in(counters, held->key, &held->place);
}

static inline G_ALWAYS_INLINE struct rmt_slot *slot_put_in(struct rmt_counters *counters,
							   uint64_t key, uint32_t *place)
{
	struct rmt_slot *slot = slot_in(counters, key, place);

	if (slot == NULL)
		return slot_put(counters, key);
	counters->nameless |= (slot->value & RMT_SLOT_NAMED) == 0;
	return slot;
}

static inline G_ALWAYS_INLINE struct rmt_slot *slot_put_of(struct rmt_counters *counters,
							   struct rmt_held *held)
{
	return slot_put_in(counters, held->key, &held->place);
}

static uint64_t line_u(struct rmt_counters *counters, int64_t line_ns)
{
	counters->line_last = MAX(counters->line_last, line_ns);
	return (uint64_t)counters->line_last;
}

/* --- opening ----------------------------------------------------------------- */

static void fill_random(unsigned char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = getrandom(bytes, len, 0);

		if (n > 0) {
			bytes += n;
			len -= (size_t)n;
		}
	}
}

static void tables_init(struct rmt_counters *counters)
{
	rmt_table_init(&counters->slots, RMT_SHARD_BITS, SLACK);
	rmt_held_init(&counters->held);
	rmt_names_init(&counters->names, RMT_SHARD_BITS);
	counters->quotas = (struct rmt_quota_pool){ 0 };
	counters->quotas.chunks = g_ptr_array_new_with_free_func(g_free);
	counters->held_keys = 0;
}

static void tables_finish(struct rmt_counters *counters)
{
	rmt_table_finish(&counters->slots);
	rmt_held_finish(&counters->held);
	rmt_names_finish(&counters->names);
	g_ptr_array_unref(counters->quotas.chunks);
}

void rmt_counters_empty(struct rmt_counters *counters)
{
	tables_finish(counters);
	tables_init(counters);
}

bool rmt_counters_open(struct rmt_counters **counters_r,
		       const struct rmt_counters_options *options, GError **err)
{
	struct rmt_counters *counters = g_new0(struct rmt_counters, 1);

	tables_init(counters);
	fill_random(counters->secret, sizeof(counters->secret));
	counters->line_start = options->wall_secs * RMT_NS_PER_SEC;
	counters->monotonic_start = options->monotonic_ns;
	counters->line_last = counters->line_start;
	if (options->directory != NULL) {
		counters->disk = rmt_disk_open(counters, options, err);
		if (counters->disk == NULL) {
			rmt_counters_close(&counters);
			return false;
		}
	}
	*counters_r = counters;
	return true;
}

void rmt_counters_close(struct rmt_counters **counters)
{
	struct rmt_counters *old = *counters;

	*counters = NULL;
	if (old == NULL)
		return;
	rmt_disk_close(old->disk);
	tables_finish(old);
	g_free(old);
}

int64_t rmt_counters_line(const struct rmt_counters *counters, int64_t monotonic_ns)
{
	int64_t passed = MAX(monotonic_ns - counters->monotonic_start, 0);

	return MAX(counters->line_start + passed, counters->line_last);
}

uint64_t rmt_counters_hash(const struct rmt_counters *counters, const void *name,
			   size_t len)
{
	uint64_t hash = XXH3_64bits_withSecret(name, len, counters->secret,
					       sizeof(counters->secret));

	return hash != 0 ? hash : 1;
}

void rmt_counters_prefetch(const struct rmt_counters *counters, uint64_t key)
{
	rmt_table_prefetch(&counters->slots, key);
}

/* --- counting ---------------------------------------------------------------- */

/* A quota nobody has used yet. */
static bool fits_unused(const struct rmt_amount *amount, uint64_t held, uint64_t n,
			uint64_t now, struct rmt_usage *usage_r)
{
	struct rmt_quota none = { 0 };

	return rmt_quota_fits(&none, amount, held, n, now, usage_r);
}

static inline G_ALWAYS_INLINE bool fits(struct rmt_counters *counters,
					const struct rmt_slot *slot, uint64_t held,
					const struct rmt_measure *measure, uint64_t n,
					uint64_t now, struct rmt_usage *usage_r)
{
	const struct rmt_amount *amount = &measure->amount;
	struct rmt_quota *quota;

	if (!amount->is_quota)
		return rmt_measure_fits(measure, slot != NULL ? tat_of(slot->value) : 0,
					held, n, now, usage_r);
	quota = quota_of(counters, slot);
	if (quota == NULL)
		return fits_unused(amount, held, n, now, usage_r);
	return rmt_quota_fits(quota, amount, held, n, now, usage_r);
}

bool rmt_counters_fits(struct rmt_counters *counters, uint64_t key,
		       const struct rmt_amount *amount, uint64_t n, int64_t line_ns,
		       struct rmt_usage *usage_r)
{
	const struct rmt_slot *slot = slot_find(counters, key);
	struct rmt_measure measure;

	rmt_measure_init(&measure, amount);
	return fits(counters, slot, held_of(counters, slot), &measure, n,
		    line_u(counters, line_ns), usage_r);
}

struct rmt_held *rmt_counters_fits_at(struct rmt_counters *counters, uint64_t key,
				      const struct rmt_measure *measure, uint64_t n,
				      int64_t line_ns, struct rmt_usage *usage_r,
				      bool *fits_r)
{
	struct rmt_held *at = rmt_held_at(&counters->held, key, NULL);

	*fits_r = fits(counters, slot_of(counters, at), at->units, measure, n,
		       line_u(counters, line_ns), usage_r);
	return at;
}

bool rmt_counters_fits_in(struct rmt_counters *counters, uint64_t key,
			  const struct rmt_measure *measure, uint64_t n, int64_t line_ns,
			  struct rmt_usage *usage_r, uint32_t *place_r)
{
	const struct rmt_slot *slot;

	*place_r = UINT32_MAX;
	slot = slot_in(counters, key, place_r);
	return fits(counters, slot, held_of(counters, slot), measure, n,
		    line_u(counters, line_ns), usage_r);
}

void rmt_counters_hold_at(struct rmt_counters *counters, struct rmt_held **at,
			  uint64_t key, uint64_t n)
{
	struct rmt_held *held;

	if (n == 0)
		return;
	*at = held = rmt_held_at(&counters->held, key, *at);
	slot_put_of(counters, held)->value |= RMT_SLOT_HELD;
	counters->held_keys += held->units == 0;
	held->units += MIN(n, RMT_SLOT_VALUE - MIN(held->units, RMT_SLOT_VALUE));
}

void rmt_counters_hold(struct rmt_counters *counters, uint64_t key, uint64_t n)
{
	struct rmt_held *at = NULL;

	rmt_counters_hold_at(counters, &at, key, n);
}

/* The slot's HELD stays, as a hint: the sweep takes it off. */
static inline G_ALWAYS_INLINE void unhold(struct rmt_counters *counters,
					  struct rmt_held *held, uint64_t n)
{
	if (n == 0 || held->units == 0)
		return;
	held->units -= MIN(n, held->units);
	counters->held_keys -= held->units == 0;
}

void rmt_counters_unhold_at(struct rmt_counters *counters, struct rmt_held **at,
			    uint64_t key, uint64_t n)
{
	if (n == 0)
		return;
	*at = rmt_held_at(&counters->held, key, *at);
	unhold(counters, *at, n);
}

void rmt_counters_unhold(struct rmt_counters *counters, uint64_t key, uint64_t n)
{
	struct rmt_held *held = rmt_held_find(&counters->held, key);

	if (held != NULL)
		unhold(counters, held, n);
}

/* --- to the log ------------------------------------------------------------------ */

static void log_rate(struct rmt_counters *counters, const struct rmt_slot *slot)
{
	uint64_t words[2] = { slot->key, slot->value & RMT_SLOT_VALUE };

	if (counters->disk != NULL)
		rmt_disk_add_rate(counters->disk, words);
}

/* From sub-window `first` on; the whole ring where the log does not know it by
 * this period. */
static void log_quota(struct rmt_counters *counters, uint64_t key,
		      struct rmt_quota *quota, uint64_t first)
{
	uint64_t i = first, words[4] = { key, quota->sub_ns };

	if (counters->disk == NULL)
		return;
	if (quota->logged_sub_ns != quota->sub_ns)
		i = quota->newest - MIN(quota->newest, RMT_QUOTA_SUBWINDOWS);
	for (; i <= quota->newest; i++) {
		words[2] = i;
		words[3] = quota->counts[i % RMT_QUOTA_RING];
		if (i >= first || words[3] > 0)
			rmt_disk_add(counters->disk, RMT_LOG_QUOTA, words, sizeof(words),
				     NULL, 0);
	}
	quota->logged_sub_ns = quota->sub_ns;
}

/* --- changing -------------------------------------------------------------------- */

static void set_tat(struct rmt_slot *slot, uint64_t tat)
{
	slot->value = (slot->value & RMT_SLOT_FLAGS) |
		      stored((int64_t)MIN(tat, RMT_GCRA_TAT_MAX));
}

static inline G_ALWAYS_INLINE void charge(struct rmt_counters *counters,
					  struct rmt_slot *slot,
					  const struct rmt_measure *measure, uint64_t n,
					  uint64_t now)
{
	struct rmt_quota *quota;

	if (measure->amount.is_quota) {
		quota = make_quota(counters, slot);
		rmt_quota_charge(quota, &measure->amount, n, now);
		log_quota(counters, slot->key, quota, quota->newest);
	} else {
		make_rate(counters, slot);
		set_tat(slot, rmt_measure_charge(measure, tat_of(slot->value), n, now));
		log_rate(counters, slot);
	}
}

void rmt_counters_charge(struct rmt_counters *counters, uint64_t key,
			 const struct rmt_amount *amount, uint64_t n, int64_t line_ns)
{
	uint64_t now = line_u(counters, line_ns);
	struct rmt_measure measure;

	if (n == 0)
		return;
	rmt_measure_init(&measure, amount);
	charge(counters, slot_put(counters, key), &measure, n, now);
}

void rmt_counters_settle_at(struct rmt_counters *counters, struct rmt_held **at,
			    uint64_t key, uint64_t held,
			    const struct rmt_measure *measure, uint64_t n,
			    int64_t line_ns)
{
	uint64_t now = line_u(counters, line_ns);

	*at = rmt_held_at(&counters->held, key, *at);
	unhold(counters, *at, held);
	if (n > 0)
		charge(counters, slot_put_of(counters, *at), measure, n, now);
}

void rmt_counters_charge_in(struct rmt_counters *counters, uint64_t key,
			    const struct rmt_measure *measure, uint64_t n,
			    int64_t line_ns, uint32_t place)
{
	uint64_t now = line_u(counters, line_ns);

	if (n > 0)
		charge(counters, slot_put_in(counters, key, &place), measure, n, now);
}

void rmt_counters_refund(struct rmt_counters *counters, uint64_t key,
			 const struct rmt_amount *amount, uint64_t n, int64_t line_ns)
{
	uint64_t now = line_u(counters, line_ns);
	struct rmt_slot *slot = slot_find(counters, key);
	struct rmt_quota *quota = quota_of(counters, slot);

	if (slot == NULL || n == 0 || amount->is_quota != (quota != NULL))
		return;
	if (quota != NULL) {
		log_quota(counters, key, quota, rmt_quota_refund(quota, amount, n, now));
	} else {
		set_tat(slot, rmt_gcra_refund(amount, tat_of(slot->value), n, now));
		log_rate(counters, slot);
	}
}

bool rmt_counters_reset(struct rmt_counters *counters, uint64_t key)
{
	struct rmt_slot *slot = slot_find(counters, key);
	bool counted;

	if (slot == NULL)
		return false;
	counted = quota_of(counters, slot) != NULL ||
		  (slot->value & RMT_SLOT_VALUE) > stored(counters->line_last);
	make_rate(counters, slot);
	slot->value &= RMT_SLOT_FLAGS;
	if (counters->disk != NULL)
		rmt_disk_add(counters->disk, RMT_LOG_RESET, &key, sizeof(key), NULL, 0);
	return counted;
}

bool rmt_counters_set_rate(struct rmt_counters *counters, uint64_t key, uint64_t value)
{
	uint64_t threshold = stored(counters->line_last);
	struct rmt_slot *slot;

	if (key == 0 || value > RMT_SLOT_VALUE)
		return false;
	slot = value > threshold ? slot_put(counters, key) : slot_find(counters, key);
	if (slot == NULL)
		return true;
	make_rate(counters, slot);
	slot->value = (slot->value & RMT_SLOT_FLAGS) | value;
	return true;
}

bool rmt_counters_set_quota(struct rmt_counters *counters, uint64_t key, uint64_t sub_ns,
			    uint64_t number, uint64_t count)
{
	if (key == 0 || sub_ns == 0 || number > UINT64_MAX / sub_ns - RMT_QUOTA_RING)
		return false;
	rmt_quota_set(make_quota(counters, slot_put(counters, key)), sub_ns, number,
		      count);
	return true;
}

bool rmt_counters_adopt_quota(struct rmt_counters *counters, struct rmt_slot *slot,
			      const struct rmt_quota *ring)
{
	uint64_t sum = 0, number, i;

	for (i = 0; i < RMT_QUOTA_RING; i++)
		if (__builtin_add_overflow(sum, ring->counts[i], &sum))
			return false;
	number = pool_take(&counters->quotas);
	*rmt_quota_pool_get(&counters->quotas, number) = *ring;
	slot->value = (slot->value & RMT_SLOT_FLAGS) | RMT_SLOT_QUOTA | number;
	return sum == ring->sum;
}

/* --- names ------------------------------------------------------------------- */

bool rmt_counters_is_named(const struct rmt_counters *counters, uint64_t key)
{
	struct rmt_slot *slot = slot_find(counters, key);
	bool named;

	if (slot != NULL && (slot->value & RMT_SLOT_NAMED) != 0)
		return true;
	named = rmt_names_has(&counters->names, key);
	if (named && slot != NULL)
		slot->value |= RMT_SLOT_NAMED;
	return named;
}

bool rmt_counters_nameless(struct rmt_counters *counters)
{
	bool nameless = counters->nameless;

	counters->nameless = false;
	return nameless;
}

static void log_name(struct rmt_counters *counters, uint64_t key,
		     struct rmt_span limit_id, struct rmt_span value)
{
	uint16_t limit_len = (uint16_t)MIN(limit_id.len, UINT16_MAX);
	GString *head;

	if (counters->disk == NULL)
		return;
	head = g_string_new_len((const char *)&key, sizeof(key));
	g_string_append_len(head, (const char *)&limit_len, sizeof(limit_len));
	g_string_append_len(head, limit_id.p, limit_len);
	rmt_disk_add(counters->disk, RMT_LOG_NAME, head->str, head->len, value.p,
		     MIN(value.len, RMT_NAME_VALUE_MAX));
	g_string_free(head, true);
}

void rmt_counters_name(struct rmt_counters *counters, uint64_t key,
		       struct rmt_span limit_id, struct rmt_span value)
{
	struct rmt_slot *slot = slot_find(counters, key);

	if (rmt_names_add(&counters->names, key, limit_id, value))
		log_name(counters, key, limit_id, value);
	if (slot != NULL)
		slot->value |= RMT_SLOT_NAMED;
}

/* The cursor: shard in the upper half, offset of the next record in the lower.
 * A shard that is pruned between two steps may lose the walk a few names. */
bool rmt_counters_walk(const struct rmt_counters *counters, uint64_t *cursor, size_t most,
		       rmt_counters_each *each, void *context)
{
	uint64_t i = *cursor >> 32;
	size_t offset = (uint32_t)*cursor;
	const struct rmt_names_shard *shard;
	struct rmt_name name;

	for (; i < RMT_SHARDS && most > 0; i++, offset = 0) {
		shard = rmt_names_shard_at(&counters->names, (unsigned)i);
		while (most > 0 && offset <= shard->len &&
		       rmt_names_next(shard->records, shard->len, &offset, &name)) {
			each(context, name.key,
			     rmt_names_limit_name(&counters->names, name.limit),
			     name.value);
			most--;
		}
		if (most == 0)
			break;
	}
	*cursor = i << 32 | offset;
	return i < RMT_SHARDS;
}

/* --- upkeep ------------------------------------------------------------------ */

enum {
	SWEEP_EVERY_NS = RMT_NS_PER_MS,
	SWEEP_SLOTS = 256,
	SWEEP_SHARDS = 16,
	SIZE_SMALL = 16
};

static bool has_slot(void *context, uint64_t key)
{
	return slot_find(context, key) != NULL;
}

static void sweep_finish(struct rmt_counters *counters, struct rmt_sweep *sweep)
{
	const struct rmt_shard *shard = &counters->slots.shards[sweep->shard];
	uint32_t live = shard->used - MIN(sweep->dead, shard->used);

	if (sweep->dead > shard->used / 5 ||
	    (shard->size > SIZE_SMALL && live < shard->size / 2))
		rmt_table_rebuild(&counters->slots, sweep->shard,
				  stored(counters->line_last));
	if (counters->names.shards[sweep->shard].count > live + live / 4) /* if fetched */
		rmt_names_prune(&counters->names, sweep->shard, has_slot, counters);
	sweep->shard = (sweep->shard + 1) % RMT_SHARDS;
	sweep->slot = sweep->dead = 0;
}

static void sweep_slot(struct rmt_counters *counters, struct rmt_slot *slot)
{
	uint64_t now = (uint64_t)counters->line_last;
	struct rmt_quota *quota = quota_of(counters, slot);

	if ((slot->value & RMT_SLOT_HELD) != 0 && held_of(counters, slot) == 0)
		slot->value &= ~RMT_SLOT_HELD;
	if (quota != NULL && rmt_quota_is_over(quota, now))
		make_rate(counters, slot);
	if (slot->key != 0 && rmt_table_is_dead(slot->value, stored((int64_t)now)))
		counters->sweep.dead++;
}

static void sweep(struct rmt_counters *counters)
{
	struct rmt_sweep *sweep = &counters->sweep;
	const struct rmt_shard *shard;
	unsigned slots = SWEEP_SLOTS, shards = SWEEP_SHARDS;

	while (slots > 0 && shards > 0) {
		shard = &counters->slots.shards[sweep->shard];
		if (sweep->slot >= shard->size) {
			sweep_finish(counters, sweep);
			shards--;
			continue;
		}
		sweep_slot(counters, &shard->slots[sweep->slot++]);
		slots--;
	}
}

void rmt_counters_tick(struct rmt_counters *counters, int64_t line_ns)
{
	int64_t now = (int64_t)line_u(counters, line_ns);

	if (now - counters->sweep.last_ns >= SWEEP_EVERY_NS) {
		counters->sweep.last_ns = now;
		sweep(counters);
	}
	if (counters->disk != NULL)
		rmt_disk_tick(counters->disk);
}

/* --- the disk ------------------------------------------------------------------ */

void rmt_counters_log(struct rmt_counters *counters, const void *record, size_t len)
{
	if (counters->disk != NULL)
		rmt_disk_add(counters->disk, RMT_LOG_CLIENT, record, len, NULL, 0);
}

void rmt_counters_attach(struct rmt_counters *counters,
			 const struct rmt_counters_client *client)
{
	counters->client = *client;
	if (counters->disk != NULL)
		rmt_disk_attach(counters->disk);
}

bool rmt_counters_write(struct rmt_counters *counters)
{
	return counters->disk == NULL || rmt_disk_write(counters->disk);
}

void rmt_counters_stats(const struct rmt_counters *counters,
			struct rmt_counters_stats *stats_r)
{
	*stats_r = (struct rmt_counters_stats){
		.rates = counters->slots.used - counters->quotas.used,
		.quotas = counters->quotas.used,
		.held_keys = counters->held_keys,
		.names = counters->names.count,
		.table_bytes = counters->slots.bytes + rmt_held_bytes(&counters->held),
		.quota_bytes = counters->quotas.chunks->len * QUOTA_CHUNK *
			       sizeof(struct rmt_quota),
		.name_bytes = counters->names.bytes,
	};
	if (counters->disk != NULL)
		rmt_disk_stats(counters->disk, stats_r);
}
