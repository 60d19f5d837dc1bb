/* SPDX-License-Identifier: MIT */
/* `remite check` against zones: tests/data/check/NAME.zone begins with the command,
 * NAME.want and NAME.json are what it says. To write them anew after a change that
 * is meant: REMITE_WRITE_WANT=1 build/unit/common/cli/test_check, and read the diff. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "common/cli/check.h"

#define DATA    "tests/data/check/"
#define COMMAND "; remite "

static char *run(const char *zone, const char *line, bool json, int *status_r)
{
	g_autofree char *words =
		g_strdup_printf("%s --now 1790000000 --dns-file %s%s",
				line + strlen(COMMAND), zone, json ? " --json" : "");
	g_auto(GStrv) argv = g_strsplit(words, " ", -1);
	struct rmt_cli cli = { .config_file = DATA "empty.conf" };
	GString *out = g_string_new(NULL);

	*status_r = rmt_check_run(&cli, (int)g_strv_length(argv), argv, out);
	return g_string_free(out, FALSE);
}

static void compare(const char *file, const char *got)
{
	g_autofree char *want = NULL;

	if (getenv("REMITE_WRITE_WANT") != NULL)
		assert_true(g_file_set_contents(file, got, -1, NULL));
	assert_true(g_file_get_contents(file, &want, NULL, NULL));
	if (strcmp(got, want) != 0)
		fail_msg("%s differs from:\n%s", file, got);
}

static void check_zone(const char *name)
{
	g_autofree char *zone = g_strdup_printf(DATA "%s.zone", name);
	g_autofree char *want = g_strdup_printf(DATA "%s.want", name);
	g_autofree char *wanted_json = g_strdup_printf(DATA "%s.json", name);
	g_autofree char *text = NULL, *got = NULL, *with_status = NULL, *json = NULL;
	int status, status_json;

	assert_true(g_file_get_contents(zone, &text, NULL, NULL));
	assert_true(g_str_has_prefix(text, COMMAND));
	*strchrnul(text, '\n') = '\0';
	got = run(zone, text, false, &status);
	with_status = g_strdup_printf("%s\nexit status %d\n", got, status);
	compare(want, with_status);
	json = run(zone, text, true, &status_json);
	compare(wanted_json, json);
	assert_int_equal(status, status_json);
}

static void every_zone_gives_what_is_written_beside_it(void **state)
{
	g_autoptr(GDir) dir = g_dir_open(DATA, 0, NULL);
	unsigned count = 0;
	const char *file;

	(void)state;
	assert_non_null(dir);
	while ((file = g_dir_read_name(dir)) != NULL) {
		g_autofree char *name = NULL;

		if (!g_str_has_suffix(file, ".zone"))
			continue;
		name = g_strndup(file, strlen(file) - strlen(".zone"));
		check_zone(name);
		count++;
	}
	assert_true(count >= 8);
}

static int status_of(const char *words)
{
	g_auto(GStrv) argv = g_strsplit(words, " ", -1);
	struct rmt_cli cli = { .config_file = DATA "empty.conf" };
	g_autoptr(GString) out = g_string_new(NULL);

	return rmt_check_run(&cli, (int)g_strv_length(argv), argv, out);
}

static void a_wrong_command_line_is_said_so(void **state)
{
	(void)state;
	assert_int_equal(status_of("check"), RMT_EXIT_USAGE);
	assert_int_equal(status_of("check --egress 300.1.1.1 a.example"), RMT_EXIT_USAGE);
	assert_int_equal(status_of("check --egress"), RMT_EXIT_USAGE);
	assert_int_equal(status_of("check --colour red a.example"), RMT_EXIT_USAGE);
	assert_int_equal(status_of("check a..example"), RMT_EXIT_USAGE);
	assert_int_equal(status_of("check --now yesterday a.example"), RMT_EXIT_USAGE);
	assert_int_equal(status_of("check --key /nonexistent a.example"), RMT_EXIT_USAGE);
}

static void several_domains_come_in_the_order_asked(void **state)
{
	g_autofree char *text = NULL;
	const char *first, *second;
	int status;

	(void)state;
	text = run(DATA "good.zone", "; remite check b.example good.example", false,
		   &status);
	first = strstr(text, "b.example\n  ");
	second = strstr(text, "\ngood.example\n  ");
	assert_true(first == text && second != NULL);
	assert_int_equal(status, RMT_EXIT_NO);
}

static void egress_comes_from_the_configuration(void **state)
{
	g_auto(GStrv) argv =
		g_strsplit("check --dns-file " DATA "good.zone good.example", " ", -1);
	struct rmt_cli cli = { .config_file = DATA "egress.conf" };
	g_autoptr(GString) out = g_string_new(NULL);

	(void)state;
	rmt_check_run(&cli, (int)g_strv_length(argv), argv, out);
	assert_non_null(strstr(out->str, "192.0.2.20: mail.good.example, SPF pass"));
	assert_non_null(strstr(out->str, "R22 streams-apart, shared: streams "));
}

static void a_key_file_is_compared(void **state)
{
	g_autofree char *ours = NULL, *other = NULL, *text = NULL;
	int status;

	(void)state;
	ours = run(DATA "key.zone",
		   "; remite check --selector s1 --key " DATA "key.pem key.example",
		   false, &status);
	assert_non_null(strstr(ours, "the key of the file"));
	assert_null(strstr(ours, "not that of the key file"));
	other = run(DATA "key.zone",
		    "; remite check --selector s2 --key " DATA "key.pem key.example",
		    false, &status);
	assert_non_null(strstr(other, "not that of the key file"));
	text = run(DATA "key.zone",
		   "; remite check --selector s3 --key " DATA "key.pem key.example",
		   false, &status);
	assert_non_null(strstr(text, "publish: s3._domainkey.key.example. TXT \"v=DKIM1; "
				     "k=rsa; p=MI"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_zone_gives_what_is_written_beside_it),
		cmocka_unit_test(a_wrong_command_line_is_said_so),
		cmocka_unit_test(several_domains_come_in_the_order_asked),
		cmocka_unit_test(egress_comes_from_the_configuration),
		cmocka_unit_test(a_key_file_is_compared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
