/* SPDX-License-Identifier: MIT */
#include "tests/unit/dovecot-plugin/agent/agent_fixture.h"

#define AUTOMATIC "receipts: { policy = \"organization\" prompt = false }"
#define ASKING    "receipts: { policy = \"organization\" prompt = true }"

static void assert_has(const char *text, const char *part)
{
	if (strstr(text, part) == NULL)
		fail_msg("'%s' is not in '%s'", part, text);
}

static const char *mail(const struct agent_fixture *fixture, guint index)
{
	assert_true(index < fixture->sink.mails->len);
	return fixture->sink.mails->pdata[index];
}

/* So many jobs are left then, and so many messages went out since the start. */
static void work_and_send(struct agent_fixture *fixture, uint64_t jobs_left, guint sent)
{
	fixture_work(fixture, jobs_left);
	assert_int_equal(sink_count(&fixture->sink), sent);
}

/* --- automatic --- */

static void a_receipt_goes_out_where_the_policy_sends_by_itself(void **state)
{
	struct agent_fixture *fixture = fixture_new(AUTOMATIC);
	g_autofree char *answers = NULL, *trail = NULL;

	(void)state;
	fixture_shown(fixture, HEADER);
	work_and_send(fixture, 1, 1);
	assert_true(smtp_sink_saw(&fixture->sink, "MAIL FROM:<>"));
	assert_true(smtp_sink_saw(&fixture->sink, "RCPT TO:<alice@example.net>"));
	assert_has(mail(fixture, 0), "Final-Recipient: rfc822;bob@example.net");
	assert_has(mail(fixture, 0), "Original-Message-ID: <m1@example.net>");
	assert_has(mail(fixture, 0), "manual-action/MDN-sent-automatically; displayed");
	assert_int_equal(fixture_state(fixture, "m1@example.net"), RMT_CLAIM_SENT);
	answers = fixture_answers(fixture);
	assert_has(answers, "box=INBOX\tuidvalidity=1\tuid=7\t"
			    "add=$MDNSent\tremove=$ReceiptPending $ReceiptUntold]");
	trail = fixture_trail(fixture);
	assert_has(trail, "approved/policy/");
	assert_has(trail, "sent/agent/");
	fixture_free(fixture);
}

/* RFC 6533, 3: the address is told in ASCII, too. */
static void M21_a_user_with_an_ascii_address_needs_no_smtputf8(void **state)
{
	struct agent_fixture *fixture = fixture_new(AUTOMATIC);
	static const char header[] = "Return-Path: <alice@example.net>\r\n"
				     "From: alice@example.net\r\n"
				     "To: jos\xc3\xa9@example.net\r\n"
				     "Message-ID: <m2@example.net>\r\n"
				     "Disposition-Notification-To: alice@example.net\r\n"
				     "\r\n";
	static const char addresses[] = "jos\xc3\xa9@example.net,bob@example.net";

	(void)state;
	assert_int_equal(fixture_job(fixture, "shown",
				     FIELDS("user", "bob@example.net", "box", "INBOX",
					    "uidvalidity", "1", "uid", "7", "received",
					    "1789990000", "addresses", addresses, "how",
					    "fetched"),
				     header),
			 RMT_TAKEN_ACK);
	work_and_send(fixture, 1, 1);
	assert_has(mail(fixture, 0), "From: <bob@example.net>\r\n");
	assert_has(mail(fixture, 0), "Final-Recipient: utf-8;jos\\x{E9}@example.net\r\n");
	assert_true(g_str_is_ascii(mail(fixture, 0)));
	fixture_free(fixture);
}

static void however_often_it_is_shown_one_receipt_goes_out(void **state)
{
	struct agent_fixture *fixture = fixture_new(AUTOMATIC);
	int i;

	(void)state;
	for (i = 0; i < 5; i++) {
		fixture_shown(fixture, HEADER);
		if (i == 2)
			fixture_work(fixture, 1);
	}
	work_and_send(fixture, 1, 1);
	fixture_free(fixture);
}

static void under_policy_none_nothing_goes_out_and_the_mark_goes(void **state)
{
	struct agent_fixture *fixture = fixture_new("receipts: { policy = \"none\" }");
	g_autofree char *answers = NULL;

	(void)state;
	fixture_shown(fixture, HEADER);
	work_and_send(fixture, 1, 0);
	assert_int_equal(fixture_state(fixture, "m1@example.net"), RMT_CLAIM_DENIED);
	answers = fixture_answers(fixture);
	assert_has(answers, "remove=$ReceiptPending");
	fixture_free(fixture);
}

static void in_report_mode_nothing_is_changed(void **state)
{
	struct agent_fixture *fixture = fixture_new(AUTOMATIC);
	g_autofree char *trail = NULL;

	(void)state;
	fixture->agent->config->mode = RMT_MODE_REPORT;
	fixture_shown(fixture, HEADER);
	work_and_send(fixture, 1, 0);
	assert_int_equal(fixture_state(fixture, "m1@example.net"), RMT_CLAIM_NONE);
	trail = fixture_trail(fixture);
	assert_string_equal(trail, "");
	fixture_free(fixture);
}

static void a_message_that_asks_for_nothing_only_loses_its_mark(void **state)
{
	struct agent_fixture *fixture = fixture_new(AUTOMATIC);
	g_autofree char *answers = NULL;

	(void)state;
	assert_int_equal(fixture_job(fixture, "shown", FIELDS(PLACE, "guid", "f00"),
				     "From: a@b\r\nMessage-ID: <m1@example.net>\r\n\r\n"),
			 RMT_TAKEN_ACK);
	answers = fixture_answers(fixture);
	assert_has(answers, "\tremove=$ReceiptPending $ReceiptUntold]");
	assert_null(strstr(answers, "$MDNSent"));
	fixture_free(fixture);
}

static void the_envelope_recipient_of_the_delivery_is_remembered(void **state)
{
	struct agent_fixture *fixture = fixture_new(AUTOMATIC);

	(void)state;
	assert_int_equal(fixture_job(fixture, "delivered",
				     FIELDS(PLACE, "rcpt", "bob@example.net"), HEADER),
			 RMT_TAKEN_ACK);
	assert_int_equal(fixture_state(fixture, "m1@example.net"), RMT_CLAIM_DELIVERED);
	fixture_shown(fixture, HEADER);
	fixture_work(fixture, 1);
	assert_has(mail(fixture, 0), "Final-Recipient: rfc822;bob@example.net");
	fixture_free(fixture);
}

/* --- asking --- */

static void the_user_is_asked_by_a_message_and_nothing_else_goes_out(void **state)
{
	struct agent_fixture *fixture = fixture_new(ASKING);
	g_autofree char *answers = NULL;

	(void)state;
	fixture_shown(fixture, HEADER);
	work_and_send(fixture, 2, 1); /* and the end of the question */
	assert_true(smtp_sink_saw(&fixture->sink, "RCPT TO:<bob@example.net>"));
	assert_has(mail(fixture, 0), "Auto-Submitted: auto-generated");
	assert_null(strstr(mail(fixture, 0), "Disposition-Notification-To"));
	assert_int_equal(fixture_state(fixture, "m1@example.net"), RMT_CLAIM_ASKED);
	answers = fixture_answers(fixture);
	assert_string_equal(answers, "");
	fixture_free(fixture);
}

static void choose(struct agent_fixture *fixture, const char *choice)
{
	assert_int_equal(
		fixture_job(fixture, "choice", FIELDS(PLACE, "choice", choice), HEADER),
		RMT_TAKEN_ACK);
}

static void what_is_approved_goes_out_by_hand_of_the_user(void **state)
{
	struct agent_fixture *fixture = fixture_new(ASKING);

	(void)state;
	fixture_shown(fixture, HEADER);
	fixture_work(fixture, 2);
	choose(fixture, "approve");
	choose(fixture, "approve");
	work_and_send(fixture, 1, 2);
	assert_has(mail(fixture, 1), "manual-action/MDN-sent-manually; displayed");
	assert_int_equal(rmt_store_count(fixture->agent->store, "prompts"), 0);
	fixture_free(fixture);
}

/* A script's, or a tag in a list of messages: the receipt would say "displayed". */
static void M24_a_yes_before_it_is_displayed_waits_until_it_is(void **state)
{
	static const char *const choices[] = { "approve", "always" };
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(choices); i++) {
		struct agent_fixture *fixture = fixture_new(ASKING);
		g_autofree char *trail = NULL;

		choose(fixture, choices[i]);
		fixture_work(fixture, 1);
		assert_int_equal(fixture_state(fixture, "m1@example.net"),
				 RMT_CLAIM_DELIVERED);
		assert_int_equal(sink_count(&fixture->sink), 0);
		fixture_shown(fixture, HEADER);
		work_and_send(fixture, 1, 1);
		assert_has(mail(fixture, 0),
			   "manual-action/MDN-sent-manually; displayed");
		trail = fixture_trail(fixture);
		assert_has(trail, "consented/keyword/user-yes approved/keyword/approved");
		fixture_free(fixture);
	}
}

static void P12_a_yes_before_it_is_displayed_can_be_taken_back(void **state)
{
	struct agent_fixture *fixture = fixture_new(ASKING);

	(void)state;
	choose(fixture, "approve");
	choose(fixture, "deny");
	fixture_shown(fixture, HEADER);
	work_and_send(fixture, 1, 0);
	fixture_free(fixture);
}

static void what_is_denied_never_goes_out(void **state)
{
	static const char *const choices[] = { "deny", "junk" };
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(choices); i++) {
		struct agent_fixture *fixture = fixture_new(ASKING);

		fixture_shown(fixture, HEADER);
		choose(fixture, choices[i]);
		choose(fixture, "approve");
		fixture_shown(fixture, HEADER);
		fixture_work(fixture, 1);
		assert_int_equal(fixture_state(fixture, "m1@example.net"),
				 RMT_CLAIM_DENIED);
		assert_false(smtp_sink_saw(&fixture->sink, "alice"));
		fixture_free(fixture);
	}
}

static void always_sends_now_and_later_without_asking(void **state)
{
	struct agent_fixture *fixture = fixture_new(ASKING);
	g_autofree char *second = g_strdup(HEADER);
	g_autofree char *answers = NULL;

	(void)state;
	memcpy(strstr(second, "m1@"), "m2@", 3);
	fixture_shown(fixture, HEADER);
	fixture_work(fixture, 2);
	choose(fixture, "always");
	fixture_work(fixture, 1);
	fixture_shown(fixture, second);
	work_and_send(fixture, 1, 3);
	assert_has(mail(fixture, 2), "Original-Message-ID: <m2@example.net>");
	answers = fixture_answers(fixture);
	assert_has(answers, "[preference=always alice@example.net]");
	fixture_free(fixture);
}

#define TWO_ASK                                                                          \
	"Return-Path: <alice@example.net>\r\nDelivered-To: bob@example.net\r\n"          \
	"From: alice@example.net\r\nTo: bob@example.net\r\nMessage-ID: "                 \
	"<m3@example.net>\r\nDate: Mon, 21 Sep 2026 10:00:00 +0000\r\n"                  \
	"Disposition-Notification-To: alice@example.net, eve@example.net\r\n\r\n"

static bool gather_target(void *context, const struct rmt_audit *line)
{
	g_string_append_printf(context, "%s: %s|", line->event, line->target);
	return true;
}

static void M04_the_user_is_asked_about_all_who_would_be_told(void **state)
{
	struct agent_fixture *fixture = fixture_new(AUTOMATIC);
	g_autoptr(GString) trail = g_string_new(NULL);
	g_autofree char *text = NULL;
	gsize length;

	(void)state;
	fixture_shown(fixture, TWO_ASK);
	work_and_send(fixture, 2, 1);
	text = (char *)g_base64_decode(strstr(mail(fixture, 0), "\r\n\r\n") + 4, &length);
	assert_non_null(g_strstr_len(text, (gssize)length,
				     "Receipt to: alice@example.net, eve@example.net\n"));
	assert_int_equal(fixture_job(fixture, "query",
				     FIELDS("user", "bob@example.net", "what", "pending"),
				     NULL),
			 RMT_TAKEN_ACK);
	assert_has(fixture->rows->str, "\ttarget=alice@example.net, eve@example.net\t");
	assert_int_equal(fixture_job(fixture, "choice",
				     FIELDS(PLACE, "choice", "approve"), TWO_ASK),
			 RMT_TAKEN_ACK);
	work_and_send(fixture, 1, 2);
	assert_true(smtp_sink_saw(&fixture->sink, "RCPT TO:<eve@example.net>"));
	assert_true(rmt_audit_walk(fixture->agent->store, 0, gather_target, trail, NULL));
	assert_string_equal(trail->str, "asked: alice@example.net, eve@example.net|"
					"approved: alice@example.net, eve@example.net|"
					"sent: alice@example.net, eve@example.net|");
	fixture_free(fixture);
}

static void M09_never_for_one_of_those_who_ask_is_enough(void **state)
{
	struct agent_fixture *fixture = fixture_new(AUTOMATIC);

	(void)state;
	assert_int_equal(fixture_job(fixture, "preference",
				     FIELDS("user", "bob@example.net", "value",
					    "never eve@example.net"),
				     NULL),
			 RMT_TAKEN_ACK);
	fixture_shown(fixture, TWO_ASK);
	work_and_send(fixture, 1, 0);
	fixture_free(fixture);
}

static void never_beats_what_the_policy_sends_by_itself(void **state)
{
	struct agent_fixture *fixture = fixture_new(AUTOMATIC);

	(void)state;
	assert_int_equal(fixture_job(fixture, "preference",
				     FIELDS("user", "bob@example.net", "value", "never"),
				     NULL),
			 RMT_TAKEN_ACK);
	fixture_shown(fixture, HEADER);
	work_and_send(fixture, 1, 0);
	fixture_free(fixture);
}

/* --- what is not displayed, or nobody's --- */

static void throw_away(struct agent_fixture *fixture)
{
	assert_int_equal(fixture_job(fixture, "deleted", FIELDS(PLACE), HEADER),
			 RMT_TAKEN_ACK);
}

#define DELETED "receipts: { policy = \"organization\" prompt = %s deleted = %s }"

static void P07_what_was_thrown_away_is_told_where_the_policy_says_so(void **state)
{
	static const struct {
		const char *prompt, *deleted;
		guint sent;
	} cases[] = {
		{ "false", "true", 1 },
		{ "false", "false", 0 },
		{ "true", "true", 0 }, /* nobody is asked about that */
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *policy =
			g_strdup_printf(DELETED, cases[i].prompt, cases[i].deleted);
		struct agent_fixture *fixture = fixture_new(policy);

		throw_away(fixture);
		throw_away(fixture);
		work_and_send(fixture, 1, cases[i].sent);
		if (cases[i].sent > 0)
			assert_has(mail(fixture, 0), "MDN-sent-automatically; deleted");
		else /* a copy of it may be displayed yet */
			assert_int_equal(fixture_state(fixture, "m1@example.net"),
					 RMT_CLAIM_NONE);
		fixture_free(fixture);
	}
}

static void M01_what_was_displayed_is_not_told_as_thrown_away(void **state)
{
	g_autofree char *policy = g_strdup_printf(DELETED, "false", "true");
	struct agent_fixture *fixture = fixture_new(policy);

	(void)state;
	fixture_shown(fixture, HEADER);
	throw_away(fixture);
	work_and_send(fixture, 1, 1);
	assert_has(mail(fixture, 0), "; displayed");
	fixture_free(fixture);
}

/* The mark came along with dsync, or from another server; who has the row answers. */
static void K01_what_was_not_delivered_here_is_left_to_others(void **state)
{
	static const struct {
		const char *kind, *received, *told;
		bool delivered;
		enum rmt_taken want;
		guint sent;
	} cases[] = {
		{ "shown", "1789990000", "yes", false, RMT_TAKEN_ACK, 0 },
		{ "choice", "1789990000", "yes", false, RMT_TAKEN_ACK, 0 },
		{ "deleted", "1789990000", "yes", false, RMT_TAKEN_ACK, 0 },
		/* the word of its delivery may be on its way */
		{ "shown", "1789999990", "yes", false, RMT_TAKEN_LATER, 0 },
		{ "shown", "1789990000", "yes", true, RMT_TAKEN_ACK, 1 },
		/* the agent was away */
		{ "shown", "1789990000", NULL, false, RMT_TAKEN_ACK, 1 },
	};
	g_autofree char *policy = g_strdup_printf(DELETED, "false", "true");
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct agent_fixture *fixture = fixture_new(policy);
		const char *const fields[] = { "user",      "bob@example.net",
					       "addresses", "bob@example.net",
					       "guid",      "f00",
					       "choice",    "approve",
					       "received",  cases[i].received,
					       "told",      cases[i].told,
					       NULL };

		if (cases[i].delivered)
			assert_int_equal(
				fixture_job(fixture, "delivered", FIELDS(PLACE), HEADER),
				RMT_TAKEN_ACK);
		assert_int_equal(fixture_job(fixture, cases[i].kind, fields, HEADER),
				 cases[i].want);
		work_and_send(fixture, 1, cases[i].sent);
		fixture_free(fixture);
	}
}

static void P26_requests_from_before_the_mode_became_none_have_no_answer(void **state)
{
	static const struct {
		const char *kind, *choice;
	} cases[] = { { "shown", NULL }, { "choice", "approve" }, { "deleted", NULL } };
	g_autofree char *policy = g_strdup_printf(DELETED, "false", "true");
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct agent_fixture *fixture = fixture_new(policy);

		assert_int_equal(
			fixture_job(fixture, cases[i].kind,
				    FIELDS(PLACE, "mode", "none",
					   cases[i].choice != NULL ? "choice" : "how",
					   cases[i].choice),
				    HEADER),
			RMT_TAKEN_ACK);
		work_and_send(fixture, 1, 0);
		fixture_free(fixture);
	}
}

/* The word of the plugin beats a configuration that enforces: the user's own program
 * may have answered, or will. */
static void while_dovecot_only_reports_nothing_is_kept_or_sent(void **state)
{
	static const struct {
		const char *kind, *choice;
	} cases[] = { { "delivered", NULL },
		      { "shown", NULL },
		      { "choice", "approve" },
		      { "choice", "always" },
		      { "deleted", NULL } };
	g_autofree char *policy = g_strdup_printf(DELETED, "false", "true");
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct agent_fixture *fixture = fixture_new(policy);
		g_autofree char *answers = NULL, *trail = NULL;

		assert_int_equal(
			fixture_job(fixture, cases[i].kind,
				    FIELDS(PLACE, "mode", "report", "told", "yes",
					   cases[i].choice != NULL ? "choice" : "how",
					   cases[i].choice),
				    HEADER),
			RMT_TAKEN_ACK);
		work_and_send(fixture, 1, 0);
		assert_int_equal(fixture_state(fixture, "m1@example.net"),
				 RMT_CLAIM_NONE);
		answers = fixture_answers(fixture);
		assert_string_equal(answers, "");
		trail = fixture_trail(fixture);
		assert_string_equal(trail, "");
		assert_int_equal(rmt_store_count(fixture->agent->store, "preferences"),
				 0);
		fixture_free(fixture);
	}
}

static void nobody_answers_is_no(void **state)
{
	struct agent_fixture *fixture =
		fixture_new(ASKING "\nprompts: { expire = \"7d\" }");
	g_autofree char *trail = NULL;

	(void)state;
	fixture_shown(fixture, HEADER);
	fixture_work(fixture, 2);
	fixture->now_us += INT64_C(7) * RMT_AGENT_DAY * G_USEC_PER_SEC;
	fixture_work(fixture, 1);
	assert_int_equal(fixture_state(fixture, "m1@example.net"), RMT_CLAIM_DENIED);
	assert_int_equal(rmt_store_count(fixture->agent->store, "prompts"), 0);
	trail = fixture_trail(fixture);
	assert_has(trail, "denied/time/unanswered");
	choose(fixture, "approve");
	fixture_work(fixture, 1);
	assert_false(smtp_sink_saw(&fixture->sink, "alice"));
	fixture_free(fixture);
}

static void a_digest_asks_all_questions_at_once(void **state)
{
	struct agent_fixture *fixture =
		fixture_new(ASKING "\nprompts: { mail = \"digest\" digest = \"1h\" }");
	g_autofree char *second = g_strdup(HEADER);

	(void)state;
	memcpy(strstr(second, "m1@"), "m2@", 3);
	fixture_shown(fixture, HEADER);
	fixture_shown(fixture, second);
	work_and_send(fixture, 4, 0); /* two ends, the digest, the sweep */
	fixture->now_us += INT64_C(3601) * G_USEC_PER_SEC;
	work_and_send(fixture, 3, 1);
	fixture_free(fixture);
}

static void a_link_or_command_names_the_question_and_the_receipt_goes_out(void **state)
{
	struct agent_fixture *fixture = fixture_new(ASKING);
	g_autofree char *key = NULL;
	const char *at;

	(void)state;
	fixture_shown(fixture, HEADER);
	fixture_work(fixture, 2);
	assert_int_equal(fixture_job(fixture, "query",
				     FIELDS("user", "bob@example.net", "what", "pending"),
				     NULL),
			 RMT_TAKEN_ACK);
	assert_has(fixture->rows->str, "\tid=m1@example.net\ttarget=alice@example.net\t"
				       "subject=lunch\t");
	at = strstr(fixture->rows->str, "key=");
	key = g_strndup(at + 4, 32);
	assert_int_equal(fixture_job(fixture, "choice",
				     FIELDS("user", "bob@example.net", "key", key,
					    "choice", "approve", "by", "link"),
				     NULL),
			 RMT_TAKEN_ACK);
	assert_int_equal(fixture_job(fixture, "choice",
				     FIELDS("user", "bob@example.net", "key", key,
					    "choice", "approve", "by", "link"),
				     NULL),
			 RMT_TAKEN_NAK);
	assert_has(fixture->reason, "nobody is asking that");
	work_and_send(fixture, 1, 2);
	fixture_free(fixture);
}

static void what_would_be_done_is_explained_without_doing_it(void **state)
{
	struct agent_fixture *fixture = fixture_new(AUTOMATIC);

	(void)state;
	assert_int_equal(fixture_job(fixture, "query",
				     FIELDS("user", "bob@example.net", "what", "explain",
					    "received", "1789990000"),
				     HEADER),
			 RMT_TAKEN_ACK);
	assert_has(fixture->rows->str, "verdict=send");
	assert_int_equal(fixture_state(fixture, "m1@example.net"), RMT_CLAIM_NONE);
	fixture_free(fixture);
}

/* --- limits and trouble --- */

static void the_limit_of_a_user_holds_whatever_a_job_says(void **state)
{
	struct agent_fixture *fixture = fixture_new(
		"receipts: { policy = \"organization\" prompt = false user_limit = "
		"\"3/day\" }");
	int i;

	(void)state;
	for (i = 0; i < 6; i++) {
		g_autofree char *header = g_strdup(HEADER);

		strstr(header, "m1@")[1] = (char)('1' + i);
		fixture_shown(fixture, header);
	}
	work_and_send(fixture, 1, 3);
	fixture_free(fixture);
}

static const char *reply_with(void *context, const char *text)
{
	(void)text;
	return context;
}

static void what_the_server_does_not_take_now_goes_out_later(void **state)
{
	struct agent_fixture *fixture = fixture_new(AUTOMATIC);

	(void)state;
	smtp_sink_answer(&fixture->sink, reply_with, (void *)"451 disk full");
	fixture_shown(fixture, HEADER);
	fixture_work_once(fixture);
	assert_int_equal(fixture_state(fixture, "m1@example.net"), RMT_CLAIM_APPROVED);
	smtp_sink_answer(&fixture->sink, reply_with, (void *)"250 ok");
	fixture->now_us += INT64_C(3600) * G_USEC_PER_SEC;
	work_and_send(fixture, 1, 1);
	assert_int_equal(fixture_state(fixture, "m1@example.net"), RMT_CLAIM_SENT);
	fixture_free(fixture);
}

static void what_the_server_refuses_is_given_up_and_written_down(void **state)
{
	struct agent_fixture *fixture = fixture_new(AUTOMATIC);
	g_autofree char *trail = NULL;

	(void)state;
	fixture->sink.at_rcpt = "550 no such user";
	fixture_shown(fixture, HEADER);
	fixture_work(fixture, 1);
	assert_int_equal(fixture_state(fixture, "m1@example.net"), RMT_CLAIM_FAILED);
	trail = fixture_trail(fixture);
	assert_has(trail, "failed/agent/");
	fixture_free(fixture);
}

/* Another message; id: "m2". */
static void show_another(struct agent_fixture *fixture, const char *id)
{
	g_autofree char *header = g_strdup(HEADER);

	memcpy(strstr(header, "m1@"), id, 2);
	fixture_shown(fixture, header);
}

static void what_may_have_been_taken_is_not_sent_again_without_a_witness(void **state)
{
	struct agent_fixture *fixture = fixture_new(AUTOMATIC);

	(void)state;
	show_another(fixture, "m2");
	fixture_work(fixture, 1);
	smtp_sink_answer(&fixture->sink, reply_with, NULL); /* hangs up */
	fixture_shown(fixture, HEADER);
	fixture_work(fixture, 1);
	assert_int_equal(fixture_state(fixture, "m1@example.net"), RMT_CLAIM_FAILED);
	fixture_free(fixture);
}

static const char *count(void *context, const char *text)
{
	struct agent_fixture *fixture = context;
	const char *id = strstr(text, "Message-ID: <") + strlen("Message-ID: <");
	g_autofree char *receipt = g_strndup(id, strcspn(id, ">"));

	assert_int_equal(rmt_claim_pass(fixture->agent->store, receipt, NOW, NULL),
			 RMT_CLAIM_FIRST_TIME);
	return "250 taken";
}

/* Story: the first receipt that an agent sent was broken off, and it was given up
 * although remite-milter, of which the agent knew nothing yet, had not seen it. */
static void who_knows_of_no_witness_yet_waits_until_a_receipt_tells(void **state)
{
	static const struct {
		const char *(*other)(void *context, const char *text);
		enum rmt_claim_state want;
		guint sent;
	} cases[] = {
		{ count, RMT_CLAIM_SENT, 2 },
		{ NULL, RMT_CLAIM_FAILED, 1 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct agent_fixture *fixture = fixture_new(AUTOMATIC);

		smtp_sink_answer(&fixture->sink, reply_with, NULL);
		fixture_shown(fixture, HEADER);
		fixture_work_once(fixture);
		assert_int_equal(fixture_state(fixture, "m1@example.net"),
				 RMT_CLAIM_SENDING);
		smtp_sink_answer(&fixture->sink, cases[i].other, fixture);
		show_another(fixture, "m2");
		work_and_send(fixture, 2, 1);
		fixture->now_us += INT64_C(3600) * G_USEC_PER_SEC;
		fixture_work(fixture, 1);
		assert_int_equal(fixture_state(fixture, "m1@example.net"), cases[i].want);
		assert_int_equal(sink_count(&fixture->sink), cases[i].sent);
		fixture_free(fixture);
	}
}

/* As remite-milter does it: counts, then the server hangs up all the same. */
static const char *count_and_hang_up(void *context, const char *text)
{
	count(context, text);
	return NULL;
}

static void what_a_witness_counted_was_sent(void **state)
{
	struct agent_fixture *fixture = fixture_new(AUTOMATIC);

	(void)state;
	smtp_sink_answer(&fixture->sink, count_and_hang_up, fixture);
	fixture_shown(fixture, HEADER);
	fixture_work(fixture, 1);
	assert_int_equal(fixture_state(fixture, "m1@example.net"), RMT_CLAIM_SENT);
	fixture_free(fixture);
}

static void jobs_that_cannot_be_are_refused_in_words(void **state)
{
	struct agent_fixture *fixture = fixture_new(AUTOMATIC);

	(void)state;
	assert_int_equal(fixture_job(fixture, "fly", FIELDS("user", "bob"), NULL),
			 RMT_TAKEN_NAK);
	assert_has(fixture->reason, "no job of kind 'fly'");
	assert_int_equal(
		fixture_job(fixture, "choice", FIELDS(PLACE, "choice", "maybe"), HEADER),
		RMT_TAKEN_NAK);
	assert_int_equal(fixture_job(fixture, "query", FIELDS("what", "all"), NULL),
			 RMT_TAKEN_NAK);
	assert_int_equal(
		fixture_job(fixture, "preference", FIELDS("value", "sometimes"), NULL),
		RMT_TAKEN_NAK);
	fixture_free(fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_receipt_goes_out_where_the_policy_sends_by_itself),
		cmocka_unit_test(M21_a_user_with_an_ascii_address_needs_no_smtputf8),
		cmocka_unit_test(however_often_it_is_shown_one_receipt_goes_out),
		cmocka_unit_test(under_policy_none_nothing_goes_out_and_the_mark_goes),
		cmocka_unit_test(in_report_mode_nothing_is_changed),
		cmocka_unit_test(a_message_that_asks_for_nothing_only_loses_its_mark),
		cmocka_unit_test(the_envelope_recipient_of_the_delivery_is_remembered),
		cmocka_unit_test(
			the_user_is_asked_by_a_message_and_nothing_else_goes_out),
		cmocka_unit_test(what_is_approved_goes_out_by_hand_of_the_user),
		cmocka_unit_test(M24_a_yes_before_it_is_displayed_waits_until_it_is),
		cmocka_unit_test(P12_a_yes_before_it_is_displayed_can_be_taken_back),
		cmocka_unit_test(what_is_denied_never_goes_out),
		cmocka_unit_test(always_sends_now_and_later_without_asking),
		cmocka_unit_test(M04_the_user_is_asked_about_all_who_would_be_told),
		cmocka_unit_test(M09_never_for_one_of_those_who_ask_is_enough),
		cmocka_unit_test(never_beats_what_the_policy_sends_by_itself),
		cmocka_unit_test(
			P07_what_was_thrown_away_is_told_where_the_policy_says_so),
		cmocka_unit_test(M01_what_was_displayed_is_not_told_as_thrown_away),
		cmocka_unit_test(K01_what_was_not_delivered_here_is_left_to_others),
		cmocka_unit_test(
			P26_requests_from_before_the_mode_became_none_have_no_answer),
		cmocka_unit_test(while_dovecot_only_reports_nothing_is_kept_or_sent),
		cmocka_unit_test(nobody_answers_is_no),
		cmocka_unit_test(a_digest_asks_all_questions_at_once),
		cmocka_unit_test(
			a_link_or_command_names_the_question_and_the_receipt_goes_out),
		cmocka_unit_test(what_would_be_done_is_explained_without_doing_it),
		cmocka_unit_test(the_limit_of_a_user_holds_whatever_a_job_says),
		cmocka_unit_test(what_the_server_does_not_take_now_goes_out_later),
		cmocka_unit_test(what_the_server_refuses_is_given_up_and_written_down),
		cmocka_unit_test(
			what_may_have_been_taken_is_not_sent_again_without_a_witness),
		cmocka_unit_test(who_knows_of_no_witness_yet_waits_until_a_receipt_tells),
		cmocka_unit_test(what_a_witness_counted_was_sent),
		cmocka_unit_test(jobs_that_cannot_be_are_refused_in_words),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
