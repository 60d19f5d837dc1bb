/* SPDX-License-Identifier: MIT */
/* 5,000 a day to one provider, all domains of the organisation together, for ever. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "common/policy/bulk.h"

enum { HOUR = 3600, START = 480000 * HOUR };

static unsigned send_many(struct rmt_bulk *bulk, const char *sender,
			  const char *recipient, unsigned n, int64_t now)
{
	const struct rmt_bulk_row *row;
	unsigned reached = 0, one;

	while (n-- > 0) {
		one = rmt_bulk_add(bulk, rmt_span_of(sender), rmt_span_of(recipient), now,
				   &row);
		reached = MAX(reached, one);
	}
	return reached;
}

static void mailboxes_are_told_by_their_domain(void **state)
{
	static const struct {
		const char *domain, *provider;
	} rows[] = {
		{ "gmail.com", "google" },
		{ "googlemail.com", "google" },
		{ "yahoo.com", "yahoo" },
		{ "aol.com", "yahoo" },
		{ "msn.com", "microsoft" },
		{ "hotmail.co.uk", "microsoft" },
		{ "me.com", "apple" },
		{ "google.com", NULL },
		{ "mail.gmail.com", NULL },
		{ "", NULL },
		{ "a", NULL },
		{ "example.com", NULL },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(rows); i++) {
		const char *got = rmt_bulk_provider(rmt_span_of(rows[i].domain));

		assert_int_equal(got == NULL, rows[i].provider == NULL);
		if (got != NULL)
			assert_string_equal(got, rows[i].provider);
	}
}

static void the_organisation_is_counted_and_each_provider_apart(void **state)
{
	g_autoptr(rmt_psl) psl = rmt_psl_open();
	struct rmt_bulk *bulk;

	(void)state;
	if (psl == NULL)
		skip(); /* no list of public suffixes on this machine */
	bulk = rmt_bulk_new(psl);
	assert_int_equal(send_many(bulk, "example.com", "gmail.com", 2500, START), 0);
	assert_int_equal(send_many(bulk, "example.com", "yahoo.com", 3999, START), 0);
	assert_int_equal(send_many(bulk, "other.com", "gmail.com", 3999, START), 0);
	assert_int_equal(send_many(bulk, "news.example.com", "gmail.com", 1499, START),
			 0);
	assert_int_equal(send_many(bulk, "news.example.com", "gmail.com", 1, START),
			 RMT_BULK_WARN);
	assert_int_equal(send_many(bulk, "a.b.example.com", "gmail.com", 999, START), 0);
	assert_int_equal(send_many(bulk, "example.com", "googlemail.com", 1, START),
			 RMT_BULK_LIMIT);
	assert_int_equal(send_many(bulk, "example.com", "gmail.com", 9000, START), 0);
	rmt_bulk_free(bulk);
}

static void a_day_is_any_24_hours(void **state)
{
	struct rmt_bulk *bulk = rmt_bulk_new(NULL);
	int hour;

	(void)state;
	for (hour = 0; hour < 24 * 10; hour++)
		assert_int_equal(send_many(bulk, "a.example", "gmail.com", 166,
					   START + hour * HOUR),
				 0); /* 3984 in any 24 hours */
	assert_int_equal(
		send_many(bulk, "a.example", "gmail.com", 200, START + 240 * HOUR),
		RMT_BULK_WARN);
	/* Warned once a day. */
	assert_int_equal(
		send_many(bulk, "a.example", "gmail.com", 500, START + 241 * HOUR), 0);
	assert_int_equal(
		send_many(bulk, "a.example", "gmail.com", 4500, START + 300 * HOUR),
		RMT_BULK_WARN);
	assert_int_equal(
		send_many(bulk, "a.example", "gmail.com", 500, START + 323 * HOUR),
		RMT_BULK_LIMIT);
	rmt_bulk_free(bulk);
}

static void a_clock_that_steps_back_counts_on(void **state)
{
	struct rmt_bulk_count count = { 0 };

	(void)state;
	rmt_bulk_count_add(&count, 100, START);
	rmt_bulk_count_add(&count, 100, START - 1);
	assert_int_equal(rmt_bulk_count_day(&count, START), 200);
	rmt_bulk_count_add(&count, 1, START - 100 * HOUR);
	assert_int_equal(rmt_bulk_count_day(&count, START - 100 * HOUR), 1);
}

static void the_records_keep_it(void **state)
{
	struct rmt_store *store = NULL;
	struct rmt_bulk *bulk = rmt_bulk_new(NULL);
	const struct rmt_bulk_row *row;
	GPtrArray *changed;
	bool found;

	(void)state;
	assert_true(rmt_store_open(&store, "mem:", false, NULL));
	send_many(bulk, "a.example", "gmail.com", 4999, START);
	changed = rmt_bulk_take_changed(bulk);
	assert_int_equal(changed->len, 1);
	assert_true(rmt_bulk_commit(store, changed, NULL));
	g_ptr_array_unref(changed);
	assert_null(rmt_bulk_take_changed(bulk));
	rmt_bulk_free(bulk);

	bulk = rmt_bulk_new(NULL);
	assert_true(rmt_bulk_load(bulk, store, NULL));
	assert_int_equal(rmt_bulk_add(bulk, RMT_SPAN("a.example"), RMT_SPAN("gmail.com"),
				      START, &row),
			 RMT_BULK_LIMIT);
	assert_int_equal(row->count.since, START);
	assert_true(rmt_bulk_drop(bulk, "a.example", "google"));
	assert_false(rmt_bulk_drop(bulk, "a.example", "google"));
	assert_true(rmt_bulk_forget(store, "a.example", "google", &found, NULL));
	assert_true(found);
	rmt_bulk_free(bulk);
	rmt_store_close(&store);
}

static void a_damaged_record_is_none(void **state)
{
	struct rmt_bulk_count count = { .hour = 480000, .since = 7 }, got = { 0 };
	g_autoptr(GString) value = g_string_new(NULL);
	size_t i;

	(void)state;
	count.hours[3] = 12345;
	rmt_bulk_count_write(&count, value);
	assert_true(rmt_bulk_count_read(rmt_span(value->str, value->len), &got));
	assert_memory_equal(&count, &got, sizeof(got));
	for (i = 0; i < value->len; i++)
		assert_false(rmt_bulk_count_read(rmt_span(value->str, i), &got));
	value->str[0] = 9;
	assert_false(rmt_bulk_count_read(rmt_span(value->str, value->len), &got));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mailboxes_are_told_by_their_domain),
		cmocka_unit_test(the_organisation_is_counted_and_each_provider_apart),
		cmocka_unit_test(a_day_is_any_24_hours),
		cmocka_unit_test(a_clock_that_steps_back_counts_on),
		cmocka_unit_test(the_records_keep_it),
		cmocka_unit_test(a_damaged_record_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
