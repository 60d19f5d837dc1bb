/* SPDX-License-Identifier: MIT */
/* binding.h - for which domains a user who logged in may send.
 *
 * A user listed in `binding.users` has the domains named there, one whose name is
 * an address has its domain, and any other those of the organisation. Domains of
 * one organisation are one, as receivers see it: by a list of public suffixes or
 * by RFC 9989's walk; either is enough.
 */
#ifndef RMT_BINDING_H
#define RMT_BINDING_H

#include "common/auth/orgdomain.h"
#include "common/config/config.h"

/* How organisational domains are found. */
struct rmt_org_view {
	const struct rmt_psl *psl; /* foreign; or NULL */
	/* By the tree walk, from what is known by now; false: not known. org_r is good
	 * until the next call. May be NULL. */
	bool (*tree)(void *context, struct rmt_span domain, struct rmt_span *org_r);
	void *context;
};

enum rmt_bound {
	RMT_BOUND_HERE,      /* the domain is the user's, or the user is not bound */
	RMT_BOUND_ELSEWHERE, /* it is not */
	RMT_BOUND_UNKNOWN,   /* DNS must tell first */
};

/* domain: of the sender, folded. user: as smtpd names it; empty: nobody logged in. */
enum rmt_bound rmt_binding_check(const struct rmt_config *config,
				 const struct rmt_stream *stream,
				 const struct rmt_org_view *view, struct rmt_span user,
				 struct rmt_span domain);

#endif
