/* SPDX-License-Identifier: MIT */
/* Messages after their last stage: what they were charged is found by the queue id. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/policy/engine.h"

static const char config_text[] =
	"mode = \"enforce\"\n"
	"streams: {\n"
	"  news: { header = \"X-Stream: news\"\n"
	"    limits: { day: { per = \"stream\" quota = \"5/day\" }\n"
	"              each: { per = \"recipient_domain\" quota = \"3/day\" } } }\n"
	"  soft: { header = \"X-Stream: soft\" mode = \"report\"\n"
	"    limits: { day: { per = \"stream\" quota = \"1/day\" } } }\n"
	"  all: { limits: { day: { per = \"stream\" quota = \"10/day\" } } }\n"
	"}\n";

struct world {
	struct rmt_counters *counters;
	struct rmt_store *store;
	struct rmt_engine *engine;
	struct rmt_now now;
	struct rmt_decision got;
};

static int set_up(void **state)
{
	struct rmt_counters_options options = { .wall_secs = 1800000000 };
	struct world *world = g_new0(struct world, 1);
	g_autoptr(GPtrArray) complaints = NULL;
	struct rmt_config *config =
		rmt_config_read_text("t.conf", config_text, &complaints);

	assert_non_null(config);
	assert_true(rmt_counters_open(&world->counters, &options, NULL));
	assert_true(rmt_store_open(&world->store, "mem:", false, NULL));
	world->now.line_ns = rmt_counters_line(world->counters, 0);
	world->now.wall_secs = 1800000000;
	world->engine = rmt_engine_new(config, world->counters, world->store);
	rmt_config_unref(config);
	rmt_engine_tick(world->engine, &world->now);
	*state = world;
	return 0;
}

static int tear_down(void **state)
{
	struct world *world = *state;

	rmt_engine_free(world->engine);
	rmt_store_close(&world->store);
	rmt_counters_close(&world->counters);
	g_free(world);
	return 0;
}

static struct rmt_facts facts_of(const char *queue_id)
{
	return (struct rmt_facts){
		.stage = RMT_STAGE_END_OF_MESSAGE,
		.queue_id = rmt_span_of(queue_id),
		.sender = RMT_SPAN("ann@example.com"),
		.client_address = RMT_SPAN("192.0.2.7"),
		.size = 1000,
	};
}

/* Postfix's END-OF-MESSAGE, with so many recipients. */
static void commit(struct world *world, const char *queue_id, unsigned recipients)
{
	struct rmt_facts facts = facts_of(queue_id);
	g_autofree struct rmt_work *work = g_new0(struct rmt_work, 1);

	facts.instance = facts.queue_id;
	facts.recipient_count = recipients;
	rmt_engine_prepare(world->engine, &facts, 1, 1, work);
	rmt_engine_decide(world->engine, work, &world->now, &world->got);
}

/* recipients: parted by blanks. */
static enum rmt_action whole(struct world *world, const char *stream,
			     const char *queue_id, const char *recipients)
{
	const struct rmt_facts facts = facts_of(queue_id);
	g_auto(GStrv) words = g_strsplit(recipients, " ", -1);
	struct rmt_span spans[16];
	size_t i;

	for (i = 0; words[i] != NULL; i++)
		spans[i] = rmt_span_of(words[i]);
	rmt_engine_whole(world->engine, &facts,
			 rmt_config_stream(rmt_engine_config(world->engine), stream),
			 spans, i, &world->now, &world->got);
	return world->got.action;
}

static uint64_t used(struct world *world, const char *stream_name)
{
	const struct rmt_stream *stream =
		rmt_config_stream(rmt_engine_config(world->engine), stream_name);
	const struct rmt_limit *limit = stream->limits->pdata[0];
	struct rmt_usage usage;
	uint64_t key;

	assert_true(rmt_engine_key(world->engine, stream, limit, rmt_span_of(stream_name),
				   &key));
	rmt_counters_fits(world->counters, key, &limit->amount, 1, world->now.line_ns,
			  &usage);
	return usage.used;
}

static void a_charge_moves_to_the_stream_the_header_names(void **state)
{
	struct world *world = *state;

	rmt_engine_remember(world->engine);
	commit(world, "4Zk1", 2);
	assert_int_equal(used(world, "all"), 2);
	assert_string_equal(rmt_engine_sent_to(world->engine, RMT_SPAN("4Zk1")), "all");
	assert_int_equal(whole(world, "news", "4Zk1", "a@x.test b@y.test"),
			 RMT_ACTION_DUNNO);
	assert_int_equal(used(world, "all"), 0);
	assert_int_equal(used(world, "news"), 2);
	assert_string_equal(rmt_engine_sent_to(world->engine, RMT_SPAN("4Zk1")), "news");
	/* Once more is the same message. */
	whole(world, "news", "4Zk1", "a@x.test b@y.test");
	assert_int_equal(used(world, "news"), 2);
}

static void what_is_not_sent_is_given_back_once(void **state)
{
	struct world *world = *state;

	rmt_engine_remember(world->engine);
	commit(world, "4Zk1", 2);
	commit(world, "4Zk2", 3);
	assert_int_equal(used(world, "all"), 5);
	assert_true(rmt_engine_give_back(world->engine, RMT_SPAN("4Zk1"), &world->now));
	assert_false(rmt_engine_give_back(world->engine, RMT_SPAN("4Zk1"), &world->now));
	assert_false(rmt_engine_give_back(world->engine, RMT_SPAN("other"), &world->now));
	assert_int_equal(used(world, "all"), 3);
}

static void nothing_is_remembered_before_somebody_asks(void **state)
{
	struct world *world = *state;

	commit(world, "4Zk1", 2);
	assert_null(rmt_engine_sent_to(world->engine, RMT_SPAN("4Zk1")));
	assert_false(rmt_engine_give_back(world->engine, RMT_SPAN("4Zk1"), &world->now));
	assert_int_equal(used(world, "all"), 2);
}

static void nothing_is_remembered_for_ever(void **state)
{
	struct world *world = *state;

	rmt_engine_remember(world->engine);
	commit(world, "4Zk1", 2);
	world->now.line_ns += 3600LL * RMT_NS_PER_SEC;
	rmt_engine_tick(world->engine, &world->now);
	commit(world, "4Zk2", 1);
	assert_null(rmt_engine_sent_to(world->engine, RMT_SPAN("4Zk1")));
	assert_non_null(rmt_engine_sent_to(world->engine, RMT_SPAN("4Zk2")));
}

static void a_limit_holds_for_the_whole_message(void **state)
{
	struct world *world = *state;

	rmt_engine_remember(world->engine);
	assert_int_equal(whole(world, "news", "4Zk1", "a@x.test b@x.test"),
			 RMT_ACTION_DUNNO);
	commit(world, "4Zk2", 2);
	/* Two more at x.test are one too many there, though the day has room. */
	assert_int_equal(whole(world, "news", "4Zk2", "a@y.test c@x.test d@x.test"),
			 RMT_ACTION_DEFER);
	assert_string_equal(world->got.rule_name, "limit:each");
	assert_string_equal(world->got.key, "x.test");
	assert_int_equal(used(world, "news"), 2);
	assert_int_equal(used(world, "all"), 0);
	assert_int_equal(whole(world, "news", "4Zk3", "a@y.test c@x.test b@y.test"),
			 RMT_ACTION_DUNNO);
	assert_int_equal(used(world, "news"), 5);
	assert_int_equal(whole(world, "news", "4Zk4", "a@z.test"), RMT_ACTION_DEFER);
	assert_string_equal(world->got.rule_name, "limit:day");
}

static void report_mode_only_says_so(void **state)
{
	struct world *world = *state;

	assert_int_equal(whole(world, "soft", "4Zk1", "a@x.test"), RMT_ACTION_DUNNO);
	assert_int_equal(world->got.would, RMT_ACTION_DUNNO);
	assert_int_equal(whole(world, "soft", "4Zk2", "a@x.test"), RMT_ACTION_DUNNO);
	assert_int_equal(world->got.would, RMT_ACTION_DEFER);
	assert_string_equal(world->got.rule_name, "limit:day");
	assert_int_equal(used(world, "soft"), 1);
}

static void a_suppressed_recipient_bars_the_message(void **state)
{
	struct world *world = *state;
	struct rmt_suppression suppression = {
		.address = (char *)"b@y.test",
		.scope = (char *)"stream:news",
		.reason = (char *)"unsubscribe",
		.source = (char *)"",
		.note = (char *)"",
		.since = 1799990000,
	};

	assert_true(rmt_suppress_add(world->store, &suppression, NULL));
	rmt_engine_tick(world->engine, &world->now);
	rmt_engine_remember(world->engine);
	commit(world, "4Zk1", 2);
	assert_int_equal(whole(world, "news", "4Zk1", "a@x.test b@y.test"),
			 RMT_ACTION_REJECT);
	assert_string_equal(world->got.rule_name, "suppressed:unsubscribe");
	assert_string_equal(world->got.key, "b@y.test");
	assert_int_equal(used(world, "news"), 0);
	assert_int_equal(used(world, "all"), 0);
	assert_int_equal(whole(world, "all", "4Zk1", "a@x.test b@y.test"),
			 RMT_ACTION_DUNNO);
}

static void a_paused_stream_defers_the_message(void **state)
{
	struct world *world = *state;

	assert_true(rmt_stream_pause(world->store, "news", "complaints", "ann",
				     world->now.wall_secs, 0, NULL));
	rmt_engine_tick(world->engine, &world->now);
	rmt_engine_remember(world->engine);
	commit(world, "4Zk1", 1);
	assert_int_equal(whole(world, "news", "4Zk1", "a@x.test"), RMT_ACTION_DEFER);
	assert_string_equal(world->got.rule_name, "paused");
	assert_int_equal(used(world, "all"), 0);
	assert_int_equal(whole(world, "all", "4Zk2", "a@x.test"), RMT_ACTION_DUNNO);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_charge_moves_to_the_stream_the_header_names),
		TEST(what_is_not_sent_is_given_back_once),
		TEST(nothing_is_remembered_before_somebody_asks),
		TEST(nothing_is_remembered_for_ever),
		TEST(a_limit_holds_for_the_whole_message),
		TEST(report_mode_only_says_so),
		TEST(a_suppressed_recipient_bars_the_message),
		TEST(a_paused_stream_defers_the_message),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
