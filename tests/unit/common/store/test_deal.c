/* SPDX-License-Identifier: MIT */
#include "tests/unit/common/store/store_fixture.h"

#include <string.h>

#include "common/store/deal.h"

#define TABLE "streams"

static bool equals(void *context, struct rmt_span stored)
{
	return rmt_span_eq(stored, rmt_span_of(context));
}

static bool missing(void *context, struct rmt_span stored)
{
	(void)context;
	return stored.p == NULL;
}

static void assert_stored(struct rmt_store *store, const char *key, const char *want)
{
	g_autoptr(GBytes) value = NULL;
	GError *err = NULL;
	gsize size = 0;

	assert_ok(rmt_deal_read(store, TABLE, rmt_span_of(key), &value, &err), err);
	if (want == NULL) {
		assert_null(value);
		return;
	}
	assert_non_null(value);
	assert_memory_equal(g_bytes_get_data(value, &size), want, strlen(want));
	assert_int_equal(size, strlen(want));
}

/* Puts b if a holds what is wanted. Returns whether it was done. */
static bool deal_about(struct rmt_store *store, const char *wanted)
{
	g_autoptr(rmt_deal) deal = rmt_deal_new();
	GError *err = NULL;
	bool done;

	rmt_deal_put(deal, TABLE, RMT_SPAN("b"), RMT_SPAN("two"));
	rmt_deal_remove(deal, TABLE, RMT_SPAN("c"));
	rmt_deal_if(deal, TABLE, RMT_SPAN("a"), wanted != NULL ? equals : missing,
		    (void *)wanted);
	assert_ok(rmt_deal_commit(store, deal, &done, &err), err);
	return done;
}

static void put(struct rmt_store *store, const char *key, const char *value)
{
	g_autoptr(rmt_deal) deal = rmt_deal_new();
	GError *err = NULL;

	rmt_deal_put(deal, TABLE, rmt_span_of(key), rmt_span_of(value));
	assert_ok(rmt_deal_commit(store, deal, NULL, &err), err);
}

static void all_is_done_where_the_condition_holds(void **state)
{
	struct store_fixture *fixture = *state;

	put(fixture->store, "a", "one");
	put(fixture->store, "c", "three");
	assert_true(deal_about(fixture->store, "one"));
	assert_stored(fixture->store, "b", "two");
	assert_stored(fixture->store, "c", NULL);
}

static void nothing_is_done_where_it_does_not_even_what_was_put_in_before(void **state)
{
	struct store_fixture *fixture = *state;

	put(fixture->store, "a", "other");
	put(fixture->store, "c", "three");
	assert_false(deal_about(fixture->store, "one"));
	assert_false(deal_about(fixture->store, NULL));
	assert_stored(fixture->store, "b", NULL);
	assert_stored(fixture->store, "c", "three");
}

static void every_condition_must_hold(void **state)
{
	struct store_fixture *fixture = *state;
	g_autoptr(rmt_deal) deal = rmt_deal_new();
	bool done = true;

	put(fixture->store, "a", "one");
	rmt_deal_if(deal, TABLE, RMT_SPAN("a"), equals, (void *)"one");
	rmt_deal_if(deal, TABLE, RMT_SPAN("b"), equals, (void *)"one");
	rmt_deal_put(deal, TABLE, RMT_SPAN("d"), RMT_SPAN("x"));
	assert_true(rmt_deal_commit(fixture->store, deal, &done, NULL));
	assert_false(done);
	assert_stored(fixture->store, "d", NULL);
}

static enum rmt_store_verdict twice(void *context, struct rmt_span old, GString *value_r)
{
	(void)context;
	g_string_append_len(value_r, old.p, (gssize)old.len);
	g_string_append_len(value_r, old.p, (gssize)old.len);
	return RMT_STORE_PUT;
}

static void a_value_can_be_made_from_the_old_one(void **state)
{
	struct store_fixture *fixture = *state;
	g_autoptr(rmt_deal) deal = rmt_deal_new();

	put(fixture->store, "a", "ab");
	rmt_deal_change(deal, TABLE, RMT_SPAN("a"), twice, NULL);
	assert_true(rmt_deal_commit(fixture->store, deal, NULL, NULL));
	assert_stored(fixture->store, "a", "abab");
}

static void a_store_that_refuses_is_told_from_a_deal_that_is_off(void **state)
{
	struct store_fixture *fixture = *state;
	g_autoptr(rmt_deal) deal = rmt_deal_new();
	g_autoptr(GError) err = NULL;
	bool done = true;

	rmt_store_close(&fixture->store);
	assert_true(rmt_store_open(&fixture->store, fixture->uri, true, NULL));
	rmt_deal_put(deal, TABLE, RMT_SPAN("a"), RMT_SPAN("x"));
	assert_false(rmt_deal_commit(fixture->store, deal, &done, &err));
	assert_true(g_error_matches(err, RMT_STORE_ERROR, RMT_STORE_ERROR_READ_ONLY));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_BOTH(all_is_done_where_the_condition_holds),
		ON_BOTH(nothing_is_done_where_it_does_not_even_what_was_put_in_before),
		ON_BOTH(every_condition_must_hold),
		ON_BOTH(a_value_can_be_made_from_the_old_one),
		ON_LMDB(a_store_that_refuses_is_told_from_a_deal_that_is_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
