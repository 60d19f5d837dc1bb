/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/message/header.h"

static void assert_span(struct rmt_span got, const char *want)
{
	assert_int_equal(got.len, strlen(want));
	assert_memory_equal(got.p, want, got.len);
}

static void a_folded_field_is_one_field_octet_by_octet(void **state)
{
	struct rmt_header_reader reader =
		rmt_header_read(RMT_SPAN("To: a,\r\n\tb\r\nSubject: x\r\n\r\nbody"));
	struct rmt_header_field field;

	(void)state;
	assert_true(rmt_header_next(&reader, &field));
	assert_span(field.name, "To");
	assert_span(field.value, " a,\r\n\tb");
	assert_span(field.raw, "To: a,\r\n\tb");
	assert_int_equal(field.offset, 0);
	assert_true(rmt_header_next(&reader, &field));
	assert_span(field.name, "Subject");
	assert_int_equal(field.offset, 12);
	assert_false(rmt_header_next(&reader, &field));
	assert_span(rmt_span_from(reader.message, reader.at), "body");
}

static void what_is_no_field_is_a_line_without_name(void **state)
{
	static const char *const lines[] = { "garbage", ": x",     " : x",
					     "a b: x",  "\x01: x", "" };
	size_t i;

	(void)state;
	for (i = 0; lines[i][0] != '\0'; i++) {
		struct rmt_header_reader reader = rmt_header_read(rmt_span_of(lines[i]));
		struct rmt_header_field field;

		assert_true(rmt_header_next(&reader, &field));
		assert_int_equal(field.name.len, 0);
		assert_span(field.raw, lines[i]);
		assert_false(rmt_header_next(&reader, &field));
	}
}

static void blanks_before_the_colon_are_no_part_of_the_name(void **state)
{
	struct rmt_header_reader reader = rmt_header_read(RMT_SPAN("From \t: a"));
	struct rmt_header_field field;

	(void)state;
	assert_true(rmt_header_next(&reader, &field));
	assert_span(field.name, "From");
	assert_span(field.value, " a");
}

static void a_message_is_split_at_the_first_empty_line(void **state)
{
	static const struct {
		const char *message, *headers, *body;
	} rows[] = {
		{ "A: b\r\n\r\nc\r\n\r\nd", "A: b\r\n\r\n", "c\r\n\r\nd" },
		{ "A: b\n\nc", "A: b\n\n", "c" },
		{ "A: b\r\n", "A: b\r\n", "" },
		{ "\r\nbody", "\r\n", "body" },
		{ "A: b\r\n \r\nB: c\r\n\r\nbody", "A: b\r\n \r\nB: c\r\n\r\n", "body" },
		{ "", "", "" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rmt_span headers, body;

		rmt_header_split(rmt_span_of(rows[i].message), &headers, &body);
		assert_span(headers, rows[i].headers);
		assert_span(body, rows[i].body);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_folded_field_is_one_field_octet_by_octet),
		cmocka_unit_test(what_is_no_field_is_a_line_without_name),
		cmocka_unit_test(blanks_before_the_colon_are_no_part_of_the_name),
		cmocka_unit_test(a_message_is_split_at_the_first_empty_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
