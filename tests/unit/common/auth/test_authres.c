/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/auth/authres.h"

#define ID "mail.x.example"

static void a_forged_field_is_known_by_its_id(void **state)
{
	static const struct {
		struct rmt_span value;
		enum rmt_authres_owner want;
	} rows[] = {
		{ RMT_SPAN(" mail.x.example; dkim=pass"), RMT_AUTHRES_OURS },
		{ RMT_SPAN("mail.x.example; none"), RMT_AUTHRES_OURS },
		{ RMT_SPAN(" MAIL.X.Example; spf=pass"), RMT_AUTHRES_OURS },
		{ RMT_SPAN(" mail.x.example 1; spf=pass"), RMT_AUTHRES_OURS },
		{ RMT_SPAN(" mail.x.example.; spf=pass"), RMT_AUTHRES_OURS },
		{ RMT_SPAN(" mail.x.example"), RMT_AUTHRES_OURS },
		{ RMT_SPAN("\r\n\tmail.x.example;\r\n\tspf=pass"), RMT_AUTHRES_OURS },
		{ RMT_SPAN(" (hi) mail.x.example (ho); spf=pass"), RMT_AUTHRES_OURS },
		{ RMT_SPAN(" (a (b \\) c)) mail.x.example;"), RMT_AUTHRES_OURS },
		{ RMT_SPAN(" \"mail.x.example\"; spf=pass"), RMT_AUTHRES_OURS },
		{ RMT_SPAN(" \"mail\\.x.example\"; spf=pass"), RMT_AUTHRES_OURS },
		{ RMT_SPAN(" mx.y.example; spf=pass"), RMT_AUTHRES_FOREIGN },
		{ RMT_SPAN(" mail.x.example.evil; spf=pass"), RMT_AUTHRES_FOREIGN },
		{ RMT_SPAN(" notmail.x.example; spf=pass"), RMT_AUTHRES_FOREIGN },
		{ RMT_SPAN(" x.example; spf=pass smtp.mailfrom=mail.x.example"),
		  RMT_AUTHRES_FOREIGN },
		{ RMT_SPAN(" \xd0\xbc.example; spf=pass"), RMT_AUTHRES_FOREIGN },
		{ RMT_SPAN(""), RMT_AUTHRES_UNREADABLE },
		{ RMT_SPAN(" ; spf=pass"), RMT_AUTHRES_UNREADABLE },
		{ RMT_SPAN(" (mail.x.example; spf=pass"), RMT_AUTHRES_UNREADABLE },
		{ RMT_SPAN(" ((((((((((a))))))))))mail.x.example;"),
		  RMT_AUTHRES_UNREADABLE },
		{ RMT_SPAN(" \"mail.x.example; spf=pass"), RMT_AUTHRES_UNREADABLE },
		{ RMT_SPAN(" \"mail.x.example\\"), RMT_AUTHRES_UNREADABLE },
		{ RMT_SPAN(" mail.x.example\0; spf=pass"), RMT_AUTHRES_UNREADABLE },
		{ RMT_SPAN(" mail. x.example; spf=pass"), RMT_AUTHRES_UNREADABLE },
		{ RMT_SPAN(" spf=pass; mail.x.example"), RMT_AUTHRES_UNREADABLE },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(rows); i++) {
		char *copy = g_memdup2(rows[i].value.p, rows[i].value.len);

		if (rmt_authres_owner(rmt_span(copy, rows[i].value.len), ID) !=
		    rows[i].want)
			fail_msg("row %zu: '%.*s'", i, RMT_SPAN_ARGS(rows[i].value));
		g_free(copy);
	}
}

static void removals_are_numbered_from_the_bottom(void **state)
{
	static const char section[] =
		"Authentication-Results: mail.x.example; dkim=pass\r\n"
		"From: ann@x.example\r\n"
		"authentication-results: mx.y.example; dkim=pass\r\n"
		"AUTHENTICATION-RESULTS : mail.x.example; spf=pass\r\n"
		"X-Authentication-Results: mail.x.example; spf=pass\r\n"
		"Authentication-Results: (\r\n"
		"\r\n"
		"Authentication-Results: mail.x.example; in=body\r\n";
	g_autoptr(GArray) removals = rmt_authres_removals(RMT_SPAN(section), ID);

	(void)state;
	assert_int_equal(removals->len, 3);
	assert_int_equal(g_array_index(removals, guint, 0), 4);
	assert_int_equal(g_array_index(removals, guint, 1), 3);
	assert_int_equal(g_array_index(removals, guint, 2), 1);
}

static void results_are_written_as_the_rfc_has_them(void **state)
{
	struct rmt_dkim_signature pass = {
		.result = RMT_DKIM_PASS,
		.reason = RMT_DKIM_OK,
		.domain = RMT_SPAN("x.example"),
		.selector = RMT_SPAN("s1"),
		.identity = RMT_SPAN("@x.example"),
		.algorithm = RMT_SPAN("rsa-sha256"),
		.b = RMT_SPAN("AbC\r\n dEf/+ghi"),
	};
	struct rmt_dkim_signature fail = {
		.result = RMT_DKIM_FAIL,
		.reason = RMT_DKIM_BODY_HASH,
		.domain = RMT_SPAN("y.example"),
	};
	g_autoptr(GString) value = g_string_new(NULL);

	(void)state;
	rmt_authres_begin(value, ID);
	rmt_authres_method(value, "spf", "pass");
	rmt_authres_property(value, "smtp.mailfrom", RMT_SPAN("news@x.example"));
	rmt_authres_dkim(value, &pass);
	rmt_authres_dkim(value, &fail);
	rmt_authres_end(value);
	assert_string_equal(value->str,
			    "mail.x.example;\r\n"
			    "\tspf=pass smtp.mailfrom=news@x.example;\r\n"
			    "\tdkim=pass header.d=x.example header.i=@x.example"
			    " header.s=s1 header.a=rsa-sha256 header.b=\"AbCdEf/+\";\r\n"
			    "\tdkim=fail reason=body-hash header.d=y.example");
	assert_int_equal(rmt_authres_owner(rmt_span(value->str, value->len), ID),
			 RMT_AUTHRES_OURS);
}

static void nothing_to_say_is_said(void **state)
{
	g_autoptr(GString) value = g_string_new(NULL);

	(void)state;
	rmt_authres_begin(value, ID);
	rmt_authres_end(value);
	assert_string_equal(value->str, "mail.x.example; none");
}

static void strangers_cannot_write_results_of_their_own(void **state)
{
	static const struct {
		struct rmt_span text;
		const char *want;
	} rows[] = {
		{ RMT_SPAN("x; dkim=pass"), " p=\"x; dkim=pass\"" },
		{ RMT_SPAN("a\"b\\c"), " p=\"a\\\"b\\\\c\"" },
		{ RMT_SPAN("x\r\nBcc: y"), " p=\"x??Bcc: y\"" },
		{ RMT_SPAN("x\0y"), " p=\"x?y\"" },
		{ RMT_SPAN("(comment)"), " p=\"(comment)\"" },
		{ RMT_SPAN("a b@x.example"), " p=\"a b@x.example\"" },
		{ RMT_SPAN("a@b@x.example"), " p=\"a@b@x.example\"" },
		{ RMT_SPAN("@x.example"), " p=@x.example" },
		{ RMT_SPAN(""), " p=\"\"" },
		{ RMT_SPAN("\xc3\xb6"), " p=\"??\"" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(GString) value = g_string_new(NULL);

		rmt_authres_property(value, "p", rows[i].text);
		assert_string_equal(value->str, rows[i].want);
	}
}

static void long_texts_are_cut_and_folded(void **state)
{
	g_autofree char *text = g_strnfill(5000, 'a');
	g_autoptr(GString) value = g_string_new(NULL);

	(void)state;
	rmt_authres_property(value, "p", rmt_span_of(text));
	assert_int_equal(value->len, strlen("\r\n\t p=") + 255);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_forged_field_is_known_by_its_id),
		cmocka_unit_test(removals_are_numbered_from_the_bottom),
		cmocka_unit_test(results_are_written_as_the_rfc_has_them),
		cmocka_unit_test(nothing_to_say_is_said),
		cmocka_unit_test(strangers_cannot_write_results_of_their_own),
		cmocka_unit_test(long_texts_are_cut_and_folded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
