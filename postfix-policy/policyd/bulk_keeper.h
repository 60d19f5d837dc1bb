/* SPDX-License-Identifier: MIT */
/* bulk_keeper.h - counts who becomes a bulk sender, and has it written to the records
 * by a thread: the loop never writes there. */
#ifndef RMT_BULK_KEEPER_H
#define RMT_BULK_KEEPER_H

#include "common/policy/bulk.h"

struct rmt_bulk_keeper;

/* Both foreign. What the records do not tell is counted from nothing, and logged. */
struct rmt_bulk_keeper *rmt_bulk_keeper_new(struct rmt_store *store,
					    const struct rmt_psl *psl);
/* Writes what is not written yet. */
void rmt_bulk_keeper_free(struct rmt_bulk_keeper *keeper);

/* A recipient was accepted; domains are folded. A limit that is reached is logged. */
void rmt_bulk_keeper_sent(struct rmt_bulk_keeper *keeper, struct rmt_span sender,
			  struct rmt_span recipient, int64_t now);

/* Once a second. now: Unix seconds. */
void rmt_bulk_keeper_turn(struct rmt_bulk_keeper *keeper, int64_t now);

/* Those who are bulk senders, or near it. */
void rmt_bulk_keeper_each(struct rmt_bulk_keeper *keeper, int64_t now,
			  rmt_bulk_tell *tell, void *context);

/* False: nothing is known of it. The record goes with the next writing. */
bool rmt_bulk_keeper_forget(struct rmt_bulk_keeper *keeper, const char *org,
			    const char *provider);

#endif
