/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "common/limits/pieces.h"

static uint32_t add(struct rmt_pieces *pieces, char octet, size_t len)
{
	uint32_t place;
	char *at = rmt_pieces_add(pieces, len, &place);

	assert_non_null(at);
	memset(at, octet, len);
	return place;
}

static void what_was_added_is_found_by_its_place(void **state)
{
	struct rmt_pieces pieces;
	uint32_t a, b;
	size_t left;

	(void)state;
	rmt_pieces_init(&pieces);
	a = add(&pieces, 'a', 3);
	b = add(&pieces, 'b', 2);
	assert_memory_equal(rmt_pieces_at(&pieces, a, &left), "aaabb", 5);
	assert_int_equal(left, RMT_PIECE);
	assert_memory_equal(rmt_pieces_at(&pieces, b, &left), "bb", 2);
	assert_int_equal(left, RMT_PIECE - 3);
	rmt_pieces_finish(&pieces);
}

static void nothing_lies_in_two_pieces_and_nothing_moves(void **state)
{
	struct rmt_pieces pieces;
	const char *first;
	uint32_t a, b, c;
	size_t left;

	(void)state;
	rmt_pieces_init(&pieces);
	a = add(&pieces, 'a', RMT_PIECE - 1);
	first = rmt_pieces_at(&pieces, a, &left);
	b = add(&pieces, 'b', 2);
	c = add(&pieces, 'c', RMT_PIECE);
	assert_int_equal(b, RMT_PIECE);
	assert_int_equal(c, 2 * RMT_PIECE);
	assert_ptr_equal(rmt_pieces_at(&pieces, a, &left), first);
	assert_memory_equal(rmt_pieces_at(&pieces, b, &left), "bb", 2);
	assert_int_equal(rmt_pieces_at(&pieces, c, &left)[RMT_PIECE - 1], 'c');
	rmt_pieces_finish(&pieces);
}

static void where_no_place_is_left_nothing_is_added(void **state)
{
	struct rmt_pieces pieces;
	uint32_t place;

	(void)state;
	rmt_pieces_init(&pieces);
	while (pieces.all->len < UINT32_MAX / RMT_PIECE) /* untouched: no memory */
		assert_non_null(rmt_pieces_add(&pieces, RMT_PIECE, &place));
	assert_null(rmt_pieces_add(&pieces, 1, &place));
	rmt_pieces_finish(&pieces);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_added_is_found_by_its_place),
		cmocka_unit_test(nothing_lies_in_two_pieces_and_nothing_moves),
		cmocka_unit_test(where_no_place_is_left_nothing_is_added),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
