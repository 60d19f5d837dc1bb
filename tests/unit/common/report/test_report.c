/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <time.h>

#include "common/report/report.h"
#include "tests/unit/samples.h"

#define DATA "tests/data/report"

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

/* A copy without NUL behind it, so that an over-read shows. */
static struct rmt_report *read_copy(struct rmt_span message)
{
	g_autofree char *copy = g_memdup2(message.p, message.len);

	return rmt_report_read(reader, rmt_span(copy, message.len));
}

static const struct rmt_report_event *event_of(const struct rmt_report *report, guint i)
{
	assert_true(i < report->events->len);
	return g_ptr_array_index(report->events, i);
}

/* --- whole messages ------------------------------------------------------------------
 */

static char *describe(struct rmt_span message)
{
	g_autoptr(rmt_report) report = rmt_report_read(reader, message);
	GString *out = g_string_new(rmt_report_kind_name(report->kind));
	guint i;

	g_string_append_c(out, '\n');
	for (i = 0; i < report->events->len; i++) {
		const struct rmt_report_event *e = event_of(report, i);

		g_string_append_printf(out, "%s\t%s\t%s\t%s\t%s\t%s", e->recipient,
				       rmt_report_action_name(e->action), e->status,
				       e->reply, rmt_report_class_name(e->class),
				       e->hard ? "hard" : "-");
		if (e->feedback_type[0] != '\0')
			g_string_append_printf(out, "\t%s", e->feedback_type);
		g_string_append_c(out, '\n');
	}
	return g_string_free(out, FALSE);
}

static void messages_of_many_systems_are_read_as_wanted(void **state)
{
	(void)state;
	samples_check(DATA, describe, 25);
}

static void what_a_report_says_of_the_message_is_kept(void **state)
{
	static const char text[] =
		"From: MAILER-DAEMON@x.example\n"
		"Content-Type: multipart/report; boundary=b\n\n"
		"--b\nContent-Type: message/delivery-status\n\n"
		"Reporting-MTA: dns; x.example\nOriginal-Envelope-Id: s42+2Bm7+3D+0A+\n\n"
		"Original-Recipient: rfc822;ann+x@y.example\n"
		"Final-Recipient: rfc822;ann@y.example\nAction: failed\nStatus: 5.1.1\n"
		"\n--b\nContent-Type: message/rfc822\n\n"
		"Message-ID: <m42@sender.example>\nX-Ours: 7\n\nbody\n--b--\n";
	g_autoptr(rmt_report) report = read_copy(RMT_SPAN(text));

	(void)state;
	/* xtext, RFC 3461, 4; what is none stays */
	assert_string_equal(report->envelope_id, "s42+m7=+0A+");
	assert_string_equal(report->message_id, "m42@sender.example");
	assert_non_null(strstr(report->original, "X-Ours: 7"));
	assert_string_equal(event_of(report, 0)->original_recipient, "ann+x@y.example");
	assert_false(report->cut);
}

/* --- refusals by themselves -----------------------------------------------------------
 */

static void a_servers_words_have_a_class(void **state)
{
	static const struct {
		const char *text;
		enum rmt_report_class want;
		bool hard;
	} rows[] = {
		{ "550 5.1.1 <a@b.example>: User unknown", RMT_CLASS_DEAD_ADDRESS, true },
		{ "550 5.1.1 no words of use", RMT_CLASS_DEAD_ADDRESS, true },
		{ "550 something happened", RMT_CLASS_UNKNOWN, false },
		{ "550 User unknown", RMT_CLASS_INACTIVE, false },
		{ "550 User unknown (in reply to RCPT TO command)",
		  RMT_CLASS_DEAD_ADDRESS, true },
		{ "550 User unknown (in reply to end of DATA command)",
		  RMT_CLASS_POLICY_CONTENT, false },
		{ "552 5.2.2 mailbox full", RMT_CLASS_MAILBOX_FULL, false },
		{ "552 5.1.1 mailbox a@b.example is over quota", RMT_CLASS_MAILBOX_FULL,
		  false },
		{ "550 5.7.1 Service unavailable; client [192.0.2.1] blocked using a "
		  "DNSBL",
		  RMT_CLASS_REPUTATION, false },
		{ "550 5.1.1 user unknown or blocked as spam", RMT_CLASS_POLICY_CONTENT,
		  false },
		{ "550 5.7.26 fails SPF and DKIM", RMT_CLASS_AUTH, false },
		{ "550 5.7.25 no PTR record", RMT_CLASS_AUTH, false },
		{ "421 4.7.0 too many connections from your host", RMT_CLASS_RATE,
		  false },
		{ "553 5.1.8 Domain of sender address does not exist",
		  RMT_CLASS_POLICY_SENDER, false },
		{ "554 5.7.1 <a@b.example>: Relay access denied", RMT_CLASS_CONFIG_OURS,
		  false },
		{ "552 5.3.4 message size exceeds fixed limit", RMT_CLASS_SIZE, false },
		{ "550 5.2.1 The account is disabled", RMT_CLASS_INACTIVE, false },
		{ "Host or domain name not found. type=AAAA: Host not found",
		  RMT_CLASS_DEAD_DOMAIN, true },
		{ "Host not found, try again", RMT_CLASS_NETWORK, false },
		{ "556 5.1.10 Domain b.example does not accept mail (nullMX)",
		  RMT_CLASS_DEAD_DOMAIN, true },
		{ "connect to b.example[192.0.2.1]:25: Connection timed out",
		  RMT_CLASS_EXPIRED, false },
		{ "host antispam.mx.example[192.0.2.1] said: 550 5.1.1 unknown user",
		  RMT_CLASS_DEAD_ADDRESS, true },
		{ "550-5.1.1 The email account that you tried to reach\n"
		  " 550-5.1.1 does not exist.",
		  RMT_CLASS_DEAD_ADDRESS, true },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct rmt_report_event *event = rmt_report_classify(
			reader, rmt_span_of(rows[i].text), "", "", RMT_ACTION_FAILED);

		if (event->class != rows[i].want || event->hard != rows[i].hard)
			fail_msg("'%s': wanted %s, got %s by %s", rows[i].text,
				 rmt_report_class_name(rows[i].want),
				 rmt_report_class_name(event->class), event->rule);
		rmt_report_event_free(event);
	}
}

static void what_is_only_delayed_is_never_hard(void **state)
{
	struct rmt_report_event *event = rmt_report_classify(
		reader, RMT_SPAN("450 4.1.1 User unknown"), "", "", RMT_ACTION_DELAYED);

	(void)state;
	assert_false(event->hard);
	assert_int_equal(event->class, RMT_CLASS_DELAYED);
	rmt_report_event_free(event);
}

/* --- hostile input --------------------------------------------------------------------
 */

static double cpu_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Generous: sanitizers and busy machines. */
static struct rmt_report *read_in_time(const GString *message)
{
	double before = cpu_seconds();
	struct rmt_report *report = read_copy(rmt_span(message->str, message->len));
	double took = cpu_seconds() - before;

	if (took > 3.0)
		fail_msg("took %.2f s of CPU time", took);
	return report;
}

static void a_thousand_parts_within_parts_are_cut(void **state)
{
	g_autoptr(GString) message = g_string_new("From: x@y.example\n");
	g_autoptr(rmt_report) report = NULL;
	int i;

	(void)state;
	for (i = 0; i < 1000; i++)
		g_string_append_printf(
			message, "Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n",
			i, i);
	for (i = 0; i < 100000; i++)
		g_string_append(message, "--x\n");
	report = read_in_time(message);
	assert_true(report->cut);
	assert_int_equal(report->events->len, 0);
}

static void a_thousand_messages_within_messages_are_cut(void **state)
{
	g_autoptr(GString) message = g_string_new(NULL);
	g_autoptr(rmt_report) report = NULL;
	int i;

	(void)state;
	for (i = 0; i < 1000; i++)
		g_string_append(message, "Content-Type: message/rfc822\n\n");
	report = read_in_time(message);
	assert_int_equal(report->events->len, 0);
}

static void a_hundred_thousand_recipients_are_bounded(void **state)
{
	g_autoptr(GString) message =
		g_string_new("From: MAILER-DAEMON@x.example\nContent-Type: "
			     "multipart/report; boundary=b\n\n"
			     "--b\nContent-Type: "
			     "message/delivery-status\n\nReporting-MTA: dns; x\n\n");
	g_autoptr(rmt_report) report = NULL;
	int i;

	(void)state;
	for (i = 0; i < 100000; i++)
		g_string_append_printf(
			message,
			"Final-Recipient: rfc822;u%d@y.example\nStatus: 5.1.1\n\n", i);
	report = read_in_time(message);
	assert_int_equal(report->events->len, RMT_REPORT_EVENTS_MAX);
	assert_true(report->cut);
}

static void a_hundred_thousand_addresses_in_prose_are_bounded(void **state)
{
	g_autoptr(GString) message =
		g_string_new("From: MAILER-DAEMON@x.example\nSubject: failure notice\n\n"
			     "could not be delivered to:\n");
	g_autoptr(rmt_report) report = NULL;
	int i;

	(void)state;
	for (i = 0; i < 100000; i++)
		g_string_append_printf(message, "<u%d@y.example>\n", i);
	report = read_in_time(message);
	assert_true(report->events->len <= RMT_REPORT_EVENTS_MAX);
}

static void line_ends_of_any_kind_and_nul_are_read(void **state)
{
	static const char cr[] =
		"From: MAILER-DAEMON@x.example\rSubject: failure notice\r\r"
		"could not be delivered\r<ann@y.example>:\r550 5.1.1 user "
		"unknown\r";
	static const char nul[] =
		"From: MAILER-DAEMON@x.example\nSubject: failure\0 notice\n\n"
		"could not be delivered\n<ann@y.example>:\n550 5.1.1 user\0unknown\n";
	const struct rmt_span rows[] = { RMT_SPAN(cr), RMT_SPAN(nul) };
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(rmt_report) report = read_copy(rows[i]);

		assert_string_equal(event_of(report, 0)->recipient, "ann@y.example");
		assert_true(event_of(report, 0)->hard);
	}
}

static void a_wrong_character_set_does_no_harm(void **state)
{
	static const char text[] =
		"From: MAILER-DAEMON@x.example\nSubject: failure notice\n"
		"Content-Type: text/plain; charset=\"utf-7-nonsense\"\n\n"
		"\xff\xfe\x80 could not be delivered\n<ann@y.example>:\n"
		"550 5.1.1 user unknown \xc3\n";
	g_autoptr(rmt_report) report = read_copy(RMT_SPAN(text));

	(void)state;
	assert_string_equal(event_of(report, 0)->recipient, "ann@y.example");
	assert_true(g_utf8_validate(event_of(report, 0)->evidence, -1, NULL));
}

#define COMPLAINT(original)                                                              \
	"From: fbl@d.example\nContent-Type: multipart/report; boundary=b\n\n"            \
	"--b\nContent-Type: message/feedback-report\n\nFeedback-Type: abuse\n\n"         \
	"--b\nContent-Type: message/rfc822\n\n" original "\n\nOffers\n--b--\n"

static void who_complains_may_stand_where_the_message_was_received(void **state)
{
	const char *texts[] = {
		COMPLAINT("Received: from a (b [192.0.2.1]) by c\n"
			  "\tfor <ann@d.example>; Tue\nTo: undisclosed-recipients:;"),
		COMPLAINT("Received: by inner.d.example\n"
			  "Received: from a by c id 7 for <ann@d.example>\n"
			  "To: bob@d.example, ann@d.example"),
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(texts); i++) {
		g_autoptr(rmt_report) report = read_copy(rmt_span_of(texts[i]));

		assert_int_equal(report->kind, RMT_REPORT_COMPLAINT);
		assert_int_equal(report->events->len, 1);
		assert_string_equal(event_of(report, 0)->recipient, "ann@d.example");
	}
}

#define FORWARDED(comment)                                                               \
	"Return-Path: <carl@d.example>\nFrom: Carl <carl@d.example>\nSubject: Fwd: x\n"  \
	"Content-Type: multipart/mixed; boundary=o\n\n"                                  \
	"--o\nContent-Type: text/plain\n\n" comment "\n"                                 \
	"--o\nContent-Type: message/rfc822\n\n"                                          \
	"Content-Type: multipart/report; boundary=i\n\n"                                 \
	"--i\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; "             \
	"d.example\n\n"                                                                  \
	"Final-Recipient: rfc822; ann@d.example\nAction: failed\nStatus: 5.1.1\n\n"      \
	"--i--\n--o--\n"

static void two_may_complain_in_one_field(void **state)
{
	g_autoptr(rmt_report) report = read_copy(
		RMT_SPAN("From: fbl@d.example\nContent-Type: message/feedback-report\n\n"
			 "Feedback-Type: abuse\n"
			 "Original-Rcpt-To: <ann@d.example>, <bob@d.example>\n"));

	(void)state;
	assert_int_equal(report->events->len, 2);
	assert_string_equal(event_of(report, 1)->recipient, "bob@d.example");
}

/* "This address does not exist any more", and the message: whose address is it? */
static void an_answer_with_the_message_buries_nobody_else(void **state)
{
	g_autoptr(rmt_report) report = read_copy(RMT_SPAN(
		"Return-Path: <>\nFrom: Ann <ann@d.example>\nSubject: New address\n"
		"Content-Type: multipart/mixed; boundary=b\n\n"
		"--b\nContent-Type: text/plain\n\n"
		"This address does not exist any more.\n\nann@new.example\n"
		"--b\nContent-Type: message/rfc822\n\n"
		"From: x@news.example\nTo: ann@d.example\n\nOffers\n--b--\n"));

	(void)state;
	assert_int_equal(report->kind, RMT_REPORT_OTHER);
	assert_int_equal(report->events->len, 0);
}

/* Only a subject that tells of a delivery: parcels are delivered, too. */
static void a_subject_alone_buries_nobody(void **state)
{
	static const char notice[] =
		"From: Ann <ann@d.example>\nSubject: Re: delivery failed\n"
		"\nThe address does not exist.\n\nbob@d.example%s\n";
	const char *const proofs[] = { "", ": 550 5.1.1 it does not exist" };
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(proofs); i++) {
		g_autofree char *text = g_strdup_printf(notice, proofs[i]);
		g_autoptr(rmt_report) report = read_copy(rmt_span_of(text));

		assert_int_equal(report->kind, RMT_REPORT_BOUNCE);
		assert_string_equal(event_of(report, 0)->recipient, "bob@d.example");
		assert_int_equal(event_of(report, 0)->hard, i > 0);
	}
}

#define ANSWERED(charset, said)                                                          \
	"From: MAILER-DAEMON@d.example\nContent-Type: multipart/report; boundary=b\n\n"  \
	"--b\nContent-Type: text/plain; charset=" charset "\n\nUndelivered\n"            \
	"--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; "             \
	"d.example\n\n"                                                                  \
	"Final-Recipient: rfc822; ann@d.example\nAction: failed\nStatus: 5.0.0\n"        \
	"Diagnostic-Code: smtp; 550 " said "\n--b--\n"

static void a_servers_answer_may_be_in_the_texts_character_set(void **state)
{
	static const char *const texts[] = {
		ANSWERED("us-ascii", "Empf\xe4nger unbekannt"),
		ANSWERED("gbk", "\xd3\xc3\xbb\xa7\xb2\xbb\xb4\xe6\xd4\xda"),
		ANSWERED("us-ascii", "=?iso-8859-1?Q?Empf=E4nger_unbekannt?="),
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(texts); i++) {
		g_autoptr(rmt_report) report = read_copy(rmt_span_of(texts[i]));

		assert_int_equal(event_of(report, 0)->class, RMT_CLASS_DEAD_ADDRESS);
		assert_string_equal(event_of(report, 0)->reply, "550");
	}
}

/* The longer text is judged where it was heard, not by its places in the shorter one. */
static void what_the_text_above_says_is_judged_there(void **state)
{
	g_autoptr(rmt_report) report = read_copy(RMT_SPAN(
		"From: mailer-daemon@d.example\n"
		"Content-Type: multipart/report; boundary=b\n\n"
		"--b\nContent-Type: text/plain\n\n"
		"Ihre Nachricht wurde leider nicht an ann@d.example zugestellt, weil "
		"die Adresse fehlt oder keine E-Mails empfangen kann.\n"
		"--b\nContent-Type: message/delivery-status\n\n"
		"Reporting-MTA: dns; d.example\n\n"
		"Final-Recipient: rfc822; ann@d.example\nAction: failed\n"
		"Status: 5.1.1\nDiagnostic-Code: smtp; 550 No such user here\n--b--\n"));

	(void)state;
	assert_int_equal(event_of(report, 0)->class, RMT_CLASS_DEAD_ADDRESS);
	assert_true(event_of(report, 0)->hard);
}

static void a_report_that_somebody_comments_on_is_talk(void **state)
{
	g_autoptr(rmt_report) said = read_copy(RMT_SPAN(FORWARDED("She says it works.")));
	g_autoptr(rmt_report) sent = read_copy(RMT_SPAN(FORWARDED("")));

	(void)state;
	assert_int_equal(said->kind, RMT_REPORT_OTHER);
	assert_int_equal(said->events->len, 0);
	assert_int_equal(sent->kind, RMT_REPORT_BOUNCE);
	assert_true(event_of(sent, 0)->hard);
}

#define REPORT_OF(type, fields)                                                          \
	"From: MAILER-DAEMON@relay.example\nContent-Type: multipart/report; "            \
	"boundary=b\n\n--b\nContent-Type: text/plain\n\nNot delivered.\n"                \
	"--b\nContent-Type: " type "\n\n" fields "\n--b--\n"

static void assert_both_are_told(struct rmt_span message)
{
	g_autoptr(rmt_report) report = read_copy(message);

	assert_int_equal(report->kind, RMT_REPORT_BOUNCE);
	assert_int_equal(report->events->len, 2);
	assert_string_equal(event_of(report, 0)->recipient, "ann@d.example");
	assert_string_equal(event_of(report, 0)->reply, "550");
	assert_true(event_of(report, 0)->hard);
	assert_string_equal(event_of(report, 1)->recipient, "bob@d.example");
	assert_int_equal(event_of(report, 1)->class, RMT_CLASS_MAILBOX_FULL);
	assert_false(event_of(report, 1)->hard);
}

static void empty_lines_between_the_fields_of_one_part_nobody(void **state)
{
	(void)state;
	assert_both_are_told(RMT_SPAN(REPORT_OF(
		"message/delivery-status",
		"Reporting-MTA: dns; relay.example\n\n"
		"Final-Recipient: rfc822; ann@d.example\n\nAction: failed\n\n"
		"Status: 5.0.0\n\nDiagnostic-Code: smtp; 550 5.1.1 not here\n\n"
		"Final-Recipient: rfc822; bob@d.example\n\nAction: failed\n\n"
		"Status: 5.0.0\n\nDiagnostic-Code: smtp; 552 5.2.2 over quota\n")));
	assert_both_are_told(RMT_SPAN(REPORT_OF(
		"message/delivery-status",
		"Reporting-MTA: dns; relay.example\n\n"
		"Action: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 gone\n\n"
		"Final-Recipient: rfc822; ann@d.example\n\n"
		"Action: failed\nStatus: 5.2.2\nDiagnostic-Code: smtp; 552 full\n\n"
		"Final-Recipient: rfc822; bob@d.example\n")));
}

static void a_status_that_a_gateway_calls_octets_is_read(void **state)
{
	(void)state;
	assert_both_are_told(RMT_SPAN(REPORT_OF(
		"application/octet-stream; name=details.txt",
		"Reporting-MTA: dns; relay.example\n\n"
		"Final-Recipient: rfc822; ann@d.example\nAction: failed\n"
		"Status: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 not here\n\n"
		"Final-Recipient: rfc822; bob@d.example\nAction: failed\n"
		"Status: 5.2.2\nDiagnostic-Code: smtp; 552 5.2.2 over quota\n")));
}

#define MDN_SAYING(words)                                                                \
	"From: Mail Delivery Subsystem <postmaster@d.example>\nAuto-Submitted: "         \
	"auto-replied\nContent-Type: multipart/report; boundary=b\n\n--b\n"              \
	"Content-Type: text/plain\n\n" words "\n--b\n"                                   \
	"Content-Type: message/disposition-notification\n\n"                             \
	"Final-Recipient: rfc822; ann@d.example\n"                                       \
	"Disposition: automatic-action/MDN-sent-automatically; deleted\n--b--\n"

static void assert_mdn_is(struct rmt_span message, enum rmt_report_kind kind,
			  enum rmt_report_class class)
{
	g_autoptr(rmt_report) report = read_copy(message);

	assert_int_equal(report->kind, kind);
	assert_int_equal(report->events->len, 1);
	assert_int_equal(event_of(report, 0)->class, class);
	assert_false(event_of(report, 0)->hard);
}

static void who_refuses_by_a_filter_bounces_and_lives(void **state)
{
	(void)state;
	assert_mdn_is(RMT_SPAN(MDN_SAYING("Your message was automatically rejected:\n"
					  "mailbox is full")),
		      RMT_REPORT_BOUNCE, RMT_CLASS_MAILBOX_FULL);
	assert_mdn_is(RMT_SPAN(MDN_SAYING("Your message was automatically rejected:\n"
					  "This mailbox does not exist")),
		      RMT_REPORT_BOUNCE, RMT_CLASS_INACTIVE);
	assert_mdn_is(RMT_SPAN(MDN_SAYING("Deleted without being read.")),
		      RMT_REPORT_RECEIPT, RMT_CLASS_UNKNOWN);
}

static void nothing_is_no_report(void **state)
{
	g_autoptr(rmt_report) report = rmt_report_read(reader, rmt_span(NULL, 0));

	(void)state;
	assert_int_equal(report->kind, RMT_REPORT_OTHER);
	assert_int_equal(report->events->len, 0);
}

/* Two systems that refuse, in the words of each: what is the recipient's, and what
 * only sounds like it. */
static void what_sounds_like_a_dead_address_is_told_from_one(void **state)
{
	static const struct {
		const char *status, *text;
		enum rmt_report_class want;
	} rows[] = {
		{ "5.1.1",
		  "550 5.1.1 Sender address not found: unknown user (in reply to "
		  "MAIL FROM command)",
		  RMT_CLASS_POLICY_SENDER },
		{ "",
		  "550 Verification failed for <a@b.example> 550 The account or domain "
		  "may not exist 550 Sender verify failed (in reply to RCPT TO command)",
		  RMT_CLASS_POLICY_SENDER },
		{ "5.7.1",
		  "554 5.7.1 Client host blocked using bl.example; User unknown (in "
		  "reply to RCPT TO command)",
		  RMT_CLASS_REPUTATION },
		{ "4.7.1", "451 4.7.1 Too many unknown users, try later",
		  RMT_CLASS_RATE },
		{ "4.2.1",
		  "450 4.2.1 The user you are trying to contact is receiving mail "
		  "at a rate that prevents additional messages",
		  RMT_CLASS_RATE },
		{ "5.1.7",
		  "501 5.1.7 Bad sender address syntax (in reply to MAIL FROM "
		  "command)",
		  RMT_CLASS_POLICY_SENDER },
		{ "",
		  "550 Your domain does not exist in DNS (reverse lookup failed), user "
		  "unknown (in reply to RCPT TO command)",
		  RMT_CLASS_AUTH },
		{ "",
		  "550 @: destinatario desconocido o mailbox lleno (in reply to RCPT TO "
		  "command)",
		  RMT_CLASS_MAILBOX_FULL },
		{ "5.1.7", "553 5.1.7 invalid address", RMT_CLASS_POLICY_SENDER },
		{ "",
		  "550 Your account is no longer allowed to send (in reply to RCPT TO "
		  "command)",
		  RMT_CLASS_POLICY_SENDER },
		{ "", "550 your host name is unknown (in reply to RCPT TO command)",
		  RMT_CLASS_AUTH },
		{ "4.3.2", "451 4.3.2 The server is over capacity", RMT_CLASS_NETWORK },
		{ "5.0.0", "552 account(s) <a@b.example> does not have enough space",
		  RMT_CLASS_MAILBOX_FULL },
		{ "4.0.0",
		  "DNS Error: DNS type 'mx' lookup of b.example responded with "
		  "code NXDOMAIN",
		  RMT_CLASS_NETWORK },
		{ "5.1.0", "5.1.0 - Unknown address error 550-'5.7.1 access denied'",
		  RMT_CLASS_POLICY_SENDER },
		{ "", "the group you tried to contact may not exist",
		  RMT_CLASS_POLICY_SENDER },
		{ "5.1.10",
		  "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found "
		  "by SMTP address lookup (in reply to end of DATA command)",
		  RMT_CLASS_DEAD_ADDRESS },
		{ "", "550 No such person at this address (in reply to RCPT TO command)",
		  RMT_CLASS_DEAD_ADDRESS },
		{ "", "550 MAILBOX NOT FOUND (in reply to RCPT TO command)",
		  RMT_CLASS_DEAD_ADDRESS },
		{ "5.7.1",
		  "554 5.7.1 <a@b.example>: Recipient address rejected: nonexistent "
		  "user (in reply to RCPT TO command)",
		  RMT_CLASS_DEAD_ADDRESS },
		{ "5.1.6", "551 5.1.6 User has moved; please try <c@d.example>",
		  RMT_CLASS_DEAD_ADDRESS },
		{ "", "550 Такого почтового ящика не существует",
		  RMT_CLASS_DEAD_ADDRESS },
		{ "", "550 ПОЛЬЗОВАТЕЛЬ не найден", RMT_CLASS_DEAD_ADDRESS },
		{ "", "550 O endereço de e-mail não existe.", RMT_CLASS_DEAD_ADDRESS },
		{ "", "550 宛先のメールアドレスが存在しません。",
		  RMT_CLASS_DEAD_ADDRESS },
		{ "", "收件人邮箱空间不足", RMT_CLASS_MAILBOX_FULL },
		{ "", "esta casilla ha expirado por falta de uso", RMT_CLASS_INACTIVE },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(rows); i++) {
		char reply[4] = "";
		struct rmt_report_event *event =
			rmt_report_classify(reader, rmt_span_of(rows[i].text),
					    rows[i].status, reply, RMT_ACTION_FAILED);

		if (event->class != rows[i].want)
			fail_msg("%s: %s by %s", rows[i].text,
				 rmt_report_class_name(event->class), event->rule);
		rmt_report_event_free(event);
	}
}

static void check_notice_kind(const char *kind, enum rmt_report_class class, bool hard)
{
	g_autofree char *message = g_strdup_printf(
		"From: no-reply@sns.example\nSubject: Notification\n\n"
		"{\"notificationType\":\"Bounce\",\"bounce\":{\"bounceSubType\":\"%s\","
		"\"bouncedRecipients\":[{\"emailAddress\":\"ann@d.example\"}]}}\n",
		kind);
	g_autoptr(rmt_report) report = rmt_report_read(reader, rmt_span_of(message));
	const struct rmt_report_event *event = g_ptr_array_index(report->events, 0);

	assert_int_equal(report->kind, RMT_REPORT_BOUNCE);
	assert_int_equal(event->class, class);
	assert_int_equal(event->hard, hard);
}

static void a_notice_without_an_answer_has_its_own_word(void **state)
{
	(void)state;
	check_notice_kind("MailboxFull", RMT_CLASS_MAILBOX_FULL, false);
	check_notice_kind("NoEmail", RMT_CLASS_DEAD_ADDRESS, true);
	check_notice_kind("General", RMT_CLASS_UNKNOWN, false);
	check_notice_kind("Suppressed", RMT_CLASS_UNKNOWN, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_of_many_systems_are_read_as_wanted),
		cmocka_unit_test(what_a_report_says_of_the_message_is_kept),
		cmocka_unit_test(what_sounds_like_a_dead_address_is_told_from_one),
		cmocka_unit_test(a_servers_words_have_a_class),
		cmocka_unit_test(what_is_only_delayed_is_never_hard),
		cmocka_unit_test(a_thousand_parts_within_parts_are_cut),
		cmocka_unit_test(a_thousand_messages_within_messages_are_cut),
		cmocka_unit_test(a_hundred_thousand_recipients_are_bounded),
		cmocka_unit_test(a_hundred_thousand_addresses_in_prose_are_bounded),
		cmocka_unit_test(line_ends_of_any_kind_and_nul_are_read),
		cmocka_unit_test(a_wrong_character_set_does_no_harm),
		cmocka_unit_test(a_notice_without_an_answer_has_its_own_word),
		cmocka_unit_test(who_complains_may_stand_where_the_message_was_received),
		cmocka_unit_test(two_may_complain_in_one_field),
		cmocka_unit_test(an_answer_with_the_message_buries_nobody_else),
		cmocka_unit_test(a_subject_alone_buries_nobody),
		cmocka_unit_test(a_servers_answer_may_be_in_the_texts_character_set),
		cmocka_unit_test(what_the_text_above_says_is_judged_there),
		cmocka_unit_test(a_report_that_somebody_comments_on_is_talk),
		cmocka_unit_test(empty_lines_between_the_fields_of_one_part_nobody),
		cmocka_unit_test(a_status_that_a_gateway_calls_octets_is_read),
		cmocka_unit_test(who_refuses_by_a_filter_bounces_and_lives),
		cmocka_unit_test(nothing_is_no_report),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
