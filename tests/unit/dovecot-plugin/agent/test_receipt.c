/* SPDX-License-Identifier: MIT */
/* Orders to send a receipt, as the queue keeps them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "dovecot-plugin/agent/receipt.h"

static GString *pack(const char *receipt)
{
	struct rmt_wire_record record = { .type = "JOB", .kind = "shown" };
	g_autoptr(rmt_case) subject = rmt_case_of_record("ann", &record);
	const struct rmt_receipt_order order = { .by_user = true,
						 .event = RMT_RECEIPT_DELETED,
						 .at = 1700000000,
						 .receipt = (char *)receipt,
						 .subject = subject };
	GString *out = g_string_new(NULL);

	rmt_receipt_order_pack(&order, out);
	return out;
}

static void what_is_packed_is_unpacked(void **state)
{
	g_autoptr(GString) packed = pack("1@mx.example");
	struct rmt_receipt_order order;

	(void)state;
	assert_true(rmt_receipt_order_unpack(rmt_span(packed->str, packed->len), &order));
	assert_true(order.by_user);
	assert_int_equal(order.event, RMT_RECEIPT_DELETED);
	assert_int_equal(order.at, 1700000000);
	assert_string_equal(order.receipt, "1@mx.example");
	assert_string_equal(order.subject->user, "ann");
	rmt_receipt_order_clear(&order);
}

/* Story: a receipt that began with a NUL was taken, and was none when it was read. */
static void an_order_without_a_receipt_is_damaged(void **state)
{
	g_autoptr(GString) empty = pack(""), packed = pack("x");
	char *text = memchr(packed->str, 'x', packed->len);
	struct rmt_receipt_order order;

	(void)state;
	assert_false(rmt_receipt_order_unpack(rmt_span(empty->str, empty->len), &order));
	*text = '\0';
	assert_false(
		rmt_receipt_order_unpack(rmt_span(packed->str, packed->len), &order));
}

static void an_order_cut_short_is_damaged(void **state)
{
	g_autoptr(GString) packed = pack("1@mx.example");
	struct rmt_receipt_order order;
	size_t len;

	(void)state;
	for (len = 0; len < packed->len; len++)
		assert_false(
			rmt_receipt_order_unpack(rmt_span(packed->str, len), &order));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_packed_is_unpacked),
		cmocka_unit_test(an_order_without_a_receipt_is_damaged),
		cmocka_unit_test(an_order_cut_short_is_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
