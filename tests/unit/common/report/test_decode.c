/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/report/decode.h"

static void transfer_encodings_are_taken_off(void **state)
{
	static const struct {
		const char *encoding, *text, *want;
	} rows[] = {
		{ "base64", "aGVs\nbG8=\n", "hello" },
		{ "base64", "aGVsbG8", "hel" }, /* cut short */
		{ "base64", "!!!!", "" },
		{ "quoted-printable", "caf=C3=A9=\n!=3d", "caf\xc3\xa9!=" },
		{ "quoted-printable", "a=\nb=\n", "ab" },
		{ "quoted-printable", "=zz =4", "=zz " }, /* cut short */
		{ "quoted-printable", "=41", "A" },
		{ "x-uuencode", "begin 644 a\n%:&5L;&\\`\n`\nend\n", "hello" },
		{ "x-uuencode", "begin 644 a\n%:&5", "" }, /* cut short */
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(GString) out = g_string_new(NULL);

		assert_true(rmt_decode_transfer(out, rows[i].encoding,
						rmt_span_of(rows[i].text)));
		assert_string_equal(out->str, rows[i].want);
	}
}

/* gzip has NULs: a report of DMARC's must come out as it was. */
static void no_octet_is_changed(void **state)
{
	g_autoptr(GString) out = g_string_new(NULL);

	(void)state;
	assert_true(rmt_decode_transfer(out, "base64", RMT_SPAN("H4sAAAEC")));
	assert_int_equal(out->len, 6);
	assert_memory_equal(out->str, "\x1f\x8b\0\0\1\2", 6);
}

static void what_is_not_encoded_is_left(void **state)
{
	g_autoptr(GString) out = g_string_new("as it was");

	(void)state;
	assert_false(rmt_decode_transfer(out, "8bit", RMT_SPAN("hello")));
	assert_false(rmt_decode_transfer(out, "", RMT_SPAN("hello")));
	assert_string_equal(out->str, "as it was");
}

static void texts_become_utf_8_whatever_they_are_called(void **state)
{
	static const struct {
		const char *text, *charset, *want;
	} rows[] = {
		{ "caf\xc3\xa9", "", "caf\xc3\xa9" },
		{ "caf\xc3\xa9", "iso-8859-1", "caf\xc3\xa9" }, /* it is UTF-8 */
		{ "caf\xe9", "iso-8859-1", "caf\xc3\xa9" },
		{ "caf\xe9", "no-such-set", "caf\xc3\xa9" },
		{ "caf\xe9", "", "caf\xc3\xa9" },
		{ "\033$B%\"\033(B", "", "\xe3\x82\xa2" },
		{ "\x83\x41", "shift_jis", "\xe3\x82\xa2" },
		{ "\xd3\xca", "gb2312", "\xe9\x82\xae" },
		{ "\xa5\xa2", "x-euc-jp", "\xe3\x82\xa2" },
		{ "\xbf\xeb", "windows-949", "\xec\x9a\xa9" },
		{ "\xe0", "iso-8859-8-i", "\xd7\x90" },
		/* one octet astray */
		{ "\xd3\xca\xff \xd3\xca", "gbk", "\xe9\x82\xae\xc3\xbf \xe9\x82\xae" },
		{ "\xe3\x82\xa2 \xe9", "utf-8", "\xe3\x82\xa2 \xc3\xa9" },
		{ "\033$B%\"\x29\x7f%\"\033(B", "iso-2022-jp",
		  "\xe3\x82\xa2?\xe3\x82\xa2" },
		{ "\x83\x41\x83", "shift_jis", "\xe3\x82\xa2\xc2\x83" }, /* cut short */
		{ "", "utf-8", "" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(GString) out = g_string_new(NULL);

		rmt_decode_charset(out, rmt_span_of(rows[i].text), rows[i].charset, 100);
		assert_string_equal(out->str, rows[i].want);
	}
}

static void encoded_words_are_read(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "plain", "plain" },
		{ "=?utf-8?Q?caf=C3=A9_au_lait?=", "caf\xc3\xa9 au lait" },
		{ "=?UTF-8?B?Y2Fmw6k=?= =?UTF-8?B?IQ==?= end", "caf\xc3\xa9! end" },
		{ "=?iso-8859-1*fr?q?caf=e9?=", "caf\xc3\xa9" },
		{ "a =?broken", "a =?broken" },
		{ "=?x?y", "=?x?y" },
		{ "=?utf-8?Q?no end", "=?utf-8?Q?no end" },
		{ "=?", "=?" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(GString) out = g_string_new(NULL);

		rmt_decode_words(out, rmt_span_of(rows[i].text));
		assert_string_equal(out->str, rows[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(transfer_encodings_are_taken_off),
		cmocka_unit_test(no_octet_is_changed),
		cmocka_unit_test(what_is_not_encoded_is_left),
		cmocka_unit_test(texts_become_utf_8_whatever_they_are_called),
		cmocka_unit_test(encoded_words_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
