/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/token/keys.h"

#define HEX32 "0123456789abcdef0123456789abcdef"
#define HEX   HEX32 HEX32

static const int64_t day = 86400, start = 1798675200; /* 2026-12-31 */

static struct rmt_keys *parse(const char *text, GError **err)
{
	return rmt_keys_parse("ring", rmt_span_of(text), err);
}

static void a_ring_is_read_by_age_whatever_the_order_of_its_lines(void **state)
{
	g_autoptr(rmt_keys) keys = parse("# comment\n"
					 "remite-keys 1\n"
					 "c 2027-01-02T00:00:00Z " HEX "\n"
					 "\n"
					 "b 2026-12-31 " HEX "\r\n",
					 NULL);

	(void)state;
	assert_non_null(keys);
	assert_int_equal(keys->count, 2);
	assert_int_equal(keys->keys[0].id, 'b');
	assert_int_equal(keys->keys[0].since, start);
	assert_int_equal(keys->keys[0].secret[0], 0x01);
	assert_int_equal(keys->keys[0].secret[31], 0xef);
	assert_int_equal(keys->keys[1].id, 'c');
}

static void what_is_no_ring_is_refused_with_line_and_remedy(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "", "ring:0: holds no key (remite keys make writes one)" },
		{ "remite-keys 1\n",
		  "ring:1: holds no key (remite keys make writes one)" },
		{ "remite-keys 2\na 2026-12-31 " HEX "\n",
		  "ring:1: is no key ring of this version (its first line is "
		  "'remite-keys 1'; remite keys make writes one)" },
		{ "a 2026-12-31 " HEX "\n",
		  "ring:1: is no key ring of this version (its first line is "
		  "'remite-keys 1'; remite keys make writes one)" },
		{ "remite-keys 1\nA 2026-12-31 " HEX "\n",
		  "ring:2: the id must be one of a-z and 2-7" },
		{ "remite-keys 1\nab 2026-12-31 " HEX "\n",
		  "ring:2: the id must be one of a-z and 2-7" },
		{ "remite-keys 1\na 31.12.2026 " HEX "\n",
		  "ring:2: the second word must be a time like 2026-12-31T10:00:00Z" },
		{ "remite-keys 1\na +1d " HEX "\n",
		  "ring:2: the second word must be a time like 2026-12-31T10:00:00Z" },
		{ "remite-keys 1\na 2026-12-31 " HEX "00\n",
		  "ring:2: the secret must be 64 hexadecimal digits" },
		{ "remite-keys 1\na 2026-12-31 " HEX32 "g\n",
		  "ring:2: the secret must be 64 hexadecimal digits" },
		{ "remite-keys 1\na " HEX "\n",
		  "ring:2: is no key (write: id, time and 64 hexadecimal digits)" },
		{ "remite-keys 1\na 2026-12-31 " HEX "\na 2026-12-30 " HEX "\n",
		  "ring:3: a second key of this id" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GError) err = NULL;

		if (parse(cases[i].text, &err) != NULL)
			fail_msg("taken: %s", cases[i].text);
		assert_string_equal(err->message, cases[i].want);
	}
}

static void the_newest_key_whose_time_has_come_makes(void **state)
{
	g_autoptr(rmt_keys) keys = parse("remite-keys 1\n"
					 "a 2026-12-31 " HEX "\n"
					 "b 2027-01-01 " HEX "\n"
					 "c 2027-01-02 " HEX "\n",
					 NULL);
	static const struct {
		int64_t days;
		char want;
	} cases[] = { { -100, 'a' }, { 0, 'a' }, { 1, 'b' }, { 2, 'c' }, { 900, 'c' } };
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++)
		assert_int_equal(rmt_keys_maker(keys, start + cases[i].days * day)->id,
				 cases[i].want);
	assert_int_equal(rmt_keys_find(keys, 'B')->id, 'b');
	assert_null(rmt_keys_find(keys, 'd'));
}

static void rotation_takes_the_next_free_id_and_ends_where_the_ring_is_full(void **state)
{
	g_autoptr(rmt_keys) keys = g_new0(struct rmt_keys, 1);
	GString *seen = g_string_new(NULL);
	int i;

	(void)state;
	for (i = 0; i < RMT_KEYS_MAX; i++) {
		assert_true(rmt_keys_add(keys, start + i, NULL));
		g_string_append_c(seen, keys->keys[i].id);
	}
	assert_string_equal(seen->str, "abcdefghijklmnopqrstuvwxyz234567");
	assert_false(rmt_keys_add(keys, start + 99, NULL));
	assert_true(rmt_keys_drop(keys, 'c', NULL));
	assert_true(rmt_keys_add(keys, start + 99, NULL));
	assert_int_equal(rmt_keys_maker(keys, start + 99)->id, 'c');
	assert_memory_not_equal(keys->keys[0].secret, keys->keys[1].secret,
				RMT_KEY_SECRET);
	g_string_free(seen, TRUE);
}

static void the_last_key_and_a_missing_one_cannot_be_dropped(void **state)
{
	g_autoptr(rmt_keys) keys = parse("remite-keys 1\na 2026-12-31 " HEX "\n", NULL);
	g_autoptr(GError) missing = NULL;
	g_autoptr(GError) last = NULL;

	(void)state;
	assert_false(rmt_keys_drop(keys, 'b', &missing));
	assert_string_equal(missing->message, "there is no key 'b' (remite keys list)");
	assert_false(rmt_keys_drop(keys, 'a', &last));
	assert_string_equal(last->message, "'a' is the only key: rotate first");
}

static void each_label_derives_other_octets(void **state)
{
	g_autoptr(rmt_keys) keys = parse("remite-keys 1\na 2026-12-31 " HEX "\n", NULL);
	unsigned char one[32], two[32], again[32];

	(void)state;
	rmt_key_derive(&keys->keys[0], "one", one, sizeof(one));
	rmt_key_derive(&keys->keys[0], "two", two, sizeof(two));
	rmt_key_derive(&keys->keys[0], "one", again, sizeof(again));
	assert_memory_equal(one, again, sizeof(one));
	assert_memory_not_equal(one, two, sizeof(one));
}

/* --- the file --- */

static char *directory;

static int make_directory(void **state)
{
	(void)state;
	directory = g_dir_make_tmp("keys-XXXXXX", NULL);
	return directory == NULL;
}

static int remove_directory(void **state)
{
	g_autofree char *path = g_build_filename(directory, "ring", NULL);

	(void)state;
	g_unlink(path);
	g_rmdir(directory);
	g_free(directory);
	return 0;
}

static char *ring_path(void)
{
	return g_build_filename(directory, "ring", NULL);
}

static void what_is_written_is_read_again_and_closed_to_others(void **state)
{
	g_autoptr(rmt_keys) keys = g_new0(struct rmt_keys, 1);
	g_autoptr(rmt_keys) again = NULL;
	g_autofree char *path = ring_path();
	const mode_t mask = umask(0);
	struct stat file;

	(void)state;
	assert_true(rmt_keys_add(keys, start, NULL));
	assert_true(rmt_keys_add(keys, start + day, NULL));
	assert_true(rmt_keys_write(path, keys, (unsigned)-1, NULL));
	umask(mask);
	assert_int_equal(stat(path, &file), 0);
	assert_int_equal(file.st_mode & 07777, 0640);
	again = rmt_keys_read(path, NULL);
	assert_non_null(again);
	assert_memory_equal(again, keys, sizeof(*keys));
}

static void a_ring_that_others_could_read_or_write_is_refused(void **state)
{
	static const unsigned modes[] = { 0644, 0660, 0606, 0641, 0600 | 02, 0740 };
	g_autoptr(rmt_keys) keys = g_new0(struct rmt_keys, 1);
	g_autofree char *path = ring_path();
	size_t i;

	(void)state;
	assert_true(rmt_keys_add(keys, start, NULL));
	assert_true(rmt_keys_write(path, keys, (unsigned)-1, NULL));
	for (i = 0; i < G_N_ELEMENTS(modes); i++) {
		g_autoptr(GError) err = NULL;

		assert_int_equal(chmod(path, modes[i]), 0);
		assert_null(rmt_keys_read(path, &err));
		assert_true(g_error_matches(err, RMT_KEYS_ERROR, RMT_KEYS_ERROR_EXPOSED));
	}
	assert_int_equal(chmod(path, 0600), 0);
	rmt_keys_free(rmt_keys_read(path, NULL));
}

static void a_ring_of_another_user_is_refused(void **state)
{
	g_autoptr(rmt_keys) keys = g_new0(struct rmt_keys, 1);
	g_autoptr(GError) err = NULL;
	g_autofree char *path = ring_path();

	(void)state;
	if (geteuid() != 0)
		skip(); /* only root can give a file away */
	assert_true(rmt_keys_add(keys, start, NULL));
	assert_true(rmt_keys_write(path, keys, (unsigned)-1, NULL));
	assert_int_equal(chown(path, 12345, (gid_t)-1), 0);
	assert_null(rmt_keys_read(path, &err));
	assert_true(g_error_matches(err, RMT_KEYS_ERROR, RMT_KEYS_ERROR_EXPOSED));
}

static void a_missing_ring_is_told_with_the_command_that_makes_one(void **state)
{
	g_autoptr(GError) err = NULL;

	(void)state;
	assert_null(rmt_keys_read("/nonexistent/ring", &err));
	assert_true(g_error_matches(err, RMT_KEYS_ERROR, RMT_KEYS_ERROR_MISSING));
	assert_string_equal(err->message, "/nonexistent/ring: cannot open: No such file "
					  "or directory (remite keys make)");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_ring_is_read_by_age_whatever_the_order_of_its_lines),
		cmocka_unit_test(what_is_no_ring_is_refused_with_line_and_remedy),
		cmocka_unit_test(the_newest_key_whose_time_has_come_makes),
		cmocka_unit_test(
			rotation_takes_the_next_free_id_and_ends_where_the_ring_is_full),
		cmocka_unit_test(the_last_key_and_a_missing_one_cannot_be_dropped),
		cmocka_unit_test(each_label_derives_other_octets),
		cmocka_unit_test(what_is_written_is_read_again_and_closed_to_others),
		cmocka_unit_test(a_ring_that_others_could_read_or_write_is_refused),
		cmocka_unit_test(a_ring_of_another_user_is_refused),
		cmocka_unit_test(a_missing_ring_is_told_with_the_command_that_makes_one),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
