/* SPDX-License-Identifier: MIT */
/* Prompts, preferences, answers and the audit trail: rows about users. */
#include "tests/unit/common/store/store_fixture.h"

#include <string.h>

#include "common/store/answers.h"
#include "common/store/audit.h"
#include "common/store/prompts.h"

static void put_prompt(struct rmt_store *store, const char *user, const char *id)
{
	struct rmt_prompt prompt = { .user = (char *)user,
				     .id = (char *)id,
				     .target = (char *)"bob@example.org",
				     .subject = (char *)"Grüße",
				     .rule = (char *)"G02",
				     .since = 5,
				     .until = 50,
				     .payload = RMT_SPAN("a\0b") };
	g_autoptr(rmt_deal) deal = rmt_deal_new();
	GError *err = NULL;

	rmt_deal_put_prompt(deal, &prompt);
	assert_ok(rmt_deal_commit(store, deal, NULL, &err), err);
}

static void a_prompt_comes_back_as_it_was_put_in(void **state)
{
	struct store_fixture *fixture = *state;
	g_autoptr(rmt_prompt) prompt = NULL, none = NULL;

	put_prompt(fixture->store, "ann", "m1");
	assert_true(rmt_prompt_get(fixture->store, "ann", "m1", &prompt, NULL));
	assert_string_equal(prompt->user, "ann");
	assert_string_equal(prompt->id, "m1");
	assert_string_equal(prompt->target, "bob@example.org");
	assert_string_equal(prompt->subject, "Grüße");
	assert_string_equal(prompt->rule, "G02");
	assert_int_equal(prompt->since, 5);
	assert_int_equal(prompt->until, 50);
	assert_int_equal(prompt->notified, 0);
	assert_true(rmt_span_eq(prompt->payload, RMT_SPAN("a\0b")));
	assert_true(rmt_prompt_get(fixture->store, "ann", "m2", &none, NULL));
	assert_null(none);
}

static bool gather_prompt(void *context, const struct rmt_prompt *prompt)
{
	g_string_append_printf(context, "%s:%s ", prompt->user, prompt->id);
	return true;
}

static void prompts_of_one_user_are_listed(void **state)
{
	struct store_fixture *fixture = *state;
	g_autoptr(GString) seen = g_string_new(NULL);

	put_prompt(fixture->store, "ann", "m1");
	put_prompt(fixture->store, "anna", "m2");
	put_prompt(fixture->store, "al", "m3");
	assert_true(rmt_prompts_walk(fixture->store, "ann", gather_prompt, seen, NULL));
	assert_string_equal(seen->str, "ann:m1 ");
	g_string_truncate(seen, 0);
	assert_true(rmt_prompts_walk(fixture->store, NULL, gather_prompt, seen, NULL));
	assert_string_equal(seen->str, "al:m3 ann:m1 anna:m2 ");
}

static void set(struct rmt_store *store, const char *sender, enum rmt_choice choice)
{
	GError *err = NULL;

	assert_ok(rmt_preference_set(store, "ann", sender, choice, "test", 7, &err), err);
}

static void the_nearest_preference_counts(void **state)
{
	static const struct {
		const char *sender;
		enum rmt_choice want;
	} cases[] = {
		{ "bob@example.org", RMT_CHOICE_NEVER },
		{ "eve@example.org", RMT_CHOICE_ALWAYS },
		{ "eve@sub.example.org", RMT_CHOICE_ASK },
		{ "eve", RMT_CHOICE_ASK },
		{ "", RMT_CHOICE_ASK },
	};
	struct store_fixture *fixture = *state;
	enum rmt_choice choice = RMT_CHOICE_NEVER;
	size_t i;

	assert_true(rmt_preference_find(fixture->store, "ann", "x@y", &choice, NULL));
	assert_int_equal(choice, RMT_CHOICE_NONE);
	set(fixture->store, "", RMT_CHOICE_ASK);
	set(fixture->store, "@example.org", RMT_CHOICE_ALWAYS);
	set(fixture->store, "bob@example.org", RMT_CHOICE_NEVER);
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		assert_true(rmt_preference_find(fixture->store, "ann", cases[i].sender,
						&choice, NULL));
		assert_int_equal(choice, cases[i].want);
	}
	assert_true(rmt_preference_find(fixture->store, "bob", "x@y", &choice, NULL));
	assert_int_equal(choice, RMT_CHOICE_NONE);
}

static bool gather_preference(void *context, const struct rmt_preference *preference)
{
	g_string_append_printf(context, "%s=%s(%s) ", preference->sender,
			       rmt_choice_name(preference->choice), preference->by);
	return true;
}

static void a_preference_of_none_is_gone(void **state)
{
	struct store_fixture *fixture = *state;
	g_autoptr(GString) seen = g_string_new(NULL);

	set(fixture->store, "", RMT_CHOICE_ASK);
	set(fixture->store, "@example.org", RMT_CHOICE_ALWAYS);
	set(fixture->store, "", RMT_CHOICE_NONE);
	assert_true(rmt_preferences_walk(fixture->store, "ann", gather_preference, seen,
					 NULL));
	assert_string_equal(seen->str, "@example.org=always(test) ");
}

static void choices_are_words(void **state)
{
	enum rmt_choice choice;

	(void)state;
	assert_true(rmt_choice_parse(RMT_SPAN("Never"), &choice));
	assert_int_equal(choice, RMT_CHOICE_NEVER);
	assert_false(rmt_choice_parse(RMT_SPAN("sometimes"), &choice));
	assert_false(rmt_choice_parse(RMT_SPAN(""), &choice));
}

static void what_is_no_sender_is_refused(void **state)
{
	struct store_fixture *fixture = *state;
	g_autofree char *longer = g_strnfill(600, 'x');
	g_autoptr(GError) err = NULL;

	assert_false(rmt_preference_set(fixture->store, "ann", "a\nb", RMT_CHOICE_ASK,
					NULL, 1, &err));
	assert_non_null(err);
	assert_false(rmt_preference_set(fixture->store, "ann", longer, RMT_CHOICE_ASK,
					NULL, 1, NULL));
	assert_false(rmt_preference_set(fixture->store, "", "a@b", RMT_CHOICE_ASK, NULL,
					1, NULL));
}

/* --- answers --- */

static void put_answer(struct rmt_store *store, const char *user, const char *id,
		       const char *fields, uint64_t number)
{
	struct rmt_answer answer = { .user = (char *)user,
				     .id = (char *)id,
				     .fields = (char *)fields,
				     .since = 5,
				     .until = 50,
				     .number = number };
	g_autoptr(rmt_deal) deal = rmt_deal_new();

	rmt_deal_put_answer(deal, &answer);
	assert_true(rmt_deal_commit(store, deal, NULL, NULL));
}

static bool gather_answer(void *context, const struct rmt_answer *answer)
{
	g_string_append_printf(context, "%s:%s ", answer->id, answer->fields);
	return true;
}

static void an_answer_waits_until_it_is_applied(void **state)
{
	struct store_fixture *fixture = *state;
	g_autoptr(GString) seen = g_string_new(NULL);

	put_answer(fixture->store, "ann", "m1", "sent", 1);
	put_answer(fixture->store, "bob", "m1", "sent", 1);
	assert_true(rmt_answers_walk(fixture->store, "ann", gather_answer, seen, NULL));
	assert_string_equal(seen->str, "m1:sent ");
	assert_true(rmt_answer_done(fixture->store, "ann", "m1", 1, NULL));
	assert_int_equal(rmt_store_count(fixture->store, "answers"), 1);
}

static void an_answer_that_was_replaced_is_not_taken_for_applied(void **state)
{
	struct store_fixture *fixture = *state;

	put_answer(fixture->store, "ann", "m1", "asked", 1);
	put_answer(fixture->store, "ann", "m1", "sent", 2);
	assert_true(rmt_answer_done(fixture->store, "ann", "m1", 1, NULL));
	assert_int_equal(rmt_store_count(fixture->store, "answers"), 1);
	assert_true(rmt_answer_done(fixture->store, "ann", "m1", 2, NULL));
	assert_int_equal(rmt_store_count(fixture->store, "answers"), 0);
}

static void answers_nobody_asked_for_go(void **state)
{
	struct store_fixture *fixture = *state;
	uint64_t removed = 0;

	put_answer(fixture->store, "ann", "m1", "sent", 1);
	assert_true(rmt_answers_expire(fixture->store, 49, &removed, NULL));
	assert_int_equal(removed, 0);
	assert_true(rmt_answers_expire(fixture->store, 50, &removed, NULL));
	assert_int_equal(removed, 1);
	assert_int_equal(rmt_store_count(fixture->store, "answers"), 0);
}

/* --- audit --- */

static void write_down(struct rmt_store *store, int64_t at_us, const char *user,
		       const char *event)
{
	const struct rmt_audit line = { .at_us = at_us,
					.event = (char *)event,
					.user = (char *)user,
					.target = (char *)"bob@example.org" };
	GError *err = NULL;

	assert_ok(rmt_audit_add(store, &line, &err), err);
}

static bool gather_line(void *context, const struct rmt_audit *line)
{
	g_string_append_printf(context, "%d:%s:%s ", (int)line->at_us, line->user,
			       line->event);
	assert_string_equal(line->note, "");
	return true;
}

static void the_trail_is_in_the_order_of_time(void **state)
{
	struct store_fixture *fixture = *state;
	g_autoptr(GString) seen = g_string_new(NULL);

	write_down(fixture->store, 300, "ann", "sent");
	write_down(fixture->store, 100, "ann", "asked");
	write_down(fixture->store, 200, "bob", "denied");
	assert_true(rmt_audit_walk(fixture->store, 150, gather_line, seen, NULL));
	assert_string_equal(seen->str, "200:bob:denied 300:ann:sent ");
}

static void lines_of_one_moment_are_all_kept(void **state)
{
	struct store_fixture *fixture = *state;
	int i;

	for (i = 0; i < 20; i++)
		write_down(fixture->store, 300, "ann", "sent");
	assert_int_equal(rmt_store_count(fixture->store, "audit"), 20);
}

static void one_users_lines_or_old_ones_are_erased(void **state)
{
	struct store_fixture *fixture = *state;
	g_autoptr(GString) seen = g_string_new(NULL);
	uint64_t erased = 0;

	write_down(fixture->store, 100, "ann", "asked");
	write_down(fixture->store, 200, "bob", "denied");
	write_down(fixture->store, 300, "ann", "sent");
	write_down(fixture->store, 400, "bob", "sent");
	assert_true(rmt_audit_erase(fixture->store, "ann", INT64_MAX, &erased, NULL));
	assert_int_equal(erased, 2);
	assert_true(rmt_audit_erase(fixture->store, NULL, 400, &erased, NULL));
	assert_int_equal(erased, 1);
	assert_true(rmt_audit_walk(fixture->store, 0, gather_line, seen, NULL));
	assert_string_equal(seen->str, "400:bob:sent ");
}

static void all_of_a_user_can_be_erased(void **state)
{
	struct store_fixture *fixture = *state;
	uint64_t erased = 0;

	put_prompt(fixture->store, "ann", "m1");
	put_prompt(fixture->store, "anna", "m1");
	set(fixture->store, "", RMT_CHOICE_ASK);
	put_answer(fixture->store, "ann", "m1", "sent", 1);
	assert_true(rmt_prompts_erase(fixture->store, "ann", &erased, NULL));
	assert_int_equal(erased, 2);
	assert_true(rmt_answers_erase(fixture->store, "ann", &erased, NULL));
	assert_int_equal(erased, 1);
	assert_int_equal(rmt_store_count(fixture->store, "prompts"), 1);
}

static void a_damaged_prompt_is_said_and_skipped(void **state)
{
	struct store_fixture *fixture = *state;
	char key[RMT_CLAIM_KEY];
	g_autoptr(GString) row = g_string_new("ann"), seen = g_string_new(NULL);
	struct rmt_span claim = rmt_claim_key("ann", "m0", key);
	struct rmt_store_change change = { .table = "prompts",
					   .value = RMT_SPAN("\x01\x7f") };
	g_autoptr(rmt_prompt) prompt = NULL;

	g_string_append_c(row, '\0');
	g_string_append_len(row, claim.p, (gssize)claim.len);
	change.key = rmt_span(row->str, row->len);
	assert_true(rmt_store_commit(fixture->store, &change, 1, NULL, NULL));
	put_prompt(fixture->store, "ann", "m1");
	assert_false(rmt_prompt_get(fixture->store, "ann", "m0", &prompt, NULL));
	assert_true(rmt_prompts_walk(fixture->store, "ann", gather_prompt, seen, NULL));
	assert_string_equal(seen->str, "ann:m1 ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_BOTH(a_prompt_comes_back_as_it_was_put_in),
		ON_BOTH(prompts_of_one_user_are_listed),
		ON_BOTH(the_nearest_preference_counts),
		ON_BOTH(a_preference_of_none_is_gone),
		cmocka_unit_test(choices_are_words),
		ON_MEM(what_is_no_sender_is_refused),
		ON_BOTH(an_answer_waits_until_it_is_applied),
		ON_MEM(an_answer_that_was_replaced_is_not_taken_for_applied),
		ON_MEM(answers_nobody_asked_for_go),
		ON_BOTH(the_trail_is_in_the_order_of_time),
		ON_MEM(lines_of_one_moment_are_all_kept),
		ON_BOTH(one_users_lines_or_old_ones_are_erased),
		ON_BOTH(all_of_a_user_can_be_erased),
		ON_MEM(a_damaged_prompt_is_said_and_skipped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
