/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/token/consent.h"

static struct rmt_keys *ring(char id)
{
	struct rmt_keys *keys = g_new0(struct rmt_keys, 1);

	keys->count = 1;
	keys->keys[0].id = id;
	memset(keys->keys[0].secret, 7, RMT_KEY_SECRET);
	return keys;
}

static struct rmt_consent ann(void)
{
	struct rmt_consent consent = { .user = "ann@example.net", .until = 1790000000 };

	memset(consent.key, 0xc3, sizeof(consent.key));
	return consent;
}

static GString *sealed(enum rmt_purpose purpose, const struct rmt_consent *consent)
{
	g_autoptr(rmt_keys) keys = ring('a');
	g_autoptr(rmt_sealer) sealer = rmt_sealer_new(keys, purpose, 1);
	GString *token = g_string_new(NULL);

	rmt_consent_seal(sealer, consent, token);
	return token;
}

static enum rmt_token_result open_token(const GString *token,
					struct rmt_consent *consent_r)
{
	g_autoptr(rmt_keys) keys = ring('a');
	g_autoptr(rmt_sealer) sealer = rmt_sealer_new(keys, RMT_PURPOSE_CONSENT, 1);

	return rmt_consent_open(sealer, rmt_span(token->str, token->len), consent_r);
}

static void what_is_sealed_is_opened(void **state)
{
	const struct rmt_consent consent = ann();
	g_autoptr(GString) token = sealed(RMT_PURPOSE_CONSENT, &consent);
	struct rmt_consent opened;

	(void)state;
	assert_int_equal(open_token(token, &opened), RMT_TOKEN_OK);
	assert_string_equal(opened.user, "ann@example.net");
	assert_memory_equal(opened.key, consent.key, RMT_CONSENT_KEY);
	assert_int_equal(opened.until, 1790000000);
}

static void a_changed_letter_is_a_forgery(void **state)
{
	const struct rmt_consent consent = ann();
	size_t i;

	(void)state;
	for (i = 1; i < 40; i++) {
		g_autoptr(GString) token = sealed(RMT_PURPOSE_CONSENT, &consent);
		struct rmt_consent opened;

		token->str[i] = token->str[i] == 'a' ? 'b' : 'a';
		assert_int_not_equal(open_token(token, &opened), RMT_TOKEN_OK);
	}
}

static void a_token_of_another_purpose_opens_no_page(void **state)
{
	const struct rmt_consent consent = ann();
	g_autoptr(GString) token = sealed(RMT_PURPOSE_UNSUBSCRIBE, &consent);
	struct rmt_consent opened;

	(void)state;
	assert_int_equal(open_token(token, &opened), RMT_TOKEN_FORGED);
}

static void sealed_rubbish_is_malformed(void **state)
{
	static const char *const plains[] = { "\x02 of a later version, long enough",
					      "\x01short" };
	g_autoptr(rmt_keys) keys = ring('a');
	g_autoptr(rmt_sealer) sealer = rmt_sealer_new(keys, RMT_PURPOSE_CONSENT, 1);
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(plains); i++) {
		g_autoptr(GString) token = g_string_new(NULL);
		struct rmt_consent opened;

		rmt_token_seal(sealer, rmt_span_of(plains[i]), token);
		assert_int_equal(open_token(token, &opened), RMT_TOKEN_MALFORMED);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_sealed_is_opened),
		cmocka_unit_test(a_changed_letter_is_a_forgery),
		cmocka_unit_test(a_token_of_another_purpose_opens_no_page),
		cmocka_unit_test(sealed_rubbish_is_malformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
