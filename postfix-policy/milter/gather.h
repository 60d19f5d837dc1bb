/* SPDX-License-Identifier: MIT */
/* gather.h - what can be known of a message once it is here: who it is from, and
 * who vouches for that. Facts only; verdict.h makes something of them. */
#ifndef RMT_MILTER_GATHER_H
#define RMT_MILTER_GATHER_H

#include "common/auth/dmarc.h"
#include "common/auth/spf.h"
#include "common/config/config.h"
#include "postfix-policy/milter/kind.h"
#include "postfix-policy/milter/names.h"
#include "postfix-policy/milter/session.h"

enum rmt_known { RMT_NO, RMT_YES, RMT_UNKNOWN };

enum { RMT_GATHER_EGRESS_MAX = 32 }; /* addresses of an egress that are looked at */

struct rmt_spf_fact {
	bool evaluated;              /* the stream's egress has addresses */
	enum rmt_spf_verdict result; /* of the address that fares worst */
	char *address;               /* own; that one; NULL when all pass */
	char *domain;                /* own; of the return path, or the HELO name */
};

struct rmt_message_facts {
	struct rmt_from from;
	enum rmt_kind kind;
	struct rmt_spf_fact spf;
	/* A signature holds, for Gmail and Outlook, too; unknown: might, had DNS
	 * answered. */
	enum rmt_known dkim;
	bool narrow;            /* one holds, but not for them: Ed25519 */
	GString *dkim_text;     /* own; "pass/example.com,fail:body-hash/example.net" */
	enum rmt_known aligned; /* by either view of receivers */
	bool spf_aligned, dkim_aligned;
	enum rmt_known published; /* a DMARC policy, by either */
	bool divergent; /* RFC 9989's receivers and RFC 7489's see different things */
	enum rmt_dmarc_policy policy; /* what the domain in From asks for on failure */
	const struct rmt_dkim *signatures; /* foreign: the session's; finished */
	struct rmt_span header;            /* foreign: the session's */
	size_t header_octets, field_count;
};

struct rmt_gather {
	struct rmt_names *names;
	const struct rmt_psl *psl; /* or NULL */
	const struct rmt_config *config;
	const struct rmt_stream *stream;
	struct rmt_span sender; /* as it leaves: what SPF is asked about */
	int64_t now;            /* Unix seconds */
	int64_t deadline_us;    /* of g_get_monotonic_time(); for all questions */
};

/* The session's message must have ended, and its signatures must have been kept. */
void rmt_gather(const struct rmt_gather *with, struct rmt_session *session,
		struct rmt_message_facts *facts_r);

/* The signatures alone; a rmt_gather() after it does not verify them again. */
void rmt_gather_signatures(const struct rmt_gather *with, struct rmt_session *session);
void rmt_message_facts_clear(struct rmt_message_facts *facts);

#endif
