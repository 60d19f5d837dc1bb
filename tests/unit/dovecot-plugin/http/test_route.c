/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "dovecot-plugin/http/route.h"

static void the_last_part_of_the_path_is_the_token(void **state)
{
	static const struct {
		const char *target;
		enum rmt_route want;
		const char *token;
	} cases[] = {
		{ "/u/abc234", RMT_ROUTE_UNSUBSCRIBE, "abc234" },
		{ "/abc", RMT_ROUTE_UNSUBSCRIBE, "abc" },
		{ "/mail/u/ABC?x=/y/z", RMT_ROUTE_UNSUBSCRIBE, "ABC" },
		{ "/r/abc", RMT_ROUTE_RECEIPT, "abc" },
		{ "/mail/r/abc?", RMT_ROUTE_RECEIPT, "abc" },
		{ "/rr/abc", RMT_ROUTE_UNSUBSCRIBE, "abc" },
		{ "", RMT_ROUTE_NONE, NULL },
		{ "/", RMT_ROUTE_NONE, NULL },
		{ "*", RMT_ROUTE_NONE, NULL },
		{ "/u/", RMT_ROUTE_NONE, NULL },
		{ "/u/a.b", RMT_ROUTE_NONE, NULL },
		{ "/u/a%20b", RMT_ROUTE_NONE, NULL },
		{ "/u/..", RMT_ROUTE_NONE, NULL },
		{ "?/u/abc", RMT_ROUTE_NONE, NULL },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rmt_span token = { NULL, 0 };

		if (rmt_route_find(rmt_span_of(cases[i].target), &token) != cases[i].want)
			fail_msg("%s", cases[i].target);
		assert_true(rmt_span_eq(token, rmt_span_of(cases[i].token)));
	}
}

static void methods_beyond_three_are_other(void **state)
{
	(void)state;
	assert_int_equal(rmt_method_of("GET"), RMT_METHOD_GET);
	assert_int_equal(rmt_method_of("HEAD"), RMT_METHOD_HEAD);
	assert_int_equal(rmt_method_of("POST"), RMT_METHOD_POST);
	assert_int_equal(rmt_method_of("post"), RMT_METHOD_OTHER);
	assert_int_equal(rmt_method_of("OPTIONS"), RMT_METHOD_OTHER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_last_part_of_the_path_is_the_token),
		cmocka_unit_test(methods_beyond_three_are_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
