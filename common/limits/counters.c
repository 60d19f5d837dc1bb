/* SPDX-License-Identifier: MIT */
#include "common/limits/counters_place.h"

#include <string.h>
#include <sys/random.h>

#define XXH_INLINE_ALL /* keys are short: a call costs as much as the hash */
#include <xxhash.h>

enum { QUOTA_CHUNK = 128, SLACK = 15, HELD_BITS = 6, HELD_SLACK = 100 };

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
	return rmt_slot_stored(line_ns > 0 ? (uint64_t)line_ns : 0);
}

/* A rate at or below it has been over for so long that its slot is given up. Who has just
 * sent sends again soon, and to give a slot up and make it anew means to look for its
 * name among all. */
static uint64_t given_up(const struct rmt_counters *counters)
{
	return stored(counters->line_last - RMT_COUNTERS_KEEP_NS);
}

static struct rmt_slot *slot_find(const struct rmt_counters *counters, uint64_t key)
{
	return rmt_table_find(&counters->slots, key);
}

static struct rmt_slot *slot_put(struct rmt_counters *counters, uint64_t key)
{
	struct rmt_slot *slot = rmt_table_put(&counters->slots, key, given_up(counters));

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
	slot->value = (slot->value & RMT_SLOT_NAMED) | RMT_SLOT_QUOTA |
		      pool_take(&counters->quotas);
	return quota_of(counters, slot);
}

static inline void make_rate(struct rmt_counters *counters, struct rmt_slot *slot)
{
	if ((slot->value & RMT_SLOT_QUOTA) == 0)
		return;
	pool_give(&counters->quotas, slot->value & RMT_SLOT_VALUE);
	slot->value &= RMT_SLOT_NAMED;
}

static inline G_ALWAYS_INLINE struct rmt_slot *slot_put_in(struct rmt_counters *counters,
							   uint64_t key, uint32_t *place)
{
	struct rmt_slot *slot = rmt_counters_slot(counters, key, place);

	if (slot == NULL)
		return slot_put(counters, key);
	counters->nameless |= (slot->value & RMT_SLOT_NAMED) == 0;
	return slot;
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
	rmt_table_init(&counters->held, HELD_BITS, HELD_SLACK);
	rmt_names_init(&counters->names, RMT_SHARD_BITS);
	counters->quotas = (struct rmt_quota_pool){ 0 };
	counters->quotas.chunks = g_ptr_array_new_with_free_func(g_free);
}

static void tables_finish(struct rmt_counters *counters)
{
	rmt_table_finish(&counters->slots);
	rmt_table_finish(&counters->held);
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
		return rmt_measure_fits(measure,
					slot != NULL ? rmt_slot_tat(slot->value) : 0,
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
	return fits(counters, slot, rmt_counters_held(counters, key), &measure, n,
		    rmt_counters_now(counters, line_ns), usage_r);
}

bool rmt_counters_fits_in(struct rmt_counters *counters, uint64_t key,
			  const struct rmt_measure *measure, uint64_t n, int64_t line_ns,
			  struct rmt_usage *usage_r, uint32_t *place)
{
	const struct rmt_slot *slot = rmt_counters_slot(counters, key, place);

	counters->nameless |= slot == NULL || (slot->value & RMT_SLOT_NAMED) == 0;
	return fits(counters, slot, rmt_counters_held(counters, key), measure, n,
		    rmt_counters_now(counters, line_ns), usage_r);
}

void rmt_counters_hold(struct rmt_counters *counters, uint64_t key, uint64_t n)
{
	struct rmt_slot *held;

	if (n == 0)
		return;
	held = rmt_table_put(&counters->held, key, 0);
	held->value += MIN(n, RMT_SLOT_VALUE - held->value);
}

void rmt_counters_unhold(struct rmt_counters *counters, uint64_t key, uint64_t n)
{
	struct rmt_slot *held = n > 0 ? rmt_table_find(&counters->held, key) : NULL;

	if (held != NULL && held->value > n)
		held->value -= n;
	else if (held != NULL)
		rmt_table_remove(&counters->held, held);
}

/* --- to the log ------------------------------------------------------------------ */

/* From sub-window `first` on; the whole ring where the log does not know it by
 * this period. */
static void log_quota(struct rmt_counters *counters, uint64_t key,
		      struct rmt_quota *quota, uint64_t first)
{
	uint64_t i = first, words[4] = { key, quota->sub_ns };

	if (counters->disk == NULL)
		return;
	rmt_disk_take_changes(counters->disk); /* it may have been a rate till now */
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
		rmt_rate_charge(counters, slot, measure, n, now);
	}
}

void rmt_counters_charge(struct rmt_counters *counters, uint64_t key,
			 const struct rmt_amount *amount, uint64_t n, int64_t line_ns)
{
	uint64_t now = rmt_counters_now(counters, line_ns);
	struct rmt_measure measure;

	if (n == 0)
		return;
	rmt_measure_init(&measure, amount);
	charge(counters, slot_put(counters, key), &measure, n, now);
}

void rmt_counters_charge_in(struct rmt_counters *counters, uint64_t key,
			    const struct rmt_measure *measure, uint64_t n,
			    int64_t line_ns, uint32_t *place)
{
	uint64_t now = rmt_counters_now(counters, line_ns);

	if (n > 0)
		charge(counters, slot_put_in(counters, key, place), measure, n, now);
}

void rmt_counters_refund(struct rmt_counters *counters, uint64_t key,
			 const struct rmt_amount *amount, uint64_t n, int64_t line_ns)
{
	uint64_t now = rmt_counters_now(counters, line_ns);
	struct rmt_slot *slot = slot_find(counters, key);
	struct rmt_quota *quota = quota_of(counters, slot);

	if (slot == NULL || n == 0 || amount->is_quota != (quota != NULL))
		return;
	if (quota != NULL) {
		log_quota(counters, key, quota, rmt_quota_refund(quota, amount, n, now));
	} else {
		rmt_slot_set_tat(
			slot, rmt_gcra_refund(amount, rmt_slot_tat(slot->value), n, now));
		rmt_rate_changed(counters, slot);
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
	slot->value &= RMT_SLOT_NAMED;
	if (counters->disk != NULL) {
		rmt_disk_take_changes(counters->disk);
		rmt_disk_add(counters->disk, RMT_LOG_RESET, &key, sizeof(key), NULL, 0);
	}
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
	slot->value = (slot->value & RMT_SLOT_NAMED) | value;
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
	slot->value = (slot->value & RMT_SLOT_NAMED) | RMT_SLOT_QUOTA | number;
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

static bool is_in_use(void *context, uint64_t key)
{
	const struct rmt_counters *counters = context;

	return slot_find(counters, key) != NULL || rmt_counters_held(counters, key) > 0;
}

/* Many more names than counters in use: about so many may be held alone. */
static bool has_old_names(const struct rmt_counters *counters, unsigned shard,
			  uint32_t live)
{
	const size_t held = 2 * counters->held.used / RMT_SHARDS;

	return counters->names.shards[shard].count > live + live / 4 + held;
}

static void sweep_finish(struct rmt_counters *counters, struct rmt_sweep *sweep)
{
	const struct rmt_shard *shard = &counters->slots.shards[sweep->shard];
	uint32_t live = shard->used - MIN(sweep->dead, shard->used);

	if (sweep->dead > shard->used / 5 ||
	    (shard->size > SIZE_SMALL && live < shard->size / 5 * 3))
		rmt_table_rebuild(&counters->slots, sweep->shard, given_up(counters));
	if (has_old_names(counters, sweep->shard, live)) /* where they are fetched */
		rmt_names_prune(&counters->names, sweep->shard, is_in_use, counters);
	sweep->shard = (sweep->shard + 1) % RMT_SHARDS;
	sweep->slot = sweep->dead = 0;
}

static void sweep_slot(struct rmt_counters *counters, struct rmt_slot *slot)
{
	uint64_t now = (uint64_t)counters->line_last;
	struct rmt_quota *quota = quota_of(counters, slot);

	if (quota != NULL && rmt_quota_is_over(quota, now))
		make_rate(counters, slot);
	if (slot->key != 0 && rmt_table_is_dead(slot->value, given_up(counters)))
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
	int64_t now = (int64_t)rmt_counters_now(counters, line_ns);

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

void *rmt_counters_log_room(struct rmt_counters *counters, size_t len)
{
	return counters->disk != NULL ? rmt_disk_room(counters->disk, RMT_LOG_CLIENT, len)
				      : NULL;
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
		.held_keys = counters->held.used,
		.names = counters->names.count,
		.table_bytes = counters->slots.bytes + counters->held.bytes,
		.quota_bytes = counters->quotas.chunks->len * QUOTA_CHUNK *
			       sizeof(struct rmt_quota),
		.name_bytes = counters->names.bytes,
	};
	if (counters->disk != NULL)
		rmt_disk_stats(counters->disk, stats_r);
}
