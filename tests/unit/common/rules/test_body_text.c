/* SPDX-License-Identifier: MIT */
/* What words a message's text has, however it is packed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "common/rules/body_text.h"

#define MIXED "Content-Type: multipart/mixed; boundary=\"b 1\"\r\n"
#define B64   "Content-Transfer-Encoding: base64\r\n"
#define QP    "Content-Transfer-Encoding: Quoted-Printable\r\n"

/* The input ends where its bytes do: an over-read shows. */
static enum rmt_body_text read_text(const char *section, const char *body, size_t len,
				    GString *out)
{
	g_autofree char *copy = g_memdup2(body, len);
	g_autofree char *head = g_memdup2(section, strlen(section) + 1);

	return rmt_body_text(rmt_span(head, strlen(head)), rmt_span(copy, len), out);
}

static void text_is_found_in_any_packing(void **state)
{
	static const struct {
		const char *name, *section, *body;
		enum rmt_body_text result;
		const char *has; /* NULL: nothing that matters */
	} rows[] = {
		{ "plain", "", "Hello\r\nUnSubscribe\r\n", RMT_BODY_TEXT, "unsubscribe" },
		{ "base64", B64, "SGVsbG8KVW5zdWJzY3JpYmU=", RMT_BODY_TEXT,
		  "unsubscribe" },
		{ "base64 in lines", B64, "SGVsbG8K\r\nVW5zdWJz\r\nY3JpYmU=\r\n",
		  RMT_BODY_TEXT, "unsubscribe" },
		{ "base64 cut short", B64, "VW5zdWJzY3JpYm", RMT_BODY_TEXT, "unsubscri" },
		{ "base64 that is none", B64, "!!!!", RMT_BODY_TEXT, "\n" },
		{ "quoted-printable", QP, "unsub=\r\nscribe =C3=A9t=", RMT_BODY_TEXT,
		  "unsubscribe \303\251t" },
		{ "a part in base64", MIXED,
		  "--b 1\r\n" B64 "\r\nVW5zdWJzY3JpYmU=\r\n--b 1--\r\n", RMT_BODY_TEXT,
		  "unsubscribe" },
		{ "the second part", MIXED,
		  "--b 1\r\n\r\none\r\n--b 1\r\n\r\nTwo\r\n--b 1--\r\nafter",
		  RMT_BODY_TEXT, "two" },
		{ "parts within parts", MIXED,
		  "--b 1\r\nContent-Type: Multipart/Alternative;\r\n\tboundary=c\r\n\r\n"
		  "--c\r\n" B64 "\r\nVW5zdWJzY3JpYmU=\r\n--c--\r\n--b 1--",
		  RMT_BODY_TEXT, "unsubscribe" },
		{ "a last part without an end", MIXED, "--b 1\r\n\r\nUnsubscribe",
		  RMT_BODY_TEXT, "unsubscribe" },
		{ "Latin-1", "Content-Type: text/plain; charset=ISO-8859-1\r\n" QP,
		  "d=E9sabonner", RMT_BODY_TEXT, "d\303\251sabonner" },
		{ "UTF-16", "Content-Type: text/html; charset=\"utf-16le\"\r\n" B64,
		  "VQBOAFMAVQBCAA==", RMT_BODY_TEXT, "unsub" },
		{ "a charset nobody knows", "Content-Type: text/plain; charset=x-y\r\n",
		  "Unsub", RMT_BODY_TEXT, "unsub" },
		{ "a picture", "Content-Type: image/png\r\n" B64, "VW5zdWJz",
		  RMT_BODY_NO_TEXT, NULL },
		{ "encrypted", "Content-Type: application/pkcs7-mime\r\n" B64, "VW5z",
		  RMT_BODY_NO_TEXT, NULL },
		{ "an encoding nobody knows", "Content-Transfer-Encoding: x-uue\r\n",
		  "begin", RMT_BODY_CODED, NULL },
		{ "no boundary", "Content-Type: multipart/mixed\r\n", "--\r\nx",
		  RMT_BODY_NO_TEXT, NULL },
		{ "a boundary that begins as another",
		  "Content-Type: multipart/mixed; boundary=b\r\n",
		  "--bb\r\n\r\nno\r\n--b\r\n\r\nyes\r\n", RMT_BODY_TEXT, "yes" },
		{ "nothing", "", "", RMT_BODY_TEXT, "\n" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(GString) out = g_string_new(NULL);
		enum rmt_body_text result = read_text(rows[i].section, rows[i].body,
						      strlen(rows[i].body), out);

		if (result != rows[i].result)
			fail_msg("%s: %d", rows[i].name, (int)result);
		if (rows[i].has != NULL && strstr(out->str, rows[i].has) == NULL)
			fail_msg("%s: '%s'", rows[i].name, out->str);
	}
}

static void a_part_that_is_no_text_is_left_out(void **state)
{
	static const char body[] = "--b 1\r\nContent-Type: "
				   "image/png\r\n\r\nunsubscribe\r\n--b 1\r\n\r\nHi\r\n";
	g_autoptr(GString) out = g_string_new(NULL);

	(void)state;
	assert_int_equal(read_text(MIXED, body, strlen(body), out), RMT_BODY_TEXT);
	assert_null(strstr(out->str, "unsubscribe"));
	assert_non_null(strstr(out->str, "hi"));
}

/* Each level names the next; nobody reads as deep as that. */
static void parts_nested_without_end_are_given_up(void **state)
{
	g_autoptr(GString) body = g_string_new(NULL), out = g_string_new(NULL);
	int i;

	(void)state;
	for (i = 0; i < 5000; i++)
		g_string_append(body, "--b 1\r\n" MIXED "\r\n");
	g_string_append(body, "--b 1\r\n\r\nunsubscribe");
	read_text(MIXED, body->str, body->len, out);
	assert_true(out->len < body->len);
}

static void octets_of_zero_end_nothing(void **state)
{
	static const char body[] = "a\0unsubscribe";
	g_autoptr(GString) out = g_string_new(NULL);

	(void)state;
	read_text("", body, sizeof(body) - 1, out);
	assert_non_null(strstr(out->str, "aunsubscribe"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_found_in_any_packing),
		cmocka_unit_test(a_part_that_is_no_text_is_left_out),
		cmocka_unit_test(parts_nested_without_end_are_given_up),
		cmocka_unit_test(octets_of_zero_end_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
