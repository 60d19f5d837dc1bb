/* SPDX-License-Identifier: MIT */
/* counts_http.h - counts for Prometheus, by a thread of its own: one question after
 * the other, each bounded in octets and time. */
#ifndef RMT_MILTER_COUNTS_HTTP_H
#define RMT_MILTER_COUNTS_HTTP_H

#include "postfix-policy/milter/counts.h"

/* address: "host:port", literal host. counts: foreign. Runs until the process ends. */
bool rmt_counts_http_start(const char *address, struct rmt_counts *counts, GError **err);

#endif
