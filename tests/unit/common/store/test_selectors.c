/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/store/selectors.h"

enum { DAY = 86400, NOW = 1790000000 };

static int start(void **state)
{
	struct rmt_store *store = NULL;

	assert_true(rmt_store_open(&store, "mem:", false, NULL));
	*state = store;
	return 0;
}

static int stop(void **state)
{
	struct rmt_store *store = *state;

	rmt_store_close(&store);
	return 0;
}

static void note(struct rmt_store *store, const char *domain, const char *selector,
		 int64_t at)
{
	assert_true(rmt_selectors_note(store, rmt_span_of(domain), rmt_span_of(selector),
				       at, NULL));
}

/* "s1 s2" of a domain. Own. */
static char *seen(struct rmt_store *store, const char *domain, int64_t now)
{
	g_auto(GStrv) found = rmt_selectors_of(store, rmt_span_of(domain), now, NULL);

	assert_non_null(found);
	return g_strjoinv(" ", found);
}

static void assert_seen(struct rmt_store *store, const char *domain, int64_t now,
			const char *want)
{
	g_autofree char *got = seen(store, domain, now);

	assert_string_equal(got, want);
}

static void each_domain_has_its_own(void **state)
{
	struct rmt_store *store = *state;

	note(store, "a.example", "s2", NOW);
	note(store, "a.example", "s1", NOW);
	note(store, "a.example.org", "s3", NOW);
	note(store, "b.example", "s4", NOW);
	assert_seen(store, "a.example", NOW, "s1 s2");
	assert_seen(store, "a.example.org", NOW, "s3");
	assert_seen(store, "example", NOW, "");
	assert_seen(store, "c.example", NOW, "");
}

static void what_signs_no_more_is_forgotten_in_time(void **state)
{
	struct rmt_store *store = *state;

	note(store, "a.example", "old", NOW);
	note(store, "a.example", "new", NOW + 40 * DAY);
	assert_seen(store, "a.example", NOW + RMT_SELECTOR_DAYS * DAY, "new old");
	assert_seen(store, "a.example", NOW + RMT_SELECTOR_DAYS * DAY + 1, "new");
	note(store, "a.example", "old", NOW + 41 * DAY);
	assert_seen(store, "a.example", NOW + 42 * DAY, "new old");
}

static void names_that_are_none_are_passed_over(void **state)
{
	struct rmt_store *store = *state;
	g_autofree char *longest = g_strnfill(253, 'a'), *longer = g_strnfill(254, 'a');

	note(store, "a.example", "", NOW);
	note(store, "", "s1", NOW);
	note(store, "a.example", "s 1", NOW);
	note(store, "a.example", longer, NOW);
	assert_seen(store, "a.example", NOW, "");
	note(store, longest, longest, NOW);
	assert_seen(store, longest, NOW, longest);
}

static bool count_row(void *context, const char *domain, const char *selector, int64_t at)
{
	unsigned *count = context;

	assert_string_equal(domain, *count == 0 ? "a.example" : "b.example");
	assert_string_equal(selector, "s1");
	assert_int_equal(at, NOW + *count);
	++*count;
	return true;
}

static void all_are_listed_and_a_domains_are_forgotten(void **state)
{
	struct rmt_store *store = *state;
	unsigned count = 0;
	size_t forgotten;

	note(store, "a.example", "s1", NOW);
	note(store, "b.example", "s1", NOW + 1);
	assert_true(rmt_selectors_walk(store, count_row, &count, NULL));
	assert_int_equal(count, 2);
	assert_true(rmt_selectors_forget(store, "a.example", &forgotten, NULL));
	assert_int_equal(forgotten, 1);
	assert_true(rmt_selectors_forget(store, "a.example", &forgotten, NULL));
	assert_int_equal(forgotten, 0);
	assert_seen(store, "b.example", NOW, "s1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_domain_has_its_own, start, stop),
		cmocka_unit_test_setup_teardown(what_signs_no_more_is_forgotten_in_time,
						start, stop),
		cmocka_unit_test_setup_teardown(names_that_are_none_are_passed_over,
						start, stop),
		cmocka_unit_test_setup_teardown(
			all_are_listed_and_a_domains_are_forgotten, start, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
