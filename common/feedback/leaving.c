/* SPDX-License-Identifier: MIT */
#include "common/feedback/leaving.h"

#include <string.h>

#include "common/feedback/provider.h"
#include "common/feedback/rates.h"

struct part {
	const bool *changed; /* foreign: the entry came, or went */
	bool *counted_r;     /* foreign; NULL: he came back */
	int64_t step;
};

/* What counts in one row. The deal's own. */
struct sum {
	struct rmt_rates_change change;
	GArray *parts; /* own; struct part */
};

static void free_sum(void *data)
{
	struct sum *sum = data;

	g_array_unref(sum->parts);
	g_free(sum);
}

static enum rmt_store_verdict as_it_was(struct rmt_span old, GString *value_r)
{
	if (old.p == NULL)
		return RMT_STORE_KEEP;
	g_string_append_len(value_r, old.p, (gssize)old.len);
	return RMT_STORE_PUT;
}

static enum rmt_store_verdict make_sum(void *context, struct rmt_span old,
				       GString *value_r)
{
	struct sum *sum = context;
	int64_t *delta = &sum->change.delta[RMT_RATE_CLASSES + RMT_CLASS_UNSUBSCRIBE];
	guint i;

	*delta = 0;
	for (i = 0; i < sum->parts->len; i++) {
		const struct part *part = &g_array_index(sum->parts, struct part, i);

		if (part->counted_r != NULL)
			*part->counted_r = *part->changed;
		if (*part->changed)
			*delta += part->step;
	}
	if (*delta == 0)
		return as_it_was(old, value_r);
	return rmt_rates_store_change(&sum->change).modify(&sum->change, old, value_r);
}

static const char *provider_of(const char *address)
{
	const char *at = strrchr(address, '@');

	return rmt_feedback_provider(rmt_span_of(at != NULL ? at + 1 : ""));
}

/* Of the row that the change is about. */
static struct sum *sum_of(GPtrArray *sums, const struct rmt_rates_change *change)
{
	struct sum *sum;
	guint i;

	for (i = 0; i < sums->len; i++) {
		sum = sums->pdata[i];
		if (sum->change.key_len == change->key_len &&
		    memcmp(sum->change.key, change->key, change->key_len) == 0)
			return sum;
	}
	sum = g_new0(struct sum, 1);
	sum->change = *change;
	sum->parts = g_array_new(FALSE, FALSE, sizeof(struct part));
	g_ptr_array_add(sums, sum);
	return sum;
}

static void put_one(struct rmt_suppress_deal *parts, struct rmt_leaving *leaving,
		    int64_t now_us, GPtrArray *sums)
{
	const struct rmt_wish *wish = leaving->wish;
	const struct part part = {
		.changed = rmt_wish_put(parts, wish, now_us),
		.counted_r = wish->take_back ? NULL : &leaving->counted,
		.step = wish->take_back ? -1 : 1,
	};
	struct rmt_rates_change change = { 0 };

	leaving->counted = false;
	rmt_rates_change(&change, wish->stream, provider_of(wish->entry.address),
			 wish->take_back ? wish->left_at : leaving->sent_at);
	g_array_append_val(sum_of(sums, &change)->parts, part);
}

void rmt_leavings_put(struct rmt_suppress_deal *parts,
		      struct rmt_leaving *const *leavings, size_t count, int64_t now_us)
{
	g_autoptr(GPtrArray) sums = g_ptr_array_new();
	size_t i;

	for (i = 0; i < count; i++)
		put_one(parts, leavings[i], now_us, sums);
	for (i = 0; i < sums->len; i++) {
		struct sum *sum = rmt_deal_own(parts->deal, sums->pdata[i], free_sum);

		rmt_deal_change(parts->deal, rmt_rates_store_change(&sum->change).table,
				rmt_span(sum->change.key, sum->change.key_len), make_sum,
				sum);
	}
}
