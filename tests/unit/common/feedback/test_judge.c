/* SPDX-License-Identifier: MIT */
/* A stream is judged at everything that comes back; what nears a pause is said when it
 * comes so far. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/log.h"
#include "common/feedback/judge.h"
#include "common/feedback/rates.h"
#include "common/store/stream_state.h"
#include "tests/unit/common/feedback/feedback_fixture.h"

enum { DAY = 86400, NOW = 20779 * DAY + 100 };

static const char config_text[] = "streams: {\n"
				  " news: { senders = [\"*@news.test\"] pause: { } }\n"
				  " shop: { senders = [\"*@shop.test\"] }\n"
				  "}\n";

/* What was logged: each line and a line end. */
static GString *said;

static void take_line(void *context, enum rmt_log_level level, const char *line)
{
	(void)context;
	(void)level;
	g_string_append_printf(said, "%s\n", line);
}

static int start(void **state)
{
	said = g_string_new(NULL);
	rmt_log_init("test", RMT_LOG_INFO, take_line, NULL);
	*state = fixture_new(config_text, NOW);
	return 0;
}

static int stop(void **state)
{
	fixture_free(*state);
	rmt_log_init("test", RMT_LOG_INFO, NULL, NULL);
	g_string_free(said, TRUE);
	return 0;
}

static void add(struct fixture *f, const char *stream, const char *provider, int sent,
		int complaints)
{
	struct rmt_rates_change change;
	struct rmt_store_change store_change;

	rmt_rates_change(&change, stream, provider, NOW);
	change.delta[RMT_RATE_SENT] = sent;
	change.delta[RMT_RATE_ARMED_SENT] = sent;
	change.delta[RMT_RATE_COMPLAINTS] = complaints;
	change.delta[RMT_RATE_ARMED_COMPLAINTS] = complaints;
	store_change = rmt_rates_store_change(&change);
	assert_true(rmt_store_commit(f->store, &store_change, 1, NULL, NULL));
}

static void judge(struct fixture *f, const char *stream)
{
	assert_true(rmt_judge_stream(
		f->store, rmt_config_stream(f->feedback->config, stream), NOW, NULL));
}

/* How often this was said since last asked. */
static int times(const char *words)
{
	const char *at = said->str;
	int count = 0;

	for (; (at = strstr(at, words)) != NULL; at++)
		count++;
	g_string_truncate(said, 0);
	return count;
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

/* One complaint after another until something is said; how many. */
static int complain_until_said(struct fixture *f, const char *stream)
{
	int count = 0;

	while (said->len == 0 && count < 100) {
		add(f, stream, "yahoo", 0, 1);
		judge(f, stream);
		count++;
	}
	assert_true(count < 100);
	return count;
}

static void what_nears_a_pause_is_said_once(void **state)
{
	struct fixture *f = *state;
	int i;

	add(f, "news", "yahoo", 1000, 0);
	judge(f, "news");
	assert_int_equal(said->len, 0);
	complain_until_said(f, "news");
	assert_false(is_paused(f, "news"));
	assert_non_null(strstr(said->str, "stream news nears a pause: complaints"));
	g_string_truncate(said, 0);
	for (i = 0; i < 20; i++)
		judge(f, "news");
	assert_int_equal(said->len, 0);
}

static void each_provider_and_each_test_speaks_for_itself(void **state)
{
	struct fixture *f = *state;

	add(f, "news", "yahoo", 1000, 0);
	add(f, "news", "microsoft", 1000000, 0); /* hides it in the sum */
	complain_until_said(f, "news");
	assert_int_equal(times("nears a pause"), 1);
	add(f, "news", "comcast", 1000, 0);
	do {
		add(f, "news", "comcast", 0, 1);
		judge(f, "news");
	} while (said->len == 0);
	assert_non_null(strstr(said->str, " at comcast: "));
	assert_int_equal(times(" at yahoo: "), 0);
}

static void fallen_and_risen_again_it_is_said_again(void **state)
{
	struct fixture *f = *state;

	add(f, "news", "yahoo", 1000, 0);
	complain_until_said(f, "news");
	assert_true(times("nears a pause") > 0);
	add(f, "news", "yahoo", 10000, 0);
	judge(f, "news");
	assert_int_equal(said->len, 0);
	complain_until_said(f, "news");
	assert_true(times("nears a pause") > 0);
}

static void what_would_pause_is_said_once_too(void **state)
{
	struct fixture *f = *state;
	int i;

	add(f, "shop", "yahoo", 100, 50);
	judge(f, "shop");
	assert_false(is_paused(f, "shop"));
	assert_true(times("stream shop would pause (no setting pause): ") > 0);
	for (i = 0; i < 5; i++)
		judge(f, "shop");
	assert_int_equal(said->len, 0);
}

static void a_resumed_stream_is_judged_as_if_nothing_had_been_said(void **state)
{
	struct fixture *f = *state;
	bool was_paused;

	add(f, "news", "yahoo", 100, 50);
	judge(f, "news");
	assert_true(is_paused(f, "news"));
	assert_int_equal(times("stream news paused: "), 1);
	judge(f, "news");
	assert_int_equal(said->len, 0); /* it is */
	assert_true(rmt_rates_arm(f->store, "news", NOW + 10, NULL));
	assert_true(rmt_judge_forget(f->store, "news", NULL));
	assert_true(rmt_stream_resume(f->store, "news", &was_paused, NULL));
	judge(f, "news");
	assert_false(is_paused(f, "news"));
	assert_int_equal(said->len, 0);
}

static void a_row_of_a_newer_program_says_nothing(void **state)
{
	struct fixture *f = *state;
	const struct rmt_store_change rows[] = {
		{ .table = "feedback-state",
		  .key = RMT_SPAN("warned news"),
		  .value = RMT_SPAN("\x63what?") },
		{ .table = "feedback-state",
		  .key = RMT_SPAN("warned news"),
		  .value = RMT_SPAN("\x01\x7f") },
	};
	size_t i;

	add(f, "news", "yahoo", 1000, 0);
	complain_until_said(f, "news");
	for (i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_string_truncate(said, 0);
		assert_true(rmt_store_commit(f->store, &rows[i], 1, NULL, NULL));
		judge(f, "news");
		assert_true(times("nears a pause") > 0);
		judge(f, "news");
		assert_int_equal(said->len, 0);
	}
}

/* Unsubscribes of a Tuesday are of Monday's mail. */
static void who_leaves_on_a_day_without_mail_counts(void **state)
{
	struct rmt_rates rates = { .day = 1 };

	(void)state;
	rates.counts[RMT_RATE_CLASSES + RMT_CLASS_UNSUBSCRIBE] = 7;
	assert_int_equal(rmt_rates_armed_unsubscribes(&rates), 7);
	rates.armed = NOW; /* and whether before or after, nobody knows */
	assert_int_equal(rmt_rates_armed_unsubscribes(&rates), 0);
	rates.counts[RMT_RATE_SENT] = 100;
	rates.counts[RMT_RATE_ARMED_SENT] = 50;
	assert_int_equal(rmt_rates_armed_unsubscribes(&rates), 3);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_nears_a_pause_is_said_once),
		TEST(each_provider_and_each_test_speaks_for_itself),
		TEST(fallen_and_risen_again_it_is_said_again),
		TEST(what_would_pause_is_said_once_too),
		TEST(a_resumed_stream_is_judged_as_if_nothing_had_been_said),
		TEST(a_row_of_a_newer_program_says_nothing),
		cmocka_unit_test(who_leaves_on_a_day_without_mail_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
