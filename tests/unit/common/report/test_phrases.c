/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/report/phrases.h"

static struct rmt_phrases *phrases;

static int start(void **state)
{
	(void)state;
	phrases = rmt_phrases_new();
	return 0;
}

static int stop(void **state)
{
	(void)state;
	rmt_phrases_free(phrases);
	return 0;
}

static void a_phrase_is_of_its_kind_alone(void **state)
{
	static const struct {
		const char *text;
		unsigned kinds;
	} rows[] = {
		{ "MAILER-DAEMON@x.example", RMT_PHRASE_SENDER },
		{ "andrew@x.example", 0 },
		{ "Unzustellbar: Angebot", RMT_PHRASE_SUBJECT },
		{ "nothing of the kind", 0 },
		{ "no such user", RMT_PHRASE_FAILURE },
		{ "this is only a warning", RMT_PHRASE_DELAY },
	};
	size_t i;
	unsigned kind;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(rows); i++)
		for (kind = 1; kind <= RMT_PHRASE_DELAY; kind *= 2)
			if (rmt_phrases_has(phrases, rmt_span_of(rows[i].text), kind) !=
			    ((rows[i].kinds & kind) != 0))
				fail_msg("%s: kind %u", rows[i].text, kind);
}

static void the_refused_command_is_told(void **state)
{
	static const struct {
		const char *text;
		enum rmt_command want;
	} rows[] = {
		{ "(in reply to rcpt to command)", RMT_COMMAND_RCPT },
		{ "(in reply to end of data command)", RMT_COMMAND_DATA },
		{ "error after mail from:@", RMT_COMMAND_MAIL },
		{ "550 550 unknown user (state 14).", RMT_COMMAND_RCPT },
		{ "550 550 unknown user (state 18).", RMT_COMMAND_DATA },
		/* of a whole conversation, what came last */
		{ "--> mail from:@ <-- 250 ok --> rcpt to:@ <-- 550 no",
		  RMT_COMMAND_RCPT },
		{ "--> rcpt to:@ <-- 250 ok --> data <-- 550 no", RMT_COMMAND_DATA },
		{ "550 no", RMT_COMMAND_UNSAID },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(rows); i++)
		if (rmt_phrases_command(phrases, rmt_span_of(rows[i].text)) !=
		    rows[i].want)
			fail_msg("%s", rows[i].text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_phrase_is_of_its_kind_alone),
		cmocka_unit_test(the_refused_command_is_told),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
