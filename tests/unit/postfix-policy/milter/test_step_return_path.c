/* SPDX-License-Identifier: MIT */
/* The envelope sender that says what came back, and the row that remembers it. Live:
 * test_feedback. */
#include "tests/unit/postfix-policy/milter/step_house.h"

#include "common/feedback/mailed.h"
#include "common/feedback/rates.h"
#include "common/token/verp.h"

struct house {
	struct step_house base;
	void *step;
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
	house_begin(&house->base, RMT_PLACE_AFTER, settings, with_keys);
	assert_true(rmt_store_open(&house->base.milter.records, "mem:", false, NULL));
	assert_true(rmt_step_return_path.open(&house->base.milter, &house->step, NULL));
	keep(house->step);
}

/* recipients up to NULL. */
static void run(struct house *house, const char *sender, const char *const *recipients)
{
	struct rmt_session *session = house->base.session;
	struct rmt_milter_message *message = &house->base.message;

	rmt_session_begin(session, sender);
	for (; *recipients != NULL; recipients++)
		rmt_session_recipient(session, *recipients);
	rmt_session_header(session, NULL, "Message-ID", "<m1@news.example>", false);
	rmt_session_header(session, NULL, "List-Id", "Weekly <weekly.news.example>",
			   false);
	house_message(&house->base);
	rmt_step_return_path.run(message, house->step);
	rmt_outcome_decide(&message->outcome, RMT_MODE_ENFORCE);
	rmt_step_return_path.settled(message, house->step);
}

static const struct rmt_edit *sender_of(const struct house *house)
{
	guint i;

	for (i = 0; i < house->base.message.edits->len; i++) {
		const struct rmt_edit *edit = house->base.message.edits->pdata[i];

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

	rmt_verp_ring_take(ring, house->base.ring.keys, house->base.message.now);
	assert_true(rmt_verp_form(RMT_SPAN("b@bounces.example"), ids, &form, NULL));
	result = rmt_verp_read(ring, &form, rmt_span_of(sender_of(house)->value),
			       house->base.message.now, 86400, parts);
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

	assert_true(rmt_rates_walk(house->base.milter.records, "news", 0, add_sent, &sum,
				   NULL));
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
	house_end(&house.base);
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
	assert_true(rmt_mailed_get(house.base.milter.records, key, &mailed, NULL));
	assert_non_null(mailed);
	assert_string_equal(mailed->message_id, "m1@news.example");
	assert_string_equal(mailed->stream, "news");
	assert_true(rmt_mailed_has(mailed, RMT_SPAN("bob@example.org")));
	assert_false(rmt_mailed_has(mailed, RMT_SPAN("eve@example.org")));
	assert_int_equal(sent(&house), 2);
	rmt_mailed_free(mailed);
	house_end(&house.base);
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
	house_end(&house.base);
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
	assert_true(rmt_return_get(house.base.milter.records, parts.token, &known, &found,
				   NULL));
	assert_true(known);
	assert_string_equal(found.recipient,
			    "a.rather.long.name.of.somebody@department.example.org");
	rmt_return_clear(&found);
	house_end(&house.base);
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
	house_end(&house.base);
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
			assert_non_null(strstr(house.base.message.notes->str,
					       "return_path=none"));
		house_end(&house.base);
	}
}

static void what_is_refused_is_not_remembered(void **state)
{
	struct house house;

	(void)state;
	begin(&house, "return_path: { address = \"b@bounces.example\" }", true);
	rmt_session_begin(house.base.session, "<a@news.example>");
	rmt_session_recipient(house.base.session, ann[0]);
	rmt_session_end_of_header(house.base.session, NULL);
	rmt_message_begin(&house.base.message, &house.base.milter, house.base.in_force,
			  house.base.session);
	rmt_step_return_path.run(&house.base.message, house.step);
	rmt_message_find(&house.base.message, RMT_LEVEL_REJECT, "R1", "7.1", "no");
	rmt_outcome_decide(&house.base.message.outcome, RMT_MODE_ENFORCE);
	rmt_step_return_path.settled(&house.base.message, house.step);
	assert_int_equal(sent(&house), 0);
	assert_int_equal(rmt_store_count(house.base.milter.records, "sent"), 0);
	house_end(&house.base);
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
