/* SPDX-License-Identifier: MIT */
/* stream_state.h - streams that somebody or something paused. */
#ifndef RMT_STREAM_STATE_H
#define RMT_STREAM_STATE_H

#include "common/store/store.h"

struct rmt_stream_state {
	bool paused;
	char *reason, *by;    /* own; or NULL */
	int64_t since, until; /* Unix seconds; until 0: until resumed */
};
void rmt_stream_state_clear(struct rmt_stream_state *state);

/* MISSING in *status: never paused. */
bool rmt_stream_state_get(struct rmt_store *store, const char *stream,
			  struct rmt_stream_state *state_r, GError **err);
bool rmt_stream_pause(struct rmt_store *store, const char *stream, const char *reason,
		      const char *by, int64_t now, int64_t until, GError **err);
bool rmt_stream_resume(struct rmt_store *store, const char *stream, bool *was_paused_r,
		       GError **err);

typedef bool rmt_stream_state_each(void *context, const char *stream,
				   const struct rmt_stream_state *state);
bool rmt_stream_state_walk(struct rmt_store *store, rmt_stream_state_each *each,
			   void *context, GError **err);

#endif
