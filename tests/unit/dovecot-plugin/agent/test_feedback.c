/* SPDX-License-Identifier: MIT */
/* Mail that was delivered to a mailbox return paths lead to. Live: test_feedback. */
#include "tests/unit/dovecot-plugin/agent/agent_fixture.h"

#include "common/feedback/events.h"
#include "common/store/suppress.h"
#include "common/token/verp.h"
#include "dovecot-plugin/agent/feedback.h"
#include "tests/unit/ring.h"

#define STREAMS                                                                          \
	"streams: { news: { senders = [\"*@news.example\"] "                             \
	"return_path: { address = \"b@bounces.example\" } } }\n"

struct world {
	struct agent_fixture *fixture;
	struct test_ring ring;
	char path[512]; /* the return path of a mail to ann@example.org */
};

static void make_path(struct world *world)
{
	const struct rmt_span ids[] = { RMT_SPAN("news"), RMT_SPAN("abcdefgh") };
	g_autofree struct rmt_verp_made *made = g_new0(struct rmt_verp_made, 1);
	struct rmt_verp_ring *ring = rmt_verp_ring_new();
	struct rmt_verp_form form;

	rmt_verp_ring_take(ring, world->ring.keys, NOW);
	assert_true(rmt_verp_form(RMT_SPAN("b@bounces.example"), 2, &form, NULL));
	assert_true(rmt_verp_make(ring, &form, ids, RMT_SPAN("ann@example.org"), NOW,
				  made, NULL));
	g_strlcpy(world->path, made->address, sizeof(world->path));
	rmt_verp_ring_free(ring);
}

static int start(void **state)
{
	struct world *world = g_new0(struct world, 1);
	g_autofree char *more = NULL;

	test_ring_make(&world->ring, 0);
	more = g_strdup_printf("keys = \"%s\"\n" STREAMS, world->ring.path);
	world->fixture = fixture_new(more);
	make_path(world);
	*state = world;
	return 0;
}

static int stop(void **state)
{
	struct world *world = *state;

	rmt_feedback_forget();
	fixture_free(world->fixture);
	test_ring_clear(&world->ring);
	g_free(world);
	return 0;
}

static char *bounce(const char *delivered_to)
{
	return g_strdup_printf("Delivered-To: %s\r\n"
			       "From: MAILER-DAEMON@mx.example.org\r\n"
			       "Subject: Undelivered Mail Returned to Sender\r\n"
			       "\r\n"
			       "<ann@example.org>: 550 5.1.1 User unknown\r\n",
			       delivered_to);
}

static guint events_of(const struct world *world, const char *recipient)
{
	GPtrArray *events;
	guint count;

	assert_true(
		rmt_events_of(world->fixture->agent->store, recipient, &events, NULL));
	count = events->len;
	g_ptr_array_unref(events);
	return count;
}

static void a_bounce_is_obeyed_and_acknowledged_and_a_repeat_is_known(void **state)
{
	struct world *world = *state;
	g_autofree char *text = bounce(world->path);
	int i;

	for (i = 0; i < 2; i++)
		assert_int_equal(
			fixture_job(world->fixture, "feedback", FIELDS(PLACE), text),
			RMT_TAKEN_ACK);
	assert_int_equal(events_of(world, "ann@example.org"), 1);
	assert_int_equal(rmt_store_count(world->fixture->agent->store, "suppress"), 1);
	/* what was understood is nobody's work any more */
	assert_int_equal(rmt_store_count(world->fixture->agent->store, "inbox"), 0);
}

static void the_delivery_knows_better_than_the_message_where_it_came_to(void **state)
{
	struct world *world = *state;
	g_autofree char *text = bounce("somebody@else.example");

	assert_int_equal(fixture_job(world->fixture, "feedback",
				     FIELDS(PLACE, "rcpt", world->path), text),
			 RMT_TAKEN_ACK);
	assert_int_equal(events_of(world, "ann@example.org"), 1);
}

static void a_stranger_is_acknowledged_without_effect(void **state)
{
	struct world *world = *state;
	g_autofree char *text = bounce("b@bounces.example");

	assert_int_equal(fixture_job(world->fixture, "feedback", FIELDS(PLACE), text),
			 RMT_TAKEN_ACK);
	assert_int_equal(events_of(world, "ann@example.org"), 0);
	assert_int_equal(rmt_store_count(world->fixture->agent->store, "suppress"), 0);
}

static void what_nobody_understands_stays_in_its_mailbox_alone(void **state)
{
	struct world *world = *state;

	assert_int_equal(fixture_job(world->fixture, "feedback", FIELDS(PLACE),
				     "Subject: hello\r\n\r\nI am a human.\r\n"),
			 RMT_TAKEN_ACK);
	assert_int_equal(rmt_store_count(world->fixture->agent->store, "inbox"), 0);
}

static void a_job_without_a_message_is_refused_in_words(void **state)
{
	struct world *world = *state;

	assert_int_equal(fixture_job(world->fixture, "feedback", FIELDS(PLACE), NULL),
			 RMT_TAKEN_NAK);
	assert_non_null(strstr(world->fixture->reason, "no message"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_bounce_is_obeyed_and_acknowledged_and_a_repeat_is_known, start,
			stop),
		cmocka_unit_test_setup_teardown(
			the_delivery_knows_better_than_the_message_where_it_came_to,
			start, stop),
		cmocka_unit_test_setup_teardown(a_stranger_is_acknowledged_without_effect,
						start, stop),
		cmocka_unit_test_setup_teardown(
			what_nobody_understands_stays_in_its_mailbox_alone, start, stop),
		cmocka_unit_test_setup_teardown(
			a_job_without_a_message_is_refused_in_words, start, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
