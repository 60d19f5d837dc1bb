/* SPDX-License-Identifier: MIT */
/* What hundreds of refusals and notices are taken for: tests/data/families. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <glib.h>
#include <string.h>

#include "common/report/report.h"

static struct rmt_report_reader *reader;

static int start(void **state)
{
	(void)state;
	reader = rmt_report_reader_new();
	return 0;
}

static int stop(void **state)
{
	(void)state;
	rmt_report_reader_free(reader);
	return 0;
}

typedef bool check_row(char **columns);

/* Each row of a file of tab-separated columns: all that differ are told. */
static void check_rows(const char *file, guint columns, guint least, check_row *check)
{
	g_autofree char *text = NULL;
	g_auto(GStrv) lines = NULL;
	guint i, rows = 0, wrong = 0;

	assert_true(g_file_get_contents(file, &text, NULL, NULL));
	lines = g_strsplit(text, "\n", -1);
	for (i = 0; lines[i] != NULL; i++) {
		g_auto(GStrv) row = g_strsplit(lines[i], "\t", -1);

		if (lines[i][0] == '\0' || lines[i][0] == '#')
			continue;
		if (g_strv_length(row) != columns)
			fail_msg("%s:%u: %u columns, not %u", file, i + 1,
				 g_strv_length(row), columns);
		rows++;
		wrong += !check(row);
	}
	assert_true(rows >= least);
	assert_int_equal(wrong, 0);
}

/* Bounces of one recipient: dead is hard, and nothing else is. */
static bool is_read_as(const char *message, const char *recipient, const char *class)
{
	g_autoptr(rmt_report) report = rmt_report_read(reader, rmt_span_of(message));
	const struct rmt_report_event *event;

	if (report->kind != RMT_REPORT_BOUNCE || report->events->len != 1) {
		print_error("a %s of %u events:\n%s\n",
			    rmt_report_kind_name(report->kind), report->events->len,
			    message);
		return false;
	}
	event = g_ptr_array_index(report->events, 0);
	if (strcmp(event->recipient, recipient) == 0 &&
	    strcmp(rmt_report_class_name(event->class), class) == 0 &&
	    event->hard == g_str_has_prefix(class, "dead-"))
		return true;
	print_error("wanted %s of %s, got %s of %s by %s: %s\n", class, recipient,
		    rmt_report_class_name(event->class), event->recipient, event->rule,
		    event->evidence);
	return false;
}

static char *dsn_of(const char *recipient, const char *status, const char *said)
{
	return g_strdup_printf("From: MAILER-DAEMON@relay.example\nTo: x@news.example\n"
			       "Content-Type: multipart/report; boundary=b\n\n"
			       "--b\nContent-Type: text/plain\n\n"
			       "<%s>: host mx.d.example[192.0.2.9] said:\n    %s\n\n"
			       "--b\nContent-Type: message/delivery-status\n\n"
			       "Reporting-MTA: dns; relay.example\n\n"
			       "Final-Recipient: rfc822; %s\nAction: failed\nStatus: %s\n"
			       "Diagnostic-Code: smtp; %s\n\n--b--\n",
			       recipient, said, recipient, status, said);
}

static bool check_refusal(char **row)
{
	g_autofree char *message = dsn_of(row[0], row[1], row[3]);

	return is_read_as(message, row[0], row[2]);
}

static void refusals_have_the_class_of_their_words(void **state)
{
	(void)state;
	check_rows("tests/data/families/refusals.tsv", 4, 580, check_refusal);
}

static bool check_alive(char **row)
{
	g_autofree char *message = dsn_of("ann@d.example", row[0], row[1]);
	g_autoptr(rmt_report) report = rmt_report_read(reader, rmt_span_of(message));
	const struct rmt_report_event *event = g_ptr_array_index(report->events, 0);

	if (!event->hard)
		return true;
	print_error("%s by %s: %s\n", rmt_report_class_name(event->class), event->rule,
		    row[1]);
	return false;
}

static void what_is_said_of_sender_message_or_policy_buries_nobody(void **state)
{
	(void)state;
	check_rows("tests/data/families/alive.tsv", 2, 270, check_alive);
}

static bool check_notice(char **row)
{
	g_autofree char *text = g_strcompress(row[3]);
	g_autofree char *message = g_strdup_printf(
		"From: %s\nTo: x@news.example\nReturn-Path: <>\nSubject: %s\n"
		"Content-Type: text/plain; charset=utf-8\n\n%s\n",
		row[0], row[1], text);

	return is_read_as(message, "ann@d.example", row[2]);
}

static void notices_in_prose_have_the_class_of_their_words(void **state)
{
	(void)state;
	check_rows("tests/data/families/notices.tsv", 4, 330, check_notice);
}

/* A notice as it stands in a message that begins so. */
static bool is_of_kind(enum rmt_report_kind wanted, const char *head, char **row)
{
	g_autofree char *text = g_strcompress(row[3]);
	g_autofree char *message =
		g_strdup_printf("From: Ann <ann@d.example>\nTo: x@news.example\n%s%s\n"
				"Content-Type: text/plain; charset=utf-8\n\n> %s\n",
				head, row[1], text);
	g_autoptr(rmt_report) report = rmt_report_read(reader, rmt_span_of(message));

	if (report->kind == wanted)
		return true;
	print_error("a %s:\n%s\n", rmt_report_kind_name(report->kind), message);
	return false;
}

static bool check_answer(char **row)
{
	return is_of_kind(RMT_REPORT_OTHER,
			  "In-Reply-To: <1@news.example>\nSubject: Re: ", row);
}

static void what_people_write_about_them_is_none(void **state)
{
	(void)state;
	check_rows("tests/data/families/notices.tsv", 4, 330, check_answer);
}

static bool check_away(char **row)
{
	return is_of_kind(RMT_REPORT_AUTO_REPLY,
			  "Return-Path: <>\nAuto-Submitted: auto-generated\n"
			  "Subject: Automatic reply: ",
			  row);
}

static void automatic_answers_that_sound_like_them_are_answers(void **state)
{
	(void)state;
	check_rows("tests/data/families/notices.tsv", 4, 330, check_away);
}

static bool check_kind(char **row)
{
	g_autofree char *head = g_strcompress(row[1]), *text = g_strcompress(row[2]);
	g_autofree char *message =
		g_strdup_printf("%sTo: x@news.example\nContent-Type: text/plain; "
				"charset=utf-8\n\n%s\n",
				head, text);
	g_autoptr(rmt_report) report = rmt_report_read(reader, rmt_span_of(message));

	if (strcmp(rmt_report_kind_name(report->kind), row[0]) == 0)
		return true;
	print_error("a %s:\n%s\n", rmt_report_kind_name(report->kind), message);
	return false;
}

static void answers_of_programs_and_people_are_no_bounces(void **state)
{
	(void)state;
	check_rows("tests/data/families/answers.tsv", 3, 40, check_kind);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refusals_have_the_class_of_their_words),
		cmocka_unit_test(what_is_said_of_sender_message_or_policy_buries_nobody),
		cmocka_unit_test(notices_in_prose_have_the_class_of_their_words),
		cmocka_unit_test(what_people_write_about_them_is_none),
		cmocka_unit_test(automatic_answers_that_sound_like_them_are_answers),
		cmocka_unit_test(answers_of_programs_and_people_are_no_bounces),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
