/* SPDX-License-Identifier: MIT */
/* reach.h - can a domain be resolved, and does mail to it arrive? R17 and R18, of a
 * sender's domain, a return path's, a Reply-To's.
 *
 *	struct rmt_reach reach;
 *
 *	rmt_reach_init(&reach, RMT_SPAN("example.com"));
 *	while (rmt_reach_ask(&reach, askers))
 *		run all of askers until they are done		// dns.h; twice
 *	rmt_rule_resolves(&reach, "From", &findings);
 *	rmt_reach_clear(&reach);
 */
#ifndef RMT_REACH_H
#define RMT_REACH_H

#include "common/rules/lookup.h"
#include "common/rules/rules.h"

enum { RMT_REACH_HOSTS_MAX = 10 }; /* hosts of an MX that are looked at */

struct rmt_reach_host {
	struct rmt_lookup a, aaaa;
};

struct rmt_reach {
	char *domain; /* own; folded */
	struct rmt_lookup mx, a, aaaa;
	GPtrArray *soa;   /* own; struct rmt_lookup: domain, parent, ... */
	GPtrArray *hosts; /* own; struct rmt_reach_host, of the MX */
	unsigned round;   /* private */
};

/* Must not move until it is cleared. domain: any case, U-labels too. */
void rmt_reach_init(struct rmt_reach *reach, struct rmt_span domain);
void rmt_reach_clear(struct rmt_reach *reach); /* takes a zeroed one, too */

/* Appends the next round of struct rmt_asker, reach's own; false: there is none. */
bool rmt_reach_ask(struct rmt_reach *reach, GPtrArray *askers);

/* How long the answers hold; 0: DNS did not answer something. */
uint32_t rmt_reach_ttl(const struct rmt_reach *reach);

/* MX 0 "." (RFC 7505) */
bool rmt_reach_null_mx(const struct rmt_reach *reach);

/* The zone the domain lies in, or NULL; known_r: false where DNS did not answer, so
 * that there may yet be one. */
const char *rmt_reach_zone(const struct rmt_reach *reach, bool *known_r);

/* A finding each. role: "From", "return path", ... stands in front of the domain where
 * something is broken; "": nothing does. */
void rmt_rule_resolves(const struct rmt_reach *reach, const char *role,
		       struct rmt_rule_findings *findings); /* R17 */
void rmt_rule_answerable(const struct rmt_reach *reach, const char *role,
			 struct rmt_rule_findings *findings); /* R18 */

#endif
