/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <unistd.h>

#include "postfix-policy/policyd/metrics.h"
#include "postfix-policy/policyd/metrics_http.h"

static struct rmt_stream stream = { .name = (char *)"ne\"ws\\", .mode = RMT_MODE_REPORT };

static void decide(struct rmt_metrics *metrics, enum rmt_rule rule, const char *name,
		   enum rmt_action action, enum rmt_action would)
{
	struct rmt_work *work = g_new0(struct rmt_work, 1);
	struct rmt_decision decision = {
		.stream = &stream, .rule = rule, .action = action, .would = would
	};

	work->facts.stage = RMT_STAGE_RCPT;
	g_strlcpy(decision.rule_name, name, sizeof(decision.rule_name));
	rmt_metrics_decision(metrics, work, &decision);
	g_free(work);
}

static char *page_of(const struct rmt_metrics *metrics)
{
	const struct rmt_metrics_state state = { .connections = 7, .reload_ok = true };
	GString *out = g_string_new(NULL);

	rmt_metrics_format(metrics, &state, out);
	return g_string_free(out, FALSE);
}

static void decisions_are_counted_by_stream_rule_and_action(void **state)
{
	struct rmt_metrics *metrics = rmt_metrics_new();
	g_autofree char *page = NULL;
	int i;

	(void)state;
	for (i = 0; i < 3; i++)
		decide(metrics, RMT_RULE_NONE, "pass", RMT_ACTION_DUNNO,
		       RMT_ACTION_DUNNO);
	decide(metrics, RMT_RULE_LIMIT, "limit:day", RMT_ACTION_DUNNO, RMT_ACTION_DEFER);
	page = page_of(metrics);
	assert_non_null(
		strstr(page, "remite_policyd_requests_total{stage=\"RCPT\"} 4\n"));
	assert_non_null(strstr(page, "remite_decisions_total{stream=\"ne\\\"ws\\\\\","
				     "rule=\"pass\",action=\"dunno\",mode=\"report\"} "
				     "3\n"));
	assert_non_null(strstr(page, "rule=\"limit:day\",action=\"dunno\","
				     "mode=\"report\"} 1\n"));
	assert_non_null(strstr(page, "remite_would_total{stream=\"ne\\\"ws\\\\\","
				     "rule=\"limit:day\",action=\"defer\","
				     "mode=\"report\"} 1\n"));
	assert_non_null(strstr(page, "remite_policyd_connections 7\n"));
	rmt_metrics_free(metrics);
}

static void every_series_is_announced_once(void **state)
{
	struct rmt_metrics *metrics = rmt_metrics_new();
	g_autoptr(GHashTable) types =
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_autofree char *page = page_of(metrics);
	g_auto(GStrv) lines = g_strsplit(page, "\n", 0);
	char **line;

	(void)state;
	for (line = lines; *line != NULL && **line != '\0'; line++) {
		char *name = g_strndup(*line, strcspn(*line, " {"));

		if (g_str_has_prefix(*line, "# TYPE ")) {
			g_free(name);
			name = g_strndup(*line + 7, strcspn(*line + 7, " "));
			assert_true(g_hash_table_add(types, name));
			continue;
		}
		if (!g_str_has_prefix(*line, "#") &&
		    !g_str_has_prefix(name, "remite_policyd_answer_seconds") &&
		    !g_hash_table_contains(types, name))
			fail_msg("'%s' has no TYPE", name);
		g_free(name);
	}
	rmt_metrics_free(metrics);
}

static void latency_is_a_cumulative_histogram(void **state)
{
	struct rmt_metrics *metrics = rmt_metrics_new();
	g_autofree char *page = NULL;

	(void)state;
	rmt_metrics_answered(metrics, 3, 20000);
	rmt_metrics_answered(metrics, 1, 2 * (int64_t)RMT_NS_PER_SEC);
	page = page_of(metrics);
	assert_non_null(strstr(page, "_bucket{le=\"0.00001\"} 0\n"));
	assert_non_null(strstr(page, "_bucket{le=\"0.000025\"} 3\n"));
	assert_non_null(strstr(page, "_bucket{le=\"1\"} 3\n"));
	assert_non_null(strstr(page, "_bucket{le=\"+Inf\"} 4\n"));
	assert_non_null(strstr(page, "_sum 2.000060000\n"));
	assert_non_null(strstr(page, "_count 4\n"));
	rmt_metrics_free(metrics);
}

static void small_page(void *context, GString *out)
{
	(void)context;
	g_string_append(out, "a_metric 1\n");
}

static void http_serves_one_page_by_get_alone(void **state)
{
	static const struct {
		const char *request, *want;
	} cases[] = {
		{ "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 200 OK" },
		{ "GET /metrics?x=1 HTTP/1.0\n\n", "HTTP/1.1 200 OK" },
		{ "GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 404" },
		{ "GET /metricsx HTTP/1.1\r\n\r\n", "HTTP/1.1 404" },
		{ "POST /metrics HTTP/1.1\r\n\r\n", "HTTP/1.1 405" },
		{ "junk\r\n\r\n", "HTTP/1.1 400" },
	};
	struct rmt_loop *loop = rmt_loop_new(NULL);
	struct rmt_metrics_http *http = rmt_metrics_http_new(loop, small_page, NULL);
	struct rmt_talks *talks = rmt_metrics_http_talks(http);
	const struct sockaddr_storage address = { .ss_family = AF_UNIX };
	char answer[4096];
	size_t i;
	ssize_t n;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		int ends[2];

		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
		rmt_talks_accept(talks, ends[0], "inet:test", &address);
		send(ends[1], cases[i].request, strlen(cases[i].request), 0);
		rmt_loop_dispatch(loop, rmt_loop_wait(loop, 0));
		rmt_talks_turn(talks, 1);
		n = recv(ends[1], answer, sizeof(answer) - 1, MSG_WAITALL);
		assert_true(n > 0);
		answer[n] = '\0';
		if (!g_str_has_prefix(answer, cases[i].want))
			fail_msg("%s: %s", cases[i].request, answer);
		assert_int_equal(strstr(answer, "a_metric 1\n") != NULL,
				 strstr(cases[i].want, "200") != NULL);
		close(ends[1]);
	}
	rmt_metrics_http_free(http);
	rmt_loop_free(loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decisions_are_counted_by_stream_rule_and_action),
		cmocka_unit_test(every_series_is_announced_once),
		cmocka_unit_test(latency_is_a_cumulative_histogram),
		cmocka_unit_test(http_serves_one_page_by_get_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
