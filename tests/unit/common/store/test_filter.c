/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <glib.h>

#include "common/store/filter.h"

/* Well mixed (splitmix64), and the same in every run. */
static uint64_t hash_of(uint64_t number)
{
	number += UINT64_C(0x9e3779b97f4a7c15) * (number + 1);
	number = (number ^ (number >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	number = (number ^ (number >> 27)) * UINT64_C(0x94d049bb133111eb);
	return number ^ (number >> 31);
}

static struct rmt_filter *filter_with(uint64_t capacity, uint64_t count)
{
	struct rmt_filter *filter = rmt_filter_new(capacity);
	uint64_t i;

	for (i = 0; i < count; i++)
		rmt_filter_add(filter, hash_of(i));
	return filter;
}

static void what_was_added_is_always_let_through(void **state)
{
	static const uint64_t counts[] = { 0, 1, 1000, 100000 };
	size_t c;
	uint64_t i;

	(void)state;
	for (c = 0; c < G_N_ELEMENTS(counts); c++) {
		struct rmt_filter *filter = filter_with(1000, counts[c]);

		for (i = 0; i < counts[c]; i++)
			assert_true(rmt_filter_has(filter, hash_of(i)));
		rmt_filter_free(filter);
	}
}

static void of_others_one_in_a_hundred_at_most(void **state)
{
	struct rmt_filter *filter = filter_with(100000, 100000);
	unsigned through = 0;
	uint64_t i;

	(void)state;
	for (i = 100000; i < 200000; i++)
		through += rmt_filter_has(filter, hash_of(i));
	print_message("%u of 100000 let through\n", through);
	assert_true(through < 1000);
	rmt_filter_free(filter);
}

static void an_empty_filter_lets_nothing_through(void **state)
{
	struct rmt_filter *filter = rmt_filter_new(0);
	uint64_t i;

	(void)state;
	for (i = 0; i < 1000; i++)
		assert_false(rmt_filter_has(filter, hash_of(i)));
	rmt_filter_free(filter);
}

static void adding_again_counts_once(void **state)
{
	struct rmt_filter *filter = filter_with(1000, 500);
	uint64_t count = rmt_filter_count(filter), i;

	(void)state;
	assert_in_range(count, 490, 500);
	for (i = 0; i < 500; i++)
		rmt_filter_add(filter, hash_of(i));
	assert_int_equal(rmt_filter_count(filter), count);
	rmt_filter_free(filter);
}

static void memory_is_12_bits_a_hash(void **state)
{
	struct rmt_filter *filter = rmt_filter_new(1000000);

	(void)state;
	assert_int_equal(rmt_filter_capacity(filter), 1000000);
	assert_in_range(rmt_filter_bytes(filter), 1500000, 1500200);
	rmt_filter_free(filter);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_added_is_always_let_through),
		cmocka_unit_test(of_others_one_in_a_hundred_at_most),
		cmocka_unit_test(an_empty_filter_lets_nothing_through),
		cmocka_unit_test(adding_again_counts_once),
		cmocka_unit_test(memory_is_12_bits_a_hash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
