/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/feedback/shares.h"

enum { DAY_SECS = 86400, NOW = 1000 * DAY_SECS };

/* --- who accepted ------------------------------------------------------------------ */

static void who_accepted_is_known_by_the_log_or_by_what_did_not_come_back(void **state)
{
	static const struct {
		uint64_t sent, accepted, dead, full, want;
	} rows[] = {
		{ 100, 0, 0, 0, 100 },   /* no log, nothing came back */
		{ 100, 0, 10, 5, 85 },   /* no log */
		{ 100, 85, 10, 5, 85 },  /* the log says so */
		{ 100, 80, 10, 5, 80 },  /* five wait in the queue */
		{ 100, 20, 10, 0, 90 },  /* the log was read for part of the day */
		{ 100, 200, 0, 0, 100 }, /* never more than left */
		{ 5, 0, 9, 0, 0 },       { 0, 0, 0, 0, 0 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct rmt_rates rates = { NULL };

		rates.counts[RMT_RATE_SENT] = rows[i].sent;
		rates.counts[RMT_RATE_ACCEPTED] = rows[i].accepted;
		rates.counts[RMT_RATE_CLASSES + RMT_CLASS_DEAD_ADDRESS] = rows[i].dead;
		rates.counts[RMT_RATE_CLASSES + RMT_CLASS_MAILBOX_FULL] = rows[i].full;
		assert_int_equal(rmt_rates_accepted(&rates), rows[i].want);
		rates.counts[RMT_RATE_ARMED_SENT] = rows[i].sent;
		assert_int_equal(rmt_rates_armed_accepted(&rates), rows[i].want);
		rates.counts[RMT_RATE_ARMED_SENT] = rows[i].sent / 2;
		assert_in_range(rmt_rates_armed_accepted(&rates), 0, rows[i].want);
	}
}

/* --- sums -------------------------------------------------------------------------- */

static struct rmt_store *store;

static void count(const char *stream, const char *provider, int days_ago, int sent,
		  int complaints, int dead)
{
	struct rmt_rates_change change;
	struct rmt_store_change one;

	rmt_rates_change(&change, stream, provider, NOW - days_ago * DAY_SECS);
	change.delta[RMT_RATE_SENT] = sent;
	change.delta[RMT_RATE_COMPLAINTS] = complaints;
	change.delta[RMT_RATE_CLASSES + RMT_CLASS_DEAD_ADDRESS] = dead;
	one = rmt_rates_store_change(&change);
	assert_true(rmt_store_commit(store, &one, 1, NULL, NULL));
}

static char *describe(const GPtrArray *rows)
{
	GString *out = g_string_new(NULL);
	guint i;

	for (i = 0; i < rows->len; i++) {
		const struct rmt_shares_row *row = rows->pdata[i];

		g_string_append_printf(
			out, "%s/%s sent %d complaints %d of %d dead %d of %d\n",
			row->stream, row->provider, (int)row->sent,
			(int)row->complaints.k, (int)row->complaints.n, (int)row->dead.k,
			(int)row->dead.n);
	}
	return g_string_free(out, FALSE);
}

static void a_share_has_its_own_denominator(void **state)
{
	g_autofree char *text = NULL;
	GPtrArray *rows;

	(void)state;
	assert_true(rmt_store_open(&store, "mem:", false, NULL));
	count("news", "gmail", 0, 1000, 0, 10);
	count("news", "yahoo", 0, 400, 1, 0);
	count("news", "yahoo", 3, 100, 1, 20);
	count("news", "yahoo", 31, 9999, 99, 0); /* too long ago */
	count("news", "new", 1, 0, 0, 3);        /* more came back than left */
	count("shop", "gmail", 0, 5, 0, 0);
	count("", "", 0, 7, 0, 0); /* strangers */
	assert_true(rmt_shares_read(store, NOW, 30, &rows, NULL));
	text = describe(rows);
	assert_string_equal(text,
			    "news/ sent 1500 complaints 2 of 480 dead 33 of 1500\n"
			    "news/gmail sent 1000 complaints 0 of 0 dead 10 of 1000\n"
			    "news/new sent 0 complaints 0 of 0 dead 0 of 0\n"
			    "news/yahoo sent 500 complaints 2 of 480 dead 20 of 500\n"
			    "shop/ sent 5 complaints 0 of 0 dead 0 of 5\n"
			    "shop/gmail sent 5 complaints 0 of 0 dead 0 of 5\n");
	g_ptr_array_unref(rows);
	rmt_store_close(&store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			who_accepted_is_known_by_the_log_or_by_what_did_not_come_back),
		cmocka_unit_test(a_share_has_its_own_denominator),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
