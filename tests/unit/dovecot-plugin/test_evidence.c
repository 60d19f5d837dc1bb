/* SPDX-License-Identifier: MIT */
/* What clients do, and what it proves: pitfalls 9 and 10. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "dovecot-plugin/evidence.h"

enum {
	B = 1,   /* body read */
	OR = 2,  /* others read */
	R = 4,   /* in a run */
	WS = 8,  /* was \Seen */
	S = 16,  /* became \Seen */
	OS = 32, /* others became \Seen */
	F = 64,  /* fetched before */
};

#define NOTHING RMT_VERDICT_NOTHING
#define FETCHED RMT_VERDICT_FETCHED
#define SHOWN   RMT_VERDICT_SHOWN
#define DWELL   RMT_VERDICT_DWELL

static const struct {
	const char *what;
	unsigned int sight;
	enum rmt_verdict seen, fetched, strict;
} cases[] = {
	{ "FETCH BODY[] of an unread message", B | S, SHOWN, SHOWN, DWELL },
	{ "FETCH BODY.PEEK[] of an unread message", B, FETCHED, FETCHED, FETCHED },
	{ "and then STORE +FLAGS (\\Seen)", S | F, SHOWN, SHOWN, DWELL },
	{ "STORE +FLAGS (\\Seen) of what nobody fetched", S, SHOWN, NOTHING, NOTHING },
	{ "FETCH BODY[HEADER], which sets \\Seen", S, SHOWN, NOTHING, NOTHING },
	{ "FETCH BODY.PEEK[HEADER]", 0, NOTHING, NOTHING, NOTHING },
	{ "FETCH 1:* BODY.PEEK[]: a prefetch", B | OR, FETCHED, FETCHED, FETCHED },
	{ "the same of read mail: a backup", B | OR | WS, FETCHED, FETCHED, FETCHED },
	{ "FETCH 1:* BODY[]: a download", B | OR | S | OS, FETCHED, FETCHED, FETCHED },
	{ "STORE 1:* +FLAGS (\\Seen): mark all read", S | OS, NOTHING, NOTHING, NOTHING },
	{ "mark all read, after a prefetch", S | OS | F, NOTHING, NOTHING, NOTHING },
	{ "read mail opened (Sieve or another set \\Seen)", B | WS, SHOWN, SHOWN, DWELL },
	{ "read mail, one by one in a hurry: a backup", B | WS | R, FETCHED, FETCHED,
	  FETCHED },
	{ "unread mail, opened one after another", B | S | R, SHOWN, SHOWN, DWELL },
	{ "read again, with the text there already", WS | F, NOTHING, NOTHING, NOTHING },
	{ "nothing at all", 0, NOTHING, NOTHING, NOTHING },
};

static struct rmt_sight sight_of(unsigned int bits)
{
	return (struct rmt_sight){
		.body_read = (bits & B) != 0,
		.others_read = (bits & OR) != 0,
		.in_a_run = (bits & R) != 0,
		.was_seen = (bits & WS) != 0,
		.became_seen = (bits & S) != 0,
		.others_became = (bits & OS) != 0,
		.fetched_before = (bits & F) != 0,
	};
}

static void what_clients_do_is_display_or_not(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rmt_sight sight = sight_of(cases[i].sight);

		print_message("%s\n", cases[i].what);
		assert_int_equal(rmt_evidence_judge(RMT_EVIDENCE_SEEN, &sight),
				 cases[i].seen);
		assert_int_equal(rmt_evidence_judge(RMT_EVIDENCE_FETCHED, &sight),
				 cases[i].fetched);
		assert_int_equal(rmt_evidence_judge(RMT_EVIDENCE_STRICT, &sight),
				 cases[i].strict);
	}
}

static void nothing_of_many_is_ever_shown(void **state)
{
	unsigned int bits;

	(void)state;
	for (bits = 0; bits < 128; bits++) {
		struct rmt_sight sight = sight_of(bits);
		enum rmt_verdict verdict = rmt_evidence_judge(RMT_EVIDENCE_SEEN, &sight);

		if ((bits & OR) != 0 || (bits & (S | OS)) == (S | OS))
			assert_true(verdict == NOTHING || verdict == FETCHED);
		if ((bits & (B | S)) == 0)
			assert_int_equal(verdict, NOTHING);
	}
}

static void text_is_what_is_no_header(void **state)
{
	static const struct {
		const char *why, *command;
		bool want;
	} rows[] = {
		{ NULL, "UID fetch 1 (BODY[])", false },
		{ "prefetch", "UID fetch 1 (BODY[])", false },
		{ "access", "UID fetch 1 (BODY[])", false },
		{ "header stream", "UID fetch 1 (BODY[HEADER])", false },
		{ "full mail", "UID fetch 1 (BODY[])", true },
		{ "virtual mailbox All: full mail", "virtual_transaction_get", true },
		{ "mail body", "FETCH 1 (BODY.PEEK[TEXT]<0.10>)", true },
		{ "binary stream", "UID fetch 1 (BINARY[1])", true },
		{ "MIME part", NULL, true },
		{ "MIME part", "virtual_transaction_get", true },
		{ "MIME part", "UID fetch 1 (BODY.PEEK[1])", true },
		{ "MIME part", "UID fetch 1 (BODY[1.2])", true },
		{ "MIME part", "UID fetch 1 (BODY[2.TEXT])", true },
		{ "MIME part", "UID fetch 1 (BODY[1.MIME])", false },
		{ "MIME part", "uid fetch 1 (body.peek[1.2.mime]<0.5> FLAGS)", false },
		{ "MIME part", "UID fetch 1 (BODY[2.HEADER])", false },
		{ "MIME part", "FETCH 1 (BODY.PEEK[2.HEADER.FIELDS (Subject)])", false },
		{ "MIME part", "FETCH 1 (BODY[1.MIME] BODY[1])", true },
		{ "MIME part", "FETCH 1 (BODY[1] BODY[1.MIME])", true },
		{ "MIME part", "FETCH 1 (BODY[1.MIME] BODY[2.MIME])", false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rmt_evidence_is_text(rows[i].why, rows[i].command) != rows[i].want)
			fail_msg("row %zu: %s", i, rows[i].command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_clients_do_is_display_or_not),
		cmocka_unit_test(nothing_of_many_is_ever_shown),
		cmocka_unit_test(text_is_what_is_no_header),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
