/* SPDX-License-Identifier: MIT */
/* leaving.h - who leaves is evidence against the stream, and counts once.
 *
 * An unsubscribe, by mail or by a link, is counted in the commit that makes its entry,
 * and only if there was none. Posted again, it counts nothing; taken back, it is no
 * evidence any more: else one person could pause a stream.
 *
 *	struct rmt_leaving leaving = { .wish = &wish, .sent_at = now }, *one = &leaving;
 *	rmt_leavings_put(&parts, &one, 1, now_us);
 *	rmt_deal_commit(store, deal, NULL, &err);
 *	if (leaving.counted)
 *		rmt_judge_stream(...);
 */
#ifndef RMT_FEEDBACK_LEAVING_H
#define RMT_FEEDBACK_LEAVING_H

#include "common/store/wish.h"

struct rmt_leaving {
	const struct rmt_wish *wish; /* foreign */
	int64_t sent_at;             /* Unix seconds: of the day that it counts for */
	bool counted; /* he left: written by the commit; must stay until then */
};

/* The wishes, each as by rmt_wish_put(), and their counts: one change for each row of
 * counts. What is not counted is written all the same, as it was: nobody can tell by the
 * time it takes. */
void rmt_leavings_put(struct rmt_suppress_deal *parts,
		      struct rmt_leaving *const *leavings, size_t count, int64_t now_us);

#endif
