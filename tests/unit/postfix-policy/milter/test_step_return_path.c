/* SPDX-License-Identifier: MIT */
/* The envelope sender that says what came back, and the row that remembers it. Live:
 * test_feedback. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <glib/gstdio.h>

#include "common/feedback/mailed.h"
#include "common/feedback/rates.h"
#include "common/token/keys.h"
#include "common/token/verp.h"
#include "postfix-policy/milter/milter.h"
#include "postfix-policy/milter/step.h"

struct house {
	char *folder, *ring; /* own */
	struct rmt_keys *keys;
	struct rmt_milter milter;
	struct rmt_in_force *in_force;
	void *step;
	struct rmt_session *session;
	struct rmt_milter_message message;
};

/* A step is never closed: its state lives as long as the process. */
static void keep(void *state)
{
	static GPtrArray *states;

	if (states == NULL)
		states = g_ptr_array_new();
	g_ptr_array_add(states, state);
}

/* settings: of the stream news; the ring may be missing. */
static void begin(struct house *house, const char *settings, bool with_keys)
{
	g_autoptr(GPtrArray) complaints = NULL;
	g_autofree char *text = NULL;
	struct rmt_config *config;

	*house = (struct house){ .milter = { .place = RMT_PLACE_AFTER } };
	house->folder = g_dir_make_tmp("step-XXXXXX", NULL);
	house->ring = g_build_filename(house->folder, "ring", NULL);
	house->keys = g_new0(struct rmt_keys, 1);
	assert_true(rmt_keys_add(house->keys, 1, NULL));
	if (with_keys)
		assert_true(rmt_keys_write(house->ring, house->keys, (unsigned)-1, NULL));
	text = g_strdup_printf("mode = \"enforce\"\nkeys = \"%s\"\nstreams: { news: { "
			       "senders = [\"*@news.example\"] %s } }\n",
			       house->ring, settings);
	config = rmt_config_read_text("t.conf", text, &complaints);
	if (config == NULL)
		fail_msg("%s", (const char *)complaints->pdata[0]);
	rmt_milter_set_config(&house->milter, config);
	assert_true(rmt_store_open(&house->milter.records, "mem:", false, NULL));
	house->in_force = rmt_milter_in_force(&house->milter);
	assert_true(rmt_step_return_path.open(&house->milter, &house->step, NULL));
	keep(house->step);
	house->session = rmt_session_new();
	house->session->keeps_signatures = false;
}

/* recipients up to NULL. */
static void run(struct house *house, const char *sender, const char *const *recipients)
{
	rmt_session_begin(house->session, sender);
	for (; *recipients != NULL; recipients++)
		rmt_session_recipient(house->session, *recipients);
	rmt_session_header(house->session, NULL, "Message-ID", "<m1@news.example>",
			   false);
	rmt_session_header(house->session, NULL, "List-Id",
			   "Weekly <weekly.news.example>", false);
	rmt_session_end_of_header(house->session, NULL);
	rmt_message_begin(&house->message, &house->milter, house->in_force,
			  house->session);
	rmt_step_return_path.run(&house->message, house->step);
	rmt_outcome_decide(&house->message.outcome, RMT_MODE_ENFORCE);
	rmt_step_return_path.settled(&house->message, house->step);
}

static void end(struct house *house)
{
	rmt_message_finish(&house->message);
	rmt_session_free(house->session);
	rmt_in_force_unref(house->in_force);
	rmt_in_force_unref(house->milter.in_force);
	rmt_store_close(&house->milter.records);
	rmt_keys_free(house->keys);
	g_unlink(house->ring);
	g_rmdir(house->folder);
	g_free(house->ring);
	g_free(house->folder);
}

static const struct rmt_edit *sender_of(const struct house *house)
{
	guint i;

	for (i = 0; i < house->message.edits->len; i++) {
		const struct rmt_edit *edit = house->message.edits->pdata[i];

		if (edit->kind == RMT_EDIT_SENDER)
			return edit;
	}
	return NULL;
}

/* What a bounce to this sender would be read as. */
static enum rmt_verp_result read_back(const struct house *house, unsigned ids,
				      struct rmt_verp_parts *parts)
{
	struct rmt_verp_ring *ring = rmt_verp_ring_new();
	struct rmt_verp_form form;
	enum rmt_verp_result result;

	rmt_verp_ring_take(ring, house->keys, house->message.now);
	assert_true(rmt_verp_form(RMT_SPAN("b@bounces.example"), ids, &form, NULL));
	result = rmt_verp_read(ring, &form, rmt_span_of(sender_of(house)->value),
			       house->message.now, 86400, parts);
	rmt_verp_ring_free(ring);
	return result;
}

static bool add_sent(void *context, const struct rmt_rates *rates)
{
	*(uint64_t *)context += rates->counts[RMT_RATE_SENT];
	return true;
}

static uint64_t sent(const struct house *house)
{
	uint64_t sum = 0;

	assert_true(
		rmt_rates_walk(house->milter.records, "news", 0, add_sent, &sum, NULL));
	return sum;
}

static const char *const ann[] = { "<Ann@Example.org>", NULL };
static const char *const two[] = { "<ann@example.org>", "<bob@example.org>", NULL };

static void one_recipient_has_a_return_path_of_his_own(void **state)
{
	struct rmt_verp_parts parts;
	struct house house;

	(void)state;
	begin(&house, "return_path: { address = \"b@bounces.example\" }", true);
	run(&house, "<a@news.example>", ann);
	assert_int_equal(read_back(&house, 2, &parts), RMT_VERP_PROVEN);
	assert_true(rmt_span_eq(parts.recipient, RMT_SPAN("ann@example.org")));
	assert_true(rmt_span_eq(parts.ids[0], RMT_SPAN("news")));
	assert_true(
		g_str_has_prefix(sender_of(&house)->arguments, "RET=HDRS ENVID=news."));
	end(&house);
}

static void several_have_one_of_the_message_and_the_journal_knows_them(void **state)
{
	struct rmt_mailed *mailed = NULL;
	struct rmt_verp_parts parts;
	g_autofree char *key = NULL;
	struct house house;

	(void)state;
	begin(&house, "return_path: { address = \"b@bounces.example\" }", true);
	run(&house, "<a@news.example>", two);
	assert_int_equal(read_back(&house, 2, &parts), RMT_VERP_MESSAGE);
	assert_int_equal(parts.recipient.len, 0);
	key = g_strndup(parts.ids[1].p, parts.ids[1].len);
	assert_true(rmt_mailed_get(house.milter.records, key, &mailed, NULL));
	assert_non_null(mailed);
	assert_string_equal(mailed->message_id, "m1@news.example");
	assert_string_equal(mailed->stream, "news");
	assert_true(rmt_mailed_has(mailed, RMT_SPAN("bob@example.org")));
	assert_false(rmt_mailed_has(mailed, RMT_SPAN("eve@example.org")));
	assert_int_equal(sent(&house), 2);
	rmt_mailed_free(mailed);
	end(&house);
}

static void the_list_stands_in_it_where_three_ids_are_wanted(void **state)
{
	struct rmt_verp_parts parts;
	struct house house;

	(void)state;
	begin(&house, "return_path: { address = \"b@bounces.example\" ids = 3 }", true);
	run(&house, "<a@news.example>", ann);
	assert_int_equal(read_back(&house, 3, &parts), RMT_VERP_PROVEN);
	assert_true(rmt_span_eq(parts.ids[1], RMT_SPAN("weekly")));
	end(&house);
}

static void a_long_address_is_found_by_its_token(void **state)
{
	static const char *const recipients[] = {
		"<a.rather.long.name.of.somebody@department.example.org>", NULL
	};
	struct rmt_verp_parts parts;
	struct rmt_return found;
	struct house house;
	bool known;

	(void)state;
	begin(&house, "return_path: { address = \"b@bounces.example\" }", true);
	run(&house, "<a@news.example>", recipients);
	assert_int_equal(read_back(&house, 2, &parts), RMT_VERP_SHORT);
	assert_in_range(strcspn(sender_of(&house)->value, "@"), 1, 64);
	assert_true(
		rmt_return_get(house.milter.records, parts.token, &known, &found, NULL));
	assert_true(known);
	assert_string_equal(found.recipient,
			    "a.rather.long.name.of.somebody@department.example.org");
	rmt_return_clear(&found);
	end(&house);
}

static void xverp_leaves_the_recipient_to_postfix(void **state)
{
	struct rmt_verp_parts parts;
	struct house house;

	(void)state;
	begin(&house, "return_path: { address = \"b@bounces.example\" xverp = true }",
	      true);
	run(&house, "<a@news.example>", ann);
	assert_int_equal(read_back(&house, 2, &parts), RMT_VERP_MESSAGE);
	end(&house);
}

static void mail_without_a_return_path_of_ours_stays_as_it_is(void **state)
{
	static const struct {
		const char *settings, *sender;
		bool with_keys;
	} rows[] = {
		{ "", "<a@news.example>", true },
		{ "return_path = \"keep\"", "<a@news.example>", true },
		{ "return_path: { address = \"b@bounces.example\" }", "<>", true },
		{ "return_path: { address = \"b@bounces.example\" }", "<a@other.example>",
		  true },
		/* no keys: it goes on, and says why */
		{ "return_path: { address = \"b@bounces.example\" }", "<a@news.example>",
		  false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct house house;

		begin(&house, rows[i].settings, rows[i].with_keys);
		run(&house, rows[i].sender, ann);
		assert_null(sender_of(&house));
		assert_int_equal(sent(&house), 0);
		if (!rows[i].with_keys)
			assert_non_null(
				strstr(house.message.notes->str, "return_path=none"));
		end(&house);
	}
}

static void what_is_refused_is_not_remembered(void **state)
{
	struct house house;

	(void)state;
	begin(&house, "return_path: { address = \"b@bounces.example\" }", true);
	rmt_session_begin(house.session, "<a@news.example>");
	rmt_session_recipient(house.session, ann[0]);
	rmt_session_end_of_header(house.session, NULL);
	rmt_message_begin(&house.message, &house.milter, house.in_force, house.session);
	rmt_step_return_path.run(&house.message, house.step);
	rmt_message_find(&house.message, RMT_LEVEL_REJECT, "R1", "7.1", "no");
	rmt_outcome_decide(&house.message.outcome, RMT_MODE_ENFORCE);
	rmt_step_return_path.settled(&house.message, house.step);
	assert_int_equal(sent(&house), 0);
	assert_int_equal(rmt_store_count(house.milter.records, "sent"), 0);
	end(&house);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_recipient_has_a_return_path_of_his_own),
		cmocka_unit_test(
			several_have_one_of_the_message_and_the_journal_knows_them),
		cmocka_unit_test(the_list_stands_in_it_where_three_ids_are_wanted),
		cmocka_unit_test(a_long_address_is_found_by_its_token),
		cmocka_unit_test(xverp_leaves_the_recipient_to_postfix),
		cmocka_unit_test(mail_without_a_return_path_of_ours_stays_as_it_is),
		cmocka_unit_test(what_is_refused_is_not_remembered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
