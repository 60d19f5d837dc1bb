/* SPDX-License-Identifier: MIT */
/* lookups.h - what readiness wants to know, asked of DNS on policyd's own loop.
 *
 * libunbound's sockets are the loop's; a few questions are begun a turn, so that no
 * request waits for them.
 */
#ifndef RMT_LOOKUPS_H
#define RMT_LOOKUPS_H

#include "common/rules/readiness.h"
#include "postfix-policy/policyd/loop.h"

struct rmt_lookups;

/* loop, readiness: foreign. dns_file: answers from this file (zone.h) and none from DNS;
 * or NULL. Nothing is asked before rmt_lookups_configure(). */
struct rmt_lookups *rmt_lookups_new(struct rmt_loop *loop,
				    struct rmt_readiness *readiness,
				    const char *dns_file);
void rmt_lookups_free(struct rmt_lookups *lookups);

/* From now on; takes a reference. needed: whether anything will be asked. What is under
 * way goes on where DNS is used as before, else is given up. False: DNS cannot be used
 * as configured. */
bool rmt_lookups_configure(struct rmt_lookups *lookups, struct rmt_config *config,
			   bool needed, GError **err);

/* How long the loop may sleep, at most max_ms. */
int rmt_lookups_sleep_ms(const struct rmt_lookups *lookups, int max_ms);

/* Once per turn, after its answers. wall_secs: Unix seconds. */
void rmt_lookups_turn(struct rmt_lookups *lookups, int64_t wall_secs);

/* Domains that are asked about; questions sent to DNS. */
void rmt_lookups_stats(const struct rmt_lookups *lookups, unsigned *in_flight_r,
		       uint64_t *questions_r);

#endif
