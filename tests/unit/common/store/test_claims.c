/* SPDX-License-Identifier: MIT */
#include "tests/unit/common/store/store_fixture.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "common/store/claims.h"
#include "common/store/jobs.h"
#include "common/store/prompts.h"

#define NEW (RMT_CLAIM_IN(RMT_CLAIM_NONE) | RMT_CLAIM_IN(RMT_CLAIM_DELIVERED))

/* Without assertions: also for processes that end themselves. */
static enum rmt_claim_result try(struct rmt_store *store, const char *user,
				 const char *id, unsigned from, enum rmt_claim_state to,
				 const char *receipt, GError **err)
{
	struct rmt_claim_step step = { .user = user,
				       .id = id,
				       .from = from,
				       .to = to,
				       .now = 100,
				       .until = 1000,
				       .target = "bob@example.org",
				       .by = "policy",
				       .receipt = receipt };
	g_autoptr(rmt_deal) deal = rmt_deal_new();
	struct rmt_job job = {
		.kind = (char *)"receipt", .id = (char *)"one", .next = 100, .until = 900
	};

	if (to == RMT_CLAIM_APPROVED)
		rmt_deal_put_job(deal, &job);
	return rmt_claim_take(store, &step, deal, NULL, err);
}

static enum rmt_claim_result take(struct rmt_store *store, const char *user,
				  const char *id, unsigned from, enum rmt_claim_state to,
				  const char *receipt)
{
	GError *err = NULL;
	enum rmt_claim_result result = try(store, user, id, from, to, receipt, &err);

	if (err != NULL)
		fail_msg("%s", err->message);
	return result;
}

static enum rmt_claim_state state_of(struct rmt_store *store, const char *user,
				     const char *id)
{
	g_autoptr(rmt_claim) claim = NULL;
	GError *err = NULL;

	assert_ok(rmt_claim_get(store, user, id, &claim, &err), err);
	return claim != NULL ? claim->state : RMT_CLAIM_NONE;
}

static void one_of_two_has_the_claim_and_his_job_alone_is_there(void **state)
{
	struct store_fixture *fixture = *state;

	assert_int_equal(take(fixture->store, "ann", "m1", NEW, RMT_CLAIM_DENIED, NULL),
			 RMT_CLAIM_TAKEN);
	assert_int_equal(take(fixture->store, "ann", "m1", NEW, RMT_CLAIM_APPROVED, "r1"),
			 RMT_CLAIM_REFUSED);
	assert_int_equal(state_of(fixture->store, "ann", "m1"), RMT_CLAIM_DENIED);
	assert_int_equal(rmt_store_count(fixture->store, "jobs"), 0);
	assert_int_equal(rmt_store_count(fixture->store, "receipt-ids"), 0);
}

static void users_and_messages_have_claims_of_their_own(void **state)
{
	struct store_fixture *fixture = *state;

	assert_int_equal(take(fixture->store, "ann", "m1", NEW, RMT_CLAIM_DENIED, NULL),
			 RMT_CLAIM_TAKEN);
	assert_int_equal(take(fixture->store, "bob", "m1", NEW, RMT_CLAIM_DENIED, NULL),
			 RMT_CLAIM_TAKEN);
	assert_int_equal(take(fixture->store, "ann", "m2", NEW, RMT_CLAIM_DENIED, NULL),
			 RMT_CLAIM_TAKEN);
	assert_int_equal(take(fixture->store, "annm", "1", NEW, RMT_CLAIM_DENIED, NULL),
			 RMT_CLAIM_TAKEN);
}

static void a_row_keeps_what_a_step_does_not_say(void **state)
{
	struct store_fixture *fixture = *state;
	struct rmt_claim_step step = { .user = "ann",
				       .id = "m1",
				       .from = NEW,
				       .to = RMT_CLAIM_DELIVERED,
				       .now = 50,
				       .until = 500,
				       .recipient = "ann+x@example.net" };
	g_autoptr(rmt_claim) row = NULL;

	assert_int_equal(rmt_claim_take(fixture->store, &step, NULL, NULL, NULL),
			 RMT_CLAIM_TAKEN);
	take(fixture->store, "ann", "m1", NEW, RMT_CLAIM_APPROVED, "r1");
	assert_true(rmt_claim_get(fixture->store, "ann", "m1", &row, NULL));
	assert_string_equal(row->recipient, "ann+x@example.net");
	assert_string_equal(row->target, "bob@example.org");
	assert_string_equal(row->receipt, "r1");
	assert_string_equal(row->rule, "");
	assert_int_equal(row->since, 50);
	assert_int_equal(row->changed, 100);
	assert_int_equal(row->until, 1000);
}

static void who_is_refused_sees_the_row_that_stands(void **state)
{
	struct store_fixture *fixture = *state;
	struct rmt_claim_step step = { .user = "ann", .id = "m1", .from = NEW, .now = 7 };
	g_autoptr(rmt_claim) row = NULL;

	step.to = RMT_CLAIM_APPROVED;
	take(fixture->store, "ann", "m1", NEW, RMT_CLAIM_ASKED, NULL);
	assert_int_equal(rmt_claim_take(fixture->store, &step, NULL, &row, NULL),
			 RMT_CLAIM_REFUSED);
	assert_int_equal(row->state, RMT_CLAIM_ASKED);
	assert_int_equal(row->changed, 100);
}

static void a_receipt_of_ours_passes_once(void **state)
{
	struct store_fixture *fixture = *state;

	assert_int_equal(rmt_claim_pass(fixture->store, "r1", 200, NULL),
			 RMT_CLAIM_UNKNOWN);
	take(fixture->store, "ann", "m1", NEW, RMT_CLAIM_APPROVED, "r1");
	assert_int_equal(rmt_claim_pass(fixture->store, "r1", 200, NULL),
			 RMT_CLAIM_FIRST_TIME);
	assert_int_equal(rmt_claim_pass(fixture->store, "r1", 200, NULL),
			 RMT_CLAIM_AGAIN);
	assert_int_equal(state_of(fixture->store, "ann", "m1"), RMT_CLAIM_APPROVED);
}

static void a_receipt_that_was_denied_meanwhile_is_unknown(void **state)
{
	struct store_fixture *fixture = *state;

	take(fixture->store, "ann", "m1", NEW, RMT_CLAIM_APPROVED, "r1");
	take(fixture->store, "ann", "m1", RMT_CLAIM_IN(RMT_CLAIM_APPROVED),
	     RMT_CLAIM_DENIED, NULL);
	assert_int_equal(rmt_claim_pass(fixture->store, "r1", 200, NULL),
			 RMT_CLAIM_UNKNOWN);
}

static void a_clients_receipt_ends_the_prompt_and_passes_once(void **state)
{
	struct store_fixture *fixture = *state;
	const struct rmt_client_receipt receipt = { .user = "ann",
						    .id = "m1",
						    .target = "bob@example.org",
						    .rule = "G02",
						    .now_us = 5000000,
						    .until = 1000 };
	struct rmt_claim_step ask = { .user = "ann", .id = "m1", .from = NEW, .now = 1 };
	struct rmt_prompt prompt = { .user = (char *)"ann", .id = (char *)"m1" };
	g_autoptr(rmt_deal) deal = rmt_deal_new();

	ask.to = RMT_CLAIM_ASKED;
	rmt_deal_put_prompt(deal, &prompt);
	assert_int_equal(rmt_claim_take(fixture->store, &ask, deal, NULL, NULL),
			 RMT_CLAIM_TAKEN);
	assert_int_equal(rmt_store_count(fixture->store, "prompts"), 1);
	assert_int_equal(rmt_claim_take_by_client(fixture->store, &receipt, NULL, NULL),
			 RMT_CLAIM_TAKEN);
	assert_int_equal(rmt_store_count(fixture->store, "prompts"), 0);
	assert_int_equal(rmt_store_count(fixture->store, "audit"), 1);
	assert_int_equal(rmt_store_count(fixture->store, "answers"), 1);
	assert_int_equal(rmt_claim_take_by_client(fixture->store, &receipt, NULL, NULL),
			 RMT_CLAIM_REFUSED);
	assert_int_equal(rmt_store_count(fixture->store, "audit"), 1);
}

static void what_stands_for_a_message_is_its_bare_id(void **state)
{
	static const struct {
		const char *field, *want;
	} cases[] = {
		{ " <a@b>\r\n", "a@b" },       { "<a@b> (comment (nested))", "a@b" },
		{ "(c) < a@\r\n b >", "a@b" }, { "a@b", "a@b" },
		{ "<a@b> <c@d>", "a@b" },      { "<A@b>", "A@b" },
	};
	g_autoptr(GString) id = g_string_new(NULL);
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		rmt_claim_id(rmt_span_of(cases[i].field), id);
		assert_string_equal(id->str, cases[i].want);
	}
}

static void rows_go_when_their_time_has_come(void **state)
{
	struct store_fixture *fixture = *state;
	uint64_t removed = 9;

	take(fixture->store, "ann", "m1", NEW, RMT_CLAIM_APPROVED, "r1");
	assert_true(rmt_claims_expire(fixture->store, 999, &removed, NULL));
	assert_int_equal(removed, 0);
	assert_true(rmt_claims_expire(fixture->store, 1000, &removed, NULL));
	assert_int_equal(removed, 1);
	assert_int_equal(rmt_store_count(fixture->store, "claims"), 0);
	assert_int_equal(rmt_store_count(fixture->store, "receipt-ids"), 0);
}

static bool find_text(void *context, const struct rmt_claim *claim)
{
	const char *text = context;

	assert_null(strstr(claim->user, text));
	assert_string_equal(claim->id, "");
	assert_string_equal(claim->target, "");
	return true;
}

static void what_is_erased_names_nobody_and_is_never_answered_again(void **state)
{
	struct store_fixture *fixture = *state;
	uint64_t erased = 0;

	take(fixture->store, "ann", "m1", NEW, RMT_CLAIM_ASKED, NULL);
	take(fixture->store, "bob", "m1", NEW, RMT_CLAIM_ASKED, NULL);
	assert_true(rmt_claims_erase(fixture->store, "ann", &erased, NULL));
	assert_int_equal(erased, 1);
	assert_int_equal(state_of(fixture->store, "ann", "m1"), RMT_CLAIM_DENIED);
	assert_int_equal(state_of(fixture->store, "bob", "m1"), RMT_CLAIM_ASKED);
	assert_int_equal(take(fixture->store, "ann", "m1", NEW, RMT_CLAIM_APPROVED, "r"),
			 RMT_CLAIM_REFUSED);
	assert_true(rmt_claims_erase(fixture->store, "bob", &erased, NULL));
	assert_true(rmt_claims_walk(fixture->store, find_text, (void *)"b", NULL));
}

static void a_damaged_row_lets_nobody_send(void **state)
{
	struct store_fixture *fixture = *state;
	char key[RMT_CLAIM_KEY];
	struct rmt_store_change change = { .table = "claims",
					   .key = rmt_claim_key("ann", "m1", key),
					   .value = RMT_SPAN("\x01\x05\x09") };
	struct rmt_claim_step step = { .user = "ann", .id = "m1", .from = NEW, .now = 7 };
	g_autoptr(GError) err = NULL;

	step.to = RMT_CLAIM_APPROVED;
	assert_true(rmt_store_commit(fixture->store, &change, 1, NULL, NULL));
	assert_int_equal(rmt_claim_take(fixture->store, &step, NULL, NULL, &err),
			 RMT_CLAIM_TROUBLE);
	assert_true(g_error_matches(err, RMT_STORE_ERROR, RMT_STORE_ERROR_DAMAGED));
}

static void users_and_ids_that_cannot_be_are_refused(void **state)
{
	struct store_fixture *fixture = *state;
	g_autofree char *longer = g_strnfill(RMT_CLAIM_ID_MAX + 1, 'x');
	const char *const pairs[][2] = {
		{ "", "m" }, { "ann", "" }, { "ann", longer }, { longer, "m" }
	};
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(pairs); i++) {
		struct rmt_claim_step step = { .user = pairs[i][0],
					       .id = pairs[i][1],
					       .from = NEW,
					       .to = RMT_CLAIM_DENIED };

		assert_int_equal(rmt_claim_take(fixture->store, &step, NULL, NULL, NULL),
				 RMT_CLAIM_TROUBLE);
	}
}

/* --- several processes --- */

enum { RACERS = 6, MESSAGES = 60 };

static int race(const struct store_fixture *fixture)
{
	struct rmt_store *store = NULL;
	int i, won = 0;
	char id[16];

	if (!rmt_store_open(&store, fixture->uri, false, NULL))
		return 255;
	for (i = 0; i < MESSAGES; i++) {
		g_snprintf(id, sizeof(id), "m%d", i);
		won += try(store, "ann", id, NEW, RMT_CLAIM_APPROVED, id, NULL) ==
		       RMT_CLAIM_TAKEN;
	}
	rmt_store_close(&store);
	return won;
}

static void of_many_processes_one_wins_each_message(void **state)
{
	struct store_fixture *fixture = *state;
	pid_t racers[RACERS];
	int i, status, won = 0;

	rmt_store_close(&fixture->store);
	for (i = 0; i < RACERS; i++) {
		racers[i] = fork();
		if (racers[i] == 0)
			_exit(race(fixture));
	}
	for (i = 0; i < RACERS; i++) {
		waitpid(racers[i], &status, 0);
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) <= MESSAGES);
		won += WEXITSTATUS(status);
	}
	fixture_open(fixture);
	assert_int_equal(won, MESSAGES);
}

/* Claims and counts with every one what the job says; killed in between. */
static void take_until_killed(const struct store_fixture *fixture, int out)
{
	struct rmt_store *store = NULL;
	unsigned i;

	if (!rmt_store_open(&store, fixture->uri, false, NULL))
		_exit(1);
	for (i = 0;; i++) {
		char id[16];
		struct rmt_claim_step step = { .user = "ann",
					       .id = id,
					       .from = NEW,
					       .to = RMT_CLAIM_APPROVED,
					       .now = 1,
					       .until = 9 };
		struct rmt_job job = { .kind = (char *)"receipt", .id = id, .until = 9 };
		g_autoptr(rmt_deal) deal = rmt_deal_new();

		g_snprintf(id, sizeof(id), "m%u", i);
		rmt_deal_put_job(deal, &job);
		if (rmt_claim_take(store, &step, deal, NULL, NULL) == RMT_CLAIM_TROUBLE)
			_exit(1);
		if (i == 0 && write(out, "", 1) != 1)
			_exit(1);
	}
}

static bool has_job(void *context, const struct rmt_claim *claim)
{
	struct rmt_job *job = NULL;

	assert_true(rmt_job_get(context, "receipt", claim->id, &job, NULL));
	assert_non_null(job);
	rmt_job_free(job);
	return true;
}

static void kill_9_leaves_claim_and_job_or_neither(void **state)
{
	struct store_fixture *fixture = *state;
	int round, status, pipes[2];
	pid_t child;
	char first;

	rmt_store_close(&fixture->store);
	for (round = 0; round < 5; round++) {
		assert_int_equal(pipe(pipes), 0);
		child = fork();
		if (child == 0)
			take_until_killed(fixture, pipes[1]);
		close(pipes[1]);
		assert_int_equal(read(pipes[0], &first, 1), 1);
		close(pipes[0]);
		g_usleep((gulong)(20 + round * 13) * 1000);
		kill(child, SIGKILL);
		waitpid(child, &status, 0);
		assert_true(WIFSIGNALED(status));
	}
	fixture_open(fixture);
	assert_true(rmt_store_count(fixture->store, "claims") > 0);
	assert_int_equal(rmt_store_count(fixture->store, "claims"),
			 rmt_store_count(fixture->store, "jobs"));
	assert_true(rmt_claims_walk(fixture->store, has_job, fixture->store, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_BOTH(one_of_two_has_the_claim_and_his_job_alone_is_there),
		ON_BOTH(users_and_messages_have_claims_of_their_own),
		ON_BOTH(a_row_keeps_what_a_step_does_not_say),
		ON_BOTH(who_is_refused_sees_the_row_that_stands),
		ON_BOTH(a_receipt_of_ours_passes_once),
		ON_MEM(a_receipt_that_was_denied_meanwhile_is_unknown),
		ON_BOTH(a_clients_receipt_ends_the_prompt_and_passes_once),
		cmocka_unit_test(what_stands_for_a_message_is_its_bare_id),
		ON_BOTH(rows_go_when_their_time_has_come),
		ON_BOTH(what_is_erased_names_nobody_and_is_never_answered_again),
		ON_MEM(a_damaged_row_lets_nobody_send),
		ON_MEM(users_and_ids_that_cannot_be_are_refused),
		ON_LMDB(of_many_processes_one_wins_each_message),
		ON_LMDB(kill_9_leaves_claim_and_job_or_neither),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
