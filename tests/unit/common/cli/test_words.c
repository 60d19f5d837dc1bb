/* SPDX-License-Identifier: MIT */
/* What people paste onto a command line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>
#include <cmocka.h>

#include "common/cli/words.h"

static void a_domain_is_told_from_what_looks_like_one(void **state)
{
	static const struct {
		const char *word, *complaint; /* NULL: it is one */
	} rows[] = {
		{ "example.com", NULL },
		{ "Example.COM.", NULL },
		{ "com", NULL },
		{ "_dmarc.example.com", NULL },
		{ "xn--mnchen-3ya.example", NULL },
		{ "m\xc3\xbcnchen.example", NULL },
		{ "ann@example.com", "is a mail address" },
		{ "<ann@example.com>", "is a mail address" },
		{ "https://example.com/", "is the address of a page" },
		{ "mailto:ann@example.com", "is a mail address" },
		{ "192.0.2.1", "is the address of a host" },
		{ "2001:db8::1", "is the address of a host" },
		{ "[192.0.2.1]", "is the address of a host" },
		{ "*.example.com", "is not a domain name" },
		{ "a b", "is not a domain name" },
		{ "a..example", "is not a domain name" },
		{ ".", "is not a domain name" },
		{ "", "is not a domain name" },
		{ "example.com/", "is not a domain name" },
		{ "example.com\n", "is not a domain name" },
		{ "\xff.example", "is not a domain name" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(GError) err = NULL;
		bool ok = rmt_cli_domain(rows[i].word, &err);

		if (ok != (rows[i].complaint == NULL) ||
		    (!ok && strstr(err->message, rows[i].complaint) == NULL))
			fail_msg("%s: %s", rows[i].word, ok ? "taken" : err->message);
	}
}

static void a_selector_is_the_part_before_domainkey(void **state)
{
	g_autoptr(GError) err = NULL;

	(void)state;
	assert_true(rmt_cli_selector("s2026", NULL));
	assert_true(rmt_cli_selector("a.b_c-d", NULL));
	assert_false(rmt_cli_selector("", NULL));
	assert_false(rmt_cli_selector("s 1", NULL));
	assert_false(rmt_cli_selector("s1._domainkey.example.com", &err));
	assert_non_null(strstr(err->message, "only the part before"));
}

static void brackets_of_an_address_are_taken_off(void **state)
{
	(void)state;
	assert_true(rmt_span_eq(rmt_cli_address("<a@b>"), RMT_SPAN("a@b")));
	assert_true(rmt_span_eq(rmt_cli_address("a@b"), RMT_SPAN("a@b")));
	assert_int_equal(rmt_cli_address("<>").len, 0);
	assert_int_equal(rmt_cli_address("<").len, 1);
}

/* Own; gone with the test. */
static char *write_file(const char *text, size_t len)
{
	char *path = NULL;
	int fd = g_file_open_tmp("words-XXXXXX", &path, NULL);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), len);
	close(fd);
	return path;
}

static void a_message_comes_without_its_mailbox_line(void **state)
{
	static const struct {
		struct rmt_span file, want;
	} rows[] = {
		{ RMT_SPAN("From: a@b\r\n\r\nFrom x\n"),
		  RMT_SPAN("From: a@b\r\n\r\nFrom x\n") },
		{ RMT_SPAN("From a@b Sat Nov 21\nFrom: a@b\n"), RMT_SPAN("From: a@b\n") },
		{ RMT_SPAN("From a@b"), RMT_SPAN("") },
		{ RMT_SPAN(""), RMT_SPAN("") },
		{ RMT_SPAN("From \n\0x"), RMT_SPAN("\0x") },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *path = write_file(rows[i].file.p, rows[i].file.len);
		g_autofree char *text = NULL;
		gsize len;

		assert_true(rmt_cli_read_message(path, &text, &len, NULL));
		unlink(path);
		assert_true(rmt_span_eq(rmt_span(text, len), rows[i].want));
		assert_int_equal(text[len], '\0');
	}
}

static void what_is_no_file_is_said_so(void **state)
{
	static const struct {
		const char *file, *complaint;
	} rows[] = {
		{ "/nonexistent/m.eml", "/nonexistent/m.eml: No such file" },
		{ "/tmp", "/tmp: Is a directory" },
		{ "/dev/zero", "/dev/zero: more than 256 MB" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(GError) err = NULL;
		char *text = NULL;
		gsize len;

		assert_false(rmt_cli_read(rows[i].file, &text, &len, &err));
		assert_null(text);
		assert_non_null(strstr(err->message, rows[i].complaint));
	}
}

static void a_time_is_in_unix_seconds(void **state)
{
	int64_t now = 7;

	(void)state;
	assert_true(rmt_cli_now("1700000000", &now, NULL));
	assert_int_equal(now, 1700000000);
	assert_false(rmt_cli_now("yesterday", &now, NULL));
	assert_false(rmt_cli_now("-1", &now, NULL));
	assert_false(rmt_cli_now("", &now, NULL));
	assert_int_equal(now, 1700000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_domain_is_told_from_what_looks_like_one),
		cmocka_unit_test(a_selector_is_the_part_before_domainkey),
		cmocka_unit_test(brackets_of_an_address_are_taken_off),
		cmocka_unit_test(a_message_comes_without_its_mailbox_line),
		cmocka_unit_test(what_is_no_file_is_said_so),
		cmocka_unit_test(a_time_is_in_unix_seconds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
