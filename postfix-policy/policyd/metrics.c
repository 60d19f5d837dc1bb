/* SPDX-License-Identifier: MIT */
#include "postfix-policy/policyd/metrics.h"

#include <inttypes.h>
#include <string.h>

enum { STAGES = RMT_STAGE_END_OF_MESSAGE + 1, STREAMS_QUICK = 64, SERIES_MAX = 4096 };

/* Upper bounds in seconds, and as nanoseconds. */
static const struct {
	const char *le;
	int64_t ns;
} buckets[] = {
	{ "0.00001", 10000 }, { "0.000025", 25000 }, { "0.00005", 50000 },
	{ "0.0001", 100000 }, { "0.00025", 250000 }, { "0.0005", 500000 },
	{ "0.001", 1000000 }, { "0.0025", 2500000 }, { "0.005", 5000000 },
	{ "0.01", 10000000 }, { "0.05", 50000000 },  { "0.25", 250000000 },
	{ "1", 1000000000 },
};

/* One series of decisions. */
struct series {
	char *stream, *rule; /* own */
	const char *action, *mode;
	bool would; /* action is what would have been done */
	uint64_t count;
};

struct rmt_metrics {
	uint64_t stages[STAGES];
	GHashTable *series; /* own; "stream\nrule\naction\nmode" -> struct series */
	/* Where passes of a stream are counted, by its index: no hashing for them. */
	struct {
		const struct rmt_stream *stream;
		struct series *passed;
	} quick[STREAMS_QUICK];
	uint64_t latency[G_N_ELEMENTS(buckets) + 1], latency_count;
	int64_t latency_sum_ns;
	struct rmt_metrics_counts counts;
};

const char *rmt_stage_name(enum rmt_stage stage)
{
	static const char *const names[STAGES] = { "OTHER", "VRFY", "RCPT", "DATA",
						   "END-OF-MESSAGE" };

	return names[stage];
}

static void free_series(gpointer data)
{
	struct series *series = data;

	g_free(series->stream);
	g_free(series->rule);
	g_free(series);
}

struct rmt_metrics *rmt_metrics_new(void)
{
	struct rmt_metrics *metrics = g_new0(struct rmt_metrics, 1);

	metrics->series =
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_series);
	return metrics;
}

void rmt_metrics_free(struct rmt_metrics *metrics)
{
	if (metrics == NULL)
		return;
	g_hash_table_unref(metrics->series);
	g_free(metrics);
}

struct rmt_metrics_counts *rmt_metrics_counts(struct rmt_metrics *metrics)
{
	return &metrics->counts;
}

/* Rules are limits and reasons of suppression: as many as the administrator
 * writes, and bounded all the same. */
static struct series *find_series(struct rmt_metrics *metrics, const char *stream,
				  const char *rule, const char *action, const char *mode,
				  bool would)
{
	g_autofree char *key = NULL;
	struct series *series;

	if (g_hash_table_size(metrics->series) >= SERIES_MAX)
		rule = "other";
	key = g_strdup_printf("%s\n%s\n%s\n%s\n%d", stream, rule, action, mode, would);
	series = g_hash_table_lookup(metrics->series, key);
	if (series == NULL) {
		series = g_new0(struct series, 1);
		series->stream = g_strdup(stream);
		series->rule = g_strdup(rule);
		series->action = action;
		series->mode = mode;
		series->would = would;
		g_hash_table_insert(metrics->series, g_steal_pointer(&key), series);
	}
	return series;
}

static const char *mode_name(const struct rmt_stream *stream)
{
	return stream->mode == RMT_MODE_ENFORCE ? "enforce" : "report";
}

static void count_pass(struct rmt_metrics *metrics, const struct rmt_stream *stream)
{
	const unsigned at = stream->index;

	if (at < STREAMS_QUICK && metrics->quick[at].stream == stream) {
		metrics->quick[at].passed->count++;
		return;
	}
	struct series *series =
		find_series(metrics, stream->name, "pass",
			    rmt_action_name(RMT_ACTION_DUNNO), mode_name(stream), false);

	series->count++;
	if (at < STREAMS_QUICK) {
		metrics->quick[at].stream = stream;
		metrics->quick[at].passed = series;
	}
}

void rmt_metrics_decision(struct rmt_metrics *metrics, const struct rmt_work *work,
			  const struct rmt_decision *decision)
{
	const struct rmt_stream *stream = decision->stream;

	metrics->stages[work->facts.stage]++;
	if (stream == NULL)
		return;
	if (decision->rule == RMT_RULE_NONE) {
		count_pass(metrics, stream);
		return;
	}
	find_series(metrics, stream->name, decision->rule_name,
		    rmt_action_name(decision->action), mode_name(stream), false)
		->count++;
	if (decision->would != decision->action)
		find_series(metrics, stream->name, decision->rule_name,
			    rmt_action_name(decision->would), mode_name(stream), true)
			->count++;
}

void rmt_metrics_answered(struct rmt_metrics *metrics, unsigned count, int64_t ns)
{
	size_t i = 0;

	while (i < G_N_ELEMENTS(buckets) && ns > buckets[i].ns)
		i++;
	metrics->latency[i] += count;
	metrics->latency_count += count;
	metrics->latency_sum_ns += (int64_t)count * ns;
}

void rmt_metrics_config_changed(struct rmt_metrics *metrics)
{
	memset(metrics->quick, 0, sizeof(metrics->quick));
}

static void each_series(const struct rmt_metrics *metrics, bool would,
			rmt_metrics_each *each, void *context)
{
	GHashTableIter it;
	gpointer value;

	g_hash_table_iter_init(&it, metrics->series);
	while (g_hash_table_iter_next(&it, NULL, &value)) {
		const struct series *series = value;

		if (series->would == would)
			each(context, series->stream, series->rule, series->action,
			     series->mode, would, series->count);
	}
}

void rmt_metrics_decisions(const struct rmt_metrics *metrics, rmt_metrics_each *each,
			   void *context)
{
	each_series(metrics, false, each, context);
	each_series(metrics, true, each, context);
}

uint64_t rmt_metrics_requests(const struct rmt_metrics *metrics, enum rmt_stage stage)
{
	return metrics->stages[stage];
}

/* --- the page --- */

static void head(GString *out, const char *name, const char *type, const char *help)
{
	g_string_append_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name,
			       type);
}

static void single(GString *out, const char *name, const char *type, const char *help,
		   uint64_t value)
{
	head(out, name, type, help);
	g_string_append_printf(out, "%s %" PRIu64 "\n", name, value);
}

/* Text format 0.0.4: backslash, quote and line feed are escaped. */
static void label(GString *out, const char *name, const char *value)
{
	g_string_append_printf(out, "%s=\"", name);
	for (; *value != '\0'; value++) {
		if (*value == '\n')
			g_string_append(out, "\\n");
		else if (*value == '"' || *value == '\\')
			g_string_append_printf(out, "\\%c", *value);
		else
			g_string_append_c(out, *value);
	}
	g_string_append_c(out, '"');
}

struct page {
	GString *out;
	const char *name;
};

static void format_series(void *context, const char *stream, const char *rule,
			  const char *action, const char *mode, bool would,
			  uint64_t count)
{
	const struct page *page = context;

	(void)would;
	g_string_append_printf(page->out, "%s{", page->name);
	label(page->out, "stream", stream);
	g_string_append_c(page->out, ',');
	label(page->out, "rule", rule);
	g_string_append_c(page->out, ',');
	label(page->out, "action", action);
	g_string_append_c(page->out, ',');
	label(page->out, "mode", mode);
	g_string_append_printf(page->out, "} %" PRIu64 "\n", count);
}

static void format_decisions(const struct rmt_metrics *metrics, GString *out)
{
	struct page page = { out, "remite_decisions_total" };
	size_t i;

	head(out, "remite_policyd_requests_total", "counter",
	     "Policy requests answered, by protocol state.");
	for (i = 0; i < STAGES; i++)
		g_string_append_printf(
			out, "remite_policyd_requests_total{stage=\"%s\"} %" PRIu64 "\n",
			rmt_stage_name((enum rmt_stage)i), metrics->stages[i]);
	head(out, page.name, "counter", "Decisions, by what was answered.");
	each_series(metrics, false, format_series, &page);
	page.name = "remite_would_total";
	head(out, page.name, "counter",
	     "Decisions that would have been another one in enforce mode.");
	each_series(metrics, true, format_series, &page);
}

static void format_latency(const struct rmt_metrics *metrics, GString *out)
{
	static const char name[] = "remite_policyd_answer_seconds";
	uint64_t sum = 0;
	size_t i;

	head(out, name, "histogram",
	     "From the loop's wake-up that read a request to its answer being written; "
	     "requests answered in one turn share it.");
	for (i = 0; i < G_N_ELEMENTS(buckets); i++) {
		sum += metrics->latency[i];
		g_string_append_printf(out, "%s_bucket{le=\"%s\"} %" PRIu64 "\n", name,
				       buckets[i].le, sum);
	}
	g_string_append_printf(out, "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n", name,
			       metrics->latency_count);
	g_string_append_printf(
		out, "%s_sum %" PRId64 ".%09" PRId64 "\n%s_count %" PRIu64 "\n", name,
		metrics->latency_sum_ns / RMT_NS_PER_SEC,
		metrics->latency_sum_ns % RMT_NS_PER_SEC, name, metrics->latency_count);
}

static void format_connections(const struct rmt_metrics_counts *counts,
			       const struct rmt_metrics_state *state, GString *out)
{
	single(out, "remite_policyd_connections", "gauge", "Connections open now.",
	       state->connections);
	single(out, "remite_policyd_connections_max", "gauge", "policyd.max_connections.",
	       state->max_connections);
	single(out, "remite_policyd_connections_accepted_total", "counter",
	       "Connections taken.", counts->accepted);
	single(out, "remite_policyd_connections_refused_total", "counter",
	       "Connections refused because max_connections were open.",
	       counts->refused_full);
	single(out, "remite_policyd_broken_requests_total", "counter",
	       "Connections closed for what they sent.", counts->broken);
	single(out, "remite_policyd_timeouts_total", "counter",
	       "Connections closed for not ending a request, or not reading an answer.",
	       counts->timed_out);
	single(out, "remite_policyd_record_errors_total", "counter",
	       "Failures to write policyd.record.", counts->record_errors);
}

static void format_tables(const struct rmt_metrics_state *state, GString *out)
{
	const struct rmt_counters_stats *counters = &state->counters;

	single(out, "remite_counters_rates", "gauge", "Rates tracked.", counters->rates);
	single(out, "remite_counters_quotas", "gauge", "Quotas tracked.",
	       counters->quotas);
	single(out, "remite_counters_names", "gauge", "Names of counters kept.",
	       counters->names);
	single(out, "remite_counters_bytes", "gauge", "Memory of the counters.",
	       counters->table_bytes + counters->quota_bytes + counters->name_bytes);
	single(out, "remite_counters_log_bytes", "gauge",
	       "Octets of the log on disk since the last snapshot.", counters->log_bytes);
	single(out, "remite_counters_snapshots_total", "counter", "Snapshots taken.",
	       counters->snapshots);
	single(out, "remite_counters_write_errors_total", "counter",
	       "Failures to write the log.", counters->write_errors);
	single(out, "remite_counters_sync_errors_total", "counter",
	       "Failures to synchronise the log.", counters->sync_errors);
	single(out, "remite_reservations", "gauge", "Messages under way.",
	       state->reservations);
	if (!state->has_suppress)
		return;
	single(out, "remite_suppressions", "gauge", "Entries of the suppression index.",
	       state->suppress_entries);
	single(out, "remite_suppressions_bytes", "gauge", "Its memory.",
	       state->suppress_bytes);
	single(out, "remite_suppressions_complete", "gauge",
	       "1: the index is built; 0: look-ups still ask the store.",
	       state->suppress_complete);
}

void rmt_metrics_format(const struct rmt_metrics *metrics,
			const struct rmt_metrics_state *state, GString *out)
{
	format_decisions(metrics, out);
	format_latency(metrics, out);
	format_connections(&metrics->counts, state, out);
	format_tables(state, out);
	single(out, "remite_config_reloads_total", "counter",
	       "Configurations taken over while running.", metrics->counts.reloads);
	single(out, "remite_config_reload_errors_total", "counter",
	       "Configurations refused while running.", metrics->counts.reload_errors);
	single(out, "remite_config_last_reload_successful", "gauge",
	       "1: the configuration in force is the file's last one.", state->reload_ok);
	single(out, "remite_config_loaded_timestamp_seconds", "gauge",
	       "When the configuration in force was read.",
	       (uint64_t)state->config_loaded);
	single(out, "remite_start_timestamp_seconds", "gauge", "When policyd started.",
	       (uint64_t)state->started);
	head(out, "remite_build_info", "gauge", "The version.");
	g_string_append(out, "remite_build_info{version=\"" RMT_VERSION "\"} 1\n");
}
