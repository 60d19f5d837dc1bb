/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "common/store/suppress_line.h"

static const struct rmt_suppression defaults = {
	(char *)"all", NULL, (char *)"manual", (char *)"file", (char *)"", 1000, 0
};

/* "address|reason|scope|until|note|source|since", or "-", or "bad: why". */
static char *read_line(struct rmt_span line)
{
	static struct rmt_suppress_line_reader reader;
	/* Without a NUL behind it, so that an over-read shows. */
	g_autofree char *exact = g_memdup2(line.p, line.len);
	const struct rmt_suppression *entry = &reader.entry;
	g_autoptr(GError) err = NULL;

	reader.defaults = &defaults;
	reader.now = 1000;
	switch (rmt_suppress_line_read(&reader, rmt_span(exact, line.len), &err)) {
	case RMT_SUPPRESS_LINE_NOTHING:
		assert_null(err);
		return g_strdup("-");
	case RMT_SUPPRESS_LINE_BAD:
		return g_strdup_printf("bad: %s", err->message);
	case RMT_SUPPRESS_LINE_ENTRY:
		break;
	}
	assert_null(err);
	return g_strdup_printf("%s|%s|%s|%d|%s|%s|%d", entry->address, entry->reason,
			       entry->scope, (int)entry->until, entry->note,
			       entry->source, (int)entry->since);
}

static void lines_give_entries(void **state)
{
	static const struct {
		const char *line, *want;
	} cases[] = {
		{ "ann@example.org", "ann@example.org|manual|all|0||file|1000" },
		{ "Ann@EXAMPLE.org\r", "ann@example.org|manual|all|0||file|1000" },
		{ "  ann@example.org , dead ", "ann@example.org|dead|all|0||file|1000" },
		{ "a@x,dead,stream:news,1970-01-02,note,me,1970-01-01T00:00:05Z",
		  "a@x|dead|stream:news|86400|note|me|5" },
		{ "a@x,,,+10s", "a@x|manual|all|1010||file|1000" },
		{ "a@x,,,never,,,", "a@x|manual|all|0||file|1000" },
		{ "a@x\tdead\tclass:p\t\tone, two",
		  "a@x|dead|class:p|0|one, two|file|1000" },
		{ "\"a@x\",\"dead\",all,,\"he said \"\"no\"\", twice\"",
		  "a@x|dead|all|0|he said \"no\", twice|file|1000" },
		{ "\"a,b@x\" , dead", "a,b@x|dead|all|0||file|1000" },
		{ "\xef\xbb\xbf"
		  "a@x",
		  "a@x|manual|all|0||file|1000" },
		{ "a b@x", "a b@x|manual|all|0||file|1000" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *got = read_line(rmt_span_of(cases[i].line));

		assert_string_equal(got, cases[i].want);
	}
}

static void some_lines_say_nothing(void **state)
{
	static const char *const cases[] = { "",           "   ",
					     "\r",         "# comment",
					     "address",    "Address,Reason,Scope",
					     "\"address\"" };
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *got = read_line(rmt_span_of(cases[i]));

		assert_string_equal(got, "-");
	}
}

static void bad_lines_say_why(void **state)
{
	static const struct {
		struct rmt_span line;
		const char *want;
	} cases[] = {
		{ { "ann", 3 }, "address 'ann' is none" },
		{ { "a@b..c", 6 }, "address 'a@b..c' is none" },
		{ { ",dead", 5 }, "address '' is none" },
		{ { "a@x,Two Words", 13 }, "reason 'Two Words' is none" },
		{ { "a@x,dead,news", 13 }, "scope 'news' is none" },
		{ { "a@x,dead,all,soon", 17 }, "'soon' is no time" },
		{ { "a@x,dead,all,-10s", 17 }, "the end lies before the beginning" },
		{ { "a@x,1,2,3,4,5,6,7", 17 }, "more than seven fields" },
		{ { "\"a@x", 4 }, "a quote is not closed" },
		{ { "\"a\"@x", 5 }, "text follows a closing quote" },
		{ { "a@x\0,dead", 9 }, "the line holds a NUL" },
		{ { "a@x,dead,all,,a\x01z", 17 }, "control character" },
		{ { "a@x,dead,all,,\xff", 15 }, "note '\\xff' is not UTF-8" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *got = read_line(cases[i].line);

		if (!g_str_has_prefix(got, "bad: ") || strstr(got, cases[i].want) == NULL)
			fail_msg("'%s' in '%s'", cases[i].want, got);
	}
}

static void a_line_too_long_is_bad(void **state)
{
	g_autofree char *longer = g_strnfill(RMT_SUPPRESS_LINE_MAX + 1, 'a');
	g_autofree char *address =
		g_strconcat(longer + RMT_SUPPRESS_LINE_MAX - 600, "@x", NULL);
	g_autofree char *of_line = read_line(rmt_span_of(longer));
	g_autofree char *of_address = read_line(rmt_span_of(address));

	(void)state;
	assert_non_null(strstr(of_line, "longer than 4096 octets"));
	assert_non_null(strstr(of_address, "is too long"));
}

static void what_is_written_is_read_back(void **state)
{
	static const struct rmt_suppression cases[] = {
		{ (char *)"all", (char *)"ann@example.org", (char *)"dead", (char *)"",
		  (char *)"", 1000, 0 },
		{ (char *)"stream:news", (char *)"a,\"b\"@x", (char *)"complaint",
		  (char *)"import a, b", (char *)" \"blank\" ", 5, 86400 },
		{ (char *)"class:p", (char *)"#a b@x", (char *)"x", (char *)"#",
		  (char *)",", 1, 2 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GString) line = g_string_new("x\n");
		const struct rmt_suppression *c = &cases[i];
		g_autofree char *want = g_strdup_printf(
			"%s|%s|%s|%d|%s|%s|%d", c->address, c->reason, c->scope,
			(int)c->until, c->note, *c->source != '\0' ? c->source : "file",
			(int)c->since);
		g_autofree char *got = NULL;

		rmt_suppress_line_write(line, c);
		assert_int_equal(line->str[line->len - 1], '\n');
		got = read_line(rmt_span(line->str + 2, line->len - 3));
		assert_string_equal(got, want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_give_entries),
		cmocka_unit_test(some_lines_say_nothing),
		cmocka_unit_test(bad_lines_say_why),
		cmocka_unit_test(a_line_too_long_is_bad),
		cmocka_unit_test(what_is_written_is_read_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
