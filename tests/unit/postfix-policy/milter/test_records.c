/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <glib/gstdio.h>

#include "postfix-policy/milter/records.h"
#include "tests/unit/config.h"

struct house {
	char *folder, *state; /* own */
	struct rmt_milter milter;
};

static int start(void **state)
{
	struct house *house = g_new0(struct house, 1);
	g_autofree char *text = NULL;

	house->folder = g_dir_make_tmp("records-XXXXXX", NULL);
	house->state = g_build_filename(house->folder, "state", NULL);
	text = g_strdup_printf("state = \"%s\"\n", house->state);
	g_mutex_init(&house->milter.lock);
	rmt_milter_set_config(&house->milter, test_config(text));
	*state = house;
	return 0;
}

static void remove_from(const char *folder, const char *name)
{
	g_autofree char *path = g_build_filename(folder, name, NULL);

	g_unlink(path);
}

static int stop(void **state)
{
	struct house *house = *state;

	rmt_store_close(&house->milter.records);
	g_clear_error(&house->milter.records_trouble);
	rmt_in_force_unref(house->milter.in_force);
	remove_from(house->state, "records");
	remove_from(house->state, "records-lock");
	g_rmdir(house->state);
	g_rmdir(house->folder);
	g_free(house->state);
	g_free(house->folder);
	g_free(house);
	return 0;
}

/* LMDB must not have one environment open twice in a process. */
static void all_steps_share_one(void **state)
{
	struct house *house = *state;
	struct rmt_store *first;

	assert_int_equal(g_mkdir(house->state, 0700), 0);
	first = rmt_milter_records(&house->milter, NULL);
	assert_non_null(first);
	assert_ptr_equal(rmt_milter_records(&house->milter, NULL), first);
}

/* A message a second would be a line a second, and nothing better. */
static void what_failed_is_not_tried_with_every_message(void **state)
{
	struct house *house = *state;
	g_autoptr(GError) err = NULL, again = NULL;

	assert_null(rmt_milter_records(&house->milter, &err));
	assert_non_null(strstr(err->message, "directory is missing"));
	assert_int_equal(g_mkdir(house->state, 0700), 0);
	assert_null(rmt_milter_records(&house->milter, &again));
	assert_string_equal(again->message, err->message);
	house->milter.records_again = 0; /* a minute later */
	assert_non_null(rmt_milter_records(&house->milter, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(all_steps_share_one, start, stop),
		cmocka_unit_test_setup_teardown(
			what_failed_is_not_tried_with_every_message, start, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
