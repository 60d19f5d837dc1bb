/* SPDX-License-Identifier: MIT */
/* suppress_deal.h - suppressions as parts of a deal (deal.h): many at once, together
 * with what follows from them.
 *
 *	struct rmt_suppress_deal parts;
 *	rmt_suppress_deal_begin(&parts, deal);
 *	for each: rmt_suppress_deal_put(&parts, &entry);
 *	rmt_suppress_deal_end(&parts);
 *	rmt_deal_commit(store, deal, NULL, &err);
 */
#ifndef RMT_SUPPRESS_DEAL_H
#define RMT_SUPPRESS_DEAL_H

#include "common/store/deal.h"
#include "common/store/suppress.h"

struct rmt_suppress_deal {
	struct rmt_deal *deal; /* foreign */
	GArray *hashes;        /* own; uint64_t; what indexes must hear of */
};
void rmt_suppress_deal_begin(struct rmt_suppress_deal *parts, struct rmt_deal *deal);
void rmt_suppress_deal_end(struct rmt_suppress_deal *parts);

/* Adds an entry, which is copied and must be good (rmt_suppress_check). One that stands
 * for the same scope and address stays as it is, whatever its reason: a complaint is
 * not made an unsubscribe. It is written all the same, so that nobody can tell by the
 * time it takes. Returns whether it was new: the deal's, for its later parts. */
const bool *rmt_suppress_deal_put(struct rmt_suppress_deal *parts,
				  const struct rmt_suppression *entry);

/* Takes an entry back that has this very scope, address and reason. Returns whether there
 * was one: the deal's, for its later parts. */
const bool *rmt_suppress_deal_retract(struct rmt_suppress_deal *parts, const char *scope,
				      const char *address, const char *reason);

#endif
