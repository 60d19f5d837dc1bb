/* SPDX-License-Identifier: MIT */
/* control_status.c - `remite status`: one object, made when all counters have
 * been looked at for those nearest to full. */
#include <string.h>
#include <unistd.h>

#include "postfix-policy/policyd/control.h"

enum { WALK_STEP = 512, NEAREST = 10, NEAREST_MAX = 1000 };

/* A row that is kept: its key's value is copied. */
struct near {
	struct rmt_counter_row row;
	char *value; /* own */
};

struct status_job {
	struct rmt_job job; /* first */
	struct rmt_policyd *policyd;
	struct rmt_limit_index *index; /* own */
	GPtrArray *nearest;            /* own; struct near, the fullest first */
	guint nearest_max;
	uint64_t cursor;
};

static void free_near(gpointer data)
{
	struct near *near = data;

	g_free(near->value);
	g_free(near);
}

static double share_of(const struct rmt_counter_row *row)
{
	return row->usage.limit > 0 ? (double)row->usage.used / (double)row->usage.limit
				    : 0;
}

static void look_at(void *context, uint64_t key, struct rmt_span limit_id,
		    struct rmt_span value)
{
	struct status_job *job = context;
	struct rmt_counter_row row;
	struct near *near;
	guint at = job->nearest->len;

	if (!rmt_counter_row_fill(job->policyd, job->index, key, limit_id, value, &row) ||
	    row.usage.used == 0)
		return;
	while (at > 0 && share_of(&((struct near *)job->nearest->pdata[at - 1])->row) <
				 share_of(&row))
		at--;
	if (at >= job->nearest_max)
		return;
	near = g_new0(struct near, 1);
	near->row = row;
	near->value = g_strndup(value.p, value.len);
	g_ptr_array_insert(job->nearest, (gint)at, near);
	if (job->nearest->len > job->nearest_max)
		g_ptr_array_set_size(job->nearest, (gint)job->nearest_max);
}

static json_t *nearest_json(const struct status_job *job)
{
	json_t *list = json_array();
	guint i;

	for (i = 0; i < job->nearest->len; i++) {
		const struct near *near = job->nearest->pdata[i];

		json_array_append_new(
			list, rmt_counter_row_json(&near->row, rmt_span_of(near->value)));
	}
	return list;
}

/* --- streams --- */

static json_t *pause_json(struct rmt_policyd *policyd, const struct rmt_stream *stream)
{
	struct rmt_stream_state state = { 0 };
	json_t *pause = json_null();

	if (rmt_stream_state_get(policyd->store, stream->name, &state, NULL) &&
	    rmt_stream_is_paused(&state, policyd->now.wall_secs))
		pause = json_pack("{s:o,s:o,s:I,s:I}", "reason",
				  rmt_json_text(rmt_span_of(state.reason)), "by",
				  rmt_json_text(rmt_span_of(state.by)), "since",
				  (json_int_t)state.since, "until",
				  (json_int_t)state.until);
	rmt_stream_state_clear(&state);
	return pause;
}

static json_t *streams_json(struct rmt_policyd *policyd)
{
	json_t *list = json_array();
	guint i;

	for (i = 0; i < policyd->config->streams->len; i++) {
		const struct rmt_stream *stream = policyd->config->streams->pdata[i];

		json_array_append_new(
			list,
			json_pack("{s:s,s:s,s:s,s:i,s:o}", "name", stream->name, "class",
				  stream->class, "mode",
				  stream->mode == RMT_MODE_ENFORCE ? "enforce" : "report",
				  "limits", (int)stream->limits->len, "paused",
				  pause_json(policyd, stream)));
	}
	return list;
}

static void add_decision(void *context, const char *stream, const char *rule,
			 const char *action, const char *mode, bool would, uint64_t count)
{
	json_array_append_new(context,
			      json_pack("{s:s,s:o,s:s,s:s,s:b,s:I}", "stream", stream,
					"rule", rmt_json_text(rmt_span_of(rule)),
					"action", action, "mode", mode, "would", would,
					"count", (json_int_t)count));
}

static json_t *requests_json(const struct rmt_policyd *policyd)
{
	json_t *requests = json_object();
	int stage;

	for (stage = RMT_STAGE_OTHER; stage <= RMT_STAGE_END_OF_MESSAGE; stage++)
		json_object_set_new(requests, rmt_stage_name((enum rmt_stage)stage),
				    json_integer((json_int_t)rmt_metrics_requests(
					    policyd->metrics, (enum rmt_stage)stage)));
	return requests;
}

/* The stages Postfix has asked at: what limits can be counted by. */
static json_t *stages_json(const struct rmt_policyd *policyd)
{
	const unsigned seen =
		rmt_reservations_stages_seen(rmt_engine_reservations(policyd->engine));
	json_t *list = json_array();
	int stage;

	for (stage = RMT_STAGE_RCPT; stage <= RMT_STAGE_END_OF_MESSAGE; stage++)
		if ((seen & 1u << stage) != 0)
			json_array_append_new(
				list, json_string(rmt_stage_name((enum rmt_stage)stage)));
	return list;
}

static json_t *tables_json(const struct rmt_metrics_state *state)
{
	const struct rmt_counters_stats *counters = &state->counters;

	return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:b,s:o}", "rates",
			 (json_int_t)counters->rates, "quotas",
			 (json_int_t)counters->quotas, "bytes",
			 (json_int_t)(counters->table_bytes + counters->quota_bytes +
				      counters->name_bytes),
			 "write_errors", (json_int_t)counters->write_errors,
			 "reservations", (json_int_t)state->reservations, "suppressions",
			 (json_int_t)state->suppress_entries, "suppressions_complete",
			 state->suppress_complete, "last_error",
			 counters->last_error != NULL
				 ? rmt_json_text(rmt_span_of(counters->last_error))
				 : json_null());
}

static void add_bulk(void *context, const struct rmt_bulk_row *row, uint64_t day)
{
	json_array_append_new(context,
			      json_pack("{s:s,s:s,s:I,s:I}", "organization", row->org,
					"provider", row->provider, "day", (json_int_t)day,
					"since", (json_int_t)row->count.since));
}

static json_t *bulk_json(struct rmt_policyd *policyd)
{
	json_t *list = json_array();

	rmt_bulk_keeper_each(policyd->bulk, policyd->now.wall_secs, add_bulk, list);
	return list;
}

/* What is known of senders' domains. */
static json_t *senders_json(const struct rmt_policyd *policyd)
{
	struct rmt_senders_stats stats;

	rmt_senders_stats(policyd->senders, &stats);
	return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "domains",
			 (json_int_t)stats.readiness.domains, "waiting",
			 (json_int_t)(stats.readiness.waiting + stats.in_flight),
			 "refreshes", (json_int_t)stats.readiness.refreshes, "failures",
			 (json_int_t)stats.readiness.failures, "ready",
			 (json_int_t)stats.readiness.ready, "not_ready",
			 (json_int_t)stats.readiness.not_ready, "unknown",
			 (json_int_t)stats.readiness.unknown);
}

void rmt_control_bulk_forget(struct rmt_policyd *policyd, struct rmt_talk *talk,
			     json_t *request)
{
	const char *org = json_string_value(json_object_get(request, "organization"));
	const char *provider = json_string_value(json_object_get(request, "provider"));

	if (org == NULL || provider == NULL)
		rmt_control_error(talk,
				  "bulk-forget: needs 'organization' and 'provider'");
	else
		rmt_control_end(talk, json_pack("{s:b}", "found",
						rmt_bulk_keeper_forget(policyd->bulk, org,
								       provider)));
}

static json_t *status_json(struct rmt_policyd *policyd, const struct status_job *job)
{
	struct rmt_metrics_state state;
	json_t *decisions = json_array();
	g_autoptr(GPtrArray) shares = rmt_shares_keeper_rows(policyd->shares);

	rmt_policyd_metrics_state(policyd, &state);
	rmt_metrics_decisions(policyd->metrics, add_decision, decisions);
	return json_pack("{s:s,s:i,s:I,s:I,s:o,s:s,s:b,s:I,s:i,s:i,s:o,s:o,s:o,s:o,s:o,s:"
			 "o,s:o,s:o,s:o}",
			 "version", RMT_VERSION, "pid", (int)getpid(), "now",
			 (json_int_t)policyd->now.wall_secs, "started",
			 (json_int_t)policyd->started, "config",
			 rmt_json_text(rmt_span_of(policyd->config->file)), "mode",
			 policyd->config->mode == RMT_MODE_ENFORCE ? "enforce" : "report",
			 "reload_ok", policyd->reload_ok, "config_loaded",
			 (json_int_t)policyd->config_loaded, "connections",
			 (int)state.connections, "connections_max",
			 (int)state.max_connections, "requests", requests_json(policyd),
			 "stages_seen", stages_json(policyd), "streams",
			 streams_json(policyd), "decisions", decisions, "tables",
			 tables_json(&state), "senders", senders_json(policyd), "bulk",
			 bulk_json(policyd), "feedback", rmt_shares_json(shares),
			 "nearest", nearest_json(job));
}

static void free_status(struct rmt_job *data)
{
	struct status_job *job = (struct status_job *)(void *)data;

	rmt_limit_index_free(job->index);
	g_ptr_array_unref(job->nearest);
	g_free(job);
}

static bool status_step(struct rmt_policyd *policyd, struct rmt_talk *talk,
			struct rmt_job *data)
{
	struct status_job *job = (struct status_job *)(void *)data;

	if (job->nearest_max > 0 &&
	    rmt_counters_walk(policyd->counters, &job->cursor, WALK_STEP, look_at, job))
		return true;
	rmt_control_end(talk, status_json(policyd, job));
	return false;
}

void rmt_control_status(struct rmt_policyd *policyd, struct rmt_talk *talk,
			json_t *request)
{
	struct status_job *job = g_new0(struct status_job, 1);
	json_t *nearest = json_object_get(request, "nearest");

	job->job = (struct rmt_job){ status_step, free_status };
	job->policyd = policyd;
	job->index = rmt_limit_index_new(policyd->config);
	job->nearest = g_ptr_array_new_with_free_func(free_near);
	job->nearest_max = nearest != NULL ? (guint)CLAMP(json_integer_value(nearest), 0,
							  NEAREST_MAX)
					   : NEAREST;
	talk->job = job;
}
