/* SPDX-License-Identifier: MIT */
/* Table "streams": the stream's name -> version (1), reason, by (strings),
 * since, until (numbers). No record: not paused. */
#include <string.h>

#include "common/store/pack.h"
#include "common/store/stream_state.h"

#define STREAMS_TABLE "streams"
enum { STATE_VERSION = 1 };

void rmt_stream_state_clear(struct rmt_stream_state *state)
{
	g_free(state->reason);
	g_free(state->by);
	*state = (struct rmt_stream_state){ false };
}

static char *copy_or_null(struct rmt_span span)
{
	return span.len > 0 ? g_strndup(span.p, span.len) : NULL;
}

bool rmt_stream_state_read(struct rmt_span value, struct rmt_stream_state *state_r)
{
	struct rmt_unpack in = { value, false };
	struct rmt_stream_state state = { .paused = true };

	if (rmt_unpack_number(&in) != STATE_VERSION)
		return false;
	state.reason = copy_or_null(rmt_unpack_string(&in));
	state.by = copy_or_null(rmt_unpack_string(&in));
	state.since = (int64_t)rmt_unpack_number(&in);
	state.until = (int64_t)rmt_unpack_number(&in);
	if (in.damaged) {
		rmt_stream_state_clear(&state);
		return false;
	}
	*state_r = state;
	return true;
}

static void say_damaged(struct rmt_span stream, GError **err)
{
	g_set_error(
		err, RMT_STORE_ERROR, RMT_STORE_ERROR_DAMAGED,
		"the state of stream '%.*s' is damaged or of a newer program: resume it "
		"and pause it again",
		RMT_SPAN_ARGS(stream));
}

struct get {
	struct rmt_span stream;
	struct rmt_stream_state *state_r;
	GError *err;
};

static void got(void *context, enum rmt_store_status status, struct rmt_span value,
		const char *error)
{
	struct get *get = context;

	if (status == RMT_STORE_FAILED)
		g_set_error_literal(&get->err, RMT_STORE_ERROR, RMT_STORE_ERROR_OTHER,
				    error);
	else if (status == RMT_STORE_FOUND && !rmt_stream_state_read(value, get->state_r))
		say_damaged(get->stream, &get->err);
}

bool rmt_stream_state_get(struct rmt_store *store, const char *stream,
			  struct rmt_stream_state *state_r, GError **err)
{
	struct rmt_stream_state state = { false };
	struct get get = { rmt_span_of(stream), &state, NULL };

	rmt_store_get(store, STREAMS_TABLE, get.stream, got, &get);
	if (get.err != NULL) {
		g_propagate_error(err, get.err);
		return false;
	}
	*state_r = state;
	return true;
}

static bool check(const char *what, const char *text, size_t max, GError **err)
{
	const char *p;

	for (p = text != NULL ? text : ""; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == '\x7f')
			break;
	if (*p == '\0' && (text == NULL || strlen(text) <= max))
		return true;
	g_set_error(err, RMT_STORE_ERROR, RMT_STORE_ERROR_OTHER,
		    "the %s must be one printable line of at most %zu octets", what, max);
	return false;
}

bool rmt_stream_pause(struct rmt_store *store, const char *stream, const char *reason,
		      const char *by, int64_t now, int64_t until, GError **err)
{
	g_autoptr(GString) value = g_string_new(NULL);
	struct rmt_store_change change = { .table = STREAMS_TABLE,
					   .key = rmt_span_of(stream) };

	if (!check("stream's name", stream, RMT_STREAM_NAME_MAX, err) ||
	    !check("reason", reason, RMT_STREAM_TEXT_MAX, err) ||
	    !check("name of who pauses", by, RMT_STREAM_TEXT_MAX, err))
		return false;
	rmt_pack_number(value, STATE_VERSION);
	rmt_pack_string(value, rmt_span_of(reason));
	rmt_pack_string(value, rmt_span_of(by));
	rmt_pack_number(value, (uint64_t)MAX(now, 0));
	rmt_pack_number(value, (uint64_t)MAX(until, 0));
	change.value = rmt_span(value->str, value->len);
	return rmt_store_commit(store, &change, 1, NULL, err);
}

bool rmt_stream_resume(struct rmt_store *store, const char *stream, bool *was_paused_r,
		       GError **err)
{
	struct rmt_store_change change = { .table = STREAMS_TABLE,
					   .key = rmt_span_of(stream),
					   .remove = true };
	size_t removed;

	if (!rmt_store_commit(store, &change, 1, &removed, err))
		return false;
	*was_paused_r = removed > 0;
	return true;
}

struct walk {
	rmt_stream_state_each *each;
	void *context;
	GError *err;
};

static bool walk_entry(void *context, struct rmt_span key, struct rmt_span value)
{
	struct walk *walk = context;
	struct rmt_stream_state state;
	g_autofree char *stream = g_strndup(key.p, key.len);
	bool more;

	if (!rmt_stream_state_read(value, &state)) {
		say_damaged(key, &walk->err);
		return false;
	}
	more = walk->each(walk->context, stream, &state);
	rmt_stream_state_clear(&state);
	return more;
}

bool rmt_stream_state_walk(struct rmt_store *store, rmt_stream_state_each *each,
			   void *context, GError **err)
{
	struct walk walk = { each, context, NULL };

	if (!rmt_store_walk(store, STREAMS_TABLE, rmt_span(NULL, 0), walk_entry, &walk,
			    err))
		return false;
	if (walk.err != NULL) {
		g_propagate_error(err, walk.err);
		return false;
	}
	return true;
}
