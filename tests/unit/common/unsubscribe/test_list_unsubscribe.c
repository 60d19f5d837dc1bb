/* SPDX-License-Identifier: MIT */
/* Ids L01, L03, U01 of docs/unsubscribe.md. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include <cmocka.h>

#include "common/unsubscribe/list_unsubscribe.h"

static const char kind_letters[] = { 's', 'p', 'm', 'o' };

/* "s:https://x m:mailto:y", and " cut" where the rest was void. */
static GString *show(const char *value)
{
	/* Without its NUL, so that reading over the end shows. */
	g_autofree char *copy = g_memdup2(value, MAX(strlen(value), 1));
	struct rmt_list_unsubscribe list;
	GString *out = g_string_new(NULL);
	size_t i;

	rmt_list_unsubscribe_read(rmt_span(copy, strlen(value)), &list);
	for (i = 0; i < list.count; i++)
		g_string_append_printf(out, "%s%c:%.*s", i > 0 ? " " : "",
				       kind_letters[list.uris[i].kind],
				       RMT_SPAN_ARGS(list.uris[i].text));
	if (list.cut)
		g_string_append(out, out->len > 0 ? " cut" : "cut");
	rmt_list_unsubscribe_clear(&list);
	return out;
}

static void L01_uris_stand_in_brackets_parted_by_commas(void **state)
{
	static const struct {
		const char *value, *want;
	} cases[] = {
		{ " <https://l.example/u?a=1>", "s:https://l.example/u?a=1" },
		{ "<mailto:u@l.example>,\r\n <https://l.example/u>",
		  "m:mailto:u@l.example s:https://l.example/u" },
		{ "<HTTPS://L.example/>, <Http://l.example/>, <ftp://l.example/u>",
		  "s:HTTPS://L.example/ p:Http://l.example/ o:ftp://l.example/u" },
		{ "<https://l.example/?ids=1,2,3>,<mailto:a@x.example,b@x.example>",
		  "s:https://l.example/?ids=1,2,3 m:mailto:a@x.example,b@x.example" },
		{ "<https://l.example/\r\n\tu/\r\n very/long>",
		  "s:https://l.example/u/very/long" },
		{ "(web \\) (nested)) <https://l.example/u> (or by mail), "
		  "<mailto:u@l.example> (x)",
		  "s:https://l.example/u m:mailto:u@l.example" },
		{ "<>", "o:" },
		{ "<https:>", "o:https:" },
		{ "", "" },
		{ " \r\n ", "" },
		{ "(only a comment", "" },
		{ "<https://l.example/u>,", "s:https://l.example/u" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		GString *got = show(cases[i].value);

		assert_string_equal(got->str, cases[i].want);
		g_string_free(got, TRUE);
	}
}

static void L01_what_is_no_bracket_makes_the_rest_void(void **state)
{
	static const struct {
		const char *value, *want;
	} cases[] = {
		{ "https://l.example/u", "cut" },
		{ "mailto:u@l.example, <https://l.example/u>", "cut" },
		{ "<https://l.example/u> click it, <mailto:u@l.example>",
		  "s:https://l.example/u cut" },
		{ "<https://l.example/u> <mailto:u@l.example>",
		  "s:https://l.example/u cut" },
		{ "<https://l.example/u>, NO, <mailto:u@l.example>",
		  "s:https://l.example/u cut" },
		{ "<mailto:u@l.example>, <https://l.example/u",
		  "m:mailto:u@l.example cut" },
		{ "<https://l.example/u>,,<mailto:u@l.example>",
		  "s:https://l.example/u cut" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		GString *got = show(cases[i].value);

		assert_string_equal(got->str, cases[i].want);
		g_string_free(got, TRUE);
	}
}

static void L01_a_hundred_uris_are_counted_and_the_first_kept(void **state)
{
	g_autoptr(GString) value = g_string_new("<mailto:u@l.example>");
	struct rmt_list_unsubscribe list;
	int i;

	(void)state;
	for (i = 1; i < 100; i++)
		g_string_append_printf(value, ",\r\n <https://l%d.example/u>", i);
	rmt_list_unsubscribe_read(rmt_span(value->str, value->len), &list);
	assert_int_equal(list.seen, 100);
	assert_int_equal(list.count, RMT_LIST_URIS_MAX);
	assert_int_equal(list.https_count, 99);
	assert_false(list.cut);
	assert_int_equal(
		rmt_one_click_judge(&list, RMT_SPAN("List-Unsubscribe=One-Click")),
		RMT_ONE_CLICK_SEVERAL);
	rmt_list_unsubscribe_clear(&list);
}

static void L01_the_leftmost_of_a_kind_is_the_one(void **state)
{
	struct rmt_list_unsubscribe list;

	(void)state;
	rmt_list_unsubscribe_read(RMT_SPAN("<mailto:a@l.example>, <mailto:b@l.example>"),
				  &list);
	assert_memory_equal(
		rmt_list_unsubscribe_first(&list, RMT_LIST_URI_MAILTO)->text.p,
		"mailto:a@", 9);
	assert_null(rmt_list_unsubscribe_first(&list, RMT_LIST_URI_HTTPS));
	rmt_list_unsubscribe_clear(&list);
}

static void L01_an_endless_value_is_read_in_linear_time(void **state)
{
	const size_t len = 1024 * 1024;
	g_autofree char *value = g_malloc(len);
	struct rmt_list_unsubscribe list;
	static const char fills[] = "(<, \\\"x";
	const char *fill;

	(void)state;
	for (fill = fills; *fill != '\0'; fill++) {
		g_autoptr(GString) id = g_string_new(NULL);
		const clock_t before = clock(); /* of the processor */

		memset(value, *fill, len);
		rmt_list_unsubscribe_read(rmt_span(value, len), &list);
		assert_int_equal(list.count, 0);
		rmt_list_unsubscribe_clear(&list);
		assert_false(rmt_list_id_read(rmt_span(value, len), id));
		assert_true(clock() - before < 5 * CLOCKS_PER_SEC);
	}
}

static void U01_the_post_value_is_the_pair_and_nothing_else(void **state)
{
	static const struct {
		const char *value;
		bool want;
	} cases[] = {
		{ "List-Unsubscribe=One-Click", true },
		{ " List-Unsubscribe=One-Click ", true },
		{ "\r\n\tList-Unsubscribe=One-Click", true },
		{ "list-unsubscribe=One-Click", true },
		{ "List-Unsubscribe=one-click", false },
		{ "List-Unsubscribe=One-Click; x=y", false },
		{ "List-Unsubscribe=One-Click, List-Unsubscribe=One-Click", false },
		{ "List-Unsubscribe = One-Click", false },
		{ "One-Click", false },
		{ "List-Unsubscribe=\"One-Click\"", false },
		{ "", false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++)
		assert_int_equal(
			rmt_list_unsubscribe_post_ok(rmt_span_of(cases[i].value)),
			cases[i].want);
}

static void U01_one_click_takes_one_https_uri_and_the_pair(void **state)
{
	static const struct {
		const char *value, *post;
		enum rmt_one_click want;
	} cases[] = {
		{ "<https://l.example/u>", "List-Unsubscribe=One-Click",
		  RMT_ONE_CLICK_OK },
		{ "<mailto:u@l.example>, <https://l.example/u>",
		  " List-Unsubscribe=One-Click", RMT_ONE_CLICK_OK },
		{ "<http://l.example/u>, <https://l.example/u>",
		  "List-Unsubscribe=One-Click", RMT_ONE_CLICK_OK },
		{ "<https://l.example/u>", NULL, RMT_ONE_CLICK_NO_POST },
		{ "<https://l.example/u>", "", RMT_ONE_CLICK_BAD_POST },
		{ "<https://l.example/u>", "List-Unsubscribe=Two",
		  RMT_ONE_CLICK_BAD_POST },
		{ "https://l.example/u", "List-Unsubscribe=One-Click",
		  RMT_ONE_CLICK_NO_URI },
		{ "", "List-Unsubscribe=One-Click", RMT_ONE_CLICK_NO_URI },
		{ "<http://l.example/u>", "List-Unsubscribe=One-Click",
		  RMT_ONE_CLICK_NO_HTTPS },
		{ "<mailto:u@l.example>", "List-Unsubscribe=One-Click",
		  RMT_ONE_CLICK_NO_HTTPS },
		{ "<https://a.example/>, <https://b.example/>",
		  "List-Unsubscribe=One-Click", RMT_ONE_CLICK_SEVERAL },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct rmt_list_unsubscribe list;

		rmt_list_unsubscribe_read(rmt_span_of(cases[i].value), &list);
		assert_int_equal(rmt_one_click_judge(&list, rmt_span_of(cases[i].post)),
				 cases[i].want);
		rmt_list_unsubscribe_clear(&list);
	}
}

static void U01_an_overlong_uri_is_not_cut_but_refused(void **state)
{
	g_autoptr(GString) value = g_string_new("<https://l.example/");
	struct rmt_list_unsubscribe list;

	(void)state;
	while (value->len <= RMT_LIST_URI_MAX + 1)
		g_string_append_c(value, 'a');
	g_string_append_c(value, '>');
	rmt_list_unsubscribe_read(rmt_span(value->str, value->len), &list);
	assert_int_equal(
		rmt_one_click_judge(&list, RMT_SPAN("List-Unsubscribe=One-Click")),
		RMT_ONE_CLICK_TOO_LONG);
	rmt_list_unsubscribe_clear(&list);
}

static void each_result_has_its_word_and_sentence(void **state)
{
	int i, k;

	(void)state;
	for (i = 0; i < RMT_ONE_CLICK_COUNT; i++) {
		assert_non_null(rmt_one_click_text((enum rmt_one_click)i));
		for (k = 0; k < i; k++)
			assert_string_not_equal(
				rmt_one_click_word((enum rmt_one_click)i),
				rmt_one_click_word((enum rmt_one_click)k));
	}
}

static void L03_a_list_id_is_what_stands_in_the_last_brackets(void **state)
{
	static const struct {
		const char *value, *want;
	} cases[] = {
		{ "List Header Mailing List <list-header.nisto.com>",
		  "list-header.nisto.com" },
		{ " <commonspace-users.list-id.within.com>",
		  "commonspace-users.list-id.within.com" },
		{ "\"Lena's <Personal> Joke List\"\r\n "
		  "<lenas-jokes.da39efc25c530ad145d41b86"
		  "f7420c3b.021999.LOCALHOST>",
		  "lenas-jokes.da39efc25c530ad145d41b86f7420c3b.021999.localhost" },
		{ "<0Jks9449.list-id.cmu.edu> (as of (then))",
		  "0jks9449.list-id.cmu.edu" },
		{ "< a.example >", "a.example" },
		{ "a.example", NULL },
		{ "<noddots>", NULL },
		{ "<a..example>", NULL },
		{ "<.example>", NULL },
		{ "<a.>", NULL },
		{ "<a b.example>", NULL },
		{ "<a.example> trailing", NULL },
		{ "<a.example", NULL },
		{ "", NULL },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GString) got = g_string_new(NULL);
		g_autofree char *copy =
			g_memdup2(cases[i].value, MAX(strlen(cases[i].value), 1));
		const bool ok =
			rmt_list_id_read(rmt_span(copy, strlen(cases[i].value)), got);

		assert_int_equal(ok, cases[i].want != NULL);
		assert_string_equal(got->str, cases[i].want != NULL ? cases[i].want : "");
	}
}

static void L03_a_list_id_has_at_most_255_octets(void **state)
{
	g_autoptr(GString) value = g_string_new("<a.");
	g_autoptr(GString) got = g_string_new(NULL);

	(void)state;
	while (value->len < RMT_LIST_ID_MAX + 1)
		g_string_append_c(value, 'b');
	g_string_append_c(value, '>');
	assert_true(rmt_list_id_read(rmt_span(value->str, value->len), got));
	assert_int_equal(got->len, RMT_LIST_ID_MAX);
	g_string_insert_c(value, 1, 'x');
	assert_false(rmt_list_id_read(rmt_span(value->str, value->len), got));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(L01_uris_stand_in_brackets_parted_by_commas),
		cmocka_unit_test(L01_what_is_no_bracket_makes_the_rest_void),
		cmocka_unit_test(L01_a_hundred_uris_are_counted_and_the_first_kept),
		cmocka_unit_test(L01_the_leftmost_of_a_kind_is_the_one),
		cmocka_unit_test(L01_an_endless_value_is_read_in_linear_time),
		cmocka_unit_test(U01_the_post_value_is_the_pair_and_nothing_else),
		cmocka_unit_test(U01_one_click_takes_one_https_uri_and_the_pair),
		cmocka_unit_test(U01_an_overlong_uri_is_not_cut_but_refused),
		cmocka_unit_test(each_result_has_its_word_and_sentence),
		cmocka_unit_test(L03_a_list_id_is_what_stands_in_the_last_brackets),
		cmocka_unit_test(L03_a_list_id_has_at_most_255_octets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
