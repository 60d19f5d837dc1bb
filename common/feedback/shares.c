/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "common/feedback/provider.h"
#include "common/feedback/shares.h"

enum { DAY_SECS = 86400 };

static void free_share(gpointer data)
{
	struct rmt_shares_row *share = data;

	g_free(share->stream);
	g_free(share->provider);
	g_free(share);
}

static struct rmt_shares_row *share_of(GPtrArray *rows, const char *stream,
				       const char *provider)
{
	struct rmt_shares_row *share;
	guint i;

	/* A stream's rows come together: the last ones first. */
	for (i = rows->len; i > 0; i--) {
		share = g_ptr_array_index(rows, i - 1);
		if (strcmp(share->stream, stream) != 0)
			break;
		if (strcmp(share->provider, provider) == 0)
			return share;
	}
	share = g_new0(struct rmt_shares_row, 1);
	share->stream = g_strdup(stream);
	share->provider = g_strdup(provider);
	g_ptr_array_add(rows, share);
	return share;
}

static void add(struct rmt_shares_row *share, const struct rmt_rates *rates)
{
	const uint64_t *counts = rates->counts;
	uint64_t accepted = rmt_rates_accepted(rates);
	int class;

	share->sent += counts[RMT_RATE_SENT];
	share->accepted += accepted;
	share->deferred += counts[RMT_RATE_DEFERRED];
	if (rmt_provider_complains(rates->provider) || counts[RMT_RATE_COMPLAINTS] > 0) {
		share->complaints.n += accepted;
		share->complaints.k += counts[RMT_RATE_COMPLAINTS];
	}
	share->dead.n += counts[RMT_RATE_SENT];
	share->dead.k += counts[RMT_RATE_CLASSES + RMT_CLASS_DEAD_ADDRESS] +
			 counts[RMT_RATE_CLASSES + RMT_CLASS_DEAD_DOMAIN];
	for (class = 0; class < RMT_CLASSES; class ++)
		share->events[class] += counts[RMT_RATE_CLASSES + class];
}

static bool take(void *context, const struct rmt_rates *rates)
{
	if (rates->stream[0] == '\0') /* of strangers */
		return true;
	add(share_of(context, rates->stream, ""), rates);
	add(share_of(context, rates->stream, rates->provider), rates);
	return true;
}

/* More came back than left: what left was not counted. */
static void doubt(gpointer data, gpointer unused)
{
	struct rmt_shares_row *share = data;

	(void)unused;
	if (share->complaints.k > share->complaints.n)
		share->complaints = (struct rmt_tally){ 0, 0 };
	if (share->dead.k > share->dead.n)
		share->dead = (struct rmt_tally){ 0, 0 };
}

bool rmt_shares_read(struct rmt_store *store, int64_t now, unsigned days,
		     GPtrArray **rows_r, GError **err)
{
	GPtrArray *rows = g_ptr_array_new_with_free_func(free_share);

	if (!rmt_rates_walk(store, NULL, now / DAY_SECS - days + 1, take, rows, err)) {
		g_ptr_array_unref(rows);
		return false;
	}
	g_ptr_array_foreach(rows, doubt, NULL);
	*rows_r = rows;
	return true;
}
