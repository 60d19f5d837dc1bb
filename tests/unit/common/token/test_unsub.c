/* SPDX-License-Identifier: MIT */
/* E01, E02: what the links of a message say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "common/token/unsub.h"

#define HEX(d) d d d d d d d d d d d d d d d d

static struct rmt_sealer *new_sealer(enum rmt_purpose purpose)
{
	g_autoptr(rmt_keys) keys = rmt_keys_parse(
		"ring", RMT_SPAN("remite-keys 1\na 2026-12-31 " HEX("0123") "\n"), NULL);

	return rmt_sealer_new(keys, purpose, 0);
}

static struct rmt_span span_of(const GString *text)
{
	return rmt_span(text->str, text->len);
}

static GString *token_for(const struct rmt_unsub *unsub)
{
	g_autoptr(rmt_sealer) sealer = new_sealer(RMT_PURPOSE_UNSUBSCRIBE);
	GString *token = g_string_new(NULL);

	assert_true(rmt_unsub_token_make(sealer, unsub, token, NULL));
	return token;
}

static const struct rmt_unsub ann = {
	.stream = { "news", 4 },
	.recipient = { "Ann+x@Example.org", 17 },
	.list_count = 2,
	.lists = { { "weekly.example.com", 18 }, { "17", 2 } },
};

static void stream_recipient_and_lists_come_back_as_they_were(void **state)
{
	g_autoptr(rmt_sealer) sealer = new_sealer(RMT_PURPOSE_UNSUBSCRIBE);
	g_autoptr(GString) token = token_for(&ann);
	g_autoptr(GString) buffer = g_string_new(NULL);
	struct rmt_unsub got;

	(void)state;
	assert_int_equal(rmt_unsub_token_open(sealer, span_of(token), buffer, &got),
			 RMT_TOKEN_OK);
	assert_true(rmt_span_eq(got.stream, ann.stream));
	assert_true(rmt_span_eq(got.recipient, ann.recipient));
	assert_int_equal(got.list_count, 2);
	assert_true(rmt_span_eq(got.lists[0], ann.lists[0]));
	assert_true(rmt_span_eq(got.lists[1], ann.lists[1]));
}

static void the_longest_of_all_fits(void **state)
{
	g_autoptr(rmt_sealer) sealer = new_sealer(RMT_PURPOSE_UNSUBSCRIBE);
	g_autofree char *letters = g_strnfill(RMT_UNSUB_ADDRESS_MAX, 'x');
	const struct rmt_unsub unsub = {
		.stream = { letters, RMT_UNSUB_STREAM_MAX },
		.recipient = { letters, RMT_UNSUB_ADDRESS_MAX },
		.list_count = 4,
		.lists = { { letters, 125 },
			   { letters, 1 },
			   { letters, 1 },
			   { letters, 1 } },
	};
	g_autoptr(GString) token = token_for(&unsub);
	g_autoptr(GString) buffer = g_string_new(NULL);
	struct rmt_unsub got;

	(void)state;
	assert_int_equal(rmt_unsub_token_open(sealer, span_of(token), buffer, &got),
			 RMT_TOKEN_OK);
	assert_int_equal(got.recipient.len, RMT_UNSUB_ADDRESS_MAX);
	assert_int_equal(got.lists[0].len, 125);
}

static void what_could_not_come_back_is_not_made(void **state)
{
	g_autofree char *letters = g_strnfill(RMT_UNSUB_ADDRESS_MAX + 1, 'x');
	const struct {
		struct rmt_unsub unsub;
		const char *want;
	} cases[] = {
		{ { .recipient = { "a@b", 3 } },
		  "no unsubscribe link: the stream is missing" },
		{ { .stream = { "news", 4 } },
		  "no unsubscribe link: the recipient is missing" },
		{ { .stream = { "news", 4 }, .recipient = { letters, 321 } },
		  "no unsubscribe link: the recipient is too long" },
		{ { .stream = { "news", 4 }, .recipient = { "a@b\nc", 5 } },
		  "no unsubscribe link: the recipient holds a control character" },
		{ { .stream = { "news", 4 },
		    .recipient = { "a@b", 3 },
		    .list_count = 2,
		    .lists = { { letters, 128 }, { "x", 1 } } },
		  "no unsubscribe link: the list ids are too long" },
	};
	g_autoptr(rmt_sealer) sealer = new_sealer(RMT_PURPOSE_UNSUBSCRIBE);
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GString) out = g_string_new("kept");
		g_autoptr(GError) err = NULL;

		assert_false(rmt_unsub_token_make(sealer, &cases[i].unsub, out, &err));
		assert_string_equal(err->message, cases[i].want);
		assert_string_equal(out->str, "kept");
	}
}

/* Sealed by us, but no content of ours: a newer program's, say. */
static void content_of_another_form_is_not_taken(void **state)
{
	static const struct rmt_span cases[] = {
		{ "\x02\x04news\x03"
		  "a@b",
		  10 },                /* another version */
		{ "\x01\x04news", 6 }, /* no recipient */
		{ "\x01\x04news\x09"
		  "a@b",
		  10 },                    /* cut */
		{ "\x01\x84", 2 },         /* a length cut in the middle */
		{ "\x01\x81\x80\x80", 4 }, /* a length of three octets */
		{ "\x01\x01n\x01r\x01"
		  "1\x01"
		  "2\x01"
		  "3\x01"
		  "4\x01"
		  "5",
		  15 }, /* five lists */
		{ "\x01", 1 },
	};
	g_autoptr(rmt_sealer) sealer = new_sealer(RMT_PURPOSE_UNSUBSCRIBE);
	g_autoptr(GString) buffer = g_string_new(NULL);
	struct rmt_unsub got = { .list_count = 77 };
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GString) token = g_string_new(NULL);

		rmt_token_seal(sealer, cases[i], token);
		assert_int_equal(
			rmt_unsub_token_open(sealer, span_of(token), buffer, &got),
			RMT_TOKEN_MALFORMED);
		assert_int_equal(got.list_count, 77);
	}
}

/* --- links --- */

static void the_header_has_one_https_uri_and_the_mailto_behind_it(void **state)
{
	g_autoptr(GString) out = g_string_new(NULL);

	(void)state;
	rmt_unsub_header(RMT_SPAN("https://mail.example.com/u/"),
			 RMT_SPAN("unsubscribe@b.example.com"), RMT_SPAN("abc"), out);
	assert_string_equal(out->str, "<https://mail.example.com/u/abc>, "
				      "<mailto:unsubscribe+abc@b.example.com>");
	g_string_truncate(out, 0);
	rmt_unsub_header(RMT_SPAN("https://m/u/"), RMT_SPAN(""), RMT_SPAN("abc"), out);
	assert_string_equal(out->str, "<https://m/u/abc>");
	g_string_truncate(out, 0);
	rmt_unsub_header(RMT_SPAN(""), RMT_SPAN("u@m"), RMT_SPAN("abc"), out);
	assert_string_equal(out->str, "<mailto:u+abc@m>");
}

static void a_local_part_beyond_64_octets_is_not_made(void **state)
{
	g_autofree char *fits = g_strnfill(64 - strlen("unsubscribe+"), 'a');
	g_autofree char *longer = g_strnfill(65 - strlen("unsubscribe+"), 'a');
	g_autofree char *want = g_strdup_printf(
		"mailto:unsubscribe@e.org?subject=unsubscribe%%20%s", longer);
	g_autoptr(GString) out = g_string_new(NULL);

	(void)state;
	rmt_unsub_mailto(RMT_SPAN("unsubscribe@e.org"), rmt_span_of(fits), out);
	assert_non_null(strstr(out->str, "unsubscribe+aaa"));
	g_string_truncate(out, 0);
	rmt_unsub_mailto(RMT_SPAN("unsubscribe@e.org"), rmt_span_of(longer), out);
	assert_string_equal(out->str, want);
}

static void a_line_beyond_998_octets_is_not_made(void **state)
{
	g_autofree char *token = g_strnfill(500, 'a');
	g_autoptr(GString) out = g_string_new(NULL);

	(void)state;
	rmt_unsub_header(RMT_SPAN("https://m/u/"), RMT_SPAN("u@m"), rmt_span_of(token),
			 out);
	assert_null(strstr(out->str, "mailto"));
	assert_true(g_str_has_suffix(out->str, "a>"));
}

/* --- mail to the mailto address --- */

static enum rmt_token_result mail(const char *address, const char *subject,
				  struct rmt_unsub *unsub_r, GString *buffer)
{
	g_autoptr(rmt_sealer) sealer = new_sealer(RMT_PURPOSE_UNSUBSCRIBE);

	return rmt_unsub_mail_open(sealer, RMT_SPAN("unsubscribe@b.example.com"),
				   rmt_span_of(address), rmt_span_of(subject), buffer,
				   unsub_r);
}

static void the_token_of_a_mail_is_found_in_address_or_subject(void **state)
{
	static const char *const cases[][2] = {
		{ "unsubscribe+%s@b.example.com", "" },
		{ "UNSUBSCRIBE+%s@B.EXAMPLE.COM", "whatever" },
		{ "unsubscribe@b.example.com", "unsubscribe %s" },
		{ "unsubscribe@b.example.com", "Re:  Unsubscribe\t%s please" },
		{ "unsubscribe@b.example.com", "%s" },
		{ "", "unsubscribe %s" },
	};
	g_autoptr(GString) token = token_for(&ann);
	g_autoptr(GString) buffer = g_string_new(NULL);
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_auto(GStrv) address = g_strsplit(cases[i][0], "%s", 2);
		g_auto(GStrv) subject = g_strsplit(cases[i][1], "%s", 2);
		g_autofree char *to = g_strjoinv(token->str, address);
		g_autofree char *about = g_strjoinv(token->str, subject);
		struct rmt_unsub got;

		if (mail(to, about, &got, buffer) != RMT_TOKEN_OK)
			fail_msg("not found: %s, %s", to, about);
		assert_true(rmt_span_eq(got.recipient, ann.recipient));
	}
}

static void mail_without_a_token_says_so(void **state)
{
	g_autoptr(GString) token = token_for(&ann);
	g_autoptr(GString) buffer = g_string_new(NULL);
	g_autofree char *foreign = g_strdup_printf("other+%s@b.example.com", token->str);
	g_autofree char *forged = NULL;
	g_autofree char *many = g_strnfill(5000, ' ');
	struct rmt_unsub got;

	(void)state;
	token->str[20] = token->str[20] == 'a' ? 'b' : 'a';
	forged = g_strdup_printf("unsubscribe %s", token->str);
	assert_int_equal(mail("unsubscribe@b.example.com", "", &got, buffer),
			 RMT_TOKEN_MALFORMED);
	assert_int_equal(mail("unsubscribe+@b.example.com", "", &got, buffer),
			 RMT_TOKEN_MALFORMED);
	assert_int_equal(mail(foreign, "stop it", &got, buffer), RMT_TOKEN_MALFORMED);
	assert_int_equal(mail("unsubscribe@b.example.com", forged, &got, buffer),
			 RMT_TOKEN_FORGED);
	assert_int_equal(mail("unsubscribe@b.example.com", many, &got, buffer),
			 RMT_TOKEN_MALFORMED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stream_recipient_and_lists_come_back_as_they_were),
		cmocka_unit_test(the_longest_of_all_fits),
		cmocka_unit_test(what_could_not_come_back_is_not_made),
		cmocka_unit_test(content_of_another_form_is_not_taken),
		cmocka_unit_test(the_header_has_one_https_uri_and_the_mailto_behind_it),
		cmocka_unit_test(a_local_part_beyond_64_octets_is_not_made),
		cmocka_unit_test(a_line_beyond_998_octets_is_not_made),
		cmocka_unit_test(the_token_of_a_mail_is_found_in_address_or_subject),
		cmocka_unit_test(mail_without_a_token_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
