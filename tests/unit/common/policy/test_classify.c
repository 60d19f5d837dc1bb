/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/policy/classify.h"
#include "tests/unit/config.h"

/* What a case says of a message; the rest is empty. */
struct message {
	const char *sender, *user, *client, *helo, *fingerprint, *context;
};

static void make_facts(const struct rmt_config *config, const struct message *message,
		       struct rmt_facts *facts, struct rmt_addr *sender)
{
	memset(facts, 0, sizeof(*facts));
	facts->sender = rmt_span_of(message->sender);
	facts->sasl_user = rmt_span_of(message->user);
	facts->client_address = rmt_span_of(message->client);
	facts->helo = rmt_span_of(message->helo);
	facts->cert_fingerprint = rmt_span_of(message->fingerprint);
	facts->policy_context = rmt_span_of(message->context);
	rmt_addr_fold(config->fold, facts->sender, sender);
}

static const char *stream_of(const struct rmt_config *config,
			     const struct rmt_classifier *classifier,
			     const struct message *message)
{
	struct rmt_facts facts;
	struct rmt_addr sender;

	make_facts(config, message, &facts, &sender);
	return rmt_classify(classifier, &facts, &sender)->name;
}

static const char mixed[] =
	"streams: {\n"
	"	both: { senders = \"*@news.example\" sasl_users = [\"ann\", \"bob\"] }\n"
	"	news: { senders = [\"*@news.example\", \"*@*.news.example\"] }\n"
	"	bounces: { senders = \"<>\" }\n"
	"	domain: { sender_domains = [\"d.example\", \".d.example\"] }\n"
	"	net: { clients = [\"192.0.2.0/24\", \"2001:db8::/32\"] }\n"
	"	cert: { client_certs = \"AB:CD\" }\n"
	"	helo: { helo = \"*.app.example\" }\n"
	"	context: { policy_contexts = \"web\" }\n"
	"	pattern: { senders = \"bounce-*@p.example\" }\n"
	"	late: { senders = \"x@d.example\" }\n"
	"}\n";

static void the_first_stream_whose_conditions_all_hold_wins(void **state)
{
	static const struct {
		struct message message;
		const char *want;
	} cases[] = {
		{ { .sender = "a@news.example", .user = "bob" }, "both" },
		{ { .sender = "a@news.example", .user = "Bob" }, "news" },
		{ { .sender = "A@X.News.example" }, "news" },
		{ { .sender = "" }, "bounces" },
		{ { .sender = "a@d.example" }, "domain" },
		{ { .sender = "x@d.example" }, "domain" },
		{ { .sender = "x@a.b.d.example" }, "domain" },
		{ { .sender = "x@ad.example" }, "default" },
		{ { .sender = "x@y.example", .client = "192.0.2.9" }, "net" },
		{ { .sender = "x@y.example", .client = "::ffff:192.0.2.9" }, "net" },
		{ { .sender = "x@y.example", .client = "2001:db8::1" }, "net" },
		{ { .sender = "x@y.example", .client = "unknown" }, "default" },
		{ { .sender = "x@y.example", .fingerprint = "ab:cd" }, "cert" },
		{ { .sender = "x@y.example", .helo = "W1.App.example" }, "helo" },
		{ { .sender = "x@y.example", .context = "web" }, "context" },
		{ { .sender = "bounce-1@p.example" }, "pattern" },
		{ { .sender = "bounce-1@q.example" }, "default" },
	};
	g_autoptr(rmt_config) config = test_config(mixed);
	struct rmt_classifier *classifier = rmt_classifier_new(config);
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++)
		assert_string_equal(stream_of(config, classifier, &cases[i].message),
				    cases[i].want);
	rmt_classifier_free(classifier);
}

/* The index must never change the answer: what it says is compared with trying
 * every stream in turn, for messages made of few words. */
static void the_index_says_what_trying_all_says(void **state)
{
	static const char *const senders[] = {
		"", "a@x.example", "b@x.example", "a@s.x.example", "a@y.example", "a"
	};
	static const char *const users[] = { "", "ann", "bob" };
	static const char text[] =
		"streams: {\n"
		"	s0: { senders = [\"a@x.example\", \"a\"] sasl_users = \"ann\" }\n"
		"	s1: { sasl_users = \"ann\" policy_contexts = \"w\" }\n"
		"	s2: { senders = \"*@x.example\" sasl_users = [\"ann\", \"bob\"] "
		"}\n"
		"	s3: { sasl_users = \"b*\" sender_domains = \"y.example\" }\n"
		"	s4: { sender_domains = [\".x.example\", \"y.example\"] }\n"
		"	s5: { senders = [\"<>\", \"*@*.x.example\"] sasl_users = \"bob\" "
		"}\n"
		"	s6: { senders = \"b@x.example\" }\n"
		"	s7: { sasl_users = \"ann\" }\n"
		"}\n";
	g_autoptr(rmt_config) config = test_config(text);
	struct rmt_classifier *classifier = rmt_classifier_new(config);
	struct rmt_facts facts;
	struct rmt_addr sender;
	size_t s, u, c, i;

	(void)state;
	for (s = 0; s < G_N_ELEMENTS(senders); s++)
		for (u = 0; u < G_N_ELEMENTS(users); u++)
			for (c = 0; c < 2; c++) {
				struct message message = { .sender = senders[s],
							   .user = users[u],
							   .context = c ? "w" : "" };

				make_facts(config, &message, &facts, &sender);
				for (i = 0; rmt_classify_why_not(
						    g_ptr_array_index(config->streams, i),
						    &facts, &sender) != NULL;)
					i++;
				assert_int_equal(
					rmt_classify(classifier, &facts, &sender)->index,
					i);
			}
	rmt_classifier_free(classifier);
}

static void a_thousand_streams_are_told_apart(void **state)
{
	g_autoptr(GString) text = g_string_new("streams: {\n");
	struct rmt_classifier *classifier;
	struct rmt_config *config;
	char user[16], want[16];
	int i;

	(void)state;
	for (i = 0; i < 1000; i++)
		g_string_append_printf(
			text,
			"c%d: { sasl_users = \"u%d\" clients = \"192.0.2.0/24\" }\n", i,
			i);
	g_string_append(text, "}\n");
	config = test_config(text->str);
	classifier = rmt_classifier_new(config);
	for (i = 0; i < 1000; i += 37) {
		struct message message = { .user = user, .client = "192.0.2.1" };

		g_snprintf(user, sizeof(user), "u%d", i);
		g_snprintf(want, sizeof(want), "c%d", i);
		assert_string_equal(stream_of(config, classifier, &message), want);
		message.client = "192.0.3.1";
		assert_string_equal(stream_of(config, classifier, &message), "default");
	}
	rmt_classifier_free(classifier);
	rmt_config_unref(config);
}

static void why_not_names_the_condition(void **state)
{
	g_autoptr(rmt_config) config = test_config(mixed);
	struct message message = { .sender = "a@news.example", .user = "eve" };
	struct rmt_facts facts;
	struct rmt_addr sender;

	(void)state;
	make_facts(config, &message, &facts, &sender);
	assert_string_equal(
		rmt_classify_why_not(rmt_config_stream(config, "both"), &facts, &sender),
		"sasl_users");
	assert_string_equal(rmt_classify_why_not(rmt_config_stream(config, "bounces"),
						 &facts, &sender),
			    "senders");
	assert_null(rmt_classify_why_not(rmt_config_stream(config, "default"), &facts,
					 &sender));
}

static void a_field_of_the_message_counts_only_where_it_is_known(void **state)
{
	g_autoptr(rmt_config) config = test_config(
		"streams: { news: { header = \"X-Stream: news\" } rest: { } }");
	struct rmt_classifier *classifier = rmt_classifier_new(config);
	struct message message = { .sender = "a@news.example" };
	struct rmt_facts facts;
	struct rmt_addr sender;

	(void)state;
	make_facts(config, &message, &facts, &sender);
	assert_string_equal(rmt_classify(classifier, &facts, &sender)->name, "rest");
	assert_string_equal(
		rmt_classify_why_not(rmt_config_stream(config, "news"), &facts, &sender),
		"header");
	facts.header = RMT_SPAN("Subject: a\r\nX-Stream: News\r\n");
	assert_string_equal(rmt_classify(classifier, &facts, &sender)->name, "news");
	rmt_classifier_free(classifier);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_stream_whose_conditions_all_hold_wins),
		cmocka_unit_test(the_index_says_what_trying_all_says),
		cmocka_unit_test(a_thousand_streams_are_told_apart),
		cmocka_unit_test(why_not_names_the_condition),
		cmocka_unit_test(a_field_of_the_message_counts_only_where_it_is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
