/* SPDX-License-Identifier: MIT */
#include "postfix-policy/policyd/metrics_http.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"

struct rmt_metrics_http {
	struct rmt_talks *talks; /* own */
	rmt_metrics_page *page;
	void *context;
};

static void answer(struct rmt_talk *talk, const char *status, const char *type,
		   const char *extra, const char *body)
{
	g_string_append_printf(talk->out,
			       "HTTP/1.1 %s\r\nContent-Type: %s\r\n%sContent-Length: "
			       "%zu\r\nConnection: close\r\n\r\n%s",
			       status, type, extra, strlen(body), body);
	talk->ending = true;
	rmt_talk_send(talk);
}

static void refuse(struct rmt_talk *talk, const char *status, const char *extra)
{
	g_autofree char *body = g_strdup_printf("%s\n", status);

	answer(talk, status, "text/plain; charset=utf-8", extra, body);
}

/* The target of "GET TARGET HTTP/1.x", without a query. */
static bool is_target(const char *line, const char *target)
{
	const char *at = strchr(line, ' ');
	size_t len = strlen(target);

	return at != NULL && strncmp(at + 1, target, len) == 0 &&
	       strchr(" ?", at[1 + len]) != NULL && at[1 + len] != '\0';
}

static void answer_request(struct rmt_metrics_http *http, struct rmt_talk *talk,
			   const char *line)
{
	g_autoptr(GString) page = NULL;

	if (strstr(line, " HTTP/1.") == NULL) {
		refuse(talk, "400 Bad Request", "");
	} else if (!g_str_has_prefix(line, "GET ")) {
		refuse(talk, "405 Method Not Allowed", "Allow: GET\r\n");
	} else if (!is_target(line, "/metrics")) {
		refuse(talk, "404 Not Found", "");
	} else {
		page = g_string_new(NULL);
		http->page(http->context, page);
		answer(talk, "200 OK", "text/plain; version=0.0.4; charset=utf-8", "",
		       page->str);
	}
}

static void got(void *context, struct rmt_talk *talk)
{
	const bool whole = strstr(talk->in->str, "\r\n\r\n") != NULL ||
			   strstr(talk->in->str, "\n\n") != NULL;
	g_autofree char *line = NULL;

	if (!whole || talk->ending)
		return;
	line = g_strndup(talk->in->str, strcspn(talk->in->str, "\r\n"));
	answer_request(context, talk, line);
}

static const struct rmt_talk_kind kind = {
	.talks_max = 16,
	.in_max = 8192,
	.timeout_ns = 5LL * RMT_NS_PER_SEC,
	.got = got,
};

struct rmt_metrics_http *rmt_metrics_http_new(struct rmt_loop *loop,
					      rmt_metrics_page *page, void *context)
{
	struct rmt_metrics_http *http = g_new0(struct rmt_metrics_http, 1);

	http->page = page;
	http->context = context;
	http->talks = rmt_talks_new(loop, &kind, http);
	return http;
}

void rmt_metrics_http_free(struct rmt_metrics_http *http)
{
	if (http == NULL)
		return;
	rmt_talks_free(http->talks);
	g_free(http);
}

struct rmt_talks *rmt_metrics_http_talks(struct rmt_metrics_http *http)
{
	return http->talks;
}
