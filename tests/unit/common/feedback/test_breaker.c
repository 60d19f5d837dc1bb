/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/feedback/breaker.h"

static const struct rmt_pause_test complaints = { 0.001, 0.003 };
static const struct rmt_tally none = { 0, 0 };

static void the_limits_are_those_of_the_formula(void **state)
{
	static const struct {
		uint64_t n, k;
	} rows[] = { { 0, 4 }, { 1000, 6 }, { 5000, 14 }, { 10000, 23 } };
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(rows); i++)
		assert_int_equal(rmt_breaker_limit(&complaints, rows[i].n), rows[i].k);
}

static void a_few_complaints_are_chance_and_many_are_not(void **state)
{
	static const struct {
		struct rmt_tally all, day;
		enum rmt_breaker_verdict want;
	} rows[] = {
		{ { 0, 0 }, { 0, 0 }, RMT_BREAKER_RUN },
		{ { 300, 1 }, { 300, 1 }, RMT_BREAKER_RUN }, /* 0.33 % */
		{ { 1000, 5 }, { 0, 0 }, RMT_BREAKER_WARN },
		{ { 1000, 6 }, { 0, 0 }, RMT_BREAKER_PAUSE },
		{ { 10000, 10 }, { 0, 0 }, RMT_BREAKER_RUN },
		{ { 10000, 22 }, { 0, 0 }, RMT_BREAKER_WARN },
		{ { 10000, 23 }, { 0, 0 }, RMT_BREAKER_PAUSE },
		/* a good year does not hide a bad day */
		{ { 1000000, 520 }, { 1000, 20 }, RMT_BREAKER_PAUSE },
		{ { 1000000, 520 }, { 1000, 3 }, RMT_BREAKER_RUN },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(rows); i++)
		assert_int_equal(
			rmt_breaker_judge(&complaints, &rows[i].all, &rows[i].day),
			rows[i].want);
}

static void an_interval_has_the_share_in_it(void **state)
{
	double low, high;

	(void)state;
	rmt_share_interval(none, &low, &high);
	assert_true(low == 0 && high == 1);
	rmt_share_interval((struct rmt_tally){ 1000, 0 }, &low, &high);
	assert_true(low == 0 && high > 0.003 && high < 0.005);
	rmt_share_interval((struct rmt_tally){ 1000, 20 }, &low, &high);
	assert_true(low > 0.012 && low < 0.014 && high > 0.030 && high < 0.032);
	rmt_share_interval((struct rmt_tally){ 5, 5 }, &low, &high);
	assert_true(low > 0.5 && high == 1);
}

/* --- the simulation ---------------------------------------------------------------- */

enum { STREAMS = 100000, MAILS_MAX = 200000 };

static uint64_t mails[STREAMS];

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Mails until the next bad one. */
static uint64_t gap(GRand *rand, double share)
{
	return 1 + (uint64_t)(log(1 - g_rand_double(rand)) / log(1 - share));
}

/* After how many mails a stream with this share is paused; MAILS_MAX: never. */
static uint64_t run_one(GRand *rand, double share, uint64_t until)
{
	struct rmt_tally all = { 0, 0 };

	for (;;) {
		all.n += gap(rand, share);
		all.k++;
		if (all.n > until)
			return MAILS_MAX;
		if (rmt_breaker_judge(&complaints, &all, &none) == RMT_BREAKER_PAUSE)
			return all.n;
	}
}

static void run_all(double share, uint64_t until)
{
	GRand *rand = g_rand_new_with_seed(42);
	size_t i;

	for (i = 0; i < STREAMS; i++)
		mails[i] = run_one(rand, share, until);
	qsort(mails, STREAMS, sizeof(mails[0]), by_number);
	g_rand_free(rand);
}

static void bad_streams_pause_soon_and_good_ones_hardly_ever(void **state)
{
	size_t paused = 0, i;

	(void)state;
	run_all(0.003, MAILS_MAX);
	print_message("0.3 %%: median %u, p95 %u\n", (unsigned)mails[STREAMS / 2],
		      (unsigned)mails[STREAMS * 95 / 100]);
	assert_true(mails[STREAMS / 2] <= 3100);
	assert_true(mails[STREAMS * 95 / 100] <= 9200);
	run_all(0.01, MAILS_MAX);
	print_message("1 %%: median %u, p95 %u\n", (unsigned)mails[STREAMS / 2],
		      (unsigned)mails[STREAMS * 95 / 100]);
	assert_true(mails[STREAMS * 95 / 100] <= 1100);
	run_all(0.001, 20000);
	for (i = 0; i < STREAMS; i++)
		paused += mails[i] < MAILS_MAX;
	print_message("0.1 %%: %u of %d paused\n", (unsigned)paused, STREAMS);
	assert_true(paused <= STREAMS / 100);
}

/* --- together ---------------------------------------------------------------------- */

static const struct rmt_pause all_tests = {
	true, { 0.001, 0.003 }, { 0.02, 0.05 }, { 0.005, 0.015 }
};

static void kinds_of_evidence_add_up_and_none_hides_another(void **state)
{
	static const struct {
		struct rmt_evidence evidence;
		enum rmt_breaker_verdict want;
	} rows[] = {
		{ { { 0, 0 }, { 0, 0 }, { 0, 0 } }, RMT_BREAKER_RUN },
		/* 4 complaints, or 36 dead addresses, of 1,000 mails are no reason ... */
		{ { { 1000, 4 }, { 1000, 20 }, { 1000, 5 } }, RMT_BREAKER_RUN },
		{ { { 1000, 1 }, { 1000, 36 }, { 1000, 5 } }, RMT_BREAKER_RUN },
		/* ... and both are, the more with many who leave */
		{ { { 1000, 4 }, { 1000, 38 }, { 1000, 12 } }, RMT_BREAKER_PAUSE },
		{ { { 1000, 6 }, { 1000, 35 }, { 1000, 30 } }, RMT_BREAKER_PAUSE },
		/* who leave, alone: never */
		{ { { 1000, 1 }, { 1000, 20 }, { 1000, 500 } }, RMT_BREAKER_RUN },
		{ { { 0, 0 }, { 0, 0 }, { 1000, 1000 } }, RMT_BREAKER_RUN },
		/* no dead address at all excuses no complaints */
		{ { { 1000, 12 }, { 1000, 0 }, { 1000, 0 } }, RMT_BREAKER_PAUSE },
		/* more came back than left: no data */
		{ { { 3, 9 }, { 3, 9 }, { 3, 9 } }, RMT_BREAKER_RUN },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(rows); i++) {
		enum rmt_breaker_verdict got =
			rmt_breaker_judge_together(&all_tests, &rows[i].evidence);

		if (got != rows[i].want)
			fail_msg("row %u: %s", (unsigned)i,
				 rmt_breaker_verdict_name(got));
	}
}

/* Shares of complaints, dead addresses and unsubscribes. */
struct shares {
	double share[3];
};

/* The same with all the evidence; the test of dead addresses by itself is left out. */
static uint64_t run_together(GRand *rand, const struct shares *shares, uint64_t until)
{
	struct rmt_evidence e = { { 0, 0 } };
	struct rmt_tally *tallies[] = { &e.complaints, &e.bounces, &e.unsubscribes };
	uint64_t next[3];
	size_t i, first;

	for (i = 0; i < 3; i++)
		next[i] = gap(rand, shares->share[i]);
	for (;;) {
		first = next[1] < next[0] ? 1 : 0;
		first = next[2] < next[first] ? 2 : first;
		if (next[first] > until)
			return MAILS_MAX;
		for (i = 0; i < 3; i++)
			tallies[i]->n = next[first];
		tallies[first]->k++;
		if (rmt_breaker_judge_together(&all_tests, &e) == RMT_BREAKER_PAUSE ||
		    rmt_breaker_judge(&complaints, &e.complaints, &none) ==
			    RMT_BREAKER_PAUSE)
			return next[first];
		next[first] += gap(rand, shares->share[first]);
	}
}

static size_t run_all_together(const struct shares *shares, size_t streams,
			       uint64_t until)
{
	GRand *rand = g_rand_new_with_seed(42);
	size_t i, paused = 0;

	for (i = 0; i < streams; i++) {
		mails[i] = run_together(rand, shares, until);
		paused += mails[i] < MAILS_MAX;
	}
	qsort(mails, streams, sizeof(mails[0]), by_number);
	g_rand_free(rand);
	return paused;
}

/* BREAKER_STREAMS=100000: as many as the others; it takes a minute. */
static size_t streams_wanted(void)
{
	const char *text = getenv("BREAKER_STREAMS");
	guint64 count = text != NULL ? g_ascii_strtoull(text, NULL, 10) : 20000;

	return (size_t)CLAMP(count, 1000, STREAMS);
}

/* G9: half of 3,100 and 9,200, half of 1,100. A stream whose complaints are at the pause
 * has dead addresses and unsubscribes between accept and pause; one with three times
 * as many has those at the pause. */
static void together_they_take_half_the_mails(void **state)
{
	static const struct shares bad = { { 0.003, 0.035, 0.01 } };
	static const struct shares worse = { { 0.01, 0.05, 0.015 } };
	static const struct shares good = { { 0.001, 0.02, 0.005 } };
	size_t n = streams_wanted(), paused;

	(void)state;
	run_all_together(&bad, n, MAILS_MAX);
	print_message("together, 0.3 %%: median %u, p95 %u\n", (unsigned)mails[n / 2],
		      (unsigned)mails[n * 95 / 100]);
	assert_true(mails[n / 2] <= 3100 / 2);
	assert_true(mails[n * 95 / 100] <= 9200 / 2);
	run_all_together(&worse, n, MAILS_MAX);
	print_message("together, 1 %%: median %u, p95 %u\n", (unsigned)mails[n / 2],
		      (unsigned)mails[n * 95 / 100]);
	assert_true(mails[n * 95 / 100] <= 1100 / 2);
	paused = run_all_together(&good, n, 20000);
	print_message("together, 0.1 %%: %u of %u paused\n", (unsigned)paused,
		      (unsigned)n);
	assert_true(paused <= n / 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_limits_are_those_of_the_formula),
		cmocka_unit_test(a_few_complaints_are_chance_and_many_are_not),
		cmocka_unit_test(an_interval_has_the_share_in_it),
		cmocka_unit_test(bad_streams_pause_soon_and_good_ones_hardly_ever),
		cmocka_unit_test(kinds_of_evidence_add_up_and_none_hides_another),
		cmocka_unit_test(together_they_take_half_the_mails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
