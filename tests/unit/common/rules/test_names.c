/* SPDX-License-Identifier: MIT */
/* What names alone tell: free mail, generic hosts, mixed scripts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/message/idn.h"
#include "common/rules/names.h"
#include "common/rules/record.h"
#include "common/rules/scripts.h"

static void generic_names_hold_the_address_or_a_word_for_a_line(void **state)
{
	static const struct {
		const char *name;
		bool generic;
	} rows[] = {
		{ "mail.example.com", false },
		{ "mx7.example.com", false },
		{ "mail-192.example.com", false },
		{ "dynamic.example", false }, /* the network's own name */
		{ "mail.dsl.example", false },
		{ "h192-0-2-7.example.com", true },
		{ "7.2.0.192.example.com", true },
		{ "static-192.0.2.7.isp.example", true },
		{ "x.dyn.isp.example", true },
		{ "p5.pool7.isp.example", true },
		{ "dhcp-a4.isp.example", true },
	};
	struct rmt_ip ip;
	size_t i;

	(void)state;
	assert_true(rmt_ip_parse(RMT_SPAN("192.0.2.7"), &ip));
	for (i = 0; i < G_N_ELEMENTS(rows); i++)
		if (rmt_is_generic_name(rmt_span_of(rows[i].name), &ip) !=
		    rows[i].generic)
			fail_msg("%s", rows[i].name);
}

static void labels_keep_to_one_script_or_a_set_that_belongs_together(void **state)
{
	static const struct {
		const char *text;
		bool ok;
	} rows[] = {
		{ "", true },
		{ "example-7.com", true },
		{ "b\xc3\xbc"
		  "cher.example",
		  true },
		{ "\xd0\xbf\xd1\x80\xd0\xb8\xd0\xbc\xd0\xb5\xd1\x80.com", true },
		{ "\xe6\x97\xa5\xe6\x9c\xac\xe3\x81\xae"
		  "a.jp",
		  true },                                  /* Han, Hiragana, Latin */
		{ "p\xd0\xb0ypal.com", false },            /* Cyrillic a */
		{ "\xce\xb1\xd0\xb1.com", false },         /* Greek and Cyrillic */
		{ "\xe3\x81\xae\xed\x95\x9c.com", false }, /* Hiragana, Hangul */
		{ "a.\xce\xb1"
		  "b",
		  false },
		{ "\xff.com", false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(rows); i++)
		if (rmt_scripts_ok(rmt_span_of(rows[i].text)) != rows[i].ok)
			fail_msg("row %zu: %s", i, rows[i].text);
}

static void a_labels_become_u_labels(void **state)
{
	g_autoptr(GString) out = g_string_new("");

	(void)state;
	assert_true(rmt_domain_unicode(RMT_SPAN("xn--bcher-kva.example"), out));
	assert_string_equal(out->str, "b\xc3\xbc"
				      "cher.example");
	assert_false(rmt_domain_unicode(RMT_SPAN("xn--a-zz9999.example"), out));
}

static void records_are_written_as_master_files_have_them(void **state)
{
	g_autofree char *odd = rmt_record_txt("d.example", RMT_SPAN("a\"b\\c\xe9"));
	g_autofree char *text = g_strnfill(300, 'x');
	g_autofree char *cut = rmt_record_txt("d.example", rmt_span_of(text));
	g_autofree char *a = rmt_record("m.d.example", "A", "%s", "192.0.2.1");

	(void)state;
	assert_string_equal(odd, "d.example. TXT \"a\\\"b\\\\c\\233\"");
	assert_string_equal(a, "m.d.example. A 192.0.2.1");
	assert_non_null(strstr(cut, "x\" \"x"));
	assert_int_equal(strlen(cut), strlen("d.example. TXT \"\" \"\"") + 300);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(generic_names_hold_the_address_or_a_word_for_a_line),
		cmocka_unit_test(
			labels_keep_to_one_script_or_a_set_that_belongs_together),
		cmocka_unit_test(a_labels_become_u_labels),
		cmocka_unit_test(records_are_written_as_master_files_have_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
