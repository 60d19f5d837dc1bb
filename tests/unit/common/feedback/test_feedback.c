/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/feedback/mailed.h"
#include "common/feedback/rates.h"
#include "common/store/stream_state.h"
#include "common/store/suppress.h"
#include "tests/unit/common/feedback/feedback_fixture.h"

enum { NOW = 1795312800, DAY = 86400 };

static const char config_text[] =
	"feedback: { soft_times = 3 }\n"
	"streams: {\n"
	" news: { senders = [\"*@news.test\"] class = \"bulk\"\n"
	"  return_path: { address = \"b@bounces.test\" }\n"
	"  pause: { complaints: { accept = \"1%\" pause = \"20%\" } } }\n"
	" shop: { senders = [\"*@shop.test\"]\n"
	"  return_path: { address = \"b@bounces.test\" id = \"s\" } }\n"
	"}\n";

static int start(void **state)
{
	*state = fixture_new(config_text, NOW);
	return 0;
}

static int stop(void **state)
{
	fixture_free(*state);
	return 0;
}

/* --- helpers -------------------------------------------------------------------------
 */

static struct rmt_event *event_of(const char *stream, const char *recipient,
				  enum rmt_report_class class, const char *message,
				  int64_t at)
{
	struct rmt_event *event = g_new0(struct rmt_event, 1);

	event->at = at;
	event->sent_at = at;
	event->recipient = g_strdup(recipient);
	event->stream = g_strdup(stream);
	event->provider = g_strdup("yahoo");
	event->message = g_strdup(message);
	event->message_id = g_strdup("m@news.test");
	event->queue_id = g_strdup("");
	event->class = class;
	event->action = RMT_ACTION_FAILED;
	event->hard = class == RMT_CLASS_DEAD_ADDRESS;
	event->status = g_strdup("5.1.1");
	event->reply = g_strdup("550");
	event->rule = g_strdup("test");
	event->evidence = g_strdup("user unknown");
	event->source = g_strdup("test");
	event->effect = g_strdup("");
	return event;
}

static bool act(struct fixture *f, struct rmt_event *event)
{
	GError *err = NULL;
	bool fresh;

	if (!rmt_feedback_act(f->feedback, event, event->at, &fresh, &err))
		fail_msg("%s", err->message);
	return fresh;
}

static bool act_once(struct fixture *f, const char *stream, const char *recipient,
		     enum rmt_report_class class, const char *message, int64_t at)
{
	g_autoptr(rmt_event) event = event_of(stream, recipient, class, message, at);

	return act(f, event);
}

static guint count_suppressions(struct fixture *f, const char *address, const char *scope)
{
	g_autoptr(GPtrArray) entries = NULL;
	guint i, count = 0;

	assert_true(rmt_suppress_find(f->store, address, &entries, NULL));
	for (i = 0; i < entries->len; i++) {
		const struct rmt_suppression *entry = g_ptr_array_index(entries, i);

		count += scope == NULL || strcmp(entry->scope, scope) == 0;
	}
	return count;
}

static void add_sent(struct fixture *f, const char *stream, int64_t count)
{
	struct rmt_rates_change change;
	struct rmt_store_change store_change;

	rmt_rates_change(&change, stream, "yahoo", NOW);
	change.delta[RMT_RATE_SENT] = count;
	change.delta[RMT_RATE_ARMED_SENT] = count;
	store_change = rmt_rates_store_change(&change);
	assert_true(rmt_store_commit(f->store, &store_change, 1, NULL, NULL));
}

static bool is_paused(struct fixture *f, const char *stream)
{
	struct rmt_stream_state state;
	bool paused;

	assert_true(rmt_stream_state_get(f->store, stream, &state, NULL));
	paused = rmt_stream_is_paused(&state, NOW);
	rmt_stream_state_clear(&state);
	return paused;
}

/* --- effects -------------------------------------------------------------------------
 */

static void each_class_has_its_scope(void **state)
{
	static const struct {
		enum rmt_report_class class;
		const char *scope; /* NULL: nobody */
	} rows[] = {
		{ RMT_CLASS_DEAD_ADDRESS, "all" },
		{ RMT_CLASS_COMPLAINT, "class:bulk" },
		{ RMT_CLASS_UNSUBSCRIBE, "stream:news" },
		{ RMT_CLASS_MAILBOX_FULL, NULL },
		{ RMT_CLASS_POLICY_SENDER, NULL },
		{ RMT_CLASS_REPUTATION, NULL },
		{ RMT_CLASS_AUTH, NULL },
		{ RMT_CLASS_UNKNOWN, NULL },
	};
	static const char *const scopes[] = { "all", "class:bulk", "stream:news" };
	struct fixture *f = *state;
	size_t i, k;

	for (i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *who = g_strdup_printf("u%zu@yahoo.com", i);

		assert_true(act_once(f, "news", who, rows[i].class, "m", NOW));
		assert_false(act_once(f, "news", who, rows[i].class, "m", NOW));
		for (k = 0; k < G_N_ELEMENTS(scopes); k++)
			assert_int_equal(count_suppressions(f, who, scopes[k]),
					 rows[i].scope != NULL &&
						 strcmp(rows[i].scope, scopes[k]) == 0);
	}
}

static void a_full_mailbox_is_suppressed_after_so_many_days(void **state)
{
	struct fixture *f = *state;
	const char *who = "full@yahoo.com";

	act_once(f, "news", who, RMT_CLASS_MAILBOX_FULL, "a", NOW);
	act_once(f, "news", who, RMT_CLASS_MAILBOX_FULL, "b", NOW); /* the same day */
	act_once(f, "shop", who, RMT_CLASS_MAILBOX_FULL, "c", NOW + DAY);
	assert_int_equal(count_suppressions(f, who, "all"), 0);
	act_once(f, "news", who, RMT_CLASS_INACTIVE, "d", NOW + 40 * DAY);
	assert_int_equal(count_suppressions(f, who, "all"), 0); /* too long ago */
	act_once(f, "news", who, RMT_CLASS_INACTIVE, "e", NOW + 41 * DAY);
	act_once(f, "news", who, RMT_CLASS_MAILBOX_FULL, "f", NOW + 42 * DAY);
	assert_int_equal(count_suppressions(f, who, "all"), 1);
}

static void what_failed_behind_an_alias_counts_and_buries_nobody(void **state)
{
	struct fixture *f = *state;
	g_autoptr(rmt_event) event =
		event_of("news", "alias@yahoo.com", RMT_CLASS_DEAD_ADDRESS, "m", NOW);

	event->alias = true;
	assert_true(act(f, event));
	assert_int_equal(count_suppressions(f, "alias@yahoo.com", "all"), 0);
}

static void complaints_pause_their_own_stream_until_it_is_armed_anew(void **state)
{
	struct fixture *f = *state;
	bool was_paused;

	add_sent(f, "news", 100);
	add_sent(f, "shop", 100);
	act_once(f, "news", "a@yahoo.com", RMT_CLASS_COMPLAINT, "m", NOW);
	act_once(f, "news", "a@yahoo.com", RMT_CLASS_COMPLAINT, "m", NOW);
	assert_false(is_paused(f, "news"));
	act_once(f, "news", "b@yahoo.com", RMT_CLASS_COMPLAINT, "m", NOW);
	for (char who[] = "c@yahoo.com"; who[0] <= 'l'; who[0]++)
		act_once(f, "news", who, RMT_CLASS_COMPLAINT, "m", NOW);
	assert_true(is_paused(f, "news"));
	assert_false(is_paused(f, "shop"));
	assert_true(rmt_rates_arm(f->store, "news", NOW + 10, NULL));
	assert_true(rmt_stream_resume(f->store, "news", &was_paused, NULL));
	/* Mail that left before does not count any more. */
	act_once(f, "news", "z@yahoo.com", RMT_CLASS_COMPLAINT, "m", NOW + 5);
	assert_false(is_paused(f, "news"));
}

static void act_times(struct fixture *f, int times, const char *who,
		      enum rmt_report_class class)
{
	int i;

	for (i = 0; i < times; i++) {
		g_autofree char *address = g_strdup_printf("%s%d@yahoo.com", who, i);

		act_once(f, "news", address, class, "m", NOW);
	}
}

/* 14 dead addresses and 20 complaints of 300 mails: one more of either would pause it
 * alone. */
static void all_kinds_of_evidence_pause_where_none_would_alone(void **state)
{
	struct fixture *f = *state;

	add_sent(f, "news", 300);
	act_times(f, 14, "dead", RMT_CLASS_DEAD_ADDRESS);
	act_times(f, 19, "angry", RMT_CLASS_COMPLAINT);
	act_times(f, 30, "tired", RMT_CLASS_UNSUBSCRIBE);
	assert_false(is_paused(f, "news"));
	act_once(f, "news", "last@yahoo.com", RMT_CLASS_COMPLAINT, "m", NOW);
	assert_true(is_paused(f, "news"));
}

static void without_counts_of_what_left_nothing_pauses(void **state)
{
	struct fixture *f = *state;

	for (char who[] = "a@yahoo.com"; who[0] <= 'z'; who[0]++)
		act_once(f, "news", who, RMT_CLASS_COMPLAINT, "m", NOW);
	assert_false(is_paused(f, "news"));
}

/* --- the inbox -----------------------------------------------------------------------
 */

static void work(struct fixture *f, const char *recipient, const char *text,
		 struct rmt_feedback_done *done_r)
{
	const struct rmt_feedback_item item = { "test", recipient, "", "",
						rmt_span_of(text) };
	struct rmt_inbox_id id;
	GError *err = NULL;

	if (!rmt_feedback_take(f->feedback, &item, NOW, &id, &err) ||
	    !rmt_feedback_work(f->feedback, &id, NOW, done_r, &err))
		fail_msg("%s", err->message);
}

static const char dsn[] =
	"From: MAILER-DAEMON@x.test\nContent-Type: multipart/report; boundary=b\n\n"
	"--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; x.test\n\n"
	"Final-Recipient: rfc822; ann@yahoo.com\nAction: failed\nStatus: 5.1.1\n"
	"Diagnostic-Code: smtp; 550 5.1.1 User unknown\n\n--b--\n";

static char *path_for(struct fixture *f, const char *recipient)
{
	static const struct rmt_span ids[] = { { "news", 4 }, { "k3f9q2ab", 8 } };
	struct rmt_verp_form form;
	struct rmt_verp_made made;

	assert_true(rmt_verp_form(RMT_SPAN("b@bounces.test"), 2, &form, NULL));
	assert_true(rmt_verp_make(f->feedback->ring, &form, ids, rmt_span_of(recipient),
				  NOW, &made, NULL));
	return g_strdup(made.address);
}

static void a_tag_proves_and_nothing_else_does(void **state)
{
	struct fixture *f = *state;
	g_autofree char *path = path_for(f, "ann@yahoo.com");
	g_autofree char *other = path_for(f, "bob@yahoo.com");
	struct rmt_feedback_done done;

	work(f, "b@bounces.test", dsn, &done);
	assert_int_equal(done.strangers, 1);
	rmt_feedback_done_clear(&done);
	work(f, other, dsn, &done); /* bob's, and it names ann */
	assert_int_equal(done.fresh, 1);
	rmt_feedback_done_clear(&done);
	assert_int_equal(count_suppressions(f, "ann@yahoo.com", "all"), 0);
	assert_int_equal(count_suppressions(f, "bob@yahoo.com", "all"), 0);
	work(f, path, dsn, &done);
	assert_int_equal(done.fresh, 1);
	rmt_feedback_done_clear(&done);
	assert_int_equal(count_suppressions(f, "ann@yahoo.com", "all"), 1);
	work(f, path, dsn, &done);
	assert_int_equal(done.fresh, 0);
	rmt_feedback_done_clear(&done);
}

static void put_sent(struct fixture *f, const char *const *recipients)
{
	g_autoptr(rmt_mailed) sent = rmt_mailed_new();
	GError *err = NULL;
	uint64_t hash;

	g_strlcpy(sent->key, "k3f9q2ab", sizeof(sent->key));
	sent->at = NOW;
	sent->stream = g_strdup("news");
	for (; *recipients != NULL; recipients++) {
		hash = rmt_mailed_hash(rmt_span_of(*recipients));
		g_array_append_val(sent->recipients, hash);
	}
	if (!rmt_mailed_put(f->store, sent, NULL, 0, NULL, 0, &err))
		fail_msg("%s", err->message);
}

static void work_complaint(struct fixture *f, const char *path, const char *fields)
{
	g_autofree char *text = g_strdup_printf(
		"From: fbl@x.test\nContent-Type: multipart/report; boundary=b\n\n"
		"--b\nContent-Type: message/feedback-report\n\nFeedback-Type: abuse\n%s\n"
		"--b\nContent-Type: message/rfc822\n\nFrom: x@news.test\n"
		"To: ann@yahoo.com, bob@yahoo.com\n\nhello\n--b--\n",
		fields);
	struct rmt_feedback_done done;

	work(f, path, text, &done);
	assert_int_equal(done.events, 1);
	rmt_feedback_done_clear(&done);
}

static void of_several_in_to_nobody_is_taken_for_the_one_who_complained(void **state)
{
	static const char *const both[] = { "ann@yahoo.com", "bob@yahoo.com", NULL };
	struct fixture *f = *state;
	g_autofree char *path = path_for(f, "");

	put_sent(f, both);
	work_complaint(f, path, "");
	assert_int_equal(count_suppressions(f, "ann@yahoo.com", NULL), 0);
	assert_int_equal(count_suppressions(f, "bob@yahoo.com", NULL), 0);
	work_complaint(f, path, "Original-Rcpt-To: bob@yahoo.com\n");
	assert_int_equal(count_suppressions(f, "ann@yahoo.com", NULL), 0);
	assert_int_equal(count_suppressions(f, "bob@yahoo.com", NULL), 1);
}

static void what_is_not_understood_stays(void **state)
{
	struct fixture *f = *state;
	struct rmt_feedback_done done;
	unsigned count;

	work(f, "b@bounces.test", "Subject: hello\n\nhow are you?\n", &done);
	assert_int_equal(done.kind, RMT_REPORT_OTHER);
	rmt_feedback_done_clear(&done);
	assert_int_equal(rmt_store_count(f->store, "inbox"), 1);
	work(f, "b@bounces.test", dsn, &done);
	rmt_feedback_done_clear(&done);
	assert_int_equal(rmt_store_count(f->store, "inbox"), 1);
	assert_true(rmt_feedback_work_rest(f->feedback, NOW, &count, NULL));
	assert_int_equal(count, 0);
}

static void what_is_old_is_forgotten(void **state)
{
	struct fixture *f = *state;
	uint64_t removed;

	act_once(f, "news", "a@yahoo.com", RMT_CLASS_MAILBOX_FULL, "m", NOW);
	assert_true(rmt_feedback_expire(f->feedback, NOW + 80 * DAY, &removed, NULL));
	assert_int_equal(removed, 0);
	assert_true(rmt_feedback_expire(f->feedback, NOW + 92 * DAY, &removed, NULL));
	assert_int_equal(removed, 2); /* the event and its count */
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
	const struct CMUnitTest tests[] = {
		TEST(each_class_has_its_scope),
		TEST(a_full_mailbox_is_suppressed_after_so_many_days),
		TEST(what_failed_behind_an_alias_counts_and_buries_nobody),
		TEST(complaints_pause_their_own_stream_until_it_is_armed_anew),
		TEST(all_kinds_of_evidence_pause_where_none_would_alone),
		TEST(without_counts_of_what_left_nothing_pauses),
		TEST(a_tag_proves_and_nothing_else_does),
		TEST(of_several_in_to_nobody_is_taken_for_the_one_who_complained),
		TEST(what_is_not_understood_stays),
		TEST(what_is_old_is_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
