/* SPDX-License-Identifier: MIT */
/* dmarc.h - does the domain people see stand behind a message, and what does its
 * owner ask for if not? RFC 9989, and beside it RFC 7489 with a list of public
 * suffixes, as many receivers still do it.
 *
 *	struct rmt_dmarc_identity dkim[] = { { RMT_SPAN("example.com"),
 *RMT_DMARC_AUTH_PASS } }; struct rmt_dmarc_query query = { .from =
 *RMT_SPAN("news.example.com"), .dkim = dkim, .dkim_count = 1, .psl = psl };
 *
 *	host_run(rmt_dmarc_start(dmarc, &query));	// dns.h
 *	result = rmt_dmarc_result(dmarc);
 *	if (result->tree.verdict == RMT_DMARC_FAIL) ...
 *
 * Domains may come in any case and as U-labels; those in the result are folded.
 */
#ifndef RMT_DMARC_H
#define RMT_DMARC_H

#include "common/auth/dmarc_record.h"
#include "common/auth/orgdomain.h"

enum rmt_dmarc_auth {
	RMT_DMARC_AUTH_OTHER, /* no pass, for whatever reason */
	RMT_DMARC_AUTH_PASS,
	RMT_DMARC_AUTH_TEMPERROR, /* might have passed, had DNS answered */
};

/* A domain that SPF or a DKIM signature vouches for. */
struct rmt_dmarc_identity {
	struct rmt_span domain;
	enum rmt_dmarc_auth result;
};

enum { RMT_DMARC_IDENTITIES_MAX = 32 }; /* signatures that are looked at */

struct rmt_dmarc_query {
	struct rmt_span from;          /* the author's domain */
	struct rmt_dmarc_identity spf; /* of the return path; domain empty: none */
	const struct rmt_dmarc_identity *dkim;
	size_t dkim_count;
	const struct rmt_psl *psl; /* foreign; NULL: no older view */
};

enum rmt_dmarc_verdict {
	RMT_DMARC_NO_POLICY, /* "none" */
	RMT_DMARC_PASS,
	RMT_DMARC_FAIL,
	RMT_DMARC_TEMPERROR, /* DNS did not answer: nothing may be refused for it */
};

/* What one kind of receiver sees. */
struct rmt_dmarc_view {
	enum rmt_dmarc_verdict verdict;
	enum rmt_dmarc_policy disposition; /* asked for on failure; NONE at least */
	bool spf_aligned, dkim_aligned; /* passed, and aligned; also without a policy */
	struct rmt_span org_domain;     /* of the author's domain */
	struct rmt_span policy_domain;  /* where the policy was found, or empty */
	struct rmt_span record;         /* its text, or empty */
	bool testing;                   /* t=y took a step off the disposition */
	unsigned percent;               /* pct; 100 in the newer view */
	const char *problem;            /* static sentence; NULL: none */
};

struct rmt_dmarc_result {
	struct rmt_dmarc_view tree; /* RFC 9989 */
	struct rmt_dmarc_view psl;  /* RFC 7489; as tree when there is no list */
	bool divergent;     /* the views differ in verdict, disposition or domains */
	unsigned questions; /* asked of DNS */
	uint32_t ttl_secs;  /* least of all answers */
};

struct rmt_dmarc;

struct rmt_dmarc *rmt_dmarc_new(void);
void rmt_dmarc_free(struct rmt_dmarc *dmarc);
typedef struct rmt_dmarc rmt_dmarc; /* for g_autoptr(rmt_dmarc) */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(rmt_dmarc, rmt_dmarc_free)

/* Begins; what query points to is copied, but for psl. Whatever went before is
 * forgotten. A from that is no domain name gives RMT_DMARC_NO_POLICY and a problem. */
struct rmt_asker *rmt_dmarc_start(struct rmt_dmarc *dmarc,
				  const struct rmt_dmarc_query *query);

/* Once the asker waits no more. Spans are valid until the next start. */
const struct rmt_dmarc_result *rmt_dmarc_result(const struct rmt_dmarc *dmarc);

const char *rmt_dmarc_verdict_name(enum rmt_dmarc_verdict verdict); /* "pass", ... */

#endif
