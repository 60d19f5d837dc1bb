/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "common/base/similar.h"
#include "common/base/when.h"

static const int64_t now = 1798675200; /* 2026-12-31 */

static void times_are_read_as_utc(void **state)
{
	static const struct {
		const char *text;
		int64_t want;
	} cases[] = {
		{ "2026-12-31", 1798675200 },
		{ "2026-12-31T10:00:00Z", 1798711200 },
		{ "1970-01-01T00:00:00Z", 0 },
		{ "2028-02-29", 1835395200 },
		{ "9999-12-31T23:59:59Z", 253402300799 },
		{ "+30s", 1798675230 },
		{ "+5m", 1798675500 },
		{ "-1h", 1798671600 },
		{ "+30d", 1801267200 },
		{ "+2w", 1799884800 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		int64_t when = -1;

		if (!rmt_when_parse(rmt_span_of(cases[i].text), now, &when, NULL))
			fail_msg("%s refused", cases[i].text);
		assert_int_equal(when, cases[i].want);
	}
}

static void what_is_no_time_is_refused_with_what_to_write(void **state)
{
	static const char *const cases[] = {
		"",
		"2026",
		"2026-02-29",
		"2026-13-01",
		"2026-1-1",
		"2026-12-31T10:00",
		"2026-12-31T24:00:00Z",
		"2026-12-31 10:00:00",
		"2026-12-31x",
		"2026-12-31T10:00:00Zx",
		"+30",
		"+d",
		"+30y",
		"30d",
		"+999999999w",
		"-999999999d",
		"tomorrow",
		"+1d2",
		"2026-12-31T10:00:60Z",
		"1969-12-31",
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GError) err = NULL;
		int64_t when;

		if (rmt_when_parse(rmt_span_of(cases[i]), now, &when, &err))
			fail_msg("'%s' taken", cases[i]);
		assert_non_null(strstr(err->message, "write 2026-12-31"));
	}
}

static void times_are_written_in_iso_form(void **state)
{
	static const struct {
		int64_t when;
		const char *want;
	} cases[] = {
		{ 0, "1970-01-01T00:00:00Z" },
		{ 1798711200, "2026-12-31T10:00:00Z" },
		{ -5, "1970-01-01T00:00:00Z" },
		{ INT64_MAX, "9999-12-31T23:59:59Z" },
	};
	char out[RMT_WHEN_SIZE];
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++)
		assert_string_equal(rmt_when_format(cases[i].when, out), cases[i].want);
}

static void the_nearest_name_is_what_was_meant(void **state)
{
	static const char *const names[] = { "promotional", "transactional", "news",
					     NULL };
	static const struct {
		const char *name, *want;
	} cases[] = {
		{ "promotionl", "promotional" },
		{ "promotoinal", "promotional" },
		{ "newz", "news" },
		{ "transational", "transactional" },
		{ "something-else-entirely", NULL },
		{ "x", NULL },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		const char *similar = rmt_similar(cases[i].name, names);

		if (g_strcmp0(similar, cases[i].want) != 0)
			fail_msg("%s: %s", cases[i].name, similar);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times_are_read_as_utc),
		cmocka_unit_test(what_is_no_time_is_refused_with_what_to_write),
		cmocka_unit_test(times_are_written_in_iso_form),
		cmocka_unit_test(the_nearest_name_is_what_was_meant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
