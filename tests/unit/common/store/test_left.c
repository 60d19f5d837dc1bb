/* SPDX-License-Identifier: MIT */
#include "common/store/left.h"
#include "common/store/pack.h"
#include "tests/unit/common/store/store_fixture.h"

enum { NOW = 1700000000, DAY = 86400 };

static struct rmt_left row(const char *address, const char *list,
			   enum rmt_left_state state)
{
	return (struct rmt_left){ .address = (char *)address,
				  .list = (char *)list,
				  .user = (char *)"ann",
				  .host = (char *)"l.example",
				  .by = (char *)"post",
				  .note = (char *)"200",
				  .state = state,
				  .since = NOW,
				  .changed = NOW + 10,
				  .posts = 1 };
}

static void put(struct rmt_store *store, const struct rmt_left *left)
{
	g_autoptr(rmt_deal) deal = rmt_deal_new();
	GError *err = NULL;

	rmt_deal_put_left(deal, left);
	assert_ok(rmt_deal_commit(store, deal, NULL, &err), err);
}

static void what_is_put_is_found_by_address_and_list(void **state)
{
	struct store_fixture *fixture = *state;
	const struct rmt_left left =
		row("Ann@home.example", "offers.l.example", RMT_LEFT_DONE);
	g_autoptr(rmt_left) got = NULL, none = NULL;
	GError *err = NULL;

	put(fixture->store, &left);
	assert_ok(rmt_left_get(fixture->store, "ann@HOME.example", "offers.l.example",
			       &got, &err),
		  err);
	assert_string_equal(got->address, "ann@home.example");
	assert_string_equal(got->list, "offers.l.example");
	assert_string_equal(got->host, "l.example");
	assert_string_equal(got->user, "ann");
	assert_string_equal(got->by, "post");
	assert_string_equal(got->note, "200");
	assert_int_equal(got->state, RMT_LEFT_DONE);
	assert_int_equal(got->since, NOW);
	assert_int_equal(got->changed, NOW + 10);
	assert_ok(rmt_left_get(fixture->store, "bob@home.example", "offers.l.example",
			       &none, &err),
		  err);
	assert_null(none);
}

static uint64_t message_at(struct rmt_store *store, const char *list, int64_t now)
{
	GError *err = NULL;
	uint64_t still;

	assert_ok(rmt_left_message(store, "ann@home.example", list, now, 2 * DAY, &still,
				   &err),
		  err);
	return still;
}

static void a_list_that_goes_on_after_two_days_is_counted(void **state)
{
	struct store_fixture *fixture = *state;
	const struct rmt_left done = row("ann@home.example", "a.example", RMT_LEFT_DONE);
	const struct rmt_left failed =
		row("ann@home.example", "b.example", RMT_LEFT_FAILED);
	g_autoptr(rmt_left) got = NULL;
	uint64_t version;

	put(fixture->store, &done);
	put(fixture->store, &failed);
	version = rmt_store_version(fixture->store);
	assert_int_equal(message_at(fixture->store, "a.example", NOW + DAY), 0);
	assert_int_equal(message_at(fixture->store, "b.example", NOW + 9 * DAY), 0);
	assert_int_equal(message_at(fixture->store, "c.example", NOW + 9 * DAY), 0);
	assert_int_equal(rmt_store_version(fixture->store), version);
	assert_int_equal(message_at(fixture->store, "a.example", NOW + 3 * DAY), 1);
	assert_int_equal(message_at(fixture->store, "a.example", NOW + 4 * DAY), 2);
	assert_true(rmt_left_get(fixture->store, "ann@home.example", "a.example", &got,
				 NULL));
	assert_int_equal(got->still, 2);
	assert_int_equal(got->still_at, NOW + 4 * DAY);
	assert_int_equal(got->changed, NOW + 10);
}

static bool count_rows(void *context, const struct rmt_left *left)
{
	(void)left;
	++*(int *)context;
	return true;
}

static void rows_are_walked_and_removed(void **state)
{
	struct store_fixture *fixture = *state;
	struct rmt_left left = row("ann@home.example", "a.example", RMT_LEFT_DONE);
	GError *err = NULL;
	uint64_t removed;
	int count = 0;

	put(fixture->store, &left);
	left.list = (char *)"b.example";
	left.changed = NOW + 100;
	put(fixture->store, &left);
	left.address = (char *)"bob@home.example";
	left.user = (char *)"bob";
	put(fixture->store, &left);
	assert_ok(rmt_left_walk(fixture->store, NULL, count_rows, &count, &err), err);
	assert_int_equal(count, 3);
	count = 0;
	assert_ok(rmt_left_walk(fixture->store, "Bob@home.example", count_rows, &count,
				&err),
		  err);
	assert_int_equal(count, 1);
	assert_ok(rmt_left_remove(fixture->store, NULL, NOW + 50, &removed, &err), err);
	assert_int_equal(removed, 1);
	assert_ok(rmt_left_remove(fixture->store, "bob", INT64_MAX, &removed, &err), err);
	assert_int_equal(removed, 1);
	count = 0;
	assert_ok(rmt_left_walk(fixture->store, NULL, count_rows, &count, &err), err);
	assert_int_equal(count, 1);
}

static void long_texts_are_cut_and_damaged_rows_are_none(void **state)
{
	struct store_fixture *fixture = *state;
	g_autofree char *text = g_strnfill(3 * RMT_LEFT_TEXT_MAX, 'x');
	struct rmt_left left = row("ann@home.example", text, RMT_LEFT_DONE);
	g_autoptr(rmt_left) got = NULL;
	GError *err = NULL;
	const char key[] = "ann\0list", value[] = { 1, 99 };

	left.note = text;
	put(fixture->store, &left);
	assert_ok(rmt_left_get(fixture->store, "ann@home.example", text, &got, &err),
		  err);
	assert_int_equal(strlen(got->note), RMT_LEFT_TEXT_MAX);
	assert_null(rmt_left_read(rmt_span(key, sizeof(key) - 1),
				  rmt_span(value, sizeof(value))));
	assert_null(rmt_left_read(rmt_span("x", 1), rmt_span(value, sizeof(value))));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_BOTH(what_is_put_is_found_by_address_and_list),
		ON_BOTH(a_list_that_goes_on_after_two_days_is_counted),
		ON_MEM(rows_are_walked_and_removed),
		ON_MEM(long_texts_are_cut_and_damaged_rows_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
