/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <glib.h>
#include <stdbool.h>
#include <sched.h>
#include <sys/resource.h>

#include "common/base/background.h"

/* What a thread of its own is after the call. */
struct after {
	void (*call)(void);
	int policy; /* before */
	int policy_r, nice_r;
};

static gpointer call(gpointer data)
{
	const struct sched_param priority = { .sched_priority = 1 };
	struct after *after = data;

	if (after->policy != SCHED_OTHER &&
	    sched_setscheduler(0, after->policy, &priority) != 0)
		return NULL;
	after->call();
	after->policy_r = sched_getscheduler(0);
	after->nice_r = getpriority(PRIO_PROCESS, 0);
	return after;
}

static bool run(struct after *after)
{
	return g_thread_join(g_thread_new("after", call, after)) != NULL;
}

static void who_is_in_the_background_is_so_alone(void **state)
{
	const int nice = getpriority(PRIO_PROCESS, 0);
	struct after after = { .call = rmt_background };

	(void)state;
	assert_true(run(&after));
	assert_int_equal(after.nice_r, 19);
	assert_int_equal(getpriority(PRIO_PROCESS, 0), nice);
}

static void who_is_in_the_foreground_keeps_his_priority(void **state)
{
	struct after after = { .call = rmt_foreground };

	(void)state;
	assert_true(run(&after));
	assert_int_equal(after.nice_r, getpriority(PRIO_PROCESS, 0));
}

/* It took remite-policyd from chrt(1) back among all others. */
static void the_administrators_policy_stands(void **state)
{
	struct after after = { .call = rmt_foreground, .policy = SCHED_RR };

	(void)state;
	if (!run(&after)) {
		print_message("skipped: needs the right to set a policy\n");
		skip();
	}
	assert_int_equal(after.policy_r, SCHED_RR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_is_in_the_background_is_so_alone),
		cmocka_unit_test(who_is_in_the_foreground_keeps_his_priority),
		cmocka_unit_test(the_administrators_policy_stands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
