/* SPDX-License-Identifier: MIT */
/* `remite predict` against messages and zones. */
#include "common/cli/predict.h"
#include "tests/unit/common/cli/golden.h"

static void every_zone_gives_what_is_written_beside_it(void **state)
{
	(void)state;
	assert_true(golden_folder(rmt_predict_run, "tests/data/predict") >= 8);
}

static int status_of(const char *words)
{
	g_auto(GStrv) argv = g_strsplit(words, " ", -1);
	struct rmt_cli cli = { .config_file = "tests/data/check/empty.conf" };
	g_autoptr(GString) out = g_string_new(NULL);

	return rmt_predict_run(&cli, (int)g_strv_length(argv), argv, out);
}

#define MESSAGE  " tests/data/predict/unsigned.eml"
#define ENVELOPE " --ip 192.0.2.7 --helo h.example --mail-from b@x.example"
#define ZONE     " --dns-file tests/data/predict/bulk.zone"

static void a_wrong_command_line_is_said_so(void **state)
{
	(void)state;
	assert_int_equal(status_of("predict"), RMT_EXIT_USAGE);
	assert_int_equal(status_of("predict" MESSAGE), RMT_EXIT_USAGE);
	assert_int_equal(status_of("predict --ip here" MESSAGE), RMT_EXIT_USAGE);
	assert_int_equal(status_of("predict" MESSAGE ENVELOPE " --as gmail"),
			 RMT_EXIT_USAGE);
	assert_int_equal(status_of("predict" MESSAGE ENVELOPE " --as"), RMT_EXIT_USAGE);
	assert_int_equal(status_of("predict" MESSAGE ENVELOPE " other.eml"),
			 RMT_EXIT_USAGE);
}

static void a_message_that_cannot_be_read_is_trouble(void **state)
{
	(void)state;
	assert_int_equal(status_of("predict /nonexistent.eml" ENVELOPE ZONE),
			 RMT_EXIT_TROUBLE);
}

static void what_bulk_senders_owe_is_asked_of_them_alone(void **state)
{
	(void)state;
	assert_int_equal(status_of("predict" MESSAGE ENVELOPE ZONE), RMT_EXIT_OK);
	assert_int_equal(status_of("predict --bulk" MESSAGE ENVELOPE ZONE), RMT_EXIT_NO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_zone_gives_what_is_written_beside_it),
		cmocka_unit_test(a_wrong_command_line_is_said_so),
		cmocka_unit_test(a_message_that_cannot_be_read_is_trouble),
		cmocka_unit_test(what_bulk_senders_owe_is_asked_of_them_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
