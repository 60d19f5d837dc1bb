/* SPDX-License-Identifier: MIT */
#include "tests/unit/common/store/store_fixture.h"

#include <string.h>

#include "common/store/stream_state.h"

static void pause_stream(struct store_fixture *fixture, const char *stream,
			 const char *reason, int64_t until)
{
	GError *err = NULL;

	assert_ok(
		rmt_stream_pause(fixture->store, stream, reason, "ann", 100, until, &err),
		err);
}

static void a_paused_stream_says_why_by_whom_and_until_when(void **state)
{
	struct store_fixture *fixture = *state;
	struct rmt_stream_state paused;
	GError *err = NULL;

	pause_stream(fixture, "news", "too many bounces", 500);
	assert_ok(rmt_stream_state_get(fixture->store, "news", &paused, &err), err);
	assert_true(paused.paused);
	assert_string_equal(paused.reason, "too many bounces");
	assert_string_equal(paused.by, "ann");
	assert_int_equal(paused.since, 100);
	assert_int_equal(paused.until, 500);
	rmt_stream_state_clear(&paused);
}

static void a_pause_ends_when_its_time_has_come(void **state)
{
	static const struct {
		struct rmt_stream_state state;
		bool want;
	} cases[] = {
		{ { false, NULL, NULL, 0, 0 }, false },
		{ { true, NULL, NULL, 100, 0 }, true },
		{ { true, NULL, NULL, 100, 301 }, true },
		{ { true, NULL, NULL, 100, 300 }, false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++)
		assert_int_equal(rmt_stream_is_paused(&cases[i].state, 300),
				 cases[i].want);
}

static void resuming_says_whether_there_was_a_pause(void **state)
{
	struct store_fixture *fixture = *state;
	struct rmt_stream_state none;
	bool was_paused = false;
	GError *err = NULL;

	pause_stream(fixture, "news", NULL, 0);
	assert_ok(rmt_stream_resume(fixture->store, "news", &was_paused, &err), err);
	assert_true(was_paused);
	assert_ok(rmt_stream_resume(fixture->store, "news", &was_paused, &err), err);
	assert_false(was_paused);
	assert_ok(rmt_stream_state_get(fixture->store, "news", &none, &err), err);
	assert_false(none.paused);
	assert_null(none.reason);
}

static void other_streams_are_not_touched(void **state)
{
	struct store_fixture *fixture = *state;
	struct rmt_stream_state other;

	pause_stream(fixture, "news", NULL, 0);
	assert_true(rmt_stream_state_get(fixture->store, "new", &other, NULL));
	assert_false(other.paused);
}

static bool gather(void *context, const char *stream,
		   const struct rmt_stream_state *state)
{
	g_string_append_printf(context, "%s:%s ", stream,
			       state->reason != NULL ? state->reason : "-");
	return true;
}

static void all_states_are_listed(void **state)
{
	struct store_fixture *fixture = *state;
	g_autoptr(GString) seen = g_string_new(NULL);
	GError *err = NULL;

	pause_stream(fixture, "news", "b", 0);
	pause_stream(fixture, "alerts", NULL, 0);
	assert_ok(rmt_stream_state_walk(fixture->store, gather, seen, &err), err);
	assert_string_equal(seen->str, "alerts:- news:b ");
}

static void text_that_is_no_line_is_refused(void **state)
{
	struct store_fixture *fixture = *state;
	g_autofree char *longer = g_strnfill(RMT_STREAM_TEXT_MAX + 1, 'x');
	g_autoptr(GError) err = NULL;

	assert_false(
		rmt_stream_pause(fixture->store, "news", "two\nlines", NULL, 1, 0, &err));
	assert_non_null(strstr(err->message, "reason must be one printable line"));
	assert_false(rmt_stream_pause(fixture->store, "news", longer, NULL, 1, 0, NULL));
}

static void a_damaged_state_is_said_and_can_be_resumed(void **state)
{
	static const struct rmt_span values[] = { { "", 0 },
						  { "\x02", 1 },
						  { "\x01\x05"
						    "ab",
						    4 } };
	struct store_fixture *fixture = *state;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(values); i++) {
		struct rmt_store_change change = { .table = "streams",
						   .key = RMT_SPAN("news"),
						   .value = values[i] };
		struct rmt_stream_state broken;
		g_autoptr(GError) err = NULL;
		bool was_paused;

		assert_true(rmt_store_commit(fixture->store, &change, 1, NULL, NULL));
		assert_false(rmt_stream_state_get(fixture->store, "news", &broken, &err));
		assert_true(
			g_error_matches(err, RMT_STORE_ERROR, RMT_STORE_ERROR_DAMAGED));
		assert_true(rmt_stream_resume(fixture->store, "news", &was_paused, NULL));
		assert_true(was_paused);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_BOTH(a_paused_stream_says_why_by_whom_and_until_when),
		cmocka_unit_test(a_pause_ends_when_its_time_has_come),
		ON_BOTH(resuming_says_whether_there_was_a_pause),
		ON_MEM(other_streams_are_not_touched),
		ON_BOTH(all_states_are_listed),
		ON_MEM(text_that_is_no_line_is_refused),
		ON_MEM(a_damaged_state_is_said_and_can_be_resumed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
