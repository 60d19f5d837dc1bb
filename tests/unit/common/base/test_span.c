/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/base/log.h"
#include "common/base/span.h"

static void split_last_takes_the_last_separator(void **state)
{
	struct rmt_span local = { NULL, 0 }, domain = { NULL, 0 };

	(void)state;
	assert_true(rmt_span_split_last(RMT_SPAN("a@b@c"), '@', &local, &domain));
	assert_true(rmt_span_eq(local, RMT_SPAN("a@b")));
	assert_true(rmt_span_eq(domain, RMT_SPAN("c")));
	assert_false(rmt_span_split_last(RMT_SPAN("none"), '@', &local, &domain));
	assert_true(rmt_span_split_last(RMT_SPAN("@"), '@', &local, &domain));
	assert_int_equal(local.len + domain.len, 0);
}

static void trim_leaves_what_is_inside(void **state)
{
	(void)state;
	assert_true(rmt_span_eq(rmt_span_trim(RMT_SPAN(" \ta b\r\n")), RMT_SPAN("a b")));
	assert_int_equal(rmt_span_trim(RMT_SPAN(" \t")).len, 0);
	assert_int_equal(rmt_span_trim(rmt_span(NULL, 0)).len, 0);
}

static void log_text_is_printable_and_cut(void **state)
{
	static const struct {
		const char *in;
		size_t max;
		const char *want;
	} cases[] = {
		{ "plain", 80, "plain" },
		{ "se\xc3\xb1or", 80, "se\xc3\xb1or" },
		{ "two\nlines\x1b[31m", 80, "two\\x0alines\\x1b[31m" },
		{ "half \xc3", 80, "half \\xc3" },
		{ "quote\"d \\", 80, "quote\\x22d \\x5c" },
		{ "abcdef", 3, "abc..." },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GString) out = g_string_new(NULL);

		rmt_log_printable(out, rmt_span_of(cases[i].in), cases[i].max);
		assert_string_equal(out->str, cases[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(split_last_takes_the_last_separator),
		cmocka_unit_test(trim_leaves_what_is_inside),
		cmocka_unit_test(log_text_is_printable_and_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
