/* SPDX-License-Identifier: MIT */
/* metrics_http.h - GET /metrics for Prometheus, and nothing else of HTTP. */
#ifndef RMT_METRICS_HTTP_H
#define RMT_METRICS_HTTP_H

#include "postfix-policy/policyd/talk.h"

/* Appends the page. */
typedef void rmt_metrics_page(void *context, GString *out);

struct rmt_metrics_http;
struct rmt_metrics_http *rmt_metrics_http_new(struct rmt_loop *loop,
					      rmt_metrics_page *page, void *context);
void rmt_metrics_http_free(struct rmt_metrics_http *http);
struct rmt_talks *rmt_metrics_http_talks(struct rmt_metrics_http *http);

#endif
