/* SPDX-License-Identifier: MIT */
/* Taking back; applying needs Postfix's programs: tests/live/test_doctor.py. */
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cli/setup_apply.h"
#include "common/cli/run.h"
#include "tests/unit/common/cli/recorded.h"

#define ONE "remite-backup-20261121T100000Z.00"
#define TWO "remite-backup-20261121T110000Z.00"

static char *place;

static int make_place(void **state)
{
	(void)state;
	place = g_dir_make_tmp("rmt-setup-XXXXXX", NULL);
	return place != NULL ? 0 : -1;
}

static int remove_place(void **state)
{
	const char *argv[] = { "rm", "-rf", place, NULL };
	int status;

	(void)state;
	rmt_run(argv, NULL, NULL, &status, NULL);
	g_clear_pointer(&place, g_free);
	return 0;
}

static void put(const char *name, const char *text)
{
	g_autofree char *path = g_build_filename(place, name, NULL);
	g_autofree char *dir = g_path_get_dirname(path);

	assert_int_equal(g_mkdir_with_parents(dir, 0700), 0);
	assert_true(g_file_set_contents(path, text, -1, NULL));
}

static char *get(const char *name)
{
	g_autofree char *path = g_build_filename(place, name, NULL);
	char *text = NULL;

	g_file_get_contents(path, &text, NULL, NULL);
	return text;
}

static void expect(const char *name, const char *want)
{
	g_autofree char *got = get(name);

	if (want == NULL)
		assert_null(got);
	else
		assert_string_equal(got != NULL ? got : "(missing)", want);
}

static void put_backup(const char *dir, const char *before, const char *after)
{
	static const char *const names[] = { "main.cf", "master.cf" };
	size_t i;

	for (i = 0; i < 2; i++) {
		g_autofree char *b = g_build_filename(dir, names[i], NULL);
		g_autofree char *a = g_strconcat(b, ".after", NULL);

		put(b, i == 0 ? before : "smtp inet n - y - - smtpd\n");
		put(a, i == 0 ? after : "smtp inet n - y - - smtpd\n");
	}
}

static void without_a_backup_there_is_nothing_to_take_back(void **state)
{
	unsigned count = 7;

	(void)state;
	put("main.cf", "a = 1\n");
	assert_true(rmt_setup_revert(place, &count, NULL));
	assert_int_equal(count, 0);
	expect("main.cf", "a = 1\n");
}

static void several_are_taken_back_newest_first(void **state)
{
	unsigned count;
	g_autofree char *path = g_build_filename(place, "main.cf", NULL);
	struct stat st;

	(void)state;
	put_backup(ONE, "a = 1\n", "a = 1\nb = 2\n");
	put_backup(TWO, "a = 1\nb = 2\n", "a = 1\nb = 3\nc = 4\n");
	put("main.cf", "a = 1\nb = 3\nc = 4\nforeign = 5\n");
	put("master.cf", "smtp inet n - y - - smtpd\n# foreign\n");
	assert_int_equal(chmod(path, 0604), 0);
	assert_true(rmt_setup_revert(place, &count, NULL));
	assert_int_equal(count, 2);
	expect("main.cf", "a = 1\nforeign = 5\n");
	expect("master.cf", "smtp inet n - y - - smtpd\n# foreign\n");
	expect(ONE "-reverted/main.cf", "a = 1\n");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0604);
	assert_true(rmt_setup_revert(place, &count, NULL));
	assert_int_equal(count, 0);
}

static void tables_of_ours_go_and_edited_ones_stay(void **state)
{
	unsigned count;

	(void)state;
	put_backup(ONE, "a = 1\n", "a = 1\nb = 2\n");
	put(ONE "/" RMT_SETUP_EXACT ".after", "x\ty:\n");
	put(ONE "/" RMT_SETUP_PATTERNS ".after", "/x/\ty:\n");
	put("main.cf", "a = 1\nb = 2\n");
	put("master.cf", "smtp inet n - y - - smtpd\n");
	put(RMT_SETUP_EXACT, "x\ty:\n");
	put(RMT_SETUP_PATTERNS, "/edited/\ty:\n");
	assert_true(rmt_setup_revert(place, &count, NULL));
	expect("main.cf", "a = 1\n");
	expect(RMT_SETUP_EXACT, NULL);
	expect(RMT_SETUP_PATTERNS, "/edited/\ty:\n");
}

static void what_cannot_be_taken_back_whole_is_left_whole(void **state)
{
	static const struct {
		const char *current, *want;
	} cases[] = {
		{ "a = 1\nb = edited\n", "main.cf: 'b' was changed since" },
		{ "a = $b\nb = 2\n", "'b' was added by us and is now named by 'a'" },
	};
	g_autofree char *backup = g_build_filename(place, ONE, NULL);
	size_t i;

	(void)state;
	put_backup(ONE, "a = 1\n", "a = 1\nb = 2\n");
	put("master.cf", "smtp inet n - y - - smtpd\n");
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GError) err = NULL;
		unsigned count;

		put("main.cf", cases[i].current);
		assert_false(rmt_setup_revert(place, &count, &err));
		assert_non_null(strstr(err->message, cases[i].want));
		expect("main.cf", cases[i].current);
		assert_true(g_file_test(backup, G_FILE_TEST_IS_DIR));
	}
}

static void a_backup_that_is_not_whole_is_refused(void **state)
{
	g_autoptr(GError) err = NULL;
	unsigned count;

	(void)state;
	put(ONE "/main.cf", "a = 1\n");
	put("main.cf", "a = 2\n");
	put("master.cf", "");
	assert_false(rmt_setup_revert(place, &count, &err));
	assert_non_null(strstr(err->message, "is not whole"));
	expect("main.cf", "a = 2\n");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, make_place, remove_place)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(without_a_backup_there_is_nothing_to_take_back),
		TEST(several_are_taken_back_newest_first),
		TEST(tables_of_ours_go_and_edited_ones_stay),
		TEST(what_cannot_be_taken_back_whole_is_left_whole),
		TEST(a_backup_that_is_not_whole_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
