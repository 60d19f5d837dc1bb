/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "postfix-policy/policyd/loop.h"

enum { EVERY_MS = 10, WAITS = 3 };

/* Each wait has its end, also where nobody says anything, and none ends before. */
static void the_pulse_ends_a_wait(void **state)
{
	struct rmt_loop *loop = rmt_loop_new(NULL);
	const int64_t begin_us = g_get_monotonic_time();
	unsigned i;

	(void)state;
	assert_true(rmt_loop_pulse(loop, EVERY_MS, NULL));
	for (i = 0; i < WAITS; i++) {
		assert_int_equal(rmt_loop_wait(loop, -1), 1);
		rmt_loop_dispatch(loop, 1);
	}
	assert_true(g_get_monotonic_time() - begin_us >= WAITS * EVERY_MS * 1000);
	rmt_loop_free(loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(the_pulse_ends_a_wait) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
