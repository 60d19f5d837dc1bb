/* SPDX-License-Identifier: MIT */
/* stream_state.h - streams that somebody or something paused.
 *
 * One record a stream, written by commands and breakers, read by policyd. A
 * pause whose until has passed is over, whoever reads it.
 *
 *	if (rmt_stream_state_get(store, "news", &state, &err) &&
 *	    rmt_stream_is_paused(&state, now))
 *		...
 *	rmt_stream_state_clear(&state);
 */
#ifndef RMT_STREAM_STATE_H
#define RMT_STREAM_STATE_H

#include "common/store/store.h"

struct rmt_stream_state {
	bool paused;
	char *reason, *by;    /* own; or NULL */
	int64_t since, until; /* Unix seconds; until 0: until resumed */
};
void rmt_stream_state_clear(struct rmt_stream_state *state);

static inline bool rmt_stream_is_paused(const struct rmt_stream_state *state, int64_t now)
{
	return state->paused && (state->until == 0 || state->until > now);
}

/* All zero in *state_r: never paused, or resumed. */
bool rmt_stream_state_get(struct rmt_store *store, const char *stream,
			  struct rmt_stream_state *state_r, GError **err);

enum { RMT_STREAM_NAME_MAX = 80, RMT_STREAM_TEXT_MAX = 200 };

/* Durable when they return. A pause replaces the one before. reason and by may
 * be NULL; what is too long or not printable is refused. */
bool rmt_stream_pause(struct rmt_store *store, const char *stream, const char *reason,
		      const char *by, int64_t now, int64_t until, GError **err);
/* was_paused_r: a record was there, over or not. */
bool rmt_stream_resume(struct rmt_store *store, const char *stream, bool *was_paused_r,
		       GError **err);

typedef bool rmt_stream_state_each(void *context, const char *stream,
				   const struct rmt_stream_state *state);
bool rmt_stream_state_walk(struct rmt_store *store, rmt_stream_state_each *each,
			   void *context, GError **err);

/* A stored value: for tests and fuzzers. False: damaged or of a newer program. */
bool rmt_stream_state_read(struct rmt_span value, struct rmt_stream_state *state_r);

#endif
