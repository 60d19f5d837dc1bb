/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <glib.h>

#include "common/policy/header_match.h"

static const char section[] = "From: ann@example.com\r\n"
			      "X-Stream:  News \r\n"
			      "Feedback-ID: c1:cust7:\r\n shop:mailer\r\n"
			      "X-Empty:\r\n"
			      "Subject: X-Other: yes\r\n";

static void a_field_is_found_by_name_and_value(void **state)
{
	static const struct {
		const char *condition;
		bool want;
	} rows[] = {
		{ "X-Stream: news", true },
		{ "x-stream:NEWS", true },
		{ "X-Stream: new", false },
		{ "X-Stream: new*", true },
		{ "X-Stream: *", true },
		{ "X-Stream", true },
		{ "X-Strea", false },
		{ "X-Streams", false },
		{ "Feedback-ID: *:mailer", true },
		{ "Feedback-ID: c1:* shop:*", true },
		{ "Feedback-ID: *mailer*x", false },
		{ "X-Empty:", true },
		{ "X-Empty: *", true },
		{ "X-Empty: a", false },
		{ "X-Other: yes", false },
		{ "Subject: x-other: yes", true },
		{ "X-Stream: n*e*w*s", true },
		{ "X-Stream: n*w*e", false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(rows); i++) {
		char *conditions[] = { (char *)rows[i].condition, NULL };

		if (rmt_headers_match(conditions, RMT_SPAN(section)) != rows[i].want)
			fail_msg("%s", rows[i].condition);
	}
}

static void one_of_several_is_enough_and_none_is_none(void **state)
{
	char a[] = "X-No", b[] = "X-Stream: news";
	char *both[] = { a, b, NULL }, *one[] = { a, NULL };

	(void)state;
	assert_true(rmt_headers_match(both, RMT_SPAN(section)));
	assert_false(rmt_headers_match(one, RMT_SPAN(section)));
	assert_false(rmt_headers_match(both, rmt_span(NULL, 0)));
}

static void many_stars_against_a_long_value_end_soon(void **state)
{
	g_autoptr(GString) text = g_string_new("X-A: ");
	char condition[] = "X-A: *a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b";
	char *conditions[] = { condition, NULL };
	size_t i;

	(void)state;
	for (i = 0; i < 100000; i++)
		g_string_append_c(text, 'a');
	assert_false(rmt_headers_match(conditions, rmt_span(text->str, text->len)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_field_is_found_by_name_and_value),
		cmocka_unit_test(one_of_several_is_enough_and_none_is_none),
		cmocka_unit_test(many_stars_against_a_long_value_end_soon),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
