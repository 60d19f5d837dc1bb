/* SPDX-License-Identifier: MIT */
/* The record of delivery: pitfall 19 of docs/unsubscribe.md. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <glib.h>
#include <cmocka.h>

#include "common/unsubscribe/proof.h"

#define GOOD "v=1; d=l.example; s=k1; t=1700000000; u=<https://l.example/u>"

static bool read_copy(const char *text, struct rmt_proof *record)
{
	g_autofree char *copy = g_memdup2(text, MAX(strlen(text), 1));

	return rmt_proof_read(rmt_span(copy, strlen(text)), record);
}

static void what_is_written_is_read(void **state)
{
	struct rmt_proof record = { .time = 1763780000,
				    .domain = "news.example",
				    .selector = "k1",
				    .list_id = "offers.news.example",
				    .mailto = "mailto:leave-4711@news.example" };
	struct rmt_proof again;
	char text[8192];
	size_t i, len;

	(void)state;
	g_strlcpy(record.url, "https://news.example/", sizeof(record.url));
	for (i = strlen(record.url); i < RMT_PROOF_URI_MAX; i++)
		record.url[i] = i % 7 == 0 ? ';' : 'a';
	len = rmt_proof_write(&record, text, sizeof(text));
	assert_int_equal(len, strlen(text));
	assert_true(rmt_proof_read(rmt_span(text, len), &again));
	assert_int_equal(again.time, record.time);
	assert_string_equal(again.domain, record.domain);
	assert_string_equal(again.selector, record.selector);
	assert_string_equal(again.list_id, record.list_id);
	assert_string_equal(again.url, record.url);
	assert_string_equal(again.mailto, record.mailto);
	for (i = 0; i < len; i++) {
		const char *end = strchr(text + i, '\n');

		assert_true((end != NULL ? (size_t)(end - text) - i : len - i) < 998);
		i = end != NULL ? (size_t)(end - text) : len;
	}
	assert_int_equal(rmt_proof_write(&record, text, len), 0);
}

static void what_we_would_not_write_is_no_record(void **state)
{
	static const char *const bad[] = {
		"",
		"v=1",
		"v=2; d=l.example; s=k1; t=1; u=<https://l.example/u>",
		"d=l.example; s=k1; t=1; u=<https://l.example/u>",
		"v=1; s=k1; t=1; u=<https://l.example/u>",
		"v=1; d=l.example; s=k1; u=<https://l.example/u>",
		"v=1; d=l.example; s=k1; t=1",
		"v=1; d=l.example; s=k1; t=-1; u=<https://l.example/u>",
		"v=1; d=l.example; s=k1; t=9999999999999; u=<https://l.example/u>",
		"v=1; d=l.example; d=x.example; s=k1; t=1; u=<https://l.example/u>",
		"v=1; d=l.example; s=k1; t=1; u=https://l.example/u",
		"v=1; d=<l.example>; s=k1; t=1; u=<https://l.example/u>",
		"v=1; d=l.example; s=k1; t=1; u=<https://l.example/u",
		"v=1; d=l.example; s=k1; t=1; u=<https://l.example/u> x",
		"v=1; d=l.example; s=k1; t=1; u=<https://l.example/\x01>",
		"v=1; d=l.example; s=k1; t=1; u=<https://l.example/\xc3\xa1>",
		"v=1; d=l.example; s=k1; t=1; u=<<https://l.example/>>",
		"v=1; d=l example; s=k1; t=1; u=<https://l.example/u>",
		GOOD "; z=1",
		"x" GOOD,
	};
	struct rmt_proof record;
	size_t i;

	(void)state;
	assert_true(read_copy(GOOD, &record));
	assert_true(read_copy(" " GOOD ";\r\n\tm=<mailto:u@l.example> ; ", &record));
	assert_string_equal(record.mailto, "mailto:u@l.example");
	for (i = 0; i < G_N_ELEMENTS(bad); i++)
		if (read_copy(bad[i], &record))
			fail_msg("%s", bad[i]);
}

#define LMTP                                                                             \
	"Return-Path: <b@l.example>\r\nDelivered-To: ann@home.example\r\n"               \
	"Received: from mx.home.example ([10.0.0.1])\r\n\tby imap.home.example with "    \
	"LMTP\r\n\tid abc (envelope-from <b@l.example>); Sun, 22 Nov 2026\r\n"
#define RECORD RMT_PROOF_FIELD ": " GOOD "\r\n"
#define MX                                                                               \
	"Received: from out.l.example (unknown [192.0.2.9])\r\n\tby MX.home.example "    \
	"(Postfix) with ESMTPS id 4711\r\n\tfor <ann@home.example>; Sun\r\n"
#define OTHER "Received: by out.l.example (Postfix, from userid 1000); Sun\r\n"
#define REST  "From: b@l.example\r\n\r\nHello\r\n"

static void pitfall_19_a_record_counts_only_above_the_Received_of_others(void **state)
{
	static const struct {
		const char *header;
		bool want;
	} cases[] = {
		{ LMTP RECORD MX OTHER REST, true },
		{ RECORD REST, true },
		{ LMTP MX RECORD OTHER REST, true }, /* a relay of our own */
		{ LMTP MX OTHER RECORD REST, false },
		{ OTHER RECORD REST, false },
		{ LMTP MX REST, false },
		{ "Received: from a\r\n" RECORD REST, false },
		{ "Received: x\r\n" RECORD REST, false },
		{ "Received: from by (by mx.home.example) by evil.example\r\n" RECORD
			  REST,
		  false },
		{ "Received: (by mx.home.example) from x by evil.example\r\n" RECORD REST,
		  false },
		{ "Received: from x; by mx.home.example\r\n" RECORD REST, false },
		/* the first one counts, also where it is no good */
		{ RMT_PROOF_FIELD ": v=9\r\n" RECORD REST, false },
		{ "Subject: x\r\n\r\n" RECORD, false },
	};
	static const char *const own[] = { "imap.home.example", "mx.home.example", NULL };
	struct rmt_proof record;
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++)
		if (rmt_proof_find(rmt_span_of(cases[i].header), own, &record) !=
		    cases[i].want)
			fail_msg("%s", cases[i].header);
	assert_false(rmt_proof_find(RMT_SPAN(LMTP RECORD MX REST), NULL, &record));
	assert_true(rmt_proof_find(RMT_SPAN(RECORD MX REST), NULL, &record));
}

static void endless_Received_fields_of_our_own_are_not_passed_over(void **state)
{
	static const char *const own[] = { "mx.home.example", NULL };
	g_autoptr(GString) header = g_string_new(NULL);
	struct rmt_proof record;
	int i;

	(void)state;
	for (i = 0; i <= RMT_PROOF_OWN_MAX; i++)
		g_string_append(header, MX);
	g_string_append(header, RECORD REST);
	assert_false(rmt_proof_find(rmt_span(header->str, header->len), own, &record));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(what_we_would_not_write_is_no_record),
		cmocka_unit_test(
			pitfall_19_a_record_counts_only_above_the_Received_of_others),
		cmocka_unit_test(endless_Received_fields_of_our_own_are_not_passed_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
