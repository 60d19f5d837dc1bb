/* SPDX-License-Identifier: MIT */
/* transport.h - how a domain says that mail to it is carried safely: MTA-STS, TLS-RPT,
 * DANE, DNSSEC, CAA. No provider refuses mail for want of them. */
#ifndef RMT_TRANSPORT_H
#define RMT_TRANSPORT_H

#include "common/rules/reach.h"

struct rmt_transport {
	struct rmt_lookup mta_sts, tls_rpt;
	struct rmt_lookup sts_a, sts_aaaa; /* of mta-sts.DOMAIN, where the policy lies */
	struct rmt_lookup ds;              /* of the domain's zone */
	GPtrArray *tlsa; /* own; struct rmt_lookup, in the order of reach's hosts */
	GPtrArray *caa;  /* own; struct rmt_lookup: domain, hosts, and all above them */

	/* For the host, once the first round is over. Own; both NULL: the policy was not
	 * fetched. */
	GString *policy;
	char *trouble;   /* why it could not be fetched */
	bool can_verify; /* set by the host: answers are validated here */
};

void rmt_transport_init(struct rmt_transport *transport);
void rmt_transport_clear(struct rmt_transport *transport);

/* Appends the questions of a round, 0 or 1; for the latter reach must have had its
 * first. */
void rmt_transport_ask(struct rmt_transport *transport, const struct rmt_reach *reach,
		       unsigned round, GPtrArray *askers);

/* A policy is announced, so it is worth fetching. */
bool rmt_transport_has_sts(const struct rmt_transport *transport);

/* The CAA set that holds for name (RFC 8659, 3), its own or from above; NULL: none.
 * known_r: false where DNS did not answer. */
const struct rmt_lookup *rmt_transport_caa(const struct rmt_transport *transport,
					   struct rmt_span name, bool *known_r);

#endif
