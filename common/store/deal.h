/* SPDX-License-Identifier: MIT */
/* deal.h - changes that are made together if a condition holds, or not at all.
 *
 * A decision that must be taken once (who answers this message?) is a look at a
 * row and what follows from it: a job, a prompt, a line in the audit trail. All
 * of it is one durable commit of the store; whoever comes second finds the row
 * changed, and nothing of his is done.
 *
 *	g_autoptr(rmt_deal) deal = rmt_deal_new();
 *	rmt_deal_if(deal, "claims", key, is_free, &seen);
 *	rmt_deal_put(deal, "claims", key, value);
 *	rmt_deal_put(deal, "jobs", job_key, job);
 *	if (!rmt_deal_commit(store, deal, &done, &err))
 *		...		nothing is changed, and err says why
 *	else if (!done)
 *		...		is_free() said no, nothing is changed
 */
#ifndef RMT_DEAL_H
#define RMT_DEAL_H

#include "common/store/store.h"

struct rmt_deal;
typedef struct rmt_deal rmt_deal; /* for g_autoptr(rmt_deal) */
struct rmt_deal *rmt_deal_new(void);
void rmt_deal_free(struct rmt_deal *deal);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(rmt_deal, rmt_deal_free)

/* Looks at what is stored (p NULL: nothing); false: the deal is off. Within the
 * commit, and again where it must be repeated: each run writes its part of
 * context from the start. All conditions are looked at before the first change. */
typedef bool rmt_deal_look(void *context, struct rmt_span stored);
void rmt_deal_if(struct rmt_deal *deal, const char *table, struct rmt_span key,
		 rmt_deal_look *look, void *context);

/* Keys and values are copied. */
void rmt_deal_put(struct rmt_deal *deal, const char *table, struct rmt_span key,
		  struct rmt_span value);
void rmt_deal_remove(struct rmt_deal *deal, const char *table, struct rmt_span key);

/* A value that depends on what the conditions saw or on what is there. Called
 * only where the deal is on. */
typedef enum rmt_store_verdict rmt_deal_make(void *context, struct rmt_span old,
					     GString *value_r);
void rmt_deal_change(struct rmt_deal *deal, const char *table, struct rmt_span key,
		     rmt_deal_make *make, void *context);

/* The value under the table's next number (rmt_store_change.append_keep); in a deal
 * without conditions alone. */
void rmt_deal_append(struct rmt_deal *deal, const char *table, struct rmt_span value,
		     uint64_t keep);

/* Frees data with the deal: for contexts. Returns data. */
void *rmt_deal_own(struct rmt_deal *deal, void *data, GDestroyNotify free_data);

/* Durable when it returns. done_r (may be NULL): every condition held. */
bool rmt_deal_commit(struct rmt_store *store, struct rmt_deal *deal, bool *done_r,
		     GError **err);

/* A whole value, copied; MISSING is no failure: *value_r is NULL then. */
bool rmt_deal_read(struct rmt_store *store, const char *table, struct rmt_span key,
		   GBytes **value_r, GError **err);

#endif
