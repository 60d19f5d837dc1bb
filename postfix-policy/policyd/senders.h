/* SPDX-License-Identifier: MIT */
/* senders.h - what policyd knows of who sends: the engine's gate, and behind it
 * lookups.h.
 *
 * A request is answered from what is known; what is not is looked up between the
 * turns of the loop, so that nobody waits for it.
 */
#ifndef RMT_SENDERS_H
#define RMT_SENDERS_H

#include "common/policy/gate.h"
#include "common/rules/readiness.h"
#include "common/store/store.h"
#include "postfix-policy/policyd/loop.h"

struct rmt_senders;

/* dns_file: answers from this file (zone.h) and none from DNS; or NULL. store: foreign;
 * the selectors that were seen. */
struct rmt_senders *rmt_senders_new(struct rmt_loop *loop, struct rmt_store *store,
				    const char *dns_file);
void rmt_senders_free(struct rmt_senders *senders);

/* From now on. False: DNS cannot be used as configured; what it would tell stays
 * unknown. */
bool rmt_senders_configure(struct rmt_senders *senders, struct rmt_config *config,
			   GError **err);

/* Foreign; or NULL. */
const struct rmt_psl *rmt_senders_psl(const struct rmt_senders *senders);

struct rmt_gate *rmt_senders_gate(struct rmt_senders *senders);

/* How long the loop may sleep, at most max_ms. */
int rmt_senders_sleep_ms(const struct rmt_senders *senders, int max_ms);

/* Once per turn, after its answers. wall_secs: Unix seconds. */
void rmt_senders_turn(struct rmt_senders *senders, int64_t wall_secs);

struct rmt_senders_stats {
	struct rmt_readiness_stats readiness;
	unsigned in_flight; /* domains that are asked about */
	uint64_t questions; /* sent to DNS */
};
void rmt_senders_stats(const struct rmt_senders *senders,
		       struct rmt_senders_stats *stats_r);

/* Its part of the metrics' page; nothing while no stream requires anything. */
void rmt_senders_metrics(const struct rmt_senders *senders, GString *out);

#endif
