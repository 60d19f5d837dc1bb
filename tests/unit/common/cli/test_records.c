/* SPDX-License-Identifier: MIT */
/* `remite suppress` and `remite stream`, as typed: a command line, what it
 * prints, its exit status. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/cli/cli.h"

static const char settings[] =
	"organization = [\"example.com\"]\n"
	"mode = \"enforce\"\n"
	"state = \"%s\"\n"
	"streams: {\n"
	"	promotional: { senders = [\"*@news.example.com\"]\n"
	"		suppress = [\"dead\", \"unsubscribe\"] }\n"
	"	alerts: { senders = [\"*@alerts.example.com\"]  class = \"urgent\" }\n"
	"}\n";

struct place {
	char *directory, *config, *input, *output;
};

static char *in_directory(const struct place *place, const char *name)
{
	return g_build_filename(place->directory, name, NULL);
}

static int begin(void **state)
{
	struct place *place = g_new0(struct place, 1);
	g_autofree char *text = NULL;

	place->directory = g_dir_make_tmp("remite-cli-XXXXXX", NULL);
	place->config = in_directory(place, "remite.conf");
	place->input = in_directory(place, "input");
	place->output = in_directory(place, "output");
	text = g_strdup_printf(settings, place->directory);
	g_assert_true(g_file_set_contents(place->config, text, -1, NULL));
	*state = place;
	return 0;
}

static int end(void **state)
{
	static const char *const names[] = { "remite.conf", "input", "output", "records",
					     "records-lock" };
	struct place *place = *state;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autofree char *path = in_directory(place, names[i]);

		g_unlink(path);
	}
	g_rmdir(place->directory);
	g_free(place->directory);
	g_free(place->config);
	g_free(place->input);
	g_free(place->output);
	g_free(place);
	return 0;
}

/* Sends what is printed into a file while the command runs. */
static int call(const struct place *place, const struct rmt_command *command, int argc,
		char **argv)
{
	struct rmt_cli cli = { .config_file = place->config };
	int out = dup(1), err = dup(2), status;
	int file = open(place->output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	fflush(stdout);
	dup2(file, 1);
	dup2(file, 2);
	status = command->run(&cli, argc, argv);
	fflush(stdout);
	dup2(out, 1);
	dup2(err, 2);
	close(out);
	close(err);
	close(file);
	return status;
}

/* What the command prints; own. */
static char *run(const struct place *place, int want_status, const char *line)
{
	g_auto(GStrv) argv = NULL;
	const struct rmt_command *command;
	char *printed;
	int argc, status;

	assert_true(g_shell_parse_argv(line, &argc, &argv, NULL));
	command = strcmp(argv[0], "stream") == 0 ? &rmt_command_stream
						 : &rmt_command_suppress;
	status = call(place, command, argc, argv);
	assert_true(g_file_get_contents(place->output, &printed, NULL, NULL));
	if (status != want_status)
		fail_msg("%s: status %d, wanted %d:\n%s", line, status, want_status,
			 printed);
	return printed;
}

static void expect(const struct place *place, int want_status, const char *line,
		   const char *want)
{
	g_autofree char *printed = run(place, want_status, line);

	if (strstr(printed, want) == NULL)
		fail_msg("%s: no '%s' in:\n%s", line, want, printed);
}

static void what_is_added_is_listed_until_it_is_removed(void **state)
{
	const struct place *place = *state;

	expect(place, 0, "suppress add Ann@Example.ORG bob@example.org --reason dead",
	       "");
	expect(place, 0, "suppress list ann@example.org", "ann@example.org");
	expect(place, 0, "suppress list @example.org --reason dead --scope all",
	       "bob@example.org");
	expect(place, 0, "suppress remove ANN@example.org", "");
	expect(place, 1, "suppress remove ann@example.org",
	       "'ann@example.org' is not in the list");
	expect(place, 1, "suppress remove bob@example.org --scope class:urgent",
	       "not in the list with scope class:urgent");
}

static void a_wrong_command_line_says_what_to_write(void **state)
{
	static const struct {
		const char *line, *want;
		int status;
	} cases[] = {
		{ "suppress", "usage:", 2 },
		{ "suppress frobnicate", "usage:", 2 },
		{ "suppress add", "usage:", 2 },
		{ "suppress add a@x --scope news", "write all, stream:NAME", 2 },
		{ "suppress add a@x --until soon", "--until: 'soon' is no time", 2 },
		{ "suppress add a@x --reason 'Not Good'", "one word", 2 },
		{ "suppress add a@x --colour red", "Unknown option --colour", 2 },
		{ "suppress add ann", "address 'ann' is none", 1 },
		{ "suppress add a@x --scope stream:new",
		  "warning: no configured stream is in scope 'stream:new'", 0 },
		{ "suppress add --help", "usage:", 0 },
		{ "suppress list a b", "usage:", 2 },
		{ "suppress export a", "usage:", 2 },
		{ "suppress why", "usage:", 2 },
		{ "suppress why ann", "address 'ann' is none", 2 },
		{ "suppress why @x.example", "is none (write local@example.com)", 2 },
		{ "suppress expire now", "usage:", 2 },
		{ "stream", "usage:", 2 },
		{ "stream pause", "usage:", 2 },
		{ "stream pause promotinal", "did you mean 'promotional'?", 1 },
		{ "stream resume else", "no stream 'else'", 1 },
		{ "stream pause alerts --until 2001-01-01", "is over", 2 },
		{ "stream list --xml", "usage:", 2 },
	};
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(cases); i++)
		expect(*state, cases[i].status, cases[i].line, cases[i].want);
}

static char *import_line(const struct place *place, const char *lines,
			 const char *options)
{
	assert_true(g_file_set_contents(place->input, lines, -1, NULL));
	return g_strdup_printf("suppress import %s %s", place->input, options);
}

static void bad_lines_are_named_and_the_good_ones_stand(void **state)
{
	const struct place *place = *state;
	g_autofree char *line = import_line(place,
					    "address,reason\n"
					    "# comment\n"
					    "a@example.org,dead\n"
					    "no address\n"
					    "b@example.org\tunsubscribe\r\n"
					    "c@example.org,two words",
					    "--scope class:promotional");
	g_autofree char *printed = run(place, 1, line);
	g_autofree char *fourth =
		g_strdup_printf("%s:4: address 'no address' is none", place->input);
	g_autofree char *sixth =
		g_strdup_printf("%s:6: reason 'two words' is none", place->input);

	assert_non_null(strstr(printed, fourth));
	assert_non_null(strstr(printed, sixth));
	assert_non_null(strstr(printed, "2 added, 0 replaced, 2 bad"));
	expect(place, 0, "suppress list", "a@example.org");
	expect(place, 0, "suppress list --scope class:promotional --reason unsubscribe",
	       "b@example.org");
}

static void only_the_first_ten_bad_lines_are_named(void **state)
{
	const struct place *place = *state;
	g_autoptr(GString) lines = g_string_new(NULL);
	g_autofree char *line = NULL, *printed = NULL;
	unsigned i;

	for (i = 0; i < 15; i++)
		g_string_append(lines, "bad\n");
	line = import_line(place, lines->str, "");
	printed = run(place, 1, line);
	assert_non_null(strstr(printed, ":10: "));
	assert_null(strstr(printed, ":11: "));
	assert_non_null(strstr(printed, "and 5 more bad lines"));
}

static void a_line_without_end_is_one_bad_line(void **state)
{
	const struct place *place = *state;
	g_autofree char *endless = g_strnfill(3000000, 'x');
	g_autofree char *lines = g_strconcat("a@example.org\n", endless, NULL);
	g_autofree char *line = import_line(place, lines, "");

	expect(place, 1, line, "1 added, 0 replaced, 1 bad");
	expect(place, 1, line, ":2: the line is longer than 4096 octets");
}

static void a_dry_run_changes_nothing(void **state)
{
	const struct place *place = *state;
	g_autofree char *line = import_line(place, "a@example.org\n", "--dry-run");
	g_autofree char *printed = NULL;

	expect(place, 0, line, "1 good, 0 bad");
	printed = run(place, 0, "suppress list");
	assert_string_equal(printed, "");
}

static void a_missing_file_is_trouble(void **state)
{
	expect(*state, 3, "suppress import /nowhere/at/all",
	       "/nowhere/at/all: No such file or directory");
}

static void what_is_exported_is_imported_as_it_was(void **state)
{
	const struct place *place = *state;
	g_autofree char *exported = NULL, *again = NULL, *line = NULL;

	expect(place, 0,
	       "suppress add a@example.org '\"b\",c@example.org' --scope stream:alerts "
	       "--reason complaint --until +30d --source 'x, y' --note ' \"q\" '",
	       "");
	exported = run(place, 0, "suppress export");
	expect(place, 0, "suppress remove a@example.org '\"b\",c@example.org'", "");
	line = import_line(place, exported, "--reason dead --scope all");
	expect(place, 0, line, "2 added, 0 replaced, 0 bad");
	again = run(place, 0, "suppress export");
	assert_string_equal(again, exported);
}

static void export_takes_what_is_new_enough(void **state)
{
	const struct place *place = *state;
	g_autofree char *line = import_line(place,
					    "old@example.org,,,,,,2020-01-01\n"
					    "new@example.org,,,,,,2026-01-01\n",
					    "");
	g_autofree char *printed = NULL;

	expect(place, 0, line, "2 added");
	printed = run(place, 0, "suppress export --since 2025-01-01");
	assert_true(g_str_has_prefix(printed, "new@example.org,"));
	assert_null(strstr(printed, "old@"));
}

static void the_list_as_json_is_an_array_of_objects(void **state)
{
	const struct place *place = *state;
	g_autofree char *none = run(place, 0, "suppress list --json"), *some = NULL;
	json_t *array = json_loads(none, 0, NULL);

	assert_int_equal(json_array_size(array), 0);
	assert_true(json_is_array(array));
	json_decref(array);
	expect(place, 0, "suppress add a@example.org b@example.org --note 'a \"note\"'",
	       "");
	some = run(place, 0, "suppress list --json");
	array = json_loads(some, 0, NULL);
	assert_int_equal(json_array_size(array), 2);
	assert_string_equal(
		json_string_value(json_object_get(json_array_get(array, 1), "note")),
		"a \"note\"");
	json_decref(array);
}

static void what_expired_is_listed_only_when_asked_and_goes_by_expire(void **state)
{
	const struct place *place = *state;
	g_autofree char *line = import_line(
		place, "a@example.org,,,2021-01-01,,,2020-01-01\nb@example.org\n", "");
	g_autofree char *printed = NULL;

	expect(place, 0, line, "2 added");
	printed = run(place, 0, "suppress list");
	assert_null(strstr(printed, "a@example.org"));
	expect(place, 0, "suppress list --expired", "a@example.org");
	expect(place, 0, "suppress expire", "1 removed");
	expect(place, 0, "suppress expire", "0 removed");
}

static void why_says_what_each_stream_makes_of_it(void **state)
{
	const struct place *place = *state;
	g_autofree char *printed = NULL;

	expect(place, 0, "suppress why ann@example.org", "0 entries");
	expect(place, 0, "suppress add ann@example.org --reason complaint --source me",
	       "");
	expect(place, 0,
	       "suppress add ann@example.org --reason unsubscribe --scope "
	       "class:promotional",
	       "");
	printed = run(place, 1, "suppress why ANN@example.org");
	assert_non_null(strstr(printed, "ann@example.org: 2 entries"));
	assert_non_null(strstr(printed, "  source  me"));
	assert_non_null(strstr(printed, "promotional (class promotional): barred by "
					"class:promotional, unsubscribe\n"));
	assert_non_null(
		strstr(printed, "alerts (class urgent): barred by all, complaint\n"));
	expect(place, 0, "suppress remove ann@example.org --scope all", "");
	expect(place, 1, "suppress why ann@example.org",
	       "not by class:promotional, unsubscribe: is another scope");
	expect(place, 0, "suppress add eve@example.org --reason complaint", "");
	expect(place, 1, "suppress why eve@example.org",
	       "its setting suppress does not name 'complaint' (it is [dead, "
	       "unsubscribe])");
}

static void a_pause_is_listed_until_it_is_resumed(void **state)
{
	const struct place *place = *state;

	expect(place, 0, "stream list", "promotional          runs");
	expect(place, 0,
	       "stream pause promotional --reason 'too many bounces' --until +2h --by "
	       "ann",
	       "promotional: paused until 20");
	expect(place, 0, "stream list", "by ann: too many bounces");
	expect(place, 0, "stream list", "alerts               runs");
	expect(place, 0, "stream resume promotional", "promotional: resumed");
	expect(place, 1, "stream resume promotional", "promotional: was not paused");
}

static void streams_as_json_say_the_same(void **state)
{
	const struct place *place = *state;
	g_autofree char *printed = NULL;
	json_t *array, *first;

	expect(place, 0, "stream pause promotional --by ann", "until resumed");
	printed = run(place, 0, "stream list --json");
	array = json_loads(printed, 0, NULL);
	assert_int_equal(json_array_size(array), 3); /* the default stream too */
	first = json_array_get(array, 0);
	assert_string_equal(json_string_value(json_object_get(first, "stream")),
			    "promotional");
	assert_true(json_is_true(json_object_get(first, "paused")));
	assert_true(json_is_null(json_object_get(first, "until")));
	assert_string_equal(json_string_value(json_object_get(first, "by")), "ann");
	json_decref(array);
}

static void a_missing_state_directory_is_trouble(void **state)
{
	const struct place *place = *state;

	assert_true(g_file_set_contents(place->config, "state = \"/nowhere/at/all\"\n",
					-1, NULL));
	expect(place, 3, "suppress list", "/nowhere/at/all/records");
	expect(place, 3, "stream list", "directory is missing");
}

#define TYPED(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TYPED(what_is_added_is_listed_until_it_is_removed),
		TYPED(a_wrong_command_line_says_what_to_write),
		TYPED(bad_lines_are_named_and_the_good_ones_stand),
		TYPED(only_the_first_ten_bad_lines_are_named),
		TYPED(a_line_without_end_is_one_bad_line),
		TYPED(a_dry_run_changes_nothing),
		TYPED(a_missing_file_is_trouble),
		TYPED(what_is_exported_is_imported_as_it_was),
		TYPED(export_takes_what_is_new_enough),
		TYPED(the_list_as_json_is_an_array_of_objects),
		TYPED(what_expired_is_listed_only_when_asked_and_goes_by_expire),
		TYPED(why_says_what_each_stream_makes_of_it),
		TYPED(a_pause_is_listed_until_it_is_resumed),
		TYPED(streams_as_json_say_the_same),
		TYPED(a_missing_state_directory_is_trouble),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
