/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/limits/gcra.h"

#define SEC    UINT64_C(1000000000)
#define MINUTE (60 * SEC)
#define DAY    (86400 * SEC)
#define T0     (UINT64_C(1700000000) * SEC + 123456789)

static struct rmt_amount rate(uint64_t count, uint64_t period, uint64_t burst)
{
	return (struct rmt_amount){ false, count, period, burst };
}

static uint64_t fit_one_by_one(const struct rmt_amount *amount, uint64_t *tat,
			       uint64_t now)
{
	uint64_t n = 0;

	for (; n <= 2 * amount->burst && rmt_gcra_fits(amount, *tat, 0, 1, now, NULL);
	     n++)
		*tat = rmt_gcra_charge(amount, *tat, 1, now);
	return n;
}

static void after_a_burst_one_period_gives_exactly_count_again(void **state)
{
	static const uint64_t cases[][3] = {
		{ 7, MINUTE, 7 },       { 1000, MINUTE, 1000 }, { 3, SEC, 3 },
		{ 1000000, SEC, 5000 }, { 11, DAY, 11 },        { 1, 365 * DAY, 1 },
		{ 700, MINUTE, 900 },   { 13, 7 * DAY, 13 },
	};
	size_t i, round;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct rmt_amount amount = rate(cases[i][0], cases[i][1], cases[i][2]);
		uint64_t tat = 0, now = T0, want = amount.burst;

		assert_int_equal(fit_one_by_one(&amount, &tat, now), want);
		for (round = 0; round < 50; round++) { /* and it does not drift */
			now += amount.period_ns;
			want = MIN(amount.count, amount.burst);
			assert_int_equal(fit_one_by_one(&amount, &tat, now), want);
		}
	}
}

static void a_unit_comes_back_after_its_interval_and_not_before(void **state)
{
	struct rmt_amount amount = rate(7, MINUTE, 7);
	struct rmt_usage usage;
	uint64_t tat = 0;

	(void)state;
	assert_int_equal(fit_one_by_one(&amount, &tat, T0), 7);
	assert_false(rmt_gcra_fits(&amount, tat, 0, 1, T0, &usage));
	assert_int_equal(usage.used, 7);
	assert_int_equal(usage.limit, 7);
	/* 60 s / 7 = 8.571428571... s, read on the grid of a nanosecond */
	assert_in_range(usage.retry_ns, 8571428571, 8571428573);
	assert_true(
		rmt_gcra_fits(&amount, tat, 0, 1, T0 + (uint64_t)usage.retry_ns, &usage));
	assert_int_equal(usage.retry_ns, 0);
	assert_int_equal(usage.used, 6);
	assert_false(rmt_gcra_fits(&amount, tat, 0, 1, T0 + 8571428570, NULL));
}

static void what_is_held_counts_and_does_not_drain(void **state)
{
	struct rmt_amount amount = rate(10, MINUTE, 10);
	struct rmt_usage usage;

	(void)state;
	assert_true(rmt_gcra_fits(&amount, 0, 9, 1, T0, &usage));
	assert_int_equal(usage.used, 9);
	assert_false(rmt_gcra_fits(&amount, 0, 10, 1, T0, &usage));
	assert_false(rmt_gcra_fits(&amount, 0, 10, 1, T0 + DAY, NULL));
	assert_int_equal(usage.retry_ns, 6 * SEC);
	assert_true(rmt_gcra_fits(&amount, 0, 10, 0, T0, NULL));
}

static void large_byte_amounts_neither_overflow_nor_lose(void **state)
{
	struct rmt_amount amount = rate(1000000000000000, DAY, 1000000000000000);
	struct rmt_usage usage;
	uint64_t tat = rmt_gcra_charge(&amount, 0, 999999999000000, T0);

	(void)state;
	assert_true(rmt_gcra_fits(&amount, tat, 0, 900000, T0, &usage));
	assert_in_range(usage.used, 999999999000000, 999999999000100);
	assert_false(rmt_gcra_fits(&amount, tat, 0, 1000001, T0, NULL));
	assert_true(rmt_gcra_fits(&amount, tat, 0, 999999998000000, T0 + DAY, NULL));
	amount.count = 1;
	assert_int_equal(rmt_gcra_charge(&amount, 0, UINT64_MAX, T0), RMT_GCRA_TAT_MAX);
	amount.count = 1000000000000000;
	assert_false(rmt_gcra_fits(&amount, RMT_GCRA_TAT_MAX, UINT64_MAX, UINT64_MAX, T0,
				   &usage));
	assert_int_equal(usage.used, UINT64_MAX);
}

static void refunds_are_exact_until_all_has_drained(void **state)
{
	struct rmt_amount amount = rate(7, MINUTE, 7);
	uint64_t one = rmt_gcra_charge(&amount, 0, 1, T0);
	uint64_t five = rmt_gcra_charge(&amount, one, 4, T0 + SEC);

	(void)state;
	assert_int_equal(rmt_gcra_refund(&amount, five, 4, T0 + SEC), one);
	assert_int_equal(rmt_gcra_refund(&amount, five, 0, T0), five);
	assert_int_equal(rmt_gcra_refund(&amount, five, 9, T0 + SEC), T0 + SEC);
}

static void a_limit_of_zero_lets_nothing_through(void **state)
{
	struct rmt_amount amount = rate(0, MINUTE, 0);

	(void)state;
	assert_false(rmt_gcra_fits(&amount, 0, 0, 1, T0, NULL));
}

/* Against the definition: in no interval more than burst + rate * length. */
static void random_events_never_pass_burst_plus_rate(void **state)
{
	enum { EVENTS = 400 };
	static const uint64_t amounts[][3] = {
		{ 7, MINUTE, 3 }, { 100, MINUTE, 20 }, { 3, SEC, 1 }, { 999983, SEC, 50 }
	};
	uint64_t at[EVENTS], units[EVENTS], sum, tat, now, n;
	g_autoptr(GRand) random = g_rand_new_with_seed(20);
	size_t a, i, j, passed;

	(void)state;
	for (a = 0; a < G_N_ELEMENTS(amounts); a++) {
		struct rmt_amount amount =
			rate(amounts[a][0], amounts[a][1], amounts[a][2]);
		uint64_t interval = amount.period_ns / amount.count;

		for (tat = 0, now = T0, passed = 0, i = 0; i < 4 * EVENTS; i++) {
			now += (uint64_t)g_rand_double_range(random, 0,
							     2.0 * (double)interval);
			n = (uint64_t)g_rand_int_range(random, 1, 4);
			if (passed == EVENTS ||
			    !rmt_gcra_fits(&amount, tat, 0, n, now, NULL))
				continue;
			tat = rmt_gcra_charge(&amount, tat, n, now);
			at[passed] = now;
			units[passed++] = n;
		}
		assert_true(passed > EVENTS / 8);
		for (i = 0; i < passed; i++)
			for (sum = 0, j = i; j < passed; j++) {
				sum += units[j];
				/* one step of the grid: two nanoseconds at most */
				assert_true((double)sum <=
					    (double)amount.burst +
						    (double)(at[j] - at[i] + 2) *
							    (double)amount.count /
							    (double)amount.period_ns +
						    1e-6);
			}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(after_a_burst_one_period_gives_exactly_count_again),
		cmocka_unit_test(a_unit_comes_back_after_its_interval_and_not_before),
		cmocka_unit_test(what_is_held_counts_and_does_not_drain),
		cmocka_unit_test(large_byte_amounts_neither_overflow_nor_lose),
		cmocka_unit_test(refunds_are_exact_until_all_has_drained),
		cmocka_unit_test(a_limit_of_zero_lets_nothing_through),
		cmocka_unit_test(random_events_never_pass_burst_plus_rate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
