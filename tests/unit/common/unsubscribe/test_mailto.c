/* SPDX-License-Identifier: MIT */
/* Ids L02 and pitfall 23 of docs/unsubscribe.md. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/unsubscribe/mailto.h"

static enum rmt_mailto_result read_copy(const char *uri, struct rmt_mailto *mailto)
{
	g_autofree char *copy = g_memdup2(uri, MAX(strlen(uri), 1));

	return rmt_mailto_read(rmt_span(copy, strlen(uri)), mailto);
}

static void L02_recipient_subject_and_body_are_decoded(void **state)
{
	static const struct {
		const char *uri, *to, *subject, *body;
	} cases[] = {
		{ "mailto:u@l.example", "u@l.example", "", "" },
		{ "MAILTO:u@l.example?Subject=leave%20now", "u@l.example", "leave now",
		  "" },
		{ "mailto:u+tag@l.example?subject=a+b", "u+tag@l.example", "a+b", "" },
		{ "mailto:u%2Btag@l.example", "u+tag@l.example", "", "" },
		{ "mailto:?to=u@l.example&body=x", "u@l.example", "", "x" },
		{ "mailto:?cc=u@l.example", "u@l.example", "", "" },
		{ "mailto:u@l.example?body=one%0D%0Atwo%0Athree%09", "u@l.example", "",
		  "one\ntwo\nthree\t" },
		{ "mailto:u@l.example?subject=%C3%A1", "u@l.example", "\xc3\xa1", "" },
		{ "mailto:u@l.example?subject=a?b=c#part", "u@l.example", "a?b=c", "" },
		{ "mailto:u@l.example?subject=first&subject=second", "u@l.example",
		  "first", "" },
		{ "mailto:u%25x@l.example", "u%x@l.example", "", "" },
		{ "mailto:,u@l.example,?to=", "u@l.example", "", "" },
		{ "mailto:u@l.example?&&x&=&subject=s&", "u@l.example", "s", "" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct rmt_mailto mailto;

		assert_int_equal(read_copy(cases[i].uri, &mailto), RMT_MAILTO_OK);
		assert_string_equal(mailto.to, cases[i].to);
		assert_string_equal(mailto.subject, cases[i].subject);
		assert_string_equal(mailto.body, cases[i].body);
		rmt_mailto_clear(&mailto);
	}
}

static void L02_other_fields_are_left_out(void **state)
{
	struct rmt_mailto mailto;

	(void)state;
	assert_int_equal(
		read_copy("mailto:u@l.example?bcc=v@x.example&from=root@x.example&"
			  "in-reply-to=%3Ca@b%3E&content-type=text/html&amp;subject=x",
			  &mailto),
		RMT_MAILTO_OK);
	assert_string_equal(mailto.to, "u@l.example");
	assert_string_equal(mailto.subject, "");
	rmt_mailto_clear(&mailto);
}

static void L02_what_could_harm_is_refused(void **state)
{
	static const struct {
		const char *uri;
		enum rmt_mailto_result want;
	} cases[] = {
		{ "https://l.example/", RMT_MAILTO_SCHEME },
		{ "mailto", RMT_MAILTO_SCHEME },
		{ "", RMT_MAILTO_SCHEME },
		{ "mailto:", RMT_MAILTO_NO_RECIPIENT },
		{ "mailto:?subject=x", RMT_MAILTO_NO_RECIPIENT },
		{ "mailto:a@l.example,b@l.example", RMT_MAILTO_RECIPIENTS },
		{ "mailto:a@l.example?to=b@l.example", RMT_MAILTO_RECIPIENTS },
		{ "mailto:a@l.example?cc=b@l.example", RMT_MAILTO_RECIPIENTS },
		{ "mailto:u@l.example?subject=x%0D%0ABcc:%20v@x.example",
		  RMT_MAILTO_CONTROL },
		{ "mailto:u@l.example?subject=x%0Ay", RMT_MAILTO_CONTROL },
		{ "mailto:u@l.example?subject=x%7F", RMT_MAILTO_CONTROL },
		{ "mailto:u%0D%0ARCPT%20TO:%3Cv%40x.example%3E@l.example",
		  RMT_MAILTO_CONTROL },
		{ "mailto:u@l.example?body=x%0Dy", RMT_MAILTO_CONTROL },
		{ "mailto:u@l.example?body=x%00y", RMT_MAILTO_ENCODING },
		{ "mailto:u@l.example?subject=%ff", RMT_MAILTO_ENCODING },
		{ "mailto:u@l.example?subject=%4", RMT_MAILTO_ENCODING },
		{ "mailto:u@l.example?subject=%zz", RMT_MAILTO_ENCODING },
		{ "mailto:u%@l.example", RMT_MAILTO_ENCODING },
		{ "mailto:root", RMT_MAILTO_ADDRESS },
		{ "mailto:u@localhost", RMT_MAILTO_ADDRESS },
		{ "mailto:u@[127.0.0.1]", RMT_MAILTO_ADDRESS },
		{ "mailto:u@127.0.0.1", RMT_MAILTO_ADDRESS },
		{ "mailto:u@l..example", RMT_MAILTO_ADDRESS },
		{ "mailto:%22u%20x%22@l.example", RMT_MAILTO_ADDRESS },
		{ "mailto:a%2Cb@l.example", RMT_MAILTO_ADDRESS },
		{ "mailto:u@x.example%3E%3C@l.example", RMT_MAILTO_ADDRESS },
		{ "mailto:.u@l.example", RMT_MAILTO_ADDRESS },
		{ "mailto:@l.example", RMT_MAILTO_ADDRESS },
		{ "mailto:u@l.example.", RMT_MAILTO_ADDRESS },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct rmt_mailto mailto;

		assert_int_equal(read_copy(cases[i].uri, &mailto), cases[i].want);
		assert_null(mailto.to);
		assert_null(mailto.subject);
		assert_null(mailto.body);
	}
}

static void L02_each_part_has_its_size(void **state)
{
	static const struct {
		const char *head, *tail;
		size_t max;
	} parts[] = {
		{ "mailto:", "@l.example", RMT_MAILTO_ADDRESS_MAX - 10 },
		{ "mailto:u@l.example?subject=", "", RMT_MAILTO_SUBJECT_MAX },
		{ "mailto:u@l.example?body=", "", RMT_MAILTO_BODY_MAX },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(parts); i++) {
		g_autofree char *filling = g_strnfill(parts[i].max + 1, 'x');
		g_autofree char *over =
			g_strconcat(parts[i].head, filling, parts[i].tail, NULL);
		g_autofree char *fits =
			g_strconcat(parts[i].head, filling + 1, parts[i].tail, NULL);
		struct rmt_mailto mailto;

		assert_int_equal(read_copy(fits, &mailto), RMT_MAILTO_OK);
		rmt_mailto_clear(&mailto);
		assert_int_equal(read_copy(over, &mailto), RMT_MAILTO_TOO_LONG);
	}
}

static void pitfall_23_addresses_of_services_are_known(void **state)
{
	(void)state;
	assert_true(rmt_mailto_is_role(RMT_SPAN("Postmaster@l.example")));
	assert_true(rmt_mailto_is_role(RMT_SPAN("root")));
	assert_false(rmt_mailto_is_role(RMT_SPAN("list-leave@l.example")));
	assert_false(rmt_mailto_is_role(RMT_SPAN("ann@root.example")));
}

static void each_result_has_its_word(void **state)
{
	int i, k;

	(void)state;
	for (i = 0; i < RMT_MAILTO_COUNT; i++)
		for (k = 0; k < i; k++)
			assert_string_not_equal(
				rmt_mailto_word((enum rmt_mailto_result)i),
				rmt_mailto_word((enum rmt_mailto_result)k));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(L02_recipient_subject_and_body_are_decoded),
		cmocka_unit_test(L02_other_fields_are_left_out),
		cmocka_unit_test(L02_what_could_harm_is_refused),
		cmocka_unit_test(L02_each_part_has_its_size),
		cmocka_unit_test(pitfall_23_addresses_of_services_are_known),
		cmocka_unit_test(each_result_has_its_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
