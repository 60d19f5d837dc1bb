/* SPDX-License-Identifier: MIT */
/* kill -9 at every step: no second receipt, and none that was approved is lost.
 *
 * The agent is this program again, with arguments; the mail server and remite-milter,
 * who counts what comes by, are this process. */
#include "tests/unit/dovecot-plugin/agent/agent_fixture.h"

#include <sys/wait.h>

#define AUTOMATIC "receipts: { policy = \"organization\" prompt = false }"

static const char *const places[] = {
	"before-claim", "after-claim",  "before-submit", "before-mark",
	"after-mark",   "after-submit", "before-finish", "after-finish",
};

/* --- the agent --- */

struct dying {
	struct agent_fixture fixture; /* first: it is the agent's context */
	const char *place, *id;
};

/* What an earlier sender was killed over comes by only now. */
static void come_by_late(const struct dying *dying)
{
	g_autofree char *message = g_strdup_printf("%s@example.net", dying->id);
	struct rmt_store *store = dying->fixture.agent->store;
	g_autoptr(rmt_claim) claim = NULL;

	assert_true(rmt_claim_get(store, "bob@example.net", message, &claim, NULL));
	assert_int_equal(rmt_claim_pass(store, claim->receipt, NOW, NULL),
			 RMT_CLAIM_FIRST_TIME);
}

static void die_at(void *context, const char *place)
{
	const struct dying *dying = context;

	if (strcmp(dying->place, place) == 0)
		kill(getpid(), SIGKILL);
	if (g_str_has_prefix(dying->place, "late ") &&
	    strcmp(dying->place + strlen("late "), place) == 0)
		come_by_late(dying);
}

/* A second each time that it is asked: what waits has its turn. */
static int64_t hurry(void *context)
{
	struct dying *dying = context;

	return __atomic_add_fetch(&dying->fixture.now_us, G_USEC_PER_SEC,
				  __ATOMIC_RELAXED);
}

static int be_agent(const char *uri, unsigned port, const char *id, const char *place)
{
	struct dying dying = { { .now_us = NOW * G_USEC_PER_SEC }, place, id };
	g_autofree char *header = g_strdup(HEADER);

	memcpy(strstr(header, "m1@"), id, 2);
	dying.fixture.rows = g_string_new(NULL);
	fixture_run(&dying.fixture, uri, fixture_config(port, AUTOMATIC));
	dying.fixture.agent->fault = die_at;
	dying.fixture.agent->now_us = hurry;
	fixture_shown(&dying.fixture, header);
	fixture_work(&dying.fixture, 1);
	rmt_agent_free(dying.fixture.agent);
	g_string_free(dying.fixture.rows, TRUE);
	g_free(dying.fixture.reason);
	return 0;
}

/* --- the world --- */

struct world {
	struct smtp_sink sink;
	struct rmt_store *store;
	char *directory, *uri;
	bool counts; /* remite-milter is there */
	int taken;   /* atomic: the sink's threads count */
};

static const char *take(void *context, const char *text)
{
	struct world *world = context;
	const char *id = strstr(text, "Message-ID: <") + strlen("Message-ID: <");
	g_autofree char *receipt = g_strndup(id, strcspn(id, ">"));

	if (world->counts &&
	    rmt_claim_pass(world->store, receipt, NOW, NULL) == RMT_CLAIM_AGAIN)
		return "250 discarded";
	g_atomic_int_inc(&world->taken);
	return "250 taken";
}

static struct world *world_new(bool counts)
{
	struct world *world = g_new0(struct world, 1);

	world->directory = g_dir_make_tmp("remite-kill-XXXXXX", NULL);
	world->uri = g_strdup_printf("lmdb:%s/records", world->directory);
	assert_true(rmt_store_open(&world->store, world->uri, false, NULL));
	world->counts = counts;
	world->sink.at_end = take;
	world->sink.context = world;
	smtp_sink_start(&world->sink);
	return world;
}

static void world_free(struct world *world)
{
	g_autofree char *data = g_strconcat(world->directory, "/records", NULL);
	g_autofree char *lock = g_strconcat(world->directory, "/records-lock", NULL);

	smtp_sink_stop(&world->sink);
	rmt_store_close(&world->store);
	unlink(data);
	unlink(lock);
	rmdir(world->directory);
	g_free(world->directory);
	g_free(world->uri);
	g_free(world);
}

/* Whether it was killed. */
static bool run_agent(const struct world *world, const char *id, const char *place)
{
	char port[16];
	pid_t child;
	int status;

	g_snprintf(port, sizeof(port), "%u", world->sink.port);
	child = fork();
	if (child == 0) {
		execl("/proc/self/exe", "agent", world->uri, port, id, place,
		      (char *)NULL);
		_exit(127);
	}
	waitpid(child, &status, 0);
	if (WIFSIGNALED(status))
		assert_int_equal(WTERMSIG(status), SIGKILL);
	else
		assert_int_equal(WEXITSTATUS(status), 0);
	return WIFSIGNALED(status);
}

static enum rmt_claim_state state_of(const struct world *world, const char *id)
{
	g_autofree char *message = g_strdup_printf("%s@example.net", id);
	g_autoptr(rmt_claim) claim = NULL;

	assert_true(
		rmt_claim_get(world->store, "bob@example.net", message, &claim, NULL));
	return claim != NULL ? claim->state : RMT_CLAIM_NONE;
}

static void killed_anywhere_it_sends_one_receipt_where_the_milter_counts(void **state)
{
	struct world *world = world_new(true);
	size_t i;

	(void)state;
	assert_false(run_agent(world, "m0", ""));
	assert_int_equal(g_atomic_int_get(&world->taken), 1);
	for (i = 0; i < G_N_ELEMENTS(places); i++) {
		char id[3] = { 'n', (char)('a' + i), '\0' };

		g_atomic_int_set(&world->taken, 0);
		assert_true(run_agent(world, id, places[i]));
		assert_false(run_agent(world, id, ""));
		if (g_atomic_int_get(&world->taken) != 1)
			fail_msg("%s: %d receipts", places[i],
				 g_atomic_int_get(&world->taken));
		assert_int_equal(state_of(world, id), RMT_CLAIM_SENT);
	}
	world_free(world);
}

/* Story: a sender was killed over four receipts, all on their way through the mail server.
 * The next one saw that none was counted yet, and took their counts back with its own step:
 * four came twice. */
static void one_that_comes_by_after_its_sender_was_killed_is_the_only_one(void **state)
{
	static const char *const late[] = { "late before-again", "late before-submit",
					    "late before-mark" };
	struct world *world = world_new(true);
	size_t i;

	(void)state;
	assert_false(run_agent(world, "m0", ""));
	for (i = 0; i < G_N_ELEMENTS(late); i++) {
		char id[3] = { 'n', (char)('a' + i), '\0' };

		g_atomic_int_set(&world->taken, 0);
		assert_true(run_agent(world, id, "after-mark"));
		assert_false(run_agent(world, id, late[i]));
		if (g_atomic_int_get(&world->taken) != 0)
			fail_msg("%s: %d too many", late[i],
				 g_atomic_int_get(&world->taken));
		assert_int_equal(state_of(world, id), RMT_CLAIM_SENT);
	}
	world_free(world);
}

/* The mail server has no room for the next attempt: the count is of the one before. */
static const char *refuse(void *context, const char *text)
{
	const char *reply = take(context, text);

	return g_str_has_prefix(reply, "250 taken") ? reply : "451 no room";
}

static void its_count_stays_though_the_next_attempt_is_not_taken(void **state)
{
	struct world *world = world_new(true);

	(void)state;
	assert_false(run_agent(world, "m0", ""));
	smtp_sink_answer(&world->sink, refuse, world);
	g_atomic_int_set(&world->taken, 0);
	assert_true(run_agent(world, "m1", "after-mark"));
	assert_false(run_agent(world, "m1", "late before-mark"));
	assert_int_equal(g_atomic_int_get(&world->taken), 0);
	assert_int_equal(state_of(world, "m1"), RMT_CLAIM_SENT);
	world_free(world);
}

/* The clock was put back after it was marked. */
static void what_is_in_doubt_waits_for_no_clock(void **state)
{
	struct world *world = world_new(true);
	const struct rmt_claim_step mark = { .user = "bob@example.net",
					     .id = "m1@example.net",
					     .from = RMT_CLAIM_IN(RMT_CLAIM_SENDING),
					     .to = RMT_CLAIM_SENDING,
					     .now = NOW + 365 * 86400,
					     .until = NOW + 400 * 86400 };

	(void)state;
	assert_false(run_agent(world, "m0", ""));
	assert_true(run_agent(world, "m1", "after-mark"));
	assert_int_equal(rmt_claim_take(world->store, &mark, NULL, NULL, NULL),
			 RMT_CLAIM_TAKEN);
	assert_false(run_agent(world, "m1", ""));
	assert_int_equal(state_of(world, "m1"), RMT_CLAIM_SENT);
	world_free(world);
}

static void without_a_milter_one_in_doubt_is_not_sent_again(void **state)
{
	static const int want[] = { 1, 1, 1, 1, 0, 1, 1, 1 };
	struct world *world = world_new(false);
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(places); i++) {
		char id[3] = { 'n', (char)('a' + i), '\0' };

		g_atomic_int_set(&world->taken, 0);
		assert_true(run_agent(world, id, places[i]));
		assert_false(run_agent(world, id, ""));
		if (g_atomic_int_get(&world->taken) != want[i])
			fail_msg("%s: %d receipts", places[i],
				 g_atomic_int_get(&world->taken));
	}
	world_free(world);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			killed_anywhere_it_sends_one_receipt_where_the_milter_counts),
		cmocka_unit_test(
			one_that_comes_by_after_its_sender_was_killed_is_the_only_one),
		cmocka_unit_test(its_count_stays_though_the_next_attempt_is_not_taken),
		cmocka_unit_test(what_is_in_doubt_waits_for_no_clock),
		cmocka_unit_test(without_a_milter_one_in_doubt_is_not_sent_again),
	};

	signal(SIGPIPE, SIG_IGN);
	if (argc == 5)
		return be_agent(argv[1], (unsigned)atoi(argv[2]), argv[3], argv[4]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
