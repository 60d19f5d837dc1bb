/* SPDX-License-Identifier: MIT */
/* wish.h - somebody wants no more of a stream, or wants it again: what follows, as
 * parts of one deal. The entry, a line of the audit trail, and a job for the list
 * software's webhook, if it has one and is not told already.
 *
 *	struct rmt_wish wish = { .entry = ..., .stream = "news", .by = "one-click" };
 *	rmt_suppress_deal_begin(&parts, deal);
 *	rmt_wish_put(&parts, &wish, now_us);
 *	rmt_suppress_deal_end(&parts);
 *	rmt_deal_commit(store, deal, NULL, &err);
 *	const struct rmt_wish *done = &wish;
 *	rmt_wish_log(&done, 1);
 */
#ifndef RMT_WISH_H
#define RMT_WISH_H

#include "common/config/config.h"
#include "common/store/suppress_deal.h"

struct rmt_wish {
	struct rmt_suppression entry; /* foreign; good (rmt_suppress_check) */
	bool take_back;               /* the entry of this reason goes */
	int64_t left_at;              /* of what is taken back: Unix seconds */
	const char *stream;           /* foreign; for the log */
	const char *by;               /* foreign; "one-click", "page", "mail" */
	const char *lists;            /* foreign; list ids, by blanks; may be "" */
	bool webhook;                 /* the list software is to be told */
};

/* Where an unsubscribe from this stream holds: the setting unsubscribe.scope; of a
 * stream that is no longer there (NULL) its own. Own: g_free. */
char *rmt_wish_scope(const struct rmt_stream *stream, const char *name);

/* Whether the list software wants to hear of it: it is told of what changes, not of
 * every click. Reads the store. */
bool rmt_wish_is_news(struct rmt_store *store, const struct rmt_stream *stream,
		      const struct rmt_wish *wish);

/* now_us: Unix time, microseconds. Returns whether the entry was new, or was there to be
 * taken back, as suppress_deal.h does. */
const bool *rmt_wish_put(struct rmt_suppress_deal *parts, const struct rmt_wish *wish,
			 int64_t now_us);

/* Of one commit; neighbours that differ by their address alone share a line: who reads
 * the log is woken for each, and often takes our processor then. */
void rmt_wish_log(const struct rmt_wish *const wishes[], size_t count);

#endif
