/* SPDX-License-Identifier: MIT */
/* What every request pays for before it is decided: its addresses as keys, its
 * stream, and look-ups in long lists. The least of 20 rounds, in nanoseconds.
 *
 *	make build/bench/lookups && build/bench/lookups
 */
#include <stdio.h>
#include <time.h>

#include "common/policy/classify.h"

enum { ROUNDS = 20, CALLS = 50000, LINES = 1000000 };

/* The compiler must not know what is at p. */
#define FORGET(p) __asm__ volatile("" : : "r"(p) : "memory")

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* Calls expression CALLS times a round and prints the best round's mean. */
#define MEASURE(name, expression)                                                        \
	do {                                                                             \
		double best = 1e12, from;                                                \
		int round, call;                                                         \
		for (round = 0; round < ROUNDS; round++) {                               \
			from = now_ns();                                                 \
			for (call = 0; call < CALLS; call++) {                           \
				expression;                                              \
			}                                                                \
			best = MIN(best, (now_ns() - from) / CALLS);                     \
		}                                                                        \
		printf("%-44s %7.1f ns\n", name, best);                                  \
	} while (0)

static struct rmt_config *read_config(const char *text)
{
	g_autoptr(GPtrArray) complaints = NULL;
	struct rmt_config *config = rmt_config_read_text("bench", text, &complaints);

	g_assert(config != NULL);
	return config;
}

static void measure_fold(void)
{
	g_autoptr(rmt_config) config = read_config(
		"fold: { o: { domains = \"news.example.com\" delimiter = \"+\" } }");
	struct rmt_span plain = RMT_SPAN("Ann.Smith@news.example.com");
	struct rmt_addr addr;

	MEASURE("address as key", rmt_addr_fold(NULL, plain, &addr); FORGET(&addr));
	MEASURE("address as key, its domain is in fold",
		rmt_addr_fold(config->fold, plain, &addr);
		FORGET(&addr));
}

static void measure_classify(const char *name, const struct rmt_config *config,
			     const char *user, const char *sender)
{
	struct rmt_classifier *classifier = rmt_classifier_new(config);
	struct rmt_facts facts = { .sasl_user = rmt_span_of(user),
				   .client_address = RMT_SPAN("192.0.2.1") };
	const struct rmt_stream *stream;
	struct rmt_addr addr;

	rmt_addr_fold(config->fold, rmt_span_of(sender), &addr);
	MEASURE(name, stream = rmt_classify(classifier, &facts, &addr); FORGET(stream));
	rmt_classifier_free(classifier);
}

static void measure_many_streams(int count)
{
	g_autoptr(GString) text = g_string_new("streams: {\n");
	g_autofree char *user = g_strdup_printf("u%d", count / 2);
	g_autofree char *sender = g_strdup_printf("a@d%d.example", count / 2);
	g_autofree char *name = g_strdup_printf("stream, %d told apart by user", count);
	g_autoptr(rmt_config) config = NULL;
	int i;

	for (i = 0; i < count; i++)
		g_string_append_printf(
			text,
			"s%d: { sasl_users = \"u%d\" senders = \"*@d%d.example\" }\n", i,
			i, i);
	g_string_append(text, "}\n");
	config = read_config(text->str);
	measure_classify(name, config, user, sender);
}

static void measure_list(void)
{
	g_autoptr(rmt_list) list = rmt_list_new(RMT_LIST_ADDRESSES);
	char text[64];
	double begun = now_ns();
	size_t len, i = 0;
	bool found;

	for (i = 0; i < LINES; i++) {
		len = (size_t)g_snprintf(text, sizeof(text), "user%zu@example.org", i);
		rmt_list_add(list, rmt_span(text, len), NULL);
	}
	printf("%-44s %7.1f ms\n", "list of a million addresses made",
	       (now_ns() - begun) / 1e6);
	len = (size_t)g_snprintf(text, sizeof(text), "user%d@example.org", LINES / 3);
	MEASURE("list of a million addresses, there",
		found = rmt_list_has(list, rmt_span(text, len));
		FORGET(found));
	MEASURE("list of a million addresses, not there",
		found = rmt_list_has(list, RMT_SPAN("nobody@example.org"));
		FORGET(found));
}

int main(void)
{
	g_autoptr(rmt_config) few =
		read_config("streams: { a: { senders = \"*@n.example\" }\n"
			    "b: { sasl_users = \"shop\" }\n"
			    "c: { sender_domains = \"x.example\" } }");

	measure_fold();
	measure_classify("stream, first of 4", few, "ann", "a@n.example");
	measure_classify("stream, last of 4", few, "ann", "ann@example.org");
	measure_many_streams(10);
	measure_many_streams(1000);
	measure_list();
	return 0;
}
