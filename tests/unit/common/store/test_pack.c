/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/store/pack.h"

static void numbers_come_back_and_are_short(void **state)
{
	static const struct {
		uint64_t number;
		size_t len;
	} cases[] = {
		{ 0, 1 },     { 1, 1 },       { 127, 1 },       { 128, 2 },
		{ 16383, 2 }, { 1 << 30, 5 }, { INT64_MAX, 9 }, { UINT64_MAX, 10 }
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GString) out = g_string_new(NULL);
		struct rmt_unpack in;

		rmt_pack_number(out, cases[i].number);
		assert_int_equal(out->len, cases[i].len);
		in = (struct rmt_unpack){ rmt_span(out->str, out->len), false };
		assert_int_equal(rmt_unpack_number(&in), cases[i].number);
		assert_false(in.damaged);
		assert_int_equal(in.rest.len, 0);
	}
}

static void strings_come_back_one_after_another(void **state)
{
	g_autoptr(GString) out = g_string_new(NULL);
	struct rmt_unpack in;

	(void)state;
	rmt_pack_string(out, RMT_SPAN("one"));
	rmt_pack_string(out, RMT_SPAN(""));
	rmt_pack_string(out, RMT_SPAN("a\0b"));
	in = (struct rmt_unpack){ rmt_span(out->str, out->len), false };
	assert_true(rmt_span_eq(rmt_unpack_string(&in), RMT_SPAN("one")));
	assert_int_equal(rmt_unpack_string(&in).len, 0);
	assert_true(rmt_span_eq(rmt_unpack_string(&in), RMT_SPAN("a\0b")));
	assert_false(in.damaged);
}

static void what_is_cut_short_is_damaged_and_reads_as_nothing(void **state)
{
	static const struct rmt_span cases[] = {
		{ "", 0 },
		{ "\x80", 1 },
		{ "\x04"
		  "abc",
		  4 },
		{ "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 12 },
		{ "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01x", 11 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		/* Without a NUL behind it, so that an over-read shows. */
		g_autofree char *exact = g_memdup2(cases[i].p, cases[i].len);
		struct rmt_unpack in = { rmt_span(exact, cases[i].len), false };

		assert_int_equal(rmt_unpack_string(&in).len, 0);
		assert_true(in.damaged);
		assert_int_equal(rmt_unpack_number(&in), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_come_back_and_are_short),
		cmocka_unit_test(strings_come_back_one_after_another),
		cmocka_unit_test(what_is_cut_short_is_damaged_and_reads_as_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
