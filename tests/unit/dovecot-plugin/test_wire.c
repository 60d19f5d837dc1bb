/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "dovecot-plugin/wire.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The octets alone, in memory of their own, so that an over-read shows. */
static void feed(struct rmt_wire_in *in, const char *data, size_t len)
{
	char *copy = malloc(len + 1);

	copy = realloc(copy, len > 0 ? len : 1);
	memcpy(copy, data, len);
	rmt_wire_in_feed(in, copy, len);
	free(copy);
}

static void a_job_is_written_as_the_header_says(void **state)
{
	struct rmt_wire_out out = { 0 };
	const char want[] =
		"JOB\t7\tshown\tuser=ann@example.org\tbox=A\001tB\001n\0011\001r"
		"\tuid=12\tbody=3\nX\n\tJOB\t8\topen\n";

	(void)state;
	rmt_wire_begin(&out, "JOB", 7, "shown");
	rmt_wire_add(&out, "user", "ann@example.org");
	rmt_wire_add(&out, "box", "A\tB\n\001\r");
	rmt_wire_add(&out, "name", NULL);
	rmt_wire_add_number(&out, "uid", 12);
	rmt_wire_end(&out, "X\n\t", 3);
	rmt_wire_begin(&out, "JOB", 8, "open");
	rmt_wire_end(&out, NULL, 0);
	assert_int_equal(out.len, strlen(want));
	assert_memory_equal(out.data, want, out.len);
	rmt_wire_out_free(&out);
	assert_null(out.data);
}

static void both_sides_say_their_version_first(void **state)
{
	struct rmt_wire_in *in = rmt_wire_in_create();
	struct rmt_wire_out out = { 0 };
	struct rmt_wire_record record;

	(void)state;
	rmt_wire_version(&out, "mail");
	rmt_wire_version(&out, NULL);
	feed(in, out.data, out.len);
	assert_int_equal(rmt_wire_in_next(in, &record), RMT_WIRE_RECORD);
	assert_string_equal(record.type, "VERSION");
	assert_string_equal(record.kind, RMT_WIRE_SERVICE);
	assert_int_equal(record.major, RMT_WIRE_MAJOR);
	assert_string_equal(rmt_wire_get(&record, "role"), "mail");
	assert_int_equal(rmt_wire_in_next(in, &record), RMT_WIRE_RECORD);
	assert_null(rmt_wire_get(&record, "role"));
	assert_int_equal(rmt_wire_in_next(in, &record), RMT_WIRE_MORE);
	rmt_wire_out_free(&out);
	rmt_wire_in_destroy(&in);
	assert_null(in);
}

/* step: octets a feed. */
static void read_in_steps(const struct rmt_wire_out *out, size_t step)
{
	struct rmt_wire_in *in = rmt_wire_in_create();
	struct rmt_wire_record record;
	size_t at, seen = 0;

	for (at = 0; at < out->len; at += step) {
		feed(in, out->data + at, out->len - at < step ? out->len - at : step);
		while (rmt_wire_in_next(in, &record) == RMT_WIRE_RECORD) {
			assert_string_equal(record.type, "JOB");
			assert_int_equal(record.id, ++seen);
			assert_string_equal(record.kind, "unsubscribe");
			assert_string_equal(rmt_wire_get(&record, "box"), "a\tb\001\n");
			assert_int_equal(record.body_len, 5);
			assert_memory_equal(record.body, "J\0\n\r\t", 5);
		}
	}
	assert_null(rmt_wire_in_error(in));
	assert_int_equal(seen, 3);
	rmt_wire_in_destroy(&in);
}

static void records_come_whole_in_whatever_pieces(void **state)
{
	struct rmt_wire_out out = { 0 };
	uint64_t id;
	size_t step;

	(void)state;
	for (id = 1; id <= 3; id++) {
		rmt_wire_begin(&out, "JOB", id, "unsubscribe");
		rmt_wire_add(&out, "box", "a\tb\001\n");
		rmt_wire_end(&out, "J\0\n\r\t", 5);
	}
	for (step = 1; step <= out.len; step++)
		read_in_steps(&out, step);
	rmt_wire_out_free(&out);
}

static enum rmt_wire_result read_one(const char *data, size_t len, char *error,
				     size_t size)
{
	struct rmt_wire_in *in = rmt_wire_in_create();
	struct rmt_wire_record record;
	enum rmt_wire_result result;

	feed(in, data, len);
	result = rmt_wire_in_next(in, &record);
	if (result == RMT_WIRE_BAD) {
		snprintf(error, size, "%s", rmt_wire_in_error(in));
		assert_int_equal(rmt_wire_in_next(in, &record), RMT_WIRE_BAD);
	}
	rmt_wire_in_destroy(&in);
	return result;
}

static void what_is_not_the_protocol_is_refused(void **state)
{
	static const struct {
		const char *line, *error;
	} cases[] = {
		{ "", "a record without a number" },
		{ "GET / HTTP/1.1", "a record without a number" },
		{ "ACK", "a record without a number" },
		{ "ACK\t-1", "a record without a number" },
		{ "ACK\t18446744073709551616", "a record without a number" },
		{ "ACK\t1x", "a record without a number" },
		{ "JOB\t1", "JOB without a kind" },
		{ "JOB\t1\t\tuser=x", "JOB without a kind" },
		{ "VERSION\tremite", "VERSION without service and number" },
		{ "VERSION\tremite\tone", "VERSION without service and number" },
		{ "ACK\t1\tno-equals", "a field without name and '='" },
		{ "ACK\t1\t=value", "a field without name and '='" },
		{ "ACK\t1\t", "a field without name and '='" },
		{ "ACK\t1\ta=\001", "a broken escape" },
		{ "ACK\t1\ta=\001x", "a broken escape" },
		{ "JOB\t1\tshown\tbody=8388609", "a body above 8 MiB, or of no length" },
		{ "JOB\t1\tshown\tbody=", "a body above 8 MiB, or of no length" },
	};
	char line[256], error[64];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		snprintf(line, sizeof(line), "%s\n", cases[i].line);
		assert_int_equal(read_one(line, strlen(line), error, sizeof(error)),
				 RMT_WIRE_BAD);
		assert_string_equal(error, cases[i].error);
	}
	assert_int_equal(read_one("ACK\t1\ta=\0\n", 10, error, sizeof(error)),
			 RMT_WIRE_BAD);
	assert_string_equal(error, "a NUL");
}

static void endless_lines_and_too_many_fields_are_refused(void **state)
{
	size_t len = RMT_WIRE_LINE_MAX + 10;
	char *line = malloc(len), error[64];
	size_t i;

	(void)state;
	memset(line, 'x', len);
	assert_int_equal(read_one(line, RMT_WIRE_LINE_MAX - 1, error, sizeof(error)),
			 RMT_WIRE_MORE);
	assert_int_equal(read_one(line, len, error, sizeof(error)), RMT_WIRE_BAD);
	assert_string_equal(error, "a line above 64 KiB");
	strcpy(line, "ACK\t1");
	for (i = 0; i <= RMT_WIRE_FIELDS_MAX; i++)
		strcat(line, "\ta=1");
	strcat(line, "\n");
	assert_int_equal(read_one(line, strlen(line), error, sizeof(error)),
			 RMT_WIRE_BAD);
	assert_string_equal(error, "more than 64 fields");
	free(line);
}

static void numbers_of_fields_are_numbers_or_0(void **state)
{
	static const char text[] =
		"ACK\t18446744073709551615\tuid=4294967295\tbad=1a\tempty="
		"\tuid=5\n";
	struct rmt_wire_in *in = rmt_wire_in_create();
	struct rmt_wire_record record;

	(void)state;
	feed(in, text, sizeof(text) - 1);
	assert_int_equal(rmt_wire_in_next(in, &record), RMT_WIRE_RECORD);
	assert_true(record.id == UINT64_MAX);
	assert_true(rmt_wire_get_number(&record, "uid") == 4294967295u);
	assert_true(rmt_wire_get_number(&record, "bad") == 0);
	assert_true(rmt_wire_get_number(&record, "empty") == 0);
	assert_true(rmt_wire_get_number(&record, "none") == 0);
	assert_string_equal(record.kind, "");
	assert_null(record.body);
	rmt_wire_in_destroy(&in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_job_is_written_as_the_header_says),
		cmocka_unit_test(both_sides_say_their_version_first),
		cmocka_unit_test(records_come_whole_in_whatever_pieces),
		cmocka_unit_test(what_is_not_the_protocol_is_refused),
		cmocka_unit_test(endless_lines_and_too_many_fields_are_refused),
		cmocka_unit_test(numbers_of_fields_are_numbers_or_0),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
