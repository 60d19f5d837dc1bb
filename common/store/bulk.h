/* SPDX-License-Identifier: MIT */
/* bulk.h - who is a bulk sender for good, as the records remember it.
 *
 * Who once sends some 5,000 messages in a day to the mailboxes of one provider is a
 * bulk sender there for ever, all domains of the organisation together. One record
 * an organisation and provider: its last day by hours, and since when it is one.
 */
#ifndef RMT_STORE_BULK_H
#define RMT_STORE_BULK_H

#include "common/store/store.h"

enum { RMT_BULK_HOURS = 24, RMT_BULK_WARN = 4000, RMT_BULK_LIMIT = 5000 };

struct rmt_bulk_count {
	int64_t hour;                   /* of the newest number: Unix seconds / 3600 */
	uint64_t hours[RMT_BULK_HOURS]; /* at hour % 24 */
	int64_t warned, since;          /* when the limits were reached: last, first; 0 */
};

/* Counts so many recipients. Returns the limit that was reached by it: RMT_BULK_LIMIT
 * once and for ever, before that RMT_BULK_WARN at most once a day; else 0. */
unsigned rmt_bulk_count_add(struct rmt_bulk_count *count, unsigned n, int64_t now);

/* Recipients in the 24 hours that end now. */
uint64_t rmt_bulk_count_day(const struct rmt_bulk_count *count, int64_t now);

/* Appends. False: damaged or of a newer program. */
void rmt_bulk_count_write(const struct rmt_bulk_count *count, GString *value);
bool rmt_bulk_count_read(struct rmt_span value, struct rmt_bulk_count *count_r);

/* A change for rmt_store_commit() that puts the record; key and value are the
 * caller's, and filled. */
struct rmt_store_change rmt_bulk_change(const char *org, const char *provider,
					const struct rmt_bulk_count *count, GString *key,
					GString *value);

typedef bool rmt_bulk_each(void *context, const char *org, const char *provider,
			   const struct rmt_bulk_count *count);
/* Damaged records are passed over. */
bool rmt_bulk_walk(struct rmt_store *store, rmt_bulk_each *each, void *context,
		   GError **err);

/* found_r: there was one. */
bool rmt_bulk_forget(struct rmt_store *store, const char *org, const char *provider,
		     bool *found_r, GError **err);

#endif
