/* SPDX-License-Identifier: MIT */
/* control_limits.c - `remite limits list|reset`, and rows for status. */
#include <inttypes.h>
#include <string.h>

#include "postfix-policy/policyd/control.h"

enum { WALK_STEP = 512 };

/* --- limits by name --- */

struct rmt_limit_index {
	struct rmt_config *config; /* a reference */
	GHashTable *by_id;         /* own; limit->id -> struct rmt_limit */
	GHashTable *streams;       /* own; limit->id -> struct rmt_stream */
};

struct rmt_limit_index *rmt_limit_index_new(struct rmt_config *config)
{
	struct rmt_limit_index *index = g_new0(struct rmt_limit_index, 1);
	guint i, j;

	index->config = rmt_config_ref(config);
	index->by_id = g_hash_table_new(g_str_hash, g_str_equal);
	index->streams = g_hash_table_new(g_str_hash, g_str_equal);
	for (i = 0; i < config->streams->len; i++) {
		struct rmt_stream *stream = config->streams->pdata[i];

		for (j = 0; j < stream->limits->len; j++) {
			struct rmt_limit *limit = stream->limits->pdata[j];

			g_hash_table_insert(index->by_id, limit->id, limit);
			g_hash_table_insert(index->streams, limit->id, stream);
		}
	}
	return index;
}

void rmt_limit_index_free(struct rmt_limit_index *index)
{
	if (index == NULL)
		return;
	g_hash_table_unref(index->by_id);
	g_hash_table_unref(index->streams);
	rmt_config_unref(index->config);
	g_free(index);
}

const struct rmt_limit *rmt_limit_index_find(const struct rmt_limit_index *index,
					     struct rmt_span limit_id,
					     const struct rmt_stream **stream_r)
{
	char id[512];

	if (limit_id.len >= sizeof(id))
		return NULL;
	memcpy(id, limit_id.p, limit_id.len);
	id[limit_id.len] = '\0';
	*stream_r = g_hash_table_lookup(index->streams, id);
	return g_hash_table_lookup(index->by_id, id);
}

/* --- rows --- */

static const struct rmt_amount *amount_of(const struct rmt_limit *limit,
					  struct rmt_span value)
{
	const struct rmt_amount *own;
	g_autofree char *name = NULL;

	if (limit->overrides == NULL)
		return &limit->amount;
	name = g_strndup(value.p, value.len);
	own = g_hash_table_lookup(limit->overrides, name);
	return own != NULL ? own : &limit->amount;
}

bool rmt_counter_row_fill(struct rmt_policyd *policyd,
			  const struct rmt_limit_index *index, uint64_t key,
			  struct rmt_span limit_id, struct rmt_span value,
			  struct rmt_counter_row *row_r)
{
	const struct rmt_stream *stream;
	const struct rmt_limit *limit = rmt_limit_index_find(index, limit_id, &stream);
	uint64_t today;

	if (limit == NULL ||
	    !rmt_engine_key(policyd->engine, stream, limit, value, &today) ||
	    today != key)
		return false;
	row_r->limit = limit;
	row_r->amount = amount_of(limit, value);
	rmt_counters_fits(policyd->counters, key, row_r->amount, 1, policyd->now.line_ns,
			  &row_r->usage);
	return true;
}

json_t *rmt_counter_row_json(const struct rmt_counter_row *row, struct rmt_span value)
{
	const int64_t retry_ns = row->usage.retry_ns;

	return json_pack(
		"{s:o,s:o,s:I,s:I,s:s,s:I,s:f,s:s}", "limit",
		rmt_json_text(rmt_span_of(row->limit->id)), "value", rmt_json_text(value),
		"used", (json_int_t)row->usage.used, "of", (json_int_t)row->usage.limit,
		"unit", rmt_unit_name(row->limit->of), "retry_secs",
		(json_int_t)(retry_ns / RMT_NS_PER_SEC + (retry_ns % RMT_NS_PER_SEC > 0)),
		"share",
		row->usage.limit > 0 ? (double)row->usage.used / (double)row->usage.limit
				     : 0,
		"action", rmt_action_name(row->limit->action));
}

/* --- list --- */

struct walk {
	struct rmt_job job; /* first */
	struct rmt_policyd *policyd;
	struct rmt_talk *talk;
	struct rmt_limit_index *index; /* own */
	char *limit, *contains;        /* own; or NULL */
	uint64_t cursor;
	json_int_t most, found;
};

static void free_walk(struct rmt_job *job)
{
	struct walk *walk = (struct walk *)(void *)job;

	rmt_limit_index_free(walk->index);
	g_free(walk->limit);
	g_free(walk->contains);
	g_free(walk);
}

static struct walk *new_walk(struct rmt_policyd *policyd, struct rmt_talk *talk,
			     json_t *request)
{
	struct walk *walk = g_new0(struct walk, 1);
	json_t *most = json_object_get(request, "most");

	walk->job.free = free_walk;
	walk->policyd = policyd;
	walk->talk = talk;
	walk->index = rmt_limit_index_new(policyd->config);
	walk->limit = g_strdup(json_string_value(json_object_get(request, "limit")));
	walk->contains =
		g_strdup(json_string_value(json_object_get(request, "contains")));
	walk->most = most != NULL ? json_integer_value(most) : INT64_MAX;
	return walk;
}

static bool is_asked_for(const struct walk *walk, struct rmt_span limit_id,
			 struct rmt_span value)
{
	if (walk->limit != NULL && !rmt_span_eq(limit_id, rmt_span_of(walk->limit)))
		return false;
	return walk->contains == NULL || walk->contains[0] == '\0' ||
	       memmem(value.p, value.len, walk->contains, strlen(walk->contains)) != NULL;
}

static void list_one(void *context, uint64_t key, struct rmt_span limit_id,
		     struct rmt_span value)
{
	struct walk *walk = context;
	struct rmt_counter_row row;

	if (walk->found >= walk->most || !is_asked_for(walk, limit_id, value) ||
	    !rmt_counter_row_fill(walk->policyd, walk->index, key, limit_id, value,
				  &row) ||
	    row.usage.used == 0)
		return;
	walk->found++;
	rmt_control_line(walk->talk, rmt_counter_row_json(&row, value));
}

static bool list_step(struct rmt_policyd *policyd, struct rmt_talk *talk,
		      struct rmt_job *job)
{
	struct walk *walk = (struct walk *)(void *)job;

	if (rmt_counters_walk(policyd->counters, &walk->cursor, WALK_STEP, list_one,
			      walk) &&
	    walk->found < walk->most)
		return true;
	rmt_control_end(talk, json_pack("{s:I}", "listed", walk->found));
	return false;
}

void rmt_control_limits_list(struct rmt_policyd *policyd, struct rmt_talk *talk,
			     json_t *request)
{
	struct walk *walk = new_walk(policyd, talk, request);

	walk->job.step = list_step;
	talk->job = walk;
}

/* --- reset --- */

static void reset_one(void *context, uint64_t key, struct rmt_span limit_id,
		      struct rmt_span value)
{
	struct walk *walk = context;

	if (is_asked_for(walk, limit_id, value) &&
	    rmt_counters_reset(walk->policyd->counters, key))
		walk->found++;
}

static bool reset_step(struct rmt_policyd *policyd, struct rmt_talk *talk,
		       struct rmt_job *job)
{
	struct walk *walk = (struct walk *)(void *)job;
	bool more = rmt_counters_walk(policyd->counters, &walk->cursor, WALK_STEP,
				      reset_one, walk);

	rmt_counters_write(policyd->counters);
	if (!more)
		rmt_control_end(talk, json_pack("{s:I}", "reset", walk->found));
	return more;
}

static void reset_value(struct rmt_policyd *policyd, struct rmt_talk *talk,
			const struct rmt_limit_index *index, const char *limit_id,
			const char *value)
{
	const struct rmt_stream *stream;
	const struct rmt_limit *limit =
		rmt_limit_index_find(index, rmt_span_of(limit_id), &stream);
	uint64_t key;
	bool done;

	if (!rmt_engine_key(policyd->engine, stream, limit, rmt_span_of(value), &key)) {
		rmt_control_error(talk, "limit '%s': '%s' is no key of it", limit_id,
				  value);
		return;
	}
	done = rmt_counters_reset(policyd->counters, key);
	rmt_counters_write(policyd->counters);
	rmt_control_end(talk, json_pack("{s:i}", "reset", done ? 1 : 0));
}

void rmt_control_limits_reset(struct rmt_policyd *policyd, struct rmt_talk *talk,
			      json_t *request)
{
	const char *value = json_string_value(json_object_get(request, "value"));
	struct walk *walk = new_walk(policyd, talk, request);
	const struct rmt_stream *stream;

	walk->job.step = reset_step;
	if (walk->limit == NULL) {
		rmt_control_error(talk, "'limit' is missing");
	} else if (rmt_limit_index_find(walk->index, rmt_span_of(walk->limit), &stream) ==
		   NULL) {
		rmt_control_error(talk, "there is no limit '%s' (write stream/limit)",
				  walk->limit);
	} else if (value != NULL) {
		reset_value(policyd, talk, walk->index, walk->limit, value);
	} else if (json_is_true(json_object_get(request, "all"))) {
		talk->job = walk;
		return;
	} else {
		rmt_control_error(talk, "say which 'value', or 'all'");
	}
	free_walk(&walk->job);
}
