/* SPDX-License-Identifier: MIT */
#include "dovecot-plugin/agent/rates.h"

/* Beyond it every limit is met; seconds of one name. */
enum { SECONDS_MAX = 10000 };

struct rmt_rates {
	GHashTable *names; /* own; char * -> GArray of int64_t, in order */
	int64_t keep_secs;
};

struct rmt_rates *rmt_rates_new(int64_t keep_secs)
{
	struct rmt_rates *rates = g_new0(struct rmt_rates, 1);

	rates->names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
					     (GDestroyNotify)g_array_unref);
	rates->keep_secs = keep_secs;
	return rates;
}

void rmt_rates_free(struct rmt_rates *rates)
{
	if (rates == NULL)
		return;
	g_hash_table_unref(rates->names);
	g_free(rates);
}

static void forget(GArray *seconds, int64_t before)
{
	guint old = 0;

	while (old < seconds->len && g_array_index(seconds, int64_t, old) <= before)
		old++;
	if (seconds->len - old > SECONDS_MAX)
		old = seconds->len - SECONDS_MAX;
	if (old > 0)
		g_array_remove_range(seconds, 0, old);
}

void rmt_rates_add(struct rmt_rates *rates, char kind, const char *name, int64_t now)
{
	char *key = g_strdup_printf("%c%s", kind, name);
	GArray *seconds = g_hash_table_lookup(rates->names, key);

	if (seconds == NULL) {
		seconds = g_array_new(FALSE, FALSE, sizeof(int64_t));
		g_hash_table_insert(rates->names, key, seconds);
	} else {
		g_free(key);
	}
	g_array_append_val(seconds, now);
	if (seconds->len > SECONDS_MAX)
		forget(seconds, now - rates->keep_secs);
}

uint64_t rmt_rates_count(struct rmt_rates *rates, char kind, const char *name,
			 int64_t period_secs, int64_t now)
{
	g_autofree char *key = g_strdup_printf("%c%s", kind, name);
	const GArray *seconds = g_hash_table_lookup(rates->names, key);
	uint64_t count = 0;
	guint i;

	for (i = seconds != NULL ? seconds->len : 0; i > 0; i--) {
		if (g_array_index(seconds, int64_t, i - 1) <= now - period_secs)
			break;
		count++;
	}
	return count;
}

void rmt_rates_sweep(struct rmt_rates *rates, int64_t now)
{
	GHashTableIter each;
	gpointer seconds;

	g_hash_table_iter_init(&each, rates->names);
	while (g_hash_table_iter_next(&each, NULL, &seconds)) {
		forget(seconds, now - rates->keep_secs);
		if (((GArray *)seconds)->len == 0)
			g_hash_table_iter_remove(&each);
	}
}
