/* SPDX-License-Identifier: MIT */
/* What the truth table cannot show: the values themselves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/receipts/recipient.h"

static struct rmt_receipt_request *read_copy(const char *header)
{
	g_autofree char *copy = g_memdup2(header, strlen(header));

	return rmt_receipt_request_read(rmt_span(copy, strlen(header)), NULL);
}

#define ID "Message-ID: <1@x.example>\r\n"

static void P02_one_message_has_one_key_however_it_came(void **state)
{
	static const char base[] = "From: a@x\r\nTo: b@y\r\nSubject: s\r\nDate: d\r\n"
				   "Disposition-Notification-To: a@x\r\n";
	static const struct {
		const char *a, *b;
		bool same;
	} rows[] = {
		{ "Received: one\r\n", "Received: two\r\nX-Other: 1\r\n", true },
		{ "Return-Path: <a@x>\r\n", "", true },
		{ ID, ID "X-Other: 1\r\n", true },
		{ ID, "Message-ID:\r\n <1@x.example>\r\n", true },
		{ ID, "", false },
		{ ID, "Message-ID: <2@x.example>\r\n", false },
		{ "In-Reply-To: <1@x>\r\n", "In-Reply-To: <2@x>\r\n", false },
		{ "Cc: c@y\r\n", "", false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *one = g_strconcat(rows[i].a, base, NULL);
		g_autofree char *two = g_strconcat(rows[i].b, base, NULL);
		g_autoptr(rmt_receipt_request) a = read_copy(one), b = read_copy(two);

		if ((strcmp(a->key, b->key) == 0) != rows[i].same)
			fail_msg("row %zu: %s and %s", i, a->key, b->key);
	}
}

static void the_key_is_the_same_with_both_line_ends_and_any_folding(void **state)
{
	g_autoptr(rmt_receipt_request) a =
		read_copy("From: a@x\r\nSubject: one\r\n two\r\n");
	g_autoptr(rmt_receipt_request) b = read_copy("From: a@x\nSubject: one two\n");

	(void)state;
	assert_string_equal(a->key, b->key);
	assert_true(g_str_has_prefix(a->key, "sha256:"));
}

static void two_message_ids_are_none(void **state)
{
	g_autoptr(rmt_receipt_request) request =
		read_copy("Message-ID: <1@x>\r\nMessage-ID: <2@x>\r\n");

	(void)state;
	assert_null(request->message_id);
	assert_true(g_str_has_prefix(request->key, "sha256:"));
}

static void texts_are_decoded_to_one_printable_line(void **state)
{
	static const struct {
		const char *value, *want;
	} rows[] = {
		{ "plain", "plain" },
		{ "=?utf-8?q?le=C3=ADdo?= =?utf-8?q?!?=", "le\xc3\xad"
							  "do!" },
		{ "=?utf-8?q?a=0D=0AFrom:_x?=", "a From: x" },
		{ "a\r\n\tb   c", "a b c" },
		{ "=?utf-8?B?4oCuZXZpbA==?=", "evil" }, /* right-to-left override */
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *header =
			g_strdup_printf("Subject: %s\r\n", rows[i].value);
		g_autoptr(rmt_receipt_request) request = read_copy(header);

		assert_string_equal(request->subject, rows[i].want);
	}
}

static void languages_are_tags_in_their_order(void **state)
{
	g_autoptr(rmt_receipt_request) request =
		read_copy("Content-Language: es-MX (Mexico), EN, ../../etc, x, 1a\r\n");

	(void)state;
	assert_int_equal(g_strv_length(request->languages), 2);
	assert_string_equal(request->languages[0], "es-mx");
	assert_string_equal(request->languages[1], "en");
}

static void M20_what_is_returned_is_a_few_fields_that_stand_in_7bit(void **state)
{
	g_autoptr(rmt_receipt_request) request =
		read_copy("Received: by secret\r\nFrom: a@x\r\nSubject: a\r\n b\r\n"
			  "To: jos\xc3\xa9@x\r\nX-Secret: 1\r\nBcc: c@x\r\n" ID);

	(void)state;
	assert_string_equal(request->returned, "From: a@x\r\nSubject: a\r\n b\r\n" ID);
}

static void a_header_of_a_megabyte_is_read_in_time(void **state)
{
	g_autoptr(GString) header = g_string_new(NULL);
	g_autoptr(rmt_receipt_request) request = NULL;
	unsigned i;

	(void)state;
	for (i = 0; i < 20000; i++)
		g_string_append(header, "To: a@x.example, b@y.example, c@z.example\r\n");
	g_string_append(header, "Disposition-Notification-To: ");
	for (i = 0; i < 10000; i++)
		g_string_append(header, "a@x.example,\r\n ");
	request = rmt_receipt_request_read(rmt_span(header->str, header->len), NULL);
	assert_true(request->flaws & RMT_REQUEST_LONG);
	assert_int_equal(request->targets->len, 1);
	assert_int_equal(request->seen->list->len, RMT_MAILBOX_COUNT_MAX);
}

/* --- recipients ------------------------------------------------------------- */

static void M22_P04_final_recipient_is_what_delivery_knows(void **state)
{
	static const char *const addresses[] = { "bob@example.com", "b.a@example.com",
						 "*@catch.example", "not an address",
						 NULL };
	static const struct {
		const char *header, *envelope, *final;
		enum rmt_recipient_way way;
	} rows[] = {
		{ "To: bob@example.com\r\n", NULL, "bob@example.com",
		  RMT_RECIPIENT_NAMED },
		{ "To: b.a@example.com\r\n", "bob@example.com", "bob@example.com",
		  RMT_RECIPIENT_NAMED },
		{ "Delivered-To: B.A@example.com\r\nTo: bob@example.com\r\n", NULL,
		  "B.A@example.com", RMT_RECIPIENT_NAMED },
		{ "Delivered-To: any@catch.example\r\nTo: x@y\r\n", NULL,
		  "any@catch.example", RMT_RECIPIENT_HIDDEN },
		{ "To: x@y\r\n", "sales@example.com", "bob@example.com",
		  RMT_RECIPIENT_GROUP },
		{ "To: x@y\r\n", NULL, "bob@example.com", RMT_RECIPIENT_UNSAID },
	};
	unsigned bad;
	g_autoptr(rmt_receipt_user) user =
		rmt_receipt_user_new("bob", addresses, NULL, NULL, &bad);
	size_t i;

	(void)state;
	assert_int_equal(bad, 1);
	for (i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(rmt_receipt_request) request = read_copy(rows[i].header);
		g_autoptr(rmt_mailbox) envelope =
			rows[i].envelope != NULL
				? rmt_mailbox_read(rmt_span_of(rows[i].envelope))
				: NULL;
		struct rmt_receipt_recipient got;

		rmt_receipt_recipient_find(request, user, envelope, &got);
		assert_int_equal(got.way, rows[i].way);
		assert_string_equal(got.final->address, rows[i].final);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(P02_one_message_has_one_key_however_it_came),
		cmocka_unit_test(the_key_is_the_same_with_both_line_ends_and_any_folding),
		cmocka_unit_test(two_message_ids_are_none),
		cmocka_unit_test(texts_are_decoded_to_one_printable_line),
		cmocka_unit_test(languages_are_tags_in_their_order),
		cmocka_unit_test(M20_what_is_returned_is_a_few_fields_that_stand_in_7bit),
		cmocka_unit_test(a_header_of_a_megabyte_is_read_in_time),
		cmocka_unit_test(M22_P04_final_recipient_is_what_delivery_knows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
