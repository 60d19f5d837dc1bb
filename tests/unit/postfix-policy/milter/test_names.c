/* SPDX-License-Identifier: MIT */
/* Threads that wait for DNS: its servers are silent, so the deadline decides. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "postfix-policy/milter/names.h"

struct question {
	struct rmt_asker asker;
	enum rmt_dns_status status;
	unsigned answers;
};

static void answered(struct rmt_asker *asker, const struct rmt_dns_answer *answer)
{
	struct question *question = RMT_ASKER_OWNER(asker, struct question, asker);

	question->status = answer->status;
	question->answers++;
}

static void ask(struct question *question, const char *name)
{
	*question = (struct question){ .asker = { .answered = answered } };
	rmt_dns_ask(&question->asker, RMT_DNS_TXT, rmt_span_of(name));
}

/* Nobody answers at port 9, and a message there may be refused at once: either way
 * it is no answer. */
static struct rmt_names *open_silent(void)
{
	static const char *const servers[] = { "127.0.0.1@9", NULL };
	struct rmt_resolver_settings settings = RMT_RESOLVER_SETTINGS_INIT;
	struct rmt_names *names = NULL;

	settings.servers = servers;
	assert_true(rmt_names_open(&names, NULL, &settings, NULL));
	return names;
}

static gpointer wait_once(gpointer data)
{
	struct question a, b;
	struct rmt_asker *askers[] = { &a.asker, &b.asker };

	ask(&a, "a.example");
	ask(&b, "b.example");
	rmt_names_run(data, askers, 2, g_get_monotonic_time() + 200000);
	return GINT_TO_POINTER(a.answers == 1 && b.answers == 1 &&
			       rmt_dns_failed(a.status) && rmt_dns_failed(b.status));
}

static void many_threads_get_their_answers_by_the_deadline(void **state)
{
	struct rmt_names *names = open_silent();
	GThread *threads[16];
	const int64_t start_us = g_get_monotonic_time();
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(threads); i++)
		threads[i] = g_thread_new("wait", wait_once, names);
	for (i = 0; i < G_N_ELEMENTS(threads); i++)
		assert_true(GPOINTER_TO_INT(g_thread_join(threads[i])));
	assert_true(g_get_monotonic_time() - start_us < 60 * G_TIME_SPAN_SECOND);
	rmt_names_close(&names);
	assert_null(names);
}

static void past_the_deadline_nobody_waits(void **state)
{
	struct rmt_names *names = open_silent();
	struct question question;
	struct rmt_asker *askers[] = { &question.asker };

	(void)state;
	ask(&question, "a.example");
	rmt_names_run(names, askers, 1, g_get_monotonic_time() - 1);
	assert_int_equal(question.status, RMT_DNS_TIMEOUT);
	rmt_names_run(names, askers, 1, 0); /* it waits no more: nothing happens */
	assert_int_equal(question.answers, 1);
	rmt_names_close(&names);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(many_threads_get_their_answers_by_the_deadline),
		cmocka_unit_test(past_the_deadline_nobody_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
