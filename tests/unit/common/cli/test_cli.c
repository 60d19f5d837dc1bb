/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/cli/cli.h"

static const struct rmt_command command = {
	.name = "stream",
	.usage = "usage: remite stream\n",
};

enum { PAUSED = 40, LISTED = 50 };

static int pause_it(const struct rmt_cli *cli, int argc, char **argv)
{
	(void)cli;
	assert_string_equal(argv[0], "pause");
	return PAUSED + argc;
}

static int list_them(const struct rmt_cli *cli, int argc, char **argv)
{
	(void)cli;
	assert_string_equal(argv[0], "list");
	return LISTED + argc;
}

static const struct rmt_cli_part parts[] = {
	{ "pause", pause_it },
	{ "list", list_them },
	{ NULL, NULL },
};

/* The line's words behind "remite". */
static int run(const char *line)
{
	const struct rmt_cli cli = { NULL };
	g_auto(GStrv) words = g_strsplit(line, " ", -1);

	return rmt_cli_run_part(&command, parts, &cli, (int)g_strv_length(words), words);
}

static void a_part_sees_its_own_arguments(void **state)
{
	(void)state;
	assert_int_equal(run("stream pause news"), PAUSED + 2);
	assert_int_equal(run("stream list"), LISTED + 1);
	assert_int_equal(run("stream list --json x"), LISTED + 3);
}

static void help_behind_a_part_is_the_usage(void **state)
{
	(void)state;
	assert_int_equal(run("stream pause --help"), RMT_EXIT_OK);
}

static void without_a_part_or_with_an_unknown_one_the_line_is_wrong(void **state)
{
	(void)state;
	assert_int_equal(run("stream"), RMT_EXIT_USAGE);
	assert_int_equal(run("stream pauze"), RMT_EXIT_USAGE);
	assert_int_equal(run("stream pauses"), RMT_EXIT_USAGE);
	assert_int_equal(run("stream "), RMT_EXIT_USAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_part_sees_its_own_arguments),
		cmocka_unit_test(help_behind_a_part_is_the_usage),
		cmocka_unit_test(without_a_part_or_with_an_unknown_one_the_line_is_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
