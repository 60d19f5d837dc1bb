/* SPDX-License-Identifier: MIT */
#include "tests/unit/common/store/store_fixture.h"

#include <string.h>

#include "common/store/suppress_record.h"

static struct rmt_suppression entry_of(const char *address, const char *scope,
				       const char *reason, int64_t since, int64_t until)
{
	return (struct rmt_suppression){
		(char *)scope,         (char *)address, (char *)reason, (char *)"test",
		(char *)"a, \"note\"", since,           until
	};
}

static void add(struct store_fixture *fixture, const char *address, const char *scope,
		const char *reason, int64_t since, int64_t until)
{
	struct rmt_suppression entry = entry_of(address, scope, reason, since, until);
	GError *err = NULL;

	assert_ok(rmt_suppress_add(fixture->store, &entry, &err), err);
}

static GPtrArray *find(struct store_fixture *fixture, const char *address)
{
	GPtrArray *entries = NULL;
	GError *err = NULL;

	assert_ok(rmt_suppress_find(fixture->store, address, &entries, &err), err);
	return entries;
}

static void an_entry_comes_back_as_it_was(void **state)
{
	struct store_fixture *fixture = *state;
	g_autoptr(GPtrArray) entries = NULL;
	const struct rmt_suppression *entry;

	add(fixture, "ann@example.org", "stream:news", "unsubscribe", 100, 200);
	entries = find(fixture, "ann@example.org");
	assert_int_equal(entries->len, 1);
	entry = entries->pdata[0];
	assert_string_equal(entry->address, "ann@example.org");
	assert_string_equal(entry->scope, "stream:news");
	assert_string_equal(entry->reason, "unsubscribe");
	assert_string_equal(entry->source, "test");
	assert_string_equal(entry->note, "a, \"note\"");
	assert_int_equal(entry->since, 100);
	assert_int_equal(entry->until, 200);
}

static void scopes_of_one_address_stand_side_by_side(void **state)
{
	struct store_fixture *fixture = *state;
	g_autoptr(GPtrArray) entries = NULL, others = NULL;

	add(fixture, "ann@example.org", "all", "dead", 100, 0);
	add(fixture, "ann@example.org", "class:promotional", "complaint", 100, 0);
	entries = find(fixture, "ann@example.org");
	others = find(fixture, "ann@example.com");
	assert_int_equal(entries->len, 2);
	assert_int_equal(others->len, 0);
}

static void adding_again_replaces_and_keeps_the_beginning(void **state)
{
	static const struct {
		const char *name;
		int64_t first_until, since;
	} cases[] = {
		{ "one that stands", 0, 100 },
		{ "one that stands still", 500, 100 },
		{ "one that had expired", 250, 300 },
	};
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct store_fixture *fixture = *state;
		g_autofree char *address = g_strdup_printf("a%zu@example.org", i);
		g_autoptr(GPtrArray) entries = NULL;
		const struct rmt_suppression *entry;

		add(fixture, address, "all", "dead", 100, cases[i].first_until);
		add(fixture, address, "all", "complaint", 300, 900);
		entries = find(fixture, address);
		assert_int_equal(entries->len, 1);
		entry = entries->pdata[0];
		assert_string_equal(entry->reason, "complaint");
		assert_int_equal(entry->until, 900);
		assert_int_equal(entry->since, cases[i].since);
	}
}

static void removing_takes_one_scope_or_all(void **state)
{
	struct store_fixture *fixture = *state;
	g_autoptr(GPtrArray) entries = NULL;
	size_t removed = 99;
	GError *err = NULL;

	add(fixture, "ann@example.org", "all", "dead", 100, 0);
	add(fixture, "ann@example.org", "stream:a", "dead", 100, 0);
	add(fixture, "ann@example.org", "stream:b", "dead", 100, 0);
	assert_ok(rmt_suppress_remove(fixture->store, "stream:a", "ann@example.org",
				      &removed, &err),
		  err);
	assert_int_equal(removed, 1);
	assert_ok(rmt_suppress_remove(fixture->store, NULL, "bob@example.org", &removed,
				      &err),
		  err);
	assert_int_equal(removed, 0);
	assert_ok(rmt_suppress_remove(fixture->store, NULL, "ann@example.org", &removed,
				      &err),
		  err);
	assert_int_equal(removed, 2);
	entries = find(fixture, "ann@example.org");
	assert_int_equal(entries->len, 0);
	assert_int_equal(rmt_store_count(fixture->store, "suppress"), 0);
}

static void what_could_not_be_stored_is_refused(void **state)
{
	static const struct {
		const char *address, *scope, *reason, *complaint;
		int64_t until;
	} cases[] = {
		{ "ann", "all", "dead", "address 'ann' is none", 0 },
		{ "@example.org", "all", "dead", "is none", 0 },
		{ "ann@", "all", "dead", "is none", 0 },
		{ "ann@example org", "all", "dead", "is none", 0 },
		{ "a\tn@example.org", "all", "dead", "control character", 0 },
		{ "ann@example.org", "news", "dead", "scope 'news' is none (write all",
		  0 },
		{ "ann@example.org", "stream:", "dead", "is none", 0 },
		{ "ann@example.org", "class:a b", "dead", "is none", 0 },
		{ "ann@example.org", "all", "", "reason '' is none", 0 },
		{ "ann@example.org", "all", "Two Words", "is none", 0 },
		{ "ann@example.org", "all", "dead", "end lies before", 50 },
	};
	struct store_fixture *fixture = *state;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct rmt_suppression entry =
			entry_of(cases[i].address, cases[i].scope, cases[i].reason, 100,
				 cases[i].until);
		g_autoptr(GError) err = NULL;

		assert_false(rmt_suppress_add(fixture->store, &entry, &err));
		if (strstr(err->message, cases[i].complaint) == NULL)
			fail_msg("'%s' in '%s'", cases[i].complaint, err->message);
	}
	assert_int_equal(rmt_store_count(fixture->store, "suppress"), 0);
}

static bool count_entry(void *context, const struct rmt_suppression *entry)
{
	assert_non_null(strchr(entry->address, '@'));
	(*(unsigned *)context)++;
	return true;
}

static unsigned count_all(struct store_fixture *fixture)
{
	unsigned count = 0;
	GError *err = NULL;

	assert_ok(rmt_suppress_walk(fixture->store, count_entry, &count, &err), err);
	return count;
}

static void expiring_removes_what_is_past_and_nothing_else(void **state)
{
	struct store_fixture *fixture = *state;
	g_autoptr(GPtrArray) entries = NULL;
	uint64_t removed = 0;
	unsigned i;
	GError *err = NULL;

	for (i = 0; i < 300; i++) {
		g_autofree char *address = g_strdup_printf("a%u@example.org", i);

		add(fixture, address, "all", "dead", 100, i % 3 == 0 ? 200 : 0);
	}
	add(fixture, "a0@example.org", "stream:news", "dead", 100, 201);
	assert_ok(rmt_suppress_expire(fixture->store, 200, &removed, &err), err);
	assert_int_equal(removed, 100);
	assert_int_equal(count_all(fixture), 201);
	entries = find(fixture, "a0@example.org");
	assert_int_equal(entries->len, 1);
}

static void import(struct store_fixture *fixture, unsigned count, uint64_t *added_r,
		   uint64_t *replaced_r)
{
	struct rmt_suppress_import *import = rmt_suppress_import_begin(fixture->store);
	GError *err = NULL;
	unsigned i;

	for (i = 0; i < count; i++) {
		g_autofree char *address = g_strdup_printf("a%u@example.org", i);
		struct rmt_suppression entry = entry_of(address, "all", "dead", 100, 0);

		assert_ok(rmt_suppress_import_add(import, &entry, &err), err);
	}
	assert_ok(rmt_suppress_import_end(import, added_r, replaced_r, &err), err);
}

static void an_import_merges_with_what_stands(void **state)
{
	struct store_fixture *fixture = *state;
	g_autoptr(GPtrArray) entries = NULL;
	uint64_t added = 0, replaced = 0;
	const struct rmt_suppression *entry;

	add(fixture, "a5@example.org", "all", "manual", 50, 0);
	add(fixture, "a6@example.org", "stream:news", "manual", 50, 0);
	import(fixture, 5000, &added, &replaced);
	assert_int_equal(added, 5000);
	assert_int_equal(replaced, 1);
	assert_int_equal(count_all(fixture), 5001);
	entries = find(fixture, "a5@example.org");
	assert_int_equal(entries->len, 1);
	entry = entries->pdata[0];
	assert_string_equal(entry->reason, "dead");
	assert_int_equal(entry->since, 50);
	import(fixture, 5000, &added, &replaced);
	assert_int_equal(replaced, 5000);
	assert_int_equal(count_all(fixture), 5001);
}

static void of_two_lines_for_one_address_the_later_wins(void **state)
{
	struct store_fixture *fixture = *state;
	struct rmt_suppress_import *run = rmt_suppress_import_begin(fixture->store);
	struct rmt_suppression first = entry_of("a@example.org", "all", "dead", 1, 0);
	struct rmt_suppression second =
		entry_of("a@example.org", "all", "complaint", 1, 0);
	g_autoptr(GPtrArray) entries = NULL;
	uint64_t added, replaced;
	GError *err = NULL;

	assert_ok(rmt_suppress_import_add(run, &first, &err), err);
	assert_ok(rmt_suppress_import_add(run, &second, &err), err);
	assert_ok(rmt_suppress_import_end(run, &added, &replaced, &err), err);
	assert_int_equal(replaced, 1);
	entries = find(fixture, "a@example.org");
	assert_int_equal(entries->len, 1);
	assert_string_equal(((struct rmt_suppression *)entries->pdata[0])->reason,
			    "complaint");
}

static void an_import_given_up_writes_nothing_of_its_chunk(void **state)
{
	struct store_fixture *fixture = *state;
	struct rmt_suppress_import *run = rmt_suppress_import_begin(fixture->store);
	struct rmt_suppression good = entry_of("a@example.org", "all", "dead", 1, 0);
	struct rmt_suppression bad = entry_of("no address", "all", "dead", 1, 0);
	g_autoptr(GError) err = NULL;

	assert_true(rmt_suppress_import_add(run, &good, NULL));
	assert_false(rmt_suppress_import_add(run, &bad, &err));
	rmt_suppress_import_free(run);
	assert_int_equal(count_all(fixture), 0);
}

static void put_raw(struct store_fixture *fixture, const char *like,
		    struct rmt_span value)
{
	char key[RMT_SUPPRESS_KEY];
	struct rmt_store_change change = {
		.table = "suppress",
		.key = rmt_suppress_key(rmt_suppress_hash(rmt_span_of(like)), key),
		.value = value,
	};
	GError *err = NULL;

	assert_ok(rmt_store_commit(fixture->store, &change, 1, NULL, &err), err);
}

static void a_damaged_record_is_said_and_can_be_removed(void **state)
{
	struct store_fixture *fixture = *state;
	struct rmt_suppression entry = entry_of("a@example.org", "all", "dead", 1, 0);
	GPtrArray *entries = NULL;
	g_autoptr(GError) err = NULL;
	size_t removed;

	put_raw(fixture, "a@example.org", RMT_SPAN("\x01\x7f cut"));
	assert_false(rmt_suppress_find(fixture->store, "a@example.org", &entries, &err));
	assert_non_null(strstr(err->message, "'a@example.org' is damaged: remove"));
	assert_false(rmt_suppress_add(fixture->store, &entry, NULL));
	assert_true(rmt_suppress_remove(fixture->store, NULL, "a@example.org", &removed,
					NULL));
	assert_int_equal(removed, 1);
	assert_true(rmt_suppress_add(fixture->store, &entry, NULL));
}

static void a_record_of_a_newer_program_is_left_alone(void **state)
{
	struct store_fixture *fixture = *state;
	g_autoptr(GError) err = NULL;
	size_t removed;

	put_raw(fixture, "a@example.org", RMT_SPAN("\x02 whatever"));
	assert_false(rmt_suppress_remove(fixture->store, NULL, "a@example.org", &removed,
					 &err));
	assert_true(g_error_matches(err, RMT_STORE_ERROR, RMT_STORE_ERROR_DAMAGED));
}

/* Two addresses under one key, as if their hashes were the same. */
static void addresses_with_one_hash_are_told_apart(void **state)
{
	struct store_fixture *fixture = *state;
	struct rmt_suppression other = entry_of("other@example.org", "all", "dead", 1, 0);
	struct rmt_suppress_view view = rmt_suppress_view_of(&other);
	g_autoptr(GString) value = g_string_new(NULL);
	g_autoptr(GPtrArray) none = NULL, one = NULL;
	size_t removed;

	rmt_suppress_append(value, &view);
	put_raw(fixture, "a@example.org", rmt_span(value->str, value->len));
	none = find(fixture, "a@example.org");
	assert_int_equal(none->len, 0);
	add(fixture, "a@example.org", "all", "dead", 1, 0);
	one = find(fixture, "a@example.org");
	assert_int_equal(one->len, 1);
	assert_int_equal(count_all(fixture), 2);
	assert_true(rmt_suppress_remove(fixture->store, NULL, "a@example.org", &removed,
					NULL));
	assert_int_equal(removed, 1);
	assert_int_equal(count_all(fixture), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_BOTH(an_entry_comes_back_as_it_was),
		ON_BOTH(scopes_of_one_address_stand_side_by_side),
		ON_BOTH(adding_again_replaces_and_keeps_the_beginning),
		ON_BOTH(removing_takes_one_scope_or_all),
		ON_MEM(what_could_not_be_stored_is_refused),
		ON_MEM(expiring_removes_what_is_past_and_nothing_else),
		ON_LMDB(expiring_removes_what_is_past_and_nothing_else),
		ON_LMDB(an_import_merges_with_what_stands),
		ON_BOTH(of_two_lines_for_one_address_the_later_wins),
		ON_MEM(an_import_given_up_writes_nothing_of_its_chunk),
		ON_MEM(a_damaged_record_is_said_and_can_be_removed),
		ON_MEM(a_record_of_a_newer_program_is_left_alone),
		ON_BOTH(addresses_with_one_hash_are_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
