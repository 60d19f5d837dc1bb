/* SPDX-License-Identifier: MIT */
/* judge.h - is a stream to be paused for what came back?
 *
 * Complaints, dead addresses, and all evidence together, at each provider and at all:
 * the breaker's tests (breaker.h) over the rates of 30 days. What nears a pause is said
 * when it comes so far, not with every mail: how far each test was when it was last
 * judged stands in "feedback-state", for all programs, and goes when the stream is
 * armed.
 */
#ifndef RMT_FEEDBACK_JUDGE_H
#define RMT_FEEDBACK_JUDGE_H

#include "common/config/config.h"
#include "common/store/store.h"

/* Pauses the stream where it must be, and logs that. */
bool rmt_judge_stream(struct rmt_store *store, const struct rmt_stream *stream,
		      int64_t now, GError **err);

/* Whatever was said is said again. */
bool rmt_judge_forget(struct rmt_store *store, const char *stream, GError **err);

#endif
