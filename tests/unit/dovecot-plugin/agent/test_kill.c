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
	const char *place;
};

static void die_at(void *context, const char *place)
{
	const struct dying *dying = context;

	if (strcmp(dying->place, place) == 0)
		kill(getpid(), SIGKILL);
}

static int be_agent(const char *uri, unsigned port, const char *id, const char *place)
{
	struct dying dying = { { .now_us = NOW * G_USEC_PER_SEC }, place };
	g_autofree char *header = g_strdup(HEADER);

	memcpy(strstr(header, "m1@"), id, 2);
	dying.fixture.rows = g_string_new(NULL);
	fixture_run(&dying.fixture, uri, fixture_config(port, AUTOMATIC));
	dying.fixture.agent->fault = die_at;
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
		cmocka_unit_test(without_a_milter_one_in_doubt_is_not_sent_again),
	};

	signal(SIGPIPE, SIG_IGN);
	if (argc == 5)
		return be_agent(argv[1], (unsigned)atoi(argv[2]), argv[3], argv[4]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
