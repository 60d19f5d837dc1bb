/* SPDX-License-Identifier: MIT */
#include "common/cli/sender_map.h"
#include "tests/unit/common/cli/recorded.h"

#define EGRESSES                                                                         \
	"egress: { bulk: { addresses = [\"192.0.2.20\"] transport = \"smtp-bulk:\" }"    \
	" other: { addresses = [\"192.0.2.21\"] transport = \"smtp-other:\" } }\n"

/* The tables without their comments. */
static const char *body(const GString *text)
{
	const char *p = text->str;

	while (*p == '#')
		p = strchr(p, '\n') + 1;
	return p;
}

static void tables_answer_as_the_first_matching_stream_does(void **state)
{
	static const struct {
		const char *what, *streams, *exact, *patterns;
		bool is_needed;
	} cases[] = {
		{ "nobody has an egress", "a: { senders = [\"a@x.example\"] }",
		  "a@x.example\tDUNNO\n", "", false },
		{ "every form of a sender",
		  "a: { senders = [\"a@x.example\", \"*@y.example\", \"*@*.z.example\", "
		  "\"news-*@x.example\", \"<>\"] egress = \"bulk\" }",
		  "a@x.example\tsmtp-bulk:\n<>\tsmtp-bulk:\n",
		  "/^.*@y\\.example$/\tsmtp-bulk:\n/^.*@.*\\.z\\.example$/\tsmtp-bulk:\n"
		  "/^news-.*@x\\.example$/\tsmtp-bulk:\n",
		  true },
		{ "an exception before a domain",
		  "a: { senders = [\"vip@x.example\"] } "
		  "b: { senders = [\"*@x.example\"] egress = \"bulk\" }",
		  "vip@x.example\tDUNNO\n", "/^.*@x\\.example$/\tsmtp-bulk:\n", true },
		{ "an address behind its domain is never reached",
		  "a: { senders = [\"*@x.example\"] egress = \"bulk\" } "
		  "b: { senders = [\"vip@x.example\"] egress = \"other\" }",
		  "", "/^.*@x\\.example$/\tsmtp-bulk:\n", true },
		{ "domains",
		  "a: { sender_domains = [\"x.example\", \".x.example\"] egress = "
		  "\"bulk\" } "
		  "b: { senders = [\"v@x.example\"] egress = \"other\" }",
		  "",
		  "/^.*@x\\.example$/\tsmtp-bulk:\n/^.*@.*\\.x\\.example$/\tsmtp-bulk:\n",
		  true },
		{ "signs that mean something in a pattern",
		  "a: { senders = [\"a+b/$c?*@x.example\"] egress = \"bulk\" }", "",
		  "/^a\\+b\\/\\$c\\?.*@x\\.example$/\tsmtp-bulk:\n", true },
		{ "FILTER chooses: not our business",
		  "a: { senders = [\"a@x.example\"] egress = \"bulk\" "
		  "egress_by_filter = true }",
		  "a@x.example\tDUNNO\n", "", false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *text =
			g_strdup_printf(EGRESSES "streams: { %s }\n", cases[i].streams);
		g_autoptr(rmt_config) config = recorded_config(text);
		g_autoptr(rmt_sender_map) map = rmt_sender_map_new(config);

		if (strcmp(body(map->exact), cases[i].exact) != 0 ||
		    strcmp(body(map->patterns), cases[i].patterns) != 0)
			fail_msg("%s:\n%s%s", cases[i].what, map->exact->str,
				 map->patterns->str);
		assert_int_equal(map->is_needed, cases[i].is_needed);
	}
}

static void a_default_stream_with_an_egress_takes_what_is_left(void **state)
{
	g_autoptr(rmt_config) config = recorded_config(
		EGRESSES "streams: { default: { egress = \"other\" } }\n");
	g_autoptr(rmt_sender_map) map = rmt_sender_map_new(config);

	(void)state;
	assert_string_equal(body(map->patterns), "/^.*$/\tsmtp-other:\n");
}

static void streams_that_no_table_of_senders_can_tell_are_named(void **state)
{
	static const struct {
		const char *stream, *want; /* part of the note; NULL: none */
	} cases[] = {
		{ "sasl_users = [\"u\"] egress = \"bulk\"", "not by sender alone" },
		{ "senders = [\"a@x.example\"] clients = [\"192.0.2.1\"] egress = "
		  "\"bulk\"",
		  "not by sender alone" },
		{ "senders = [\"a@x.example\"] sender_domains = [\"x.example\"] "
		  "egress = \"bulk\"",
		  "not by sender alone" },
		{ "sasl_users = [\"u\"]", NULL },
		{ "senders = [\"a@x.example\"] egress = \"bulk\"", NULL },
		{ "senders = [\"a@x.example\"] egress = \"bulk\" egress_by_filter = true",
		  "FILTER chooses its egress at DATA" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *text = g_strdup_printf(
			EGRESSES "streams: { s: { %s } }\n", cases[i].stream);
		g_autoptr(rmt_config) config = recorded_config(text);
		g_autoptr(rmt_sender_map) map = rmt_sender_map_new(config);

		assert_int_equal(map->notes->len, cases[i].want != NULL ? 1 : 0);
		if (cases[i].want != NULL)
			assert_non_null(strstr(map->notes->pdata[0], cases[i].want));
	}
}

static void transports_have_a_name_even_if_none_is_configured(void **state)
{
	struct rmt_egress named = { .name = (char *)"bulk",
				    .transport = (char *)"out:[h]:26" };
	struct rmt_egress plain = { .name = (char *)"bulk" };
	g_autofree char *a = rmt_egress_transport(&named),
			*b = rmt_egress_service(&named);
	g_autofree char *c = rmt_egress_transport(&plain),
			*d = rmt_egress_service(&plain);

	(void)state;
	assert_string_equal(a, "out:[h]:26");
	assert_string_equal(b, "out");
	assert_string_equal(c, "smtp-bulk:");
	assert_string_equal(d, "smtp-bulk");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tables_answer_as_the_first_matching_stream_does),
		cmocka_unit_test(a_default_stream_with_an_egress_takes_what_is_left),
		cmocka_unit_test(streams_that_no_table_of_senders_can_tell_are_named),
		cmocka_unit_test(transports_have_a_name_even_if_none_is_configured),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
