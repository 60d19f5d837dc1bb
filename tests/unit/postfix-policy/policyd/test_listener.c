/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "postfix-policy/policyd/listener.h"

static const struct rmt_listener_options options = { 0640, NULL, NULL };

struct place {
	char *directory, *path, *name;
};

static int set_up(void **state)
{
	struct place *place = g_new0(struct place, 1);

	place->directory = g_dir_make_tmp("remite-listener-XXXXXX", NULL);
	place->path = g_build_filename(place->directory, "s", NULL);
	place->name = g_strconcat("unix:", place->path, NULL);
	*state = place;
	return 0;
}

static int tear_down(void **state)
{
	struct place *place = *state;

	g_remove(place->path);
	g_rmdir(place->directory);
	g_free(place->directory);
	g_free(place->path);
	g_free(place->name);
	g_free(place);
	return 0;
}

static void a_unix_socket_has_its_mode_and_goes_with_its_listener(void **state)
{
	struct place *place = *state;
	struct rmt_listener *listener = rmt_listener_open(place->name, &options, NULL);
	struct stat st;

	assert_non_null(listener);
	assert_int_equal(stat(place->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	rmt_listener_close(listener);
	assert_int_equal(access(place->path, F_OK), -1);
}

static void a_socket_somebody_answers_at_is_left_alone(void **state)
{
	struct place *place = *state;
	struct rmt_listener *first = rmt_listener_open(place->name, &options, NULL);
	g_autoptr(GError) err = NULL;

	assert_non_null(first);
	assert_null(rmt_listener_open(place->name, &options, &err));
	assert_non_null(strstr(err->message, "another program answers there"));
	assert_int_equal(access(place->path, F_OK), 0);
	rmt_listener_close(first);
}

static void a_stale_socket_is_replaced_and_a_file_is_not(void **state)
{
	struct place *place = *state;
	g_autofree char *stale = g_strconcat(place->path, "-stale", NULL);
	struct rmt_listener *listener = rmt_listener_open(place->name, &options, NULL);
	g_autoptr(GError) err = NULL;

	/* as kill -9 leaves it: the file is there, nobody listens */
	assert_int_equal(link(place->path, stale), 0);
	rmt_listener_close(listener);
	assert_int_equal(rename(stale, place->path), 0);
	listener = rmt_listener_open(place->name, &options, NULL);
	assert_non_null(listener);
	rmt_listener_close(listener);

	assert_true(g_file_set_contents(place->path, "precious", -1, NULL));
	assert_null(rmt_listener_open(place->name, &options, &err));
	assert_non_null(strstr(err->message, "something else than a socket"));
	assert_int_equal(access(place->path, F_OK), 0);
}

static void a_missing_directory_is_named_with_its_remedy(void **state)
{
	g_autoptr(GError) err = NULL;

	(void)state;
	assert_null(rmt_listener_open("unix:/nonexistent/x/policy", &options, &err));
	assert_non_null(
		strstr(err->message, "directory /nonexistent/x is missing: make it"));
}

static void what_is_no_address_says_what_to_write(void **state)
{
	static const char *const names[] = { "policy", "inet:25", "inet:[::1",
					     "tcp:x:1" };
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autoptr(GError) err = NULL;

		assert_null(rmt_listener_open(names[i], &options, &err));
		assert_non_null(strstr(err->message, "write "));
	}
}

static void an_inet_listener_is_known_by_any_spelling(void **state)
{
	g_autoptr(GError) err = NULL;
	struct rmt_listener *listener =
		rmt_listener_open("inet:127.0.0.1:18931", &options, &err);

	(void)state;
	if (listener == NULL) {
		print_message("skipped: %s\n", err->message);
		skip();
	}
	assert_true(rmt_listener_is(listener, "inet:127.0.0.1:18931"));
	assert_false(rmt_listener_is(listener, "inet:127.0.0.1:18932"));
	assert_false(rmt_listener_is(listener, "unix:/x"));
	rmt_listener_close(listener);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_unix_socket_has_its_mode_and_goes_with_its_listener),
		TEST(a_socket_somebody_answers_at_is_left_alone),
		TEST(a_stale_socket_is_replaced_and_a_file_is_not),
		cmocka_unit_test(a_missing_directory_is_named_with_its_remedy),
		cmocka_unit_test(what_is_no_address_says_what_to_write),
		cmocka_unit_test(an_inet_listener_is_known_by_any_spelling),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
