/* SPDX-License-Identifier: MIT */
#include "tests/unit/common/store/store_fixture.h"

#include "common/store/suppress.h"
#include "common/store/suppress_deal.h"

static struct rmt_suppression entry_of(const char *address, const char *scope,
				       const char *reason, int64_t since)
{
	return (struct rmt_suppression){ .scope = (char *)scope,
					 .address = (char *)address,
					 .reason = (char *)reason,
					 .source = (char *)"test",
					 .note = (char *)"",
					 .since = since };
}

/* One change as a deal of its own. */
static void change(struct store_fixture *fixture, const struct rmt_suppression *entry,
		   bool take_back)
{
	g_autoptr(rmt_deal) deal = rmt_deal_new();
	struct rmt_suppress_deal parts;
	GError *err = NULL;

	rmt_suppress_deal_begin(&parts, deal);
	if (take_back)
		rmt_suppress_deal_retract(&parts, entry->scope, entry->address,
					  entry->reason);
	else
		rmt_suppress_deal_put(&parts, entry);
	rmt_suppress_deal_end(&parts);
	assert_ok(rmt_deal_commit(fixture->store, deal, NULL, &err), err);
}

static void put(struct store_fixture *fixture, const char *address, const char *scope,
		const char *reason, int64_t since)
{
	const struct rmt_suppression entry = entry_of(address, scope, reason, since);

	change(fixture, &entry, false);
}

static void retract(struct store_fixture *fixture, const char *address, const char *scope,
		    const char *reason)
{
	const struct rmt_suppression entry = entry_of(address, scope, reason, 0);

	change(fixture, &entry, true);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* "scope reason since; ...", in the order of scopes. */
static char *entries_of(struct store_fixture *fixture, const char *address)
{
	g_autoptr(GPtrArray) entries = NULL,
			     words = g_ptr_array_new_with_free_func(g_free);
	GError *err = NULL;
	guint i;

	assert_ok(rmt_suppress_find(fixture->store, address, &entries, &err), err);
	for (i = 0; i < entries->len; i++) {
		const struct rmt_suppression *entry = entries->pdata[i];

		g_ptr_array_add(words,
				g_strdup_printf("%s %s %" G_GINT64_FORMAT, entry->scope,
						entry->reason, entry->since));
	}
	g_ptr_array_sort(words, by_name);
	g_ptr_array_add(words, NULL);
	return g_strjoinv("; ", (char **)words->pdata);
}

static void must_have(struct store_fixture *fixture, const char *address,
		      const char *want)
{
	g_autofree char *got = entries_of(fixture, address);

	assert_string_equal(got, want);
}

static void an_entry_is_put_and_taken_back(void **state)
{
	struct store_fixture *fixture = *state;

	put(fixture, "ann@example.org", "stream:news", "unsubscribe", 100);
	must_have(fixture, "ann@example.org", "stream:news unsubscribe 100");
	must_have(fixture, "bob@example.org", "");
	retract(fixture, "ann@example.org", "stream:news", "unsubscribe");
	must_have(fixture, "ann@example.org", "");
	retract(fixture, "ann@example.org", "stream:news", "unsubscribe");
}

static void what_stands_for_another_reason_stays(void **state)
{
	struct store_fixture *fixture = *state;

	put(fixture, "ann@example.org", "stream:news", "complaint", 100);
	put(fixture, "ann@example.org", "stream:news", "unsubscribe", 200);
	must_have(fixture, "ann@example.org", "stream:news complaint 100");
	retract(fixture, "ann@example.org", "stream:news", "unsubscribe");
	must_have(fixture, "ann@example.org", "stream:news complaint 100");
}

static void an_expired_one_gives_way(void **state)
{
	struct store_fixture *fixture = *state;
	struct rmt_suppression old =
		entry_of("ann@example.org", "stream:news", "dead", 100);
	GError *err = NULL;

	old.until = 150;
	assert_ok(rmt_suppress_add(fixture->store, &old, &err), err);
	put(fixture, "ann@example.org", "stream:news", "unsubscribe", 200);
	must_have(fixture, "ann@example.org", "stream:news unsubscribe 200");
}

static void other_scopes_of_the_address_are_left_alone(void **state)
{
	struct store_fixture *fixture = *state;

	put(fixture, "ann@example.org", "all", "dead", 100);
	put(fixture, "ann@example.org", "stream:news", "unsubscribe", 200);
	put(fixture, "ann@example.org", "stream:shop", "unsubscribe", 300);
	must_have(
		fixture, "ann@example.org",
		"all dead 100; stream:news unsubscribe 200; stream:shop unsubscribe 300");
	retract(fixture, "ann@example.org", "stream:news", "unsubscribe");
	must_have(fixture, "ann@example.org",
		  "all dead 100; stream:shop unsubscribe 300");
}

static void many_changes_are_one_deal_in_their_order(void **state)
{
	struct store_fixture *fixture = *state;
	const struct rmt_suppression ann =
		entry_of("ann@example.org", "stream:news", "unsubscribe", 100);
	g_autoptr(rmt_deal) deal = rmt_deal_new();
	struct rmt_suppress_deal parts;
	GError *err = NULL;
	int i;

	rmt_suppress_deal_begin(&parts, deal);
	for (i = 0; i < 600; i++) {
		g_autofree char *address = g_strdup_printf("u%d@example.org", i);
		const struct rmt_suppression entry =
			entry_of(address, "stream:news", "unsubscribe", i + 1);

		rmt_suppress_deal_put(&parts, &entry);
	}
	rmt_suppress_deal_put(&parts, &ann);
	rmt_suppress_deal_retract(&parts, ann.scope, ann.address, ann.reason);
	rmt_suppress_deal_end(&parts);
	assert_ok(rmt_deal_commit(fixture->store, deal, NULL, &err), err);
	must_have(fixture, "u0@example.org", "stream:news unsubscribe 1");
	must_have(fixture, "u599@example.org", "stream:news unsubscribe 600");
	must_have(fixture, "ann@example.org", "");
}

static enum rmt_store_status look_up(struct rmt_suppress_index *index,
				     const char *address)
{
	struct rmt_suppress_hit hit;

	rmt_suppress_index_follow(index);
	return rmt_suppress_look_up(index, rmt_span_of(address), "news", "promotional",
				    NULL, 1000, &hit);
}

static void a_reader_hears_of_it_with_the_next_look(void **state)
{
	struct store_fixture *fixture = *state;
	struct rmt_suppress_index *index = rmt_suppress_index_new(fixture->store);
	uint64_t entries, bytes;
	bool complete = false;
	int i;

	for (i = 0; i < 20000 && !complete; i++) {
		rmt_suppress_index_follow(index);
		rmt_suppress_index_stats(index, &entries, &bytes, &complete);
		g_usleep(10000);
	}
	assert_true(complete);
	assert_int_equal(look_up(index, "ann@example.org"), RMT_STORE_MISSING);
	put(fixture, "ann@example.org", "stream:news", "unsubscribe", 100);
	assert_int_equal(look_up(index, "ann@example.org"), RMT_STORE_FOUND);
	retract(fixture, "ann@example.org", "stream:news", "unsubscribe");
	assert_int_equal(look_up(index, "ann@example.org"), RMT_STORE_MISSING);
	rmt_suppress_index_free(index);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_BOTH(an_entry_is_put_and_taken_back),
		ON_BOTH(what_stands_for_another_reason_stays),
		ON_BOTH(an_expired_one_gives_way),
		ON_BOTH(other_scopes_of_the_address_are_left_alone),
		ON_BOTH(many_changes_are_one_deal_in_their_order),
		ON_LMDB(a_reader_hears_of_it_with_the_next_look),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
