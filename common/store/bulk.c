/* SPDX-License-Identifier: MIT */
/* Table "bulk": organisation, blank, provider -> version (1), hour, 24 numbers, warned,
 * since. */
#include <string.h>

#include "common/store/bulk.h"
#include "common/store/pack.h"

#define BULK_TABLE "bulk"
enum { BULK_VERSION = 1, HOUR_SECS = 3600 };

/* Hours that have passed unseen are empty. */
static void advance(struct rmt_bulk_count *count, int64_t hour)
{
	if (hour - count->hour >= RMT_BULK_HOURS || hour < count->hour - 1) {
		memset(count->hours, 0, sizeof(count->hours));
		count->hour = hour;
	}
	while (count->hour < hour)
		count->hours[++count->hour % RMT_BULK_HOURS] = 0;
}

uint64_t rmt_bulk_count_day(const struct rmt_bulk_count *count, int64_t now)
{
	struct rmt_bulk_count copy = *count;
	uint64_t sum = 0;
	size_t i;

	advance(&copy, now / HOUR_SECS);
	for (i = 0; i < RMT_BULK_HOURS; i++)
		sum += copy.hours[i];
	return sum;
}

unsigned rmt_bulk_count_add(struct rmt_bulk_count *count, unsigned n, int64_t now)
{
	uint64_t day;

	advance(count, now / HOUR_SECS);
	count->hours[count->hour % RMT_BULK_HOURS] += n;
	if (count->since != 0)
		return 0;
	day = rmt_bulk_count_day(count, now);
	if (day >= RMT_BULK_LIMIT) {
		count->since = now;
		count->warned = count->warned != 0 ? count->warned : now;
		return RMT_BULK_LIMIT;
	}
	if (day < RMT_BULK_WARN || now - count->warned < RMT_BULK_HOURS * HOUR_SECS)
		return 0;
	count->warned = now;
	return RMT_BULK_WARN;
}

void rmt_bulk_count_write(const struct rmt_bulk_count *count, GString *value)
{
	size_t i;

	rmt_pack_number(value, BULK_VERSION);
	rmt_pack_number(value, (uint64_t)MAX(count->hour, 0));
	for (i = 0; i < RMT_BULK_HOURS; i++)
		rmt_pack_number(value, count->hours[i]);
	rmt_pack_number(value, (uint64_t)MAX(count->warned, 0));
	rmt_pack_number(value, (uint64_t)MAX(count->since, 0));
}

bool rmt_bulk_count_read(struct rmt_span value, struct rmt_bulk_count *count_r)
{
	struct rmt_unpack in = { value, false };
	struct rmt_bulk_count count = { 0 };
	size_t i;

	if (rmt_unpack_number(&in) != BULK_VERSION)
		return false;
	count.hour = (int64_t)(rmt_unpack_number(&in) & INT64_MAX);
	for (i = 0; i < RMT_BULK_HOURS; i++)
		count.hours[i] = rmt_unpack_number(&in);
	count.warned = (int64_t)(rmt_unpack_number(&in) & INT64_MAX);
	count.since = (int64_t)(rmt_unpack_number(&in) & INT64_MAX);
	if (in.damaged)
		return false;
	*count_r = count;
	return true;
}

static void write_key(const char *org, const char *provider, GString *key)
{
	g_string_printf(key, "%s %s", org, provider);
}

struct rmt_store_change rmt_bulk_change(const char *org, const char *provider,
					const struct rmt_bulk_count *count, GString *key,
					GString *value)
{
	write_key(org, provider, key);
	g_string_truncate(value, 0);
	rmt_bulk_count_write(count, value);
	return (struct rmt_store_change){ .table = BULK_TABLE,
					  .key = rmt_span(key->str, key->len),
					  .value = rmt_span(value->str, value->len) };
}

struct walk {
	rmt_bulk_each *each;
	void *context;
};

static bool walk_entry(void *context, struct rmt_span key, struct rmt_span value)
{
	const struct walk *walk = context;
	struct rmt_bulk_count count;
	struct rmt_span org, provider;
	g_autofree char *org_text = NULL, *provider_text = NULL;

	if (!rmt_span_split(key, ' ', &org, &provider) ||
	    !rmt_bulk_count_read(value, &count))
		return true;
	org_text = g_strndup(org.p, org.len);
	provider_text = g_strndup(provider.p, provider.len);
	return walk->each(walk->context, org_text, provider_text, &count);
}

bool rmt_bulk_walk(struct rmt_store *store, rmt_bulk_each *each, void *context,
		   GError **err)
{
	struct walk walk = { each, context };

	return rmt_store_walk(store, BULK_TABLE, rmt_span(NULL, 0), walk_entry, &walk,
			      err);
}

bool rmt_bulk_forget(struct rmt_store *store, const char *org, const char *provider,
		     bool *found_r, GError **err)
{
	g_autoptr(GString) key = g_string_new(NULL);
	struct rmt_store_change change = { .table = BULK_TABLE, .remove = true };
	size_t removed;

	write_key(org, provider, key);
	change.key = rmt_span(key->str, key->len);
	if (!rmt_store_commit(store, &change, 1, &removed, err))
		return false;
	*found_r = removed > 0;
	return true;
}
