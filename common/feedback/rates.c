/* SPDX-License-Identifier: MIT */
/* "rates": stream, NUL, provider, NUL, day (4 octets, big-endian) -> version (1),
 * armed, count of counts, counts. */
#include <string.h>

#include "common/feedback/rates.h"
#include "common/store/pack.h"

#define TABLE "rates"
enum { VERSION = 1, DAY_SECS = 86400, STREAM_MAX = 90 };

void rmt_rates_clear(struct rmt_rates *rates)
{
	g_free(rates->stream);
	g_free(rates->provider);
	*rates = (struct rmt_rates){ NULL };
}

static bool is_failure(int class)
{
	return class == RMT_CLASS_UNKNOWN ||
	       (class >= RMT_CLASS_DEAD_ADDRESS && class <= RMT_CLASS_CONFIG_OURS);
}

uint64_t rmt_rates_accepted(const struct rmt_rates *rates)
{
	uint64_t sent = rates->counts[RMT_RATE_SENT];
	uint64_t accepted = MIN(rates->counts[RMT_RATE_ACCEPTED], sent), failed = 0;
	int class;

	for (class = 0; class < RMT_CLASSES; class ++)
		if (is_failure(class))
			failed += rates->counts[RMT_RATE_CLASSES + class];
	/* A log that was read for part of the day says too little. */
	if (10 * (accepted + failed) >= 9 * sent && accepted > 0)
		return accepted;
	return sent - MIN(sent, failed);
}

uint64_t rmt_rates_armed_accepted(const struct rmt_rates *rates)
{
	uint64_t sent = rates->counts[RMT_RATE_SENT];
	uint64_t armed = rates->counts[RMT_RATE_ARMED_SENT];

	if (armed >= sent)
		return rmt_rates_accepted(rates);
	return (uint64_t)((double)armed * (double)rmt_rates_accepted(rates) /
			  (double)sent);
}

uint64_t rmt_rates_armed_unsubscribes(const struct rmt_rates *rates)
{
	uint64_t sent = rates->counts[RMT_RATE_SENT];
	uint64_t armed = MIN(rates->counts[RMT_RATE_ARMED_SENT], sent);
	uint64_t count = rates->counts[RMT_RATE_CLASSES + RMT_CLASS_UNSUBSCRIBE];

	/* Nothing left on the day that they came. */
	if (sent == 0)
		return rates->armed == 0 ? count : 0;
	return (uint64_t)((double)count * (double)armed / (double)sent);
}

/* --- keys -------------------------------------------------------------------------- */

static size_t put_name(char *out, const char *name)
{
	size_t len = MIN(strlen(name), STREAM_MAX);

	memcpy(out, name, len);
	out[len] = '\0';
	return len + 1;
}

void rmt_rates_change(struct rmt_rates_change *change, const char *stream,
		      const char *provider, int64_t sent_at)
{
	uint32_t day = GUINT32_TO_BE((uint32_t)(MAX(sent_at, 0) / DAY_SECS));
	size_t len;

	memset(change, 0, sizeof(*change));
	len = put_name(change->key, stream);
	len += put_name(change->key + len, provider);
	memcpy(change->key + len, &day, sizeof(day));
	change->key_len = len + sizeof(day);
	change->sent_at = sent_at;
}

static bool split_key(struct rmt_span key, struct rmt_span *stream_r,
		      struct rmt_span *provider_r, int64_t *day_r)
{
	struct rmt_span rest;
	uint32_t day;

	if (!rmt_span_split(key, '\0', stream_r, &rest) ||
	    !rmt_span_split(rest, '\0', provider_r, &rest) || rest.len != sizeof(day))
		return false;
	memcpy(&day, rest.p, sizeof(day));
	*day_r = GUINT32_FROM_BE(day);
	return true;
}

/* --- values ------------------------------------------------------------------------ */

static bool read_value(struct rmt_span value, struct rmt_rates *rates)
{
	struct rmt_unpack in = { value, false };
	uint64_t count, i, number;

	if (rmt_unpack_number(&in) != VERSION)
		return false;
	rates->armed = (int64_t)rmt_unpack_number(&in);
	count = rmt_unpack_number(&in);
	for (i = 0; i < count && !in.damaged; i++) {
		number = rmt_unpack_number(&in);
		if (i < RMT_RATES) /* a newer program has more classes */
			rates->counts[i] = number;
	}
	return !in.damaged;
}

static void write_value(const struct rmt_rates *rates, GString *out)
{
	int i;

	rmt_pack_number(out, VERSION);
	rmt_pack_number(out, (uint64_t)MAX(rates->armed, 0));
	rmt_pack_number(out, RMT_RATES);
	for (i = 0; i < RMT_RATES; i++)
		rmt_pack_number(out, rates->counts[i]);
}

bool rmt_rates_read(struct rmt_span key, struct rmt_span value, struct rmt_rates *rates_r)
{
	struct rmt_span stream, provider;
	struct rmt_rates rates = { NULL };

	if (!split_key(key, &stream, &provider, &rates.day) || !read_value(value, &rates))
		return false;
	rates.stream = g_strndup(stream.p, stream.len);
	rates.provider = g_strndup(provider.p, provider.len);
	*rates_r = rates;
	return true;
}

static bool is_armed_count(int i)
{
	return i >= RMT_RATE_ARMED_SENT && i <= RMT_RATE_ARMED_DEAD;
}

static enum rmt_store_verdict add(void *context, struct rmt_span old, GString *value_r)
{
	const struct rmt_rates_change *change = context;
	struct rmt_rates rates = { NULL };
	int i;

	if (old.p != NULL && !read_value(old, &rates))
		return RMT_STORE_REFUSE;
	for (i = 0; i < RMT_RATES; i++) {
		if (is_armed_count(i) && change->sent_at < rates.armed)
			continue;
		if (change->delta[i] < 0)
			rates.counts[i] -=
				MIN(rates.counts[i], (uint64_t)-change->delta[i]);
		else
			rates.counts[i] += (uint64_t)change->delta[i];
	}
	write_value(&rates, value_r);
	return RMT_STORE_PUT;
}

struct rmt_store_change rmt_rates_store_change(struct rmt_rates_change *change)
{
	return (struct rmt_store_change){ .table = TABLE,
					  .key = rmt_span(change->key, change->key_len),
					  .modify = add,
					  .context = change };
}

void rmt_deal_put_rates(struct rmt_deal *deal, struct rmt_rates_change *change)
{
	rmt_deal_change(deal, TABLE, rmt_span(change->key, change->key_len), add, change);
}

/* --- walking ----------------------------------------------------------------------- */

struct walk {
	struct rmt_span stream;
	int64_t from_day;
	rmt_rates_each *each;
	void *context;
};

static bool visit(void *context, struct rmt_span key, struct rmt_span value)
{
	const struct walk *walk = context;
	struct rmt_rates rates;
	bool more = true;

	if (walk->stream.p != NULL && !rmt_span_starts(key, walk->stream))
		return false;
	if (!rmt_rates_read(key, value, &rates))
		return true;
	if (rates.day >= walk->from_day)
		more = walk->each(walk->context, &rates);
	rmt_rates_clear(&rates);
	return more;
}

bool rmt_rates_walk(struct rmt_store *store, const char *stream, int64_t from_day,
		    rmt_rates_each *each, void *context, GError **err)
{
	char from[STREAM_MAX + 1];
	struct walk walk = { { NULL, 0 }, from_day, each, context };

	if (stream != NULL)
		walk.stream = rmt_span(from, put_name(from, stream));
	return rmt_store_walk(store, TABLE, walk.stream, visit, &walk, err);
}

/* --- arming ------------------------------------------------------------------------ */

struct arm {
	struct rmt_store *store;
	int64_t now;
	GError *err;
};

static enum rmt_store_verdict arm_row(void *context, struct rmt_span old,
				      GString *value_r)
{
	const struct arm *arm = context;
	struct rmt_rates rates = { NULL };
	int i;

	if (old.p == NULL)
		return RMT_STORE_KEEP;
	if (!read_value(old, &rates))
		return RMT_STORE_REFUSE;
	rates.armed = arm->now;
	for (i = 0; i < RMT_RATES; i++)
		if (is_armed_count(i))
			rates.counts[i] = 0;
	write_value(&rates, value_r);
	return RMT_STORE_PUT;
}

static bool arm_one(void *context, const struct rmt_rates *rates)
{
	struct arm *arm = context;
	struct rmt_rates_change key;
	struct rmt_store_change change;

	rmt_rates_change(&key, rates->stream, rates->provider, rates->day * DAY_SECS);
	change = (struct rmt_store_change){ .table = TABLE,
					    .key = rmt_span(key.key, key.key_len),
					    .modify = arm_row,
					    .context = arm };
	return rmt_store_commit(arm->store, &change, 1, NULL, &arm->err);
}

bool rmt_rates_arm(struct rmt_store *store, const char *stream, int64_t now, GError **err)
{
	struct arm arm = { store, now, NULL };

	if (!rmt_rates_walk(store, stream, 0, arm_one, &arm, err))
		return false;
	if (arm.err == NULL)
		return true;
	g_propagate_error(err, arm.err);
	return false;
}

struct expire {
	struct rmt_store *store;
	int64_t before;
	uint64_t removed;
	GError *err;
};

static bool expire_row(void *context, struct rmt_span key, struct rmt_span value)
{
	struct expire *expire = context;
	struct rmt_store_change change = { .table = TABLE, .key = key, .remove = true };
	struct rmt_span stream, provider;
	int64_t day;

	(void)value;
	if (split_key(key, &stream, &provider, &day) && day >= expire->before)
		return true;
	expire->removed++;
	return rmt_store_commit_batch(expire->store, &change, 1, false, &expire->err);
}

bool rmt_rates_expire(struct rmt_store *store, int64_t before_day, uint64_t *removed_r,
		      GError **err)
{
	struct expire expire = { store, before_day, 0, NULL };
	bool ok =
		rmt_store_walk(store, TABLE, rmt_span(NULL, 0), expire_row, &expire, err);

	*removed_r = expire.removed;
	if (expire.err == NULL)
		return ok;
	g_propagate_error(err, expire.err);
	return false;
}
