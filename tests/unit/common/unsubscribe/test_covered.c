/* SPDX-License-Identifier: MIT */
/* Ids U01, U02, pitfalls 19 and 20, and finding 7 of docs/unsubscribe.md. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/auth/zone.h"
#include "common/unsubscribe/covered.h"
#include "tests/lib/dkim_signer.h"

enum { NOW = 1700000000 };

static EVP_PKEY *key, *small;
static char *p_key, *p_small;
static struct rmt_dkim_keys *keys;

#define FROM   "From: Ann <ann@l.example>\r\n"
#define LIST   "List-Unsubscribe: <https://l.example/u/1>,\r\n <mailto:u@l.example>\r\n"
#define POST   "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
#define ID     "List-Id: Offers <offers.l.example>\r\n"
#define BODY   "\r\nHello\r\n"
#define LETTER FROM LIST POST ID BODY
#define SIGNED "h=from:list-unsubscribe:list-unsubscribe-post:list-id"
#define TAGS   "v=1; a=rsa-sha256; c=relaxed/relaxed; d=l.example; s=s; "
#define GOOD   TAGS SIGNED

static int make_keys(void **state)
{
	(void)state;
	key = signer_key("RSA", 2048);
	small = signer_key("RSA", 768);
	p_key = signer_public(key);
	p_small = signer_public(small);
	keys = rmt_dkim_keys_new(16);
	return 0;
}

static int free_keys(void **state)
{
	(void)state;
	rmt_dkim_keys_free(keys);
	EVP_PKEY_free(key);
	EVP_PKEY_free(small);
	g_free(p_key);
	g_free(p_small);
	return 0;
}

static void add_key(struct rmt_zone *zone, const char *name, const char *tags,
		    const char *p)
{
	g_autofree char *line = g_strdup_printf("%s TXT v=DKIM1; %s p=%s", name, tags, p);

	assert_true(rmt_zone_add(zone, rmt_span_of(line), NULL));
}

static struct rmt_zone *make_zone(void)
{
	struct rmt_zone *zone = rmt_zone_new();

	add_key(zone, "s._domainkey.l.example", "", p_key);
	add_key(zone, "s._domainkey.news.l.example", "", p_key);
	add_key(zone, "s._domainkey.other.example", "", p_key);
	add_key(zone, "s._domainkey.example", "", p_key);
	add_key(zone, "test._domainkey.l.example", "t=y;", p_key);
	add_key(zone, "small._domainkey.l.example", "", p_small);
	add_key(zone, "revoked._domainkey.l.example", "", "");
	assert_true(rmt_zone_add(zone, RMT_SPAN("slow._domainkey.l.example TXT TIMEOUT"),
				 NULL));
	return zone;
}

static void read_message(const char *message, bool aligned, struct rmt_covered *covered)
{
	g_autoptr(rmt_zone) zone = make_zone();
	g_autoptr(rmt_dkim) dkim = rmt_dkim_new(&RMT_DKIM_SETTINGS_DEFAULT, keys);
	g_autoptr(rmt_psl) psl = rmt_psl_open();
	struct rmt_covered_query query = { dkim, RMT_SPAN("l.example"), psl, aligned };

	rmt_dkim_message(dkim, rmt_span_of(message));
	rmt_zone_run(zone, rmt_dkim_asker(dkim));
	rmt_dkim_finish(dkim, NOW);
	rmt_covered_read(&query, covered);
}

static void U02_both_fields_under_one_valid_signature_are_the_one_click(void **state)
{
	g_autofree char *message = signer_sign(key, GOOD, LETTER);
	struct rmt_covered covered;

	(void)state;
	read_message(message, true, &covered);
	assert_int_equal(covered.result, RMT_COVERED_ONE_CLICK);
	assert_string_equal(covered.url, "https://l.example/u/1");
	assert_string_equal(covered.mailto, "mailto:u@l.example");
	assert_string_equal(covered.list_id, "offers.l.example");
	assert_string_equal(covered.domain, "l.example");
	assert_string_equal(covered.selector, "s");
	rmt_covered_clear(&covered);
}

/* What all receivers that were looked at get wrong. */
static void finding_7_the_signed_octets_count_and_not_the_first_field(void **state)
{
	g_autofree char *message = signer_sign(key, GOOD, LETTER);
	static const char *const forged[] = {
		"List-Unsubscribe: <https://evil.example/>\r\n",
		"List-Unsubscribe: <https://evil.example/>\r\n"
		"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n",
		"list-unsubscribe: <mailto:boss@victim.example?subject=I%20quit>\r\n",
		"List-Id: <evil.example>\r\n",
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(forged); i++) {
		g_autofree char *above = g_strconcat(forged[i], message, NULL);
		struct rmt_covered covered;

		read_message(above, true, &covered);
		assert_int_equal(covered.result, RMT_COVERED_ONE_CLICK);
		assert_string_equal(covered.url, "https://l.example/u/1");
		assert_string_equal(covered.mailto, "mailto:u@l.example");
		assert_string_equal(covered.list_id, "offers.l.example");
		rmt_covered_clear(&covered);
	}
}

struct row {
	const char *tags, *message;
	enum rmt_covered_result want;
};

static void check_row(const struct row *row, EVP_PKEY *signer)
{
	g_autofree char *message = signer_sign(signer, row->tags, row->message);
	struct rmt_covered covered;

	read_message(message, true, &covered);
	if (covered.result != row->want)
		fail_msg("%s: %s, not %s", row->tags, rmt_covered_word(covered.result),
			 rmt_covered_word(row->want));
	if (row->want > RMT_COVERED_ONE_CLICK)
		assert_null(covered.url);
	rmt_covered_clear(&covered);
}

static void U02_without_such_a_signature_there_is_no_one_click(void **state)
{
	static const struct row rows[] = {
		{ TAGS "h=from:list-unsubscribe", LETTER, RMT_COVERED_MAILTO },
		{ TAGS "h=from:list-unsubscribe-post", LETTER, RMT_COVERED_UNCOVERED },
		{ TAGS "h=from", LETTER, RMT_COVERED_UNCOVERED },
		{ TAGS "h=from:list-unsubscribe",
		  FROM "List-Unsubscribe: <https://l.example/>"
		       "\r\n" POST BODY,
		  RMT_COVERED_NOTHING },
		/* signed as absent, and added later */
		{ TAGS "h=from:list-unsubscribe:list-unsubscribe-post", FROM BODY,
		  RMT_COVERED_UNCOVERED },
		{ GOOD, FROM LIST BODY, RMT_COVERED_MAILTO },
		{ GOOD, FROM POST BODY, RMT_COVERED_UNCOVERED },
		{ GOOD ":list-unsubscribe", FROM LIST LIST POST BODY,
		  RMT_COVERED_REPEATED },
		{ GOOD ":list-unsubscribe-post", FROM LIST POST POST BODY,
		  RMT_COVERED_REPEATED },
		{ GOOD ":list-unsubscribe", LETTER, RMT_COVERED_ONE_CLICK },
		{ GOOD,
		  FROM "List-Unsubscribe: <https://l.example/\xc3\xa1>\r\n" POST BODY,
		  RMT_COVERED_NOTHING },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(rows); i++)
		check_row(&rows[i], key);
}

static void pitfall_19_weak_signatures_are_none(void **state)
{
	static const struct row rows[] = {
		{ TAGS "l=2; " SIGNED, LETTER, RMT_COVERED_INVALID },
		{ TAGS "x=1600000000; t=1500000000; " SIGNED, LETTER,
		  RMT_COVERED_UNKNOWN },
		{ "v=1; a=rsa-sha1; c=relaxed/relaxed; d=l.example; s=s; " SIGNED, LETTER,
		  RMT_COVERED_INVALID },
		{ "v=1; a=rsa-sha256; c=relaxed/relaxed; d=l.example; s=test; " SIGNED,
		  LETTER, RMT_COVERED_TESTING },
		{ "v=1; a=rsa-sha256; c=relaxed/relaxed; d=l.example; s=gone; " SIGNED,
		  LETTER, RMT_COVERED_UNKNOWN },
		{ "v=1; a=rsa-sha256; c=relaxed/relaxed; d=l.example; s=revoked; " SIGNED,
		  LETTER, RMT_COVERED_UNKNOWN },
		{ "v=1; a=rsa-sha256; c=relaxed/relaxed; d=l.example; s=slow; " SIGNED,
		  LETTER, RMT_COVERED_UNKNOWN },
		{ TAGS "h=list-unsubscribe:list-unsubscribe-post", LETTER,
		  RMT_COVERED_INVALID },
	};
	const struct row weak = { "v=1; a=rsa-sha256; c=relaxed/relaxed; d=l.example; "
				  "s=small; " SIGNED,
				  LETTER, RMT_COVERED_INVALID };
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(rows); i++)
		check_row(&rows[i], key);
	check_row(&weak, small);
}

static void pitfall_19_a_changed_message_is_unsigned_and_ARC_is_no_signature(void **state)
{
	g_autofree char *message = signer_sign(key, GOOD, LETTER);
	g_autofree char *changed = g_strconcat(message, "and more\r\n", NULL);
	struct rmt_covered covered;
	char *arc;

	(void)state;
	read_message(changed, true, &covered);
	assert_int_equal(covered.result, RMT_COVERED_INVALID);
	rmt_covered_clear(&covered);
	arc = g_strconcat("ARC-Message-Signature: i=1; ",
			  message + strlen("DKIM-Signature: v=1; "), NULL);
	read_message(arc, true, &covered);
	assert_int_equal(covered.result, RMT_COVERED_UNSIGNED);
	rmt_covered_clear(&covered);
	g_free(arc);
}

static void pitfall_20_the_signer_is_of_the_organisation_in_from(void **state)
{
	static const struct {
		const char *domain;
		bool aligned;
		enum rmt_covered_result want;
	} cases[] = {
		{ "l.example", true, RMT_COVERED_ONE_CLICK },
		{ "news.l.example", true, RMT_COVERED_ONE_CLICK },
		{ "other.example", true, RMT_COVERED_UNALIGNED },
		{ "example", true, RMT_COVERED_UNALIGNED },
		{ "other.example", false, RMT_COVERED_ONE_CLICK },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *tags =
			g_strdup_printf("v=1; a=rsa-sha256; c=relaxed/relaxed; s=s; "
					"d=%s; " SIGNED,
					cases[i].domain);
		g_autofree char *message = signer_sign(key, tags, LETTER);
		struct rmt_covered covered;

		read_message(message, cases[i].aligned, &covered);
		assert_int_equal(covered.result, cases[i].want);
		rmt_covered_clear(&covered);
	}
}

/* A mailing service signs beside its customer; whose fields count? */
static void pitfall_20_of_several_signatures_the_aligned_one_counts(void **state)
{
	g_autofree char *one = signer_sign(key, GOOD, LETTER);
	g_autofree char *two = signer_sign(
		key,
		"v=1; a=rsa-sha256; c=relaxed/relaxed; d=other.example; s=s; " SIGNED,
		one);
	g_autofree char *three = signer_sign(key, TAGS "h=from", two);
	struct rmt_covered covered;

	(void)state;
	read_message(three, true, &covered);
	assert_int_equal(covered.result, RMT_COVERED_ONE_CLICK);
	assert_string_equal(covered.domain, "l.example");
	rmt_covered_clear(&covered);
}

static void nobody_in_from_is_nobody_to_align_with(void **state)
{
	g_autoptr(rmt_dkim) dkim = rmt_dkim_new(&RMT_DKIM_SETTINGS_DEFAULT, keys);
	struct rmt_covered_query query = { dkim, RMT_SPAN(""), NULL, true };
	struct rmt_covered covered;

	(void)state;
	rmt_dkim_message(dkim, RMT_SPAN(LETTER));
	rmt_dkim_finish(dkim, NOW);
	rmt_covered_read(&query, &covered);
	assert_int_equal(covered.result, RMT_COVERED_NO_FROM);
	assert_non_null(rmt_covered_text(covered.result));
	rmt_covered_clear(&covered);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			U02_both_fields_under_one_valid_signature_are_the_one_click),
		cmocka_unit_test(
			finding_7_the_signed_octets_count_and_not_the_first_field),
		cmocka_unit_test(U02_without_such_a_signature_there_is_no_one_click),
		cmocka_unit_test(pitfall_19_weak_signatures_are_none),
		cmocka_unit_test(
			pitfall_19_a_changed_message_is_unsigned_and_ARC_is_no_signature),
		cmocka_unit_test(pitfall_20_the_signer_is_of_the_organisation_in_from),
		cmocka_unit_test(pitfall_20_of_several_signatures_the_aligned_one_counts),
		cmocka_unit_test(nobody_in_from_is_nobody_to_align_with),
	};

	return cmocka_run_group_tests(tests, make_keys, free_keys);
}
