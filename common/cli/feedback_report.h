/* SPDX-License-Identifier: MIT */
/* feedback_report.h - what `remite report` knows of each stream, gathered once and
 * shown as text, JSON or a page. */
#ifndef RMT_CLI_FEEDBACK_REPORT_H
#define RMT_CLI_FEEDBACK_REPORT_H

#include "common/cli/records.h"
#include "common/feedback/breaker.h"
#include "common/feedback/rates.h"
#include "common/store/stream_state.h"

enum { RMT_REPORT_DAYS_MAX = 366 };

struct rmt_report_sum {
	uint64_t counts[RMT_RATES];
};

struct rmt_report_provider {
	char *name; /* own */
	struct rmt_report_sum sum;
};

struct rmt_report_stream {
	const struct rmt_stream *stream; /* foreign */
	struct rmt_report_sum sum;
	struct rmt_report_sum *days; /* own; by day, the oldest first */
	/* Own; what counts for the breaker, by day: since the stream was armed, and
	 * complaints where they are told. */
	struct rmt_tally *complaint_days, *dead_days;
	GPtrArray *providers;          /* own; the largest first */
	struct rmt_stream_state state; /* own */
	struct rmt_tally complaints;   /* n: recipients where complaints are told */
	struct rmt_tally bounces;
};

struct rmt_feedback_report {
	int64_t now, first_day;
	unsigned days;
	GPtrArray *streams; /* own; struct rmt_report_stream */
	uint64_t strangers;
	GPtrArray *aggregates; /* own; struct rmt_aggregate_row; or NULL */
};
struct rmt_feedback_report *rmt_feedback_report_new(const struct rmt_cli_records *records,
						    unsigned days, GError **err);
void rmt_feedback_report_free(struct rmt_feedback_report *report);

/* Dead addresses and domains. */
uint64_t rmt_report_dead(const struct rmt_report_sum *sum);
/* Failed in whatever class, but dead: full, policy, ... */
uint64_t rmt_report_other(const struct rmt_report_sum *sum);

/* Whether Postfix's log was read: else nobody knows what was accepted or deferred. */
bool rmt_report_has_log(const struct rmt_report_sum *sum);

/* feedback_html.c: one page that needs nothing else. */
void rmt_feedback_report_html(const struct rmt_feedback_report *report, GString *out);

#endif
