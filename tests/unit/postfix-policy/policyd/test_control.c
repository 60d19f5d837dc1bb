/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/postfix-policy/policyd/house.h"

struct control_test {
	struct house *house;
	int policy, control;
};

static int set_up(void **state)
{
	struct control_test *test = g_new0(struct control_test, 1);
	int ends[2];

	test->house = house_open();
	test->policy = house_connect(test->house);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
	rmt_talks_turn(rmt_control_talks(test->house->policyd.control),
		       test->house->policyd.monotonic_ns);
	rmt_talks_accept(rmt_control_talks(test->house->policyd.control), ends[0],
			 "unix:/ctl", &house_unix);
	test->control = ends[1];
	*state = test;
	return 0;
}

static int tear_down(void **state)
{
	struct control_test *test = *state;

	close(test->policy);
	close(test->control);
	house_close(test->house);
	g_free(test);
	return 0;
}

static void ask_policy(struct control_test *test, const char *user, int instance)
{
	g_autofree char *text = g_strdup_printf(
		"request=smtpd_access_policy\nprotocol_state=RCPT\nsender=a@b.example\n"
		"recipient=r%d@example.org\nsasl_username=%s\ninstance=%d\n\n",
		instance, user, instance);
	char answer[1000];

	send(test->policy, text, strlen(text), 0);
	house_turn(test->house, 0);
	assert_true(recv(test->policy, answer, sizeof(answer), 0) > 0);
}

/* Every answer line as an array; own. */
static json_t *ask(struct control_test *test, const char *line)
{
	g_autoptr(GString) text = g_string_new(NULL);
	json_t *answers = json_array();
	char bytes[65536], *end;
	ssize_t n;
	int turns;

	send(test->control, line, strlen(line), 0);
	send(test->control, "\n", 1, 0);
	for (turns = 0; turns < 100 && strstr(text->str, "\"ok\":true") == NULL &&
			strstr(text->str, "\"error\"") == NULL;
	     turns++) {
		house_turn(test->house, 0);
		n = recv(test->control, bytes, sizeof(bytes), 0);
		if (n > 0)
			g_string_append_len(text, bytes, n);
	}
	while ((end = strchr(text->str, '\n')) != NULL) {
		json_array_append_new(
			answers,
			json_loadb(text->str, (size_t)(end - text->str), 0, NULL));
		g_string_erase(text, 0, end - text->str + 1);
	}
	return answers;
}

static json_t *last(json_t *answers)
{
	return json_array_get(answers, json_array_size(answers) - 1);
}

static void status_tells_streams_decisions_and_the_fullest_limit(void **state)
{
	struct control_test *test = *state;
	json_t *answers, *status, *near, *decision;
	int i;

	for (i = 0; i < 4; i++)
		ask_policy(test, "ann", i);
	ask_policy(test, "bob", 9);
	answers = ask(test, "{\"command\":\"status\"}");
	status = last(answers);
	assert_int_equal(json_integer_value(json_object_get(
				 json_object_get(status, "requests"), "RCPT")),
			 5);
	near = json_array_get(json_object_get(status, "nearest"), 0);
	assert_string_equal(json_string_value(json_object_get(near, "limit")),
			    "news/hour");
	assert_string_equal(json_string_value(json_object_get(near, "value")), "ann");
	assert_int_equal(json_integer_value(json_object_get(near, "used")), 3);
	assert_int_equal(json_array_size(json_object_get(status, "decisions")), 2);
	decision = json_array_get(json_object_get(status, "streams"), 0);
	assert_string_equal(json_string_value(json_object_get(decision, "name")), "news");
	json_decref(answers);
}

static void limits_are_listed_and_reset(void **state)
{
	struct control_test *test = *state;
	json_t *answers;
	int i;

	for (i = 0; i < 3; i++)
		ask_policy(test, "ann", i);
	ask_policy(test, "bob", 3);
	ask_policy(test, "bob", 4);
	answers = ask(test, "{\"command\":\"limits-list\"}");
	assert_int_equal(json_array_size(answers), 3);
	json_decref(answers);
	answers = ask(test, "{\"command\":\"limits-list\",\"contains\":\"bo\"}");
	assert_int_equal(json_array_size(answers), 2);
	json_decref(answers);
	answers = ask(test, "{\"command\":\"limits-reset\",\"limit\":\"news/hour\","
			    "\"value\":\"ann\"}");
	assert_int_equal(json_integer_value(json_object_get(last(answers), "reset")), 1);
	json_decref(answers);
	answers = ask(test, "{\"command\":\"limits-list\",\"contains\":\"ann\"}");
	assert_int_equal(json_array_size(answers), 1);
	json_decref(answers);
	answers = ask(test, "{\"command\":\"limits-reset\",\"limit\":\"news/hour\","
			    "\"all\":true}");
	assert_true(json_integer_value(json_object_get(last(answers), "reset")) >= 1);
	json_decref(answers);
}

static void explain_changes_nothing(void **state)
{
	static const char text[] = "request=smtpd_access_policy\nprotocol_state=RCPT\n"
				   "sender=a@b.example\nrecipient=x@example.org\n"
				   "sasl_username=ann\ninstance=77\n\n";
	g_autofree char *encoded =
		g_base64_encode((const guchar *)text, sizeof(text) - 1);
	g_autofree char *line =
		g_strdup_printf("{\"command\":\"explain\",\"request\":\"%s\"}", encoded);
	struct control_test *test = *state;
	json_t *answers;
	int i;

	for (i = 0; i < 5; i++) {
		answers = ask(test, line);
		assert_string_equal(
			json_string_value(json_object_get(last(answers), "action")),
			"DUNNO");
		assert_non_null(
			strstr(json_string_value(json_object_get(last(answers), "steps")),
			       "news/hour"));
		json_decref(answers);
	}
	assert_int_equal(rmt_reservations_open(
				 rmt_engine_reservations(test->house->policyd.engine)),
			 0);
}

static void what_is_no_command_gets_a_sentence(void **state)
{
	static const struct {
		const char *line, *want;
	} cases[] = {
		{ "junk", "no JSON" },
		{ "{}", "'command' is missing" },
		{ "[1]", "'command' is missing" },
		{ "{\"command\":\"fly\"}", "no command 'fly'" },
		{ "{\"command\":\"explain\"}", "'request' is missing" },
		{ "{\"command\":\"explain\",\"request\":\"anVuawo=\"}",
		  "no policy request" },
		{ "{\"command\":\"limits-reset\"}", "'limit' is missing" },
		{ "{\"command\":\"limits-reset\",\"limit\":\"news/hour\"}", "'value'" },
		{ "{\"command\":\"limits-reset\",\"limit\":\"x/y\",\"all\":true}",
		  "no limit 'x/y'" },
	};
	struct control_test *test = *state;
	json_t *answers;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		const char *error;

		answers = ask(test, cases[i].line);
		error = json_string_value(json_object_get(last(answers), "error"));
		if (error == NULL || strstr(error, cases[i].want) == NULL)
			fail_msg("%s: %s", cases[i].line, error);
		json_decref(answers);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(status_tells_streams_decisions_and_the_fullest_limit),
		TEST(limits_are_listed_and_reset),
		TEST(explain_changes_nothing),
		TEST(what_is_no_command_gets_a_sentence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
