/* SPDX-License-Identifier: MIT */
/* Ids L02 and pitfall 23 of docs/unsubscribe.md: errands, and the message by mail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <gmime/gmime.h>

#include "dovecot-plugin/agent/leave.h"
#include "dovecot-plugin/agent/leave_pace.h"

static struct rmt_errand *make_errand(void)
{
	struct rmt_wire_record record = { .type = "JOB", .kind = "unsubscribe" };
	struct rmt_errand *errand =
		rmt_errand_new(rmt_case_of_record("ann", &record), "1@l.example");

	rmt_errand_set(&errand->address, "ann@home.example");
	rmt_errand_set(&errand->url, "https://l.example/u");
	rmt_errand_set(&errand->mailto, "leave@l.example");
	rmt_errand_set(&errand->mail_subject, "go");
	rmt_errand_set(&errand->mail_body, "one\ntwo");
	return errand;
}

static void what_is_packed_is_unpacked(void **state)
{
	g_autoptr(rmt_errand) errand = make_errand();
	g_autoptr(rmt_errand) again = NULL;
	g_autoptr(GString) packed = g_string_new(NULL);

	(void)state;
	errand->stage = RMT_ERRAND_POST;
	errand->posts = 2;
	errand->unsure = true;
	errand->message = g_memdup2("a\0b", 3);
	errand->message_len = 3;
	rmt_errand_pack(errand, packed);
	again = rmt_errand_unpack(rmt_span(packed->str, packed->len));
	assert_non_null(again);
	assert_string_equal(again->subject->user, "ann");
	assert_string_equal(again->id, "1@l.example");
	assert_string_equal(again->url, errand->url);
	assert_string_equal(again->mail_body, "one\ntwo");
	assert_int_equal(again->stage, RMT_ERRAND_POST);
	assert_int_equal(again->posts, 2);
	assert_true(again->unsure);
	assert_int_equal(again->message_len, 3);
	assert_memory_equal(again->message, "a\0b", 3);
}

static void cut_errands_are_none(void **state)
{
	g_autoptr(rmt_errand) errand = make_errand();
	g_autoptr(GString) packed = g_string_new(NULL);
	size_t len;

	(void)state;
	rmt_errand_pack(errand, packed);
	for (len = 0; len < packed->len; len++) {
		g_autofree char *cut = g_memdup2(packed->str, MAX(len, 1));

		assert_null(rmt_errand_unpack(rmt_span(cut, len)));
	}
}

static void L02_the_message_is_from_the_subscribed_address(void **state)
{
	g_autoptr(rmt_errand) errand = make_errand();
	g_autoptr(GString) text = g_string_new(NULL);

	(void)state;
	rmt_leave_mail(errand, "x@imap.example", 1700000000, text);
	assert_string_equal(text->str, "From: <ann@home.example>\r\n"
				       "To: <leave@l.example>\r\n"
				       "Subject: go\r\n"
				       "Date: Tue, 14 Nov 2023 22:13:20 +0000\r\n"
				       "Message-ID: <x@imap.example>\r\n"
				       "MIME-Version: 1.0\r\n"
				       "Content-Type: text/plain; charset=utf-8\r\n"
				       "Content-Transfer-Encoding: 7bit\r\n"
				       "\r\n"
				       "one\r\ntwo\r\n");
}

static void L02_what_is_not_ASCII_is_encoded(void **state)
{
	g_autoptr(rmt_errand) errand = make_errand();
	g_autoptr(GString) text = g_string_new(NULL);
	const char *p;

	(void)state;
	rmt_errand_set(&errand->mail_subject, "adi\xc3\xb3s");
	rmt_errand_set(&errand->mail_body, "adi\xc3\xb3s\n.\n");
	rmt_leave_mail(errand, "x@imap.example", 1700000000, text);
	assert_non_null(strstr(text->str, "Subject: =?"));
	assert_non_null(strstr(text->str, "Content-Transfer-Encoding: base64\r\n"));
	for (p = text->str; *p != '\0'; p++)
		assert_true((unsigned char)*p < 0x80);
}

static void pitfall_20_a_host_is_asked_so_often_a_minute(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < 3; i++)
		assert_true(rmt_leave_pace("l.example", 3, 600));
	assert_false(rmt_leave_pace("l.example", 3, 659));
	assert_true(rmt_leave_pace("m.example", 3, 659));
	assert_true(rmt_leave_pace("l.example", 3, 660));
}

static int start_gmime(void **state)
{
	(void)state;
	g_mime_init();
	return 0;
}

static int end_gmime(void **state)
{
	(void)state;
	g_mime_shutdown();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_packed_is_unpacked),
		cmocka_unit_test(cut_errands_are_none),
		cmocka_unit_test(L02_the_message_is_from_the_subscribed_address),
		cmocka_unit_test(L02_what_is_not_ASCII_is_encoded),
		cmocka_unit_test(pitfall_20_a_host_is_asked_so_often_a_minute),
	};

	return cmocka_run_group_tests(tests, start_gmime, end_gmime);
}
