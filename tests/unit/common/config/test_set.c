/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <glib.h>

#include "common/config/set.h"

static void an_empty_set_has_nothing(void **state)
{
	struct rmt_set set = { 0 };
	struct rmt_span member;
	size_t cursor = 0;

	(void)state;
	assert_false(rmt_set_has(&set, RMT_SPAN("x")));
	assert_false(rmt_set_next(&set, &cursor, &member));
	rmt_set_clear(&set);
}

static void a_member_is_there_once(void **state)
{
	struct rmt_set set = { 0 };

	(void)state;
	assert_true(rmt_set_add(&set, RMT_SPAN("one")));
	assert_false(rmt_set_add(&set, RMT_SPAN("one")));
	assert_true(rmt_set_add(&set, rmt_span("", 0)));
	assert_true(rmt_set_add(&set, rmt_span("on\0e", 4)));
	assert_int_equal(set.count, 3);
	assert_true(rmt_set_has(&set, RMT_SPAN("one")));
	assert_true(rmt_set_has(&set, rmt_span(NULL, 0)));
	assert_false(rmt_set_has(&set, RMT_SPAN("on")));
	rmt_set_clear(&set);
	assert_false(rmt_set_has(&set, RMT_SPAN("one")));
}

static void many_members_are_found_and_walked_in_order(void **state)
{
	enum { MANY = 20000 };
	struct rmt_set set = { 0 };
	struct rmt_span member;
	size_t cursor = 0;
	char text[32];
	int i, n;

	(void)state;
	for (i = 0; i < MANY; i++) {
		n = g_snprintf(text, sizeof(text), "member%d", i);
		assert_true(rmt_set_add(&set, rmt_span(text, (size_t)n)));
	}
	for (i = 0; i < MANY; i++) {
		n = g_snprintf(text, sizeof(text), "member%d", i);
		assert_true(rmt_set_has(&set, rmt_span(text, (size_t)n)));
		assert_true(rmt_set_next(&set, &cursor, &member));
		assert_true(rmt_span_eq(member, rmt_span(text, (size_t)n)));
	}
	assert_false(rmt_set_next(&set, &cursor, &member));
	assert_false(rmt_set_has(&set, RMT_SPAN("member20000")));
	rmt_set_clear(&set);
}

static void the_longest_member_fits(void **state)
{
	g_autofree char *text = g_strnfill(RMT_SET_MEMBER_MAX, 'x');
	struct rmt_set set = { 0 };

	(void)state;
	assert_true(rmt_set_add(&set, rmt_span(text, RMT_SET_MEMBER_MAX)));
	assert_true(rmt_set_has(&set, rmt_span(text, RMT_SET_MEMBER_MAX)));
	assert_false(rmt_set_has(&set, rmt_span(text, RMT_SET_MEMBER_MAX - 1)));
	rmt_set_clear(&set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_set_has_nothing),
		cmocka_unit_test(a_member_is_there_once),
		cmocka_unit_test(many_members_are_found_and_walked_in_order),
		cmocka_unit_test(the_longest_member_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
