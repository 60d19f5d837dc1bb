/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>

#include "common/report/text.h"

static void statuses_are_found_and_addresses_of_hosts_are_not(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "550 5.1.1 unknown", "5.1.1" },
		{ "(#5.2.2)", "5.2.2" },
		{ "5.0.0 then 5.7.26.", "5.7.26" },
		{ "5.0.0", "5.0.0" },
		{ "host 5.1.1.7", "" },
		{ "version 15.1.1", "" },
		{ "5.1.1234", "" },
		{ "3.1.1", "" },
		{ "5.1.", "" },
		{ "4.4.1", "4.4.1" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(rows); i++) {
		char status[12] = "";

		rmt_text_status(rmt_span_of(rows[i].text), status);
		assert_string_equal(status, rows[i].want);
	}
}

static void replies_are_found_where_servers_speak(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "550 5.1.1 unknown", "550" },
		{ "host x[192.0.2.1] said: 452 later", "452" },
		{ "<<< 554 no", "554" },
		{ "after 500 lines: 421 bye", "421" },
		{ "ERROR_CODE :550,", "550" },
		{ "at 10:550 o", "" },
		{ "x-550 y", "" },
		{ "5501", "" },
		{ "#550 5.1.1 RecipNotFound; not found ##", "550" },
		{ "ticket #550 of yours", "" },
		{ "550", "550" },
		{ "responded as follows: [550 5.1.1 unknown]", "550" },
		{ "from [250] and [203.0.113.5]", "" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(rows); i++) {
		char reply[4] = "";

		rmt_text_reply(rmt_span_of(rows[i].text), reply);
		assert_string_equal(reply, rows[i].want);
	}
}

static void addresses_are_cut_out_of_what_surrounds_them(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "<ann@x.example>", "ann@x.example" },
		{ "'ann@x.example'", "ann@x.example" },
		{ "to ann+tag=1@x.example.", "ann+tag=1@x.example" },
		{ "mailto:ann@x.example>", "ann@x.example" },
		{ "\"a b\"@x.example:", "\"a b\"@x.example" },
		{ "ann@[192.0.2.1]!", "ann@[192.0.2.1]" },
		{ "@x.example", "" },
		{ "ann@", "" },
		{ "@", "" },
		{ "@@ a@b", "a@b" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct rmt_span address = { "", 0 };
		size_t at = 0;

		if (!rmt_text_next_address(rmt_span_of(rows[i].text), &at, &address))
			address.len = 0;
		if (!rmt_span_eq(address, rmt_span_of(rows[i].want)))
			fail_msg("'%s': got '%.*s'", rows[i].text,
				 RMT_SPAN_ARGS(address));
	}
}

static void the_normal_form_has_words_only(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "User\r\n  Unknown", "user unknown " },
		{ "<a@x.example>... Doesn't", "@. doesnt " },
		{ "MAIL FROM:<a@x.example>", "mail from:@ " },
		{ "mx1.spam.example[192.0.2.1] said", "# said " },
		{ "see https://x.example/spam now", "see :// now " },
		{ "550-5.1.1 no\n550-5.1.1 such\n550 5.1.1 user",
		  "550 5.1.1 no such user " },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(GString) out = g_string_new(NULL);

		rmt_text_normal(out, rmt_span_of(rows[i].text));
		assert_string_equal(out->str, rows[i].want);
	}
}

static void html_becomes_what_is_seen(void **state)
{
	static const struct {
		const char *html, *want;
	} rows[] = {
		{ "a<br>b", "a\nb" },
		{ "<b>x</b> &lt;ann@x.example&gt;", "x <ann@x.example>" },
		{ "<style>p { }</style>t", "t" },
		{ "1 < 2 <ann@x.example>", "1 < 2 <ann@x.example>" },
		{ "<b", "<b" },
		{ "<style>never ends", "" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(GString) out = g_string_new(NULL);

		rmt_text_from_html(out, rmt_span_of(rows[i].html));
		assert_string_equal(out->str, rows[i].want);
	}
}

static void letters_of_other_scripts_are_folded_too(void **state)
{
	char text[] = "ÀÉÖ× Такого АДРЕСА Привет";

	(void)state;
	rmt_text_lower(text, strlen(text));
	assert_string_equal(text, "àéö× такого адреса привет");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(statuses_are_found_and_addresses_of_hosts_are_not),
		cmocka_unit_test(replies_are_found_where_servers_speak),
		cmocka_unit_test(addresses_are_cut_out_of_what_surrounds_them),
		cmocka_unit_test(the_normal_form_has_words_only),
		cmocka_unit_test(html_becomes_what_is_seen),
		cmocka_unit_test(letters_of_other_scripts_are_folded_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
