/* SPDX-License-Identifier: MIT */
/* E02: the part of a link that nobody can forge. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "common/token/letters.h"
#include "common/token/token.h"

#define HEX(d) d d d d d d d d d d d d d d d d
static const char ring_text[] =
	"remite-keys 1\n"
	"a 2026-12-31 " HEX("0123") "\n"
				    "b 2027-12-31 " HEX("4567") "\n";
static const int64_t first_year = 1798675200, second_year = 1830211200;

static struct rmt_keys *ring(void)
{
	return rmt_keys_parse("ring", rmt_span_of(ring_text), NULL);
}

static struct rmt_sealer *sealer_of(enum rmt_purpose purpose, int64_t now)
{
	g_autoptr(rmt_keys) keys = ring();

	return rmt_sealer_new(keys, purpose, now);
}

static struct rmt_span span_of(const GString *text)
{
	return rmt_span(text->str, text->len);
}

static const struct rmt_span plain = { "news\0ann@example.org", 20 };

static GString *token_of(enum rmt_purpose purpose, int64_t now)
{
	g_autoptr(rmt_sealer) sealer = sealer_of(purpose, now);
	GString *token = g_string_new(NULL);

	rmt_token_seal(sealer, plain, token);
	return token;
}

static enum rmt_token_result open_as(enum rmt_purpose purpose, struct rmt_span text)
{
	g_autoptr(rmt_sealer) sealer = sealer_of(purpose, first_year);
	g_autoptr(GString) out = g_string_new("left over");
	enum rmt_token_result result = rmt_token_open(sealer, text, out);

	assert_int_equal(out->len, result == RMT_TOKEN_OK ? plain.len : 0);
	return result;
}

/* --- letters --- */

static void letters_are_those_of_rfc_4648_in_lower_case(void **state)
{
	static const char *const cases[][2] = {
		{ "", "" },
		{ "f", "my" },
		{ "fo", "mzxq" },
		{ "foo", "mzxw6" },
		{ "foob", "mzxw6yq" },
		{ "fooba", "mzxw6ytb" },
		{ "foobar", "mzxw6ytboi" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GString) out = g_string_new("x");
		unsigned char octets[8];
		size_t len = 99;

		rmt_letters_write((const unsigned char *)cases[i][0], strlen(cases[i][0]),
				  out);
		assert_string_equal(out->str + 1, cases[i][1]);
		assert_true(rmt_letters_read(rmt_span_of(cases[i][1]), octets,
					     sizeof(octets), &len));
		assert_int_equal(len, strlen(cases[i][0]));
		assert_memory_equal(octets, cases[i][0], len);
	}
}

static void letters_that_no_octets_make_are_refused(void **state)
{
	static const char *const cases[] = {
		"m",
		"mzx",
		"mzxw6y", /* lengths that no number of octets has */
		"mz",
		"mzxw6yt", /* bits left over */
		"m1",
		"m0",
		"m=",
		"m ",
		"m\xc3\xa9",
		"my======",
		"mzxw6ytboimzxw6", /* more than there is room for */
	};
	unsigned char octets[8];
	size_t i, len;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++)
		if (rmt_letters_read(rmt_span_of(cases[i]), octets, sizeof(octets), &len))
			fail_msg("read: %s", cases[i]);
}

/* --- tokens --- */

static void what_was_sealed_is_opened_in_any_case_of_letters(void **state)
{
	g_autoptr(GString) token = token_of(RMT_PURPOSE_UNSUBSCRIBE, first_year);
	g_autofree char *upper = g_ascii_strup(token->str, -1);

	(void)state;
	assert_int_equal(token->str[0], 'a');
	assert_int_equal(token->len, RMT_TOKEN_LETTERS(plain.len));
	assert_int_equal(open_as(RMT_PURPOSE_UNSUBSCRIBE, span_of(token)), RMT_TOKEN_OK);
	assert_int_equal(open_as(RMT_PURPOSE_UNSUBSCRIBE, rmt_span_of(upper)),
			 RMT_TOKEN_OK);
}

static void a_token_is_letters_and_digits_and_shows_nothing(void **state)
{
	g_autoptr(GString) token = token_of(RMT_PURPOSE_UNSUBSCRIBE, first_year);

	(void)state;
	assert_int_equal(strspn(token->str, "abcdefghijklmnopqrstuvwxyz234567"),
			 token->len);
	assert_null(strstr(token->str, "ann"));
	assert_null(strstr(token->str, "mfxg4")); /* its letters, too */
}

static void the_same_content_makes_the_same_token_and_other_content_another(void **state)
{
	g_autoptr(rmt_sealer) sealer = sealer_of(RMT_PURPOSE_UNSUBSCRIBE, first_year);
	g_autoptr(GString) one = token_of(RMT_PURPOSE_UNSUBSCRIBE, first_year);
	g_autoptr(GString) two = token_of(RMT_PURPOSE_UNSUBSCRIBE, first_year);
	g_autoptr(GString) other = g_string_new(NULL);
	size_t i, same = 0;

	(void)state;
	assert_string_equal(one->str, two->str);
	rmt_token_seal(sealer, rmt_span("news\0anna@example.or", 20), other);
	for (i = 1; i < one->len; i++)
		same += one->str[i] == other->str[i];
	assert_true(same < one->len / 4);
}

static void a_token_of_one_purpose_is_never_one_of_another(void **state)
{
	int made, taken;

	(void)state;
	for (made = 0; made < RMT_PURPOSE_COUNT; made++) {
		g_autoptr(GString) token = token_of(made, first_year);

		for (taken = 0; taken < RMT_PURPOSE_COUNT; taken++)
			assert_int_equal(open_as(taken, span_of(token)),
					 made == taken ? RMT_TOKEN_OK : RMT_TOKEN_FORGED);
	}
}

static void a_token_changed_anywhere_is_forged(void **state)
{
	g_autoptr(GString) token = token_of(RMT_PURPOSE_UNSUBSCRIBE, first_year);
	size_t i;

	(void)state;
	for (i = 1; i < token->len; i++) {
		const char kept = token->str[i];

		token->str[i] = kept == 'q' ? 'a' : 'q';
		assert_int_not_equal(open_as(RMT_PURPOSE_UNSUBSCRIBE, span_of(token)),
				     RMT_TOKEN_OK);
		token->str[i] = kept;
	}
	token->str[0] = 'b'; /* of the ring, but not what made it */
	assert_int_equal(open_as(RMT_PURPOSE_UNSUBSCRIBE, span_of(token)),
			 RMT_TOKEN_FORGED);
}

static void a_token_cut_anywhere_is_not_ours(void **state)
{
	g_autoptr(GString) token = token_of(RMT_PURPOSE_UNSUBSCRIBE, first_year);
	size_t len;

	(void)state;
	for (len = 0; len < token->len; len++) {
		/* A copy of its own, so that reading beyond would show. */
		g_autofree char *cut = g_memdup2(token->str, len);

		assert_int_not_equal(open_as(RMT_PURPOSE_UNSUBSCRIBE, rmt_span(cut, len)),
				     RMT_TOKEN_OK);
	}
	g_string_append_c(token, 'a');
	assert_int_not_equal(open_as(RMT_PURPOSE_UNSUBSCRIBE, span_of(token)),
			     RMT_TOKEN_OK);
}

static void what_has_not_even_the_form_is_malformed(void **state)
{
	static const char *const cases[] = {
		"", "a", "!", "../../etc/passwd", "a/b", "0aaaaaaaa", "unsubscribe"
	};
	g_autofree char *big = g_strnfill(100000, 'a');
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++)
		assert_int_equal(open_as(RMT_PURPOSE_UNSUBSCRIBE, rmt_span_of(cases[i])),
				 RMT_TOKEN_MALFORMED);
	assert_int_equal(open_as(RMT_PURPOSE_UNSUBSCRIBE, rmt_span_of(big)),
			 RMT_TOKEN_MALFORMED);
}

static void older_tokens_open_after_rotation_until_their_key_is_dropped(void **state)
{
	g_autoptr(GString) old = token_of(RMT_PURPOSE_UNSUBSCRIBE, first_year);
	g_autoptr(GString) fresh = token_of(RMT_PURPOSE_UNSUBSCRIBE, second_year);
	g_autoptr(GString) out = g_string_new(NULL);
	g_autoptr(rmt_keys) keys = ring();
	g_autoptr(rmt_sealer) both = NULL;
	g_autoptr(rmt_sealer) one = NULL;

	(void)state;
	assert_int_equal(fresh->str[0], 'b');
	both = rmt_sealer_new(keys, RMT_PURPOSE_UNSUBSCRIBE, second_year);
	assert_int_equal(rmt_token_open(both, span_of(old), out), RMT_TOKEN_OK);
	assert_int_equal(rmt_token_open(both, span_of(fresh), out), RMT_TOKEN_OK);
	assert_true(rmt_keys_drop(keys, 'a', NULL));
	one = rmt_sealer_new(keys, RMT_PURPOSE_UNSUBSCRIBE, second_year);
	assert_int_equal(rmt_token_open(one, span_of(old), out), RMT_TOKEN_UNKNOWN_KEY);
	assert_int_equal(rmt_token_open(one, span_of(fresh), out), RMT_TOKEN_OK);
}

static void the_longest_content_fits_and_comes_back(void **state)
{
	g_autoptr(rmt_sealer) sealer = sealer_of(RMT_PURPOSE_CONSENT, first_year);
	g_autofree char *content = g_strnfill(RMT_TOKEN_PLAIN_MAX, 'x');
	g_autoptr(GString) token = g_string_new(NULL);
	g_autoptr(GString) out = g_string_new(NULL);

	(void)state;
	rmt_token_seal(sealer, rmt_span(content, RMT_TOKEN_PLAIN_MAX), token);
	assert_int_equal(token->len, RMT_TOKEN_MAX);
	assert_int_equal(rmt_token_open(sealer, span_of(token), out), RMT_TOKEN_OK);
	assert_string_equal(out->str, content);
}

/* Written down, so that an upgrade that opened no older link would be noticed. */
static void tokens_made_by_the_first_version_open_for_ever(void **state)
{
	static const char token[] = "auflhgv3ehw3dxghy3ladwtm5lrhveuko76c7yrgnvl"
				    "fgt6ciibc6wna27zrxfuefpblslhn6hmfdw";

	(void)state;
	assert_int_equal(open_as(RMT_PURPOSE_UNSUBSCRIBE, rmt_span_of(token)),
			 RMT_TOKEN_OK);
}

/* --- tags --- */

static void a_tag_fits_its_data_purpose_and_length_alone(void **state)
{
	g_autoptr(rmt_sealer) sealer = sealer_of(RMT_PURPOSE_RETURN_PATH, first_year);
	g_autoptr(rmt_sealer) other = sealer_of(RMT_PURPOSE_CONSENT, first_year);
	g_autoptr(GString) tag = g_string_new(NULL);
	g_autoptr(GString) shorter = g_string_new(NULL);
	const struct rmt_span data = RMT_SPAN("ann@example.org");

	(void)state;
	rmt_tag_make(sealer, data, 10, tag);
	rmt_tag_make(sealer, data, 8, shorter);
	assert_int_equal(tag->len, 17);
	assert_int_equal(rmt_tag_check(sealer, data, 10, span_of(tag)), RMT_TOKEN_OK);
	assert_int_equal(rmt_tag_check(sealer, data, 8, span_of(tag)), RMT_TOKEN_OK);
	assert_int_equal(rmt_tag_check(sealer, data, 10, span_of(shorter)),
			 RMT_TOKEN_FORGED);
	assert_int_equal(
		rmt_tag_check(sealer, RMT_SPAN("bob@example.org"), 10, span_of(tag)),
		RMT_TOKEN_FORGED);
	assert_int_equal(rmt_tag_check(other, data, 10, span_of(tag)), RMT_TOKEN_FORGED);
	tag->str[0] = 'z';
	assert_int_equal(rmt_tag_check(sealer, data, 10, span_of(tag)),
			 RMT_TOKEN_UNKNOWN_KEY);
	assert_int_equal(rmt_tag_check(sealer, data, 10, RMT_SPAN("")),
			 RMT_TOKEN_MALFORMED);
	assert_int_equal(rmt_tag_check(sealer, data, 10, RMT_SPAN("a")),
			 RMT_TOKEN_FORGED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(letters_are_those_of_rfc_4648_in_lower_case),
		cmocka_unit_test(letters_that_no_octets_make_are_refused),
		cmocka_unit_test(what_was_sealed_is_opened_in_any_case_of_letters),
		cmocka_unit_test(a_token_is_letters_and_digits_and_shows_nothing),
		cmocka_unit_test(
			the_same_content_makes_the_same_token_and_other_content_another),
		cmocka_unit_test(a_token_of_one_purpose_is_never_one_of_another),
		cmocka_unit_test(a_token_changed_anywhere_is_forged),
		cmocka_unit_test(a_token_cut_anywhere_is_not_ours),
		cmocka_unit_test(what_has_not_even_the_form_is_malformed),
		cmocka_unit_test(
			older_tokens_open_after_rotation_until_their_key_is_dropped),
		cmocka_unit_test(the_longest_content_fits_and_comes_back),
		cmocka_unit_test(tokens_made_by_the_first_version_open_for_ever),
		cmocka_unit_test(a_tag_fits_its_data_purpose_and_length_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
