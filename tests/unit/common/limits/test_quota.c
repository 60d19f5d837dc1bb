/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/limits/quota.h"

#define SEC  UINT64_C(1000000000)
#define DAY  (86400 * SEC)
#define NOON (UINT64_C(1700006400) * SEC) /* a full sub-window of a day: 24 minutes */

static const struct rmt_amount ten_a_day = { true, 10, DAY, 0 };

static void units_are_freed_when_sixty_whole_subwindows_have_followed(void **state)
{
	struct rmt_quota quota = { 0 };
	struct rmt_usage usage;
	uint64_t sub = DAY / 60, start = NOON / sub * sub, t = start + 5 * SEC;

	(void)state;
	assert_true(rmt_quota_fits(&quota, &ten_a_day, 0, 10, t, &usage));
	assert_int_equal(usage.used, 0);
	assert_int_equal(usage.limit, 10);
	assert_int_equal(usage.retry_ns, 0);
	rmt_quota_charge(&quota, &ten_a_day, 10, t);
	assert_false(rmt_quota_fits(&quota, &ten_a_day, 0, 1, t, &usage));
	assert_int_equal(usage.retry_ns, start + DAY + sub - t);
	assert_false(
		rmt_quota_fits(&quota, &ten_a_day, 0, 1, start + DAY + sub - 1, NULL));
	assert_true(rmt_quota_fits(&quota, &ten_a_day, 0, 10, start + DAY + sub, NULL));
}

static void retry_waits_for_the_subwindow_that_frees_enough(void **state)
{
	struct rmt_quota quota = { 0 };
	struct rmt_usage usage;
	uint64_t sub = DAY / 60, start = NOON / sub * sub;

	(void)state;
	rmt_quota_charge(&quota, &ten_a_day, 2, start);
	rmt_quota_charge(&quota, &ten_a_day, 8, start + 3 * sub);
	assert_false(rmt_quota_fits(&quota, &ten_a_day, 2, 1, start + 3 * sub, &usage));
	assert_int_equal(usage.used, 12);
	/* two held: three must go */
	assert_int_equal(usage.retry_ns, 61 * sub);
	rmt_quota_fits(&quota, &ten_a_day, 1, 1, start + 3 * sub, &usage);
	assert_int_equal(usage.retry_ns, 58 * sub);
}

static void refunds_take_the_newest_first_and_never_more_than_there_is(void **state)
{
	struct rmt_quota quota = { 0 };
	uint64_t sub = DAY / 60, start = NOON / sub * sub;

	(void)state;
	rmt_quota_charge(&quota, &ten_a_day, 4, start);
	rmt_quota_charge(&quota, &ten_a_day, 3, start + 2 * sub);
	assert_int_equal(rmt_quota_refund(&quota, &ten_a_day, 5, start + 2 * sub),
			 start / sub);
	assert_int_equal(quota.sum, 2);
	rmt_quota_refund(&quota, &ten_a_day, 50, start + 2 * sub);
	assert_int_equal(quota.sum, 0);
	assert_true(rmt_quota_is_over(&quota, start));
}

static void another_period_keeps_what_was_counted(void **state)
{
	struct rmt_quota quota = { 0 };
	struct rmt_amount hour = { true, 10, 3600 * SEC, 0 };
	struct rmt_amount week = { true, 10, 7 * DAY, 0 };

	(void)state;
	rmt_quota_charge(&quota, &ten_a_day, 3, NOON - 7200 * SEC);
	rmt_quota_charge(&quota, &ten_a_day, 6, NOON);
	assert_true(rmt_quota_fits(&quota, &week, 0, 1, NOON, NULL));
	assert_int_equal(quota.sum, 9);
	assert_false(rmt_quota_fits(&quota, &hour, 0, 5, NOON, NULL));
	assert_true(quota.sum >=
		    6); /* what stood in one week's sub-window is one hour's now */
	assert_true(rmt_quota_fits(&quota, &hour, 0, 10, NOON + DAY, NULL));
}

static void huge_counts_do_not_wrap(void **state)
{
	struct rmt_quota quota = { 0 };
	struct rmt_amount bytes = { true, 1000000000000000, DAY, 0 };

	(void)state;
	rmt_quota_charge(&quota, &bytes, UINT64_MAX - 5, NOON);
	rmt_quota_charge(&quota, &bytes, UINT64_MAX - 5, NOON);
	assert_false(rmt_quota_fits(&quota, &bytes, UINT64_MAX, UINT64_MAX, NOON, NULL));
	assert_true(rmt_quota_fits(&quota, &bytes, 0, 1, NOON + 2 * DAY, NULL));
}

/* Against the definition, with a period that 60 does not divide. */
static void random_events_never_pass_n_in_any_window(void **state)
{
	enum { EVENTS = 600 };
	struct rmt_amount amount = { true, 20, 1000003, 0 };
	struct rmt_quota quota = { 0 };
	uint64_t at[EVENTS], units[EVENTS], sum, now = NOON, n;
	g_autoptr(GRand) random = g_rand_new_with_seed(7);
	size_t i, j, passed = 0;

	(void)state;
	for (i = 0; i < 4 * EVENTS && passed < EVENTS; i++) {
		now += (uint64_t)g_rand_int_range(random, 0, 60000);
		n = (uint64_t)g_rand_int_range(random, 1, 4);
		if (!rmt_quota_fits(&quota, &amount, 0, n, now, NULL))
			continue;
		rmt_quota_charge(&quota, &amount, n, now);
		at[passed] = now;
		units[passed++] = n;
	}
	assert_true(passed > EVENTS / 3);
	for (i = 0; i < passed; i++) {
		for (sum = 0, j = i; j < passed && at[j] - at[i] < amount.period_ns; j++)
			sum += units[j];
		assert_true(sum <= amount.count);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			units_are_freed_when_sixty_whole_subwindows_have_followed),
		cmocka_unit_test(retry_waits_for_the_subwindow_that_frees_enough),
		cmocka_unit_test(
			refunds_take_the_newest_first_and_never_more_than_there_is),
		cmocka_unit_test(another_period_keeps_what_was_counted),
		cmocka_unit_test(huge_counts_do_not_wrap),
		cmocka_unit_test(random_events_never_pass_n_in_any_window),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
