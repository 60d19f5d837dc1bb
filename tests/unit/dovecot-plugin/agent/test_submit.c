/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <signal.h>

#include "common/base/clock.h"
#include "dovecot-plugin/agent/submit.h"
#include "tests/unit/dovecot-plugin/agent/smtp_sink.h"

static const char *const bob[] = { "bob@example.org", NULL };

struct fixture {
	struct smtp_sink sink;
	struct rmt_submission_config config;
	unsigned lasts; /* calls of last() */
	bool stop;
};

static int begin(void **state)
{
	struct fixture *fixture = g_new0(struct fixture, 1);

	smtp_sink_start(&fixture->sink);
	fixture->config = (struct rmt_submission_config){
		.host = (char *)"127.0.0.1",
		.port = fixture->sink.port,
		.helo = (char *)"agent.example.net",
		.timeout_ns = UINT64_C(5) * RMT_NS_PER_SEC,
	};
	*state = fixture;
	return 0;
}

static int end(void **state)
{
	struct fixture *fixture = *state;

	smtp_sink_stop(&fixture->sink);
	g_free(fixture);
	return 0;
}

static bool note_last(void *context)
{
	struct fixture *fixture = context;

	fixture->lasts++;
	return !fixture->stop;
}

static enum rmt_submitted submit(struct fixture *fixture,
				 struct rmt_submission *submission, char **reply_r)
{
	const struct rmt_mail mail = { .sender = "",
				       .recipients = bob,
				       .text = RMT_SPAN("Subject: x\r\n\r\n.dot\r\n"),
				       .last = note_last,
				       .context = fixture };

	return rmt_submit(submission, &mail, reply_r);
}

static enum rmt_submitted submit_once(struct fixture *fixture, char **reply_r)
{
	g_autoptr(rmt_submission) submission = rmt_submission_new(&fixture->config);

	return submit(fixture, submission, reply_r);
}

static void a_message_goes_out_from_nobody(void **state)
{
	struct fixture *fixture = *state;
	g_autofree char *reply = NULL, *seen = NULL;

	assert_int_equal(submit_once(fixture, &reply), RMT_SUBMITTED_TAKEN);
	assert_string_equal(reply, "250 2.0.0 taken");
	assert_int_equal(fixture->lasts, 1);
	assert_int_equal(fixture->sink.mails->len, 1);
	assert_string_equal(fixture->sink.mails->pdata[0], "Subject: x\r\n\r\n.dot\r\n");
	seen = smtp_sink_seen(&fixture->sink);
	assert_non_null(strstr(seen, "EHLO agent.example.net\r\n"));
	assert_non_null(strstr(seen, "MAIL FROM:<>"));
	assert_non_null(strstr(seen, "RCPT TO:<bob@example.org>\r\n"));
}

static void one_connection_takes_many(void **state)
{
	struct fixture *fixture = *state;
	g_autoptr(rmt_submission) submission = rmt_submission_new(&fixture->config);
	g_autofree char *seen = NULL;
	const char *hello;
	int i;

	for (i = 0; i < 3; i++) {
		g_autofree char *reply = NULL;

		assert_int_equal(submit(fixture, submission, &reply),
				 RMT_SUBMITTED_TAKEN);
	}
	seen = smtp_sink_seen(&fixture->sink);
	hello = strstr(seen, "EHLO");
	assert_non_null(hello);
	assert_null(strstr(hello + 1, "EHLO"));
	assert_int_equal(fixture->sink.mails->len, 3);
}

static const char *refuse(void *context, const char *text)
{
	(void)text;
	return context;
}

static void what_the_server_says_decides(void **state)
{
	static const struct {
		const char *at_rcpt, *at_end;
		enum rmt_submitted want;
		unsigned lasts;
	} cases[] = {
		{ "550 no such user", NULL, RMT_SUBMITTED_REFUSED, 0 },
		{ "450 later", NULL, RMT_SUBMITTED_LATER, 0 },
		{ NULL, "550 not this", RMT_SUBMITTED_REFUSED, 1 },
		{ NULL, "451 disk full", RMT_SUBMITTED_LATER, 1 },
		{ NULL, "250 ok", RMT_SUBMITTED_TAKEN, 1 },
	};
	struct fixture *fixture = *state;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *reply = NULL;

		fixture->lasts = 0;
		fixture->sink.at_rcpt = cases[i].at_rcpt;
		smtp_sink_answer(&fixture->sink, refuse, (void *)cases[i].at_end);
		assert_int_equal(submit_once(fixture, &reply), cases[i].want);
		assert_int_equal(fixture->lasts, cases[i].lasts);
		assert_true(*reply != '\0');
	}
}

static void a_server_that_hangs_up_at_the_end_may_have_taken_it(void **state)
{
	struct fixture *fixture = *state;
	g_autofree char *reply = NULL;

	smtp_sink_answer(&fixture->sink, refuse, NULL);
	assert_int_equal(submit_once(fixture, &reply), RMT_SUBMITTED_UNKNOWN);
}

static void what_may_not_end_is_not_taken(void **state)
{
	struct fixture *fixture = *state;
	g_autofree char *reply = NULL;

	fixture->stop = true;
	assert_int_equal(submit_once(fixture, &reply), RMT_SUBMITTED_LATER);
	g_usleep(50000);
	assert_int_equal(fixture->sink.mails->len, 0);
}

static void without_a_server_it_waits(void **state)
{
	struct fixture *fixture = *state;
	g_autofree char *reply = NULL;

	fixture->config.port = 1;
	assert_int_equal(submit_once(fixture, &reply), RMT_SUBMITTED_LATER);
	assert_int_equal(fixture->lasts, 0);
}

static void demanded_tls_that_is_not_offered_is_no_reason_to_go_without(void **state)
{
	struct fixture *fixture = *state;
	g_autofree char *reply = NULL, *seen = NULL;

	fixture->config.tls = RMT_TLS_STARTTLS;
	assert_int_equal(submit_once(fixture, &reply), RMT_SUBMITTED_LATER);
	seen = smtp_sink_seen(&fixture->sink);
	assert_null(strstr(seen, "MAIL"));
}

/* --- a program --- */

static void give_program(struct fixture *fixture, const char *script)
{
	g_autofree char *dir = g_dir_make_tmp("remite-sendmail-XXXXXX", NULL);
	g_autofree char *text = g_strdup_printf("#!/bin/sh\nd=%s\n%s\n", dir, script);

	fixture->config.sendmail = g_build_filename(dir, "sendmail", NULL);
	assert_true(g_file_set_contents_full(fixture->config.sendmail, text, -1,
					     G_FILE_SET_CONTENTS_NONE, 0755, NULL));
}

static void take_program_away(struct fixture *fixture)
{
	g_autofree char *dir = g_path_get_dirname(fixture->config.sendmail);
	g_autofree char *out = g_build_filename(dir, "out", NULL);

	unlink(out);
	unlink(fixture->config.sendmail);
	rmdir(dir);
	g_clear_pointer(&fixture->config.sendmail, g_free);
}

static void a_program_gets_sender_recipients_and_text(void **state)
{
	struct fixture *fixture = *state;
	g_autofree char *reply = NULL, *dir = NULL, *out = NULL, *text = NULL;

	give_program(fixture, "(printf '[%s]' \"$@\"; cat) >$d/out");
	assert_int_equal(submit_once(fixture, &reply), RMT_SUBMITTED_TAKEN);
	dir = g_path_get_dirname(fixture->config.sendmail);
	out = g_build_filename(dir, "out", NULL);
	assert_true(g_file_get_contents(out, &text, NULL, NULL));
	assert_string_equal(text, "[-i][-f][][--][bob@example.org]Subject: x\n\n.dot\n");
	take_program_away(fixture);
}

static bool is_not_started(void *context)
{
	struct fixture *fixture = context;
	g_autofree char *dir = g_path_get_dirname(fixture->config.sendmail);
	g_autofree char *out = g_build_filename(dir, "out", NULL);

	g_usleep(100000); /* time to start, had it been told to */
	fixture->lasts++;
	return !g_file_test(out, G_FILE_TEST_EXISTS) && !fixture->stop;
}

/* Story: a program that was fed through a pipe took the half of a message for the
 * whole when the agent was killed, and the agent, who had not marked it yet, sent it
 * once more. */
static void a_program_starts_once_it_is_written_down_and_the_text_is_whole(void **state)
{
	struct fixture *fixture = *state;
	g_autoptr(rmt_submission) submission = NULL;
	g_autofree char *reply = NULL, *no_reply = NULL;
	const struct rmt_mail mail = { .sender = "",
				       .recipients = bob,
				       .text = RMT_SPAN("Subject: x\r\n\r\nhi\r\n"),
				       .last = is_not_started,
				       .context = fixture };

	give_program(fixture, "echo started >$d/out; cat >/dev/null");
	submission = rmt_submission_new(&fixture->config);
	assert_int_equal(rmt_submit(submission, &mail, &reply), RMT_SUBMITTED_TAKEN);
	fixture->stop = true;
	assert_int_equal(rmt_submit(submission, &mail, &no_reply), RMT_SUBMITTED_LATER);
	assert_int_equal(fixture->lasts, 2);
	take_program_away(fixture);
}

static void a_programs_exit_status_decides(void **state)
{
	static const struct {
		const char *script;
		enum rmt_submitted want;
	} cases[] = {
		{ "cat >/dev/null; exit 0", RMT_SUBMITTED_TAKEN },
		{ "cat >/dev/null; exit 75", RMT_SUBMITTED_LATER },
		{ "cat >/dev/null; exit 67", RMT_SUBMITTED_REFUSED },
		{ "cat >/dev/null; kill -9 $$", RMT_SUBMITTED_UNKNOWN },
	};
	struct fixture *fixture = *state;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *reply = NULL;

		give_program(fixture, cases[i].script);
		assert_int_equal(submit_once(fixture, &reply), cases[i].want);
		take_program_away(fixture);
	}
}

static void a_program_that_is_not_there_is_said(void **state)
{
	struct fixture *fixture = *state;
	g_autofree char *reply = NULL;

	fixture->config.sendmail = (char *)"/nowhere/sendmail";
	assert_int_equal(submit_once(fixture, &reply), RMT_SUBMITTED_LATER);
	assert_non_null(strstr(reply, "/nowhere/sendmail"));
}

#define WITH_SINK(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_SINK(a_message_goes_out_from_nobody),
		WITH_SINK(one_connection_takes_many),
		WITH_SINK(what_the_server_says_decides),
		WITH_SINK(a_server_that_hangs_up_at_the_end_may_have_taken_it),
		WITH_SINK(what_may_not_end_is_not_taken),
		WITH_SINK(without_a_server_it_waits),
		WITH_SINK(demanded_tls_that_is_not_offered_is_no_reason_to_go_without),
		WITH_SINK(a_program_gets_sender_recipients_and_text),
		WITH_SINK(a_program_starts_once_it_is_written_down_and_the_text_is_whole),
		WITH_SINK(a_programs_exit_status_decides),
		WITH_SINK(a_program_that_is_not_there_is_said),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
