/* SPDX-License-Identifier: MIT */
/* metrics.h - what policyd did, counted; as Prometheus text and for `remite status`. */
#ifndef RMT_METRICS_H
#define RMT_METRICS_H

#include <glib.h>

#include "common/policy/engine.h"

struct rmt_metrics;

struct rmt_metrics *rmt_metrics_new(void);
void rmt_metrics_free(struct rmt_metrics *metrics);

/* One decided request. Cheap for what passes. */
void rmt_metrics_decision(struct rmt_metrics *metrics, const struct rmt_work *work,
			  const struct rmt_decision *decision);

/* `count` requests of one turn were answered so long after it woke up. */
void rmt_metrics_answered(struct rmt_metrics *metrics, unsigned count, int64_t ns);

/* Streams of the old configuration are no longer looked at. */
void rmt_metrics_config_changed(struct rmt_metrics *metrics);

/* Counted where they happen. */
struct rmt_metrics_counts {
	uint64_t accepted, refused_full, broken, timed_out;
	uint64_t record_errors, write_errors;
	uint64_t reloads, reload_errors;
};
struct rmt_metrics_counts *rmt_metrics_counts(struct rmt_metrics *metrics);

/* Decisions so far. would: action is what enforce mode would have done. */
typedef void rmt_metrics_each(void *context, const char *stream, const char *rule,
			      const char *action, const char *mode, bool would,
			      uint64_t count);
void rmt_metrics_decisions(const struct rmt_metrics *metrics, rmt_metrics_each *each,
			   void *context);
uint64_t rmt_metrics_requests(const struct rmt_metrics *metrics, enum rmt_stage stage);

/* What is looked up, not counted. */
struct rmt_metrics_state {
	unsigned connections, max_connections;
	size_t reservations;
	struct rmt_counters_stats counters;
	uint64_t suppress_entries, suppress_bytes;
	bool has_suppress, suppress_complete, reload_ok;
	int64_t config_loaded, started; /* Unix seconds */
};

/* The whole page, Prometheus' text format 0.0.4. */
void rmt_metrics_format(const struct rmt_metrics *metrics,
			const struct rmt_metrics_state *state, GString *out);

const char *rmt_stage_name(enum rmt_stage stage);

#endif
