/* SPDX-License-Identifier: MIT */
/* bulk.h - who sends so much to one provider that it becomes a bulk sender there.
 *
 * Recipients at the providers' own mailboxes are counted as they are accepted, an
 * organisation at a time. What changed is handed out for the records, which policyd
 * writes outside its loop:
 *
 *	reached = rmt_bulk_add(bulk, sender_domain, recipient_domain, now, &row);
 *	...
 *	changed = rmt_bulk_take_changed(bulk);	// once a minute, and at the end
 */
#ifndef RMT_POLICY_BULK_H
#define RMT_POLICY_BULK_H

#include "common/auth/orgdomain.h"
#include "common/store/bulk.h"

struct rmt_bulk;

/* An organisation at a provider. */
struct rmt_bulk_row {
	char *org;            /* own */
	const char *provider; /* static: "google", "yahoo", "microsoft", "apple" */
	struct rmt_bulk_count count;
	bool changed; /* private */
};

struct rmt_bulk *rmt_bulk_new(const struct rmt_psl *psl /* foreign; or NULL */);
void rmt_bulk_free(struct rmt_bulk *bulk);

/* What the records knew, before anything is added. */
bool rmt_bulk_load(struct rmt_bulk *bulk, struct rmt_store *store, GError **err);

/* One recipient was accepted. Domains are folded. Returns the limit that was reached
 * (bulk.h of store), and row_r then; else 0. */
unsigned rmt_bulk_add(struct rmt_bulk *bulk, struct rmt_span sender,
		      struct rmt_span recipient, int64_t now,
		      const struct rmt_bulk_row **row_r);

/* Copies of the rows that changed since the last call (struct rmt_bulk_row; own);
 * NULL: none. */
GPtrArray *rmt_bulk_take_changed(struct rmt_bulk *bulk);

/* In memory and, by the caller, in the records. False: there is none. */
bool rmt_bulk_drop(struct rmt_bulk *bulk, const char *org, const char *provider);

/* Those worth telling of: bulk senders, and who is on the way there. */
typedef void rmt_bulk_tell(void *context, const struct rmt_bulk_row *row, uint64_t day);
void rmt_bulk_each_near(const struct rmt_bulk *bulk, int64_t now, rmt_bulk_tell *tell,
			void *context);

/* A change of the records for each row; for any thread. */
bool rmt_bulk_commit(struct rmt_store *store, const GPtrArray *rows, GError **err);

/* Whose mailboxes are at this domain: "google", ...; NULL: nobody's here. */
const char *rmt_bulk_provider(struct rmt_span domain);

#endif
