/* SPDX-License-Identifier: MIT */
/* `remite check` against zones. */
#include "common/cli/check.h"
#include "tests/unit/common/cli/golden.h"

#define DATA "tests/data/check/"

static char *run(const char *zone, const char *line, bool json, int *status_r)
{
	return golden_output(rmt_check_run, zone, line, json, status_r);
}

static void every_zone_gives_what_is_written_beside_it(void **state)
{
	(void)state;
	assert_true(golden_folder(rmt_check_run, "tests/data/check") >= 8);
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
