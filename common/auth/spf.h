/* SPDX-License-Identifier: MIT */
/* spf.h - Sender Policy Framework, RFC 7208: may this host send for this domain?
 *
 *	struct rmt_spf *spf = rmt_spf_new();
 *	struct rmt_spf_query query = { .mail_from = RMT_SPAN("ann@example.com") };
 *
 *	rmt_ip_parse(RMT_SPAN("192.0.2.1"), &query.ip);
 *	host_run(rmt_spf_start(spf, &query));	// dns.h
 *	if (rmt_spf_result(spf)->result == RMT_SPF_PASS) ...
 *
 * An evaluator is used again for the next query without allocating anew.
 */
#ifndef RMT_SPF_H
#define RMT_SPF_H

#include "common/auth/dns.h"
#include "common/auth/ip.h"

enum rmt_spf_verdict {
	RMT_SPF_NONE,
	RMT_SPF_NEUTRAL,
	RMT_SPF_PASS,
	RMT_SPF_FAIL,
	RMT_SPF_SOFTFAIL,
	RMT_SPF_TEMPERROR, /* DNS did not answer: nothing may be refused for it */
	RMT_SPF_PERMERROR,
};

/* RFC 7208, 4.6.4. Receivers differ in the second. */
struct rmt_spf_limits {
	unsigned lookups; /* terms that ask: a mx ptr exists include redirect; 10 */
	unsigned voids;   /* questions of theirs that find nothing; 2 */
	unsigned mx;      /* names one mx may have; 10 */
	unsigned ptr;     /* names of the client that are looked at; 10 */
};
extern const struct rmt_spf_limits rmt_spf_limits_default;

struct rmt_spf_query {
	struct rmt_ip ip;
	struct rmt_span helo;
	struct rmt_span
		mail_from;        /* empty: the null sender, checked as postmaster@helo */
	struct rmt_span receiver; /* for %{r}; may be empty */
	int64_t now;              /* for %{t}: Unix seconds */
	const struct rmt_spf_limits *limits; /* NULL: the default ones */
};

struct rmt_spf_result {
	enum rmt_spf_verdict result;
	struct rmt_span domain;      /* the one that was checked */
	struct rmt_span explanation; /* the publisher's sentence for a fail, or empty */
	struct rmt_span term;        /* the term of the record that decided, or empty */
	struct rmt_span problem;     /* for temperror and permerror: a sentence */
	unsigned lookups, voids;     /* on the path that was taken */
	uint32_t ttl_secs;           /* least of all answers */
};

struct rmt_spf;

struct rmt_spf *rmt_spf_new(void);
void rmt_spf_free(struct rmt_spf *spf);
typedef struct rmt_spf rmt_spf; /* for g_autoptr(rmt_spf) */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(rmt_spf, rmt_spf_free)

/* Begins; what query points to is copied. The asker belongs to spf, and waits
 * or is done at once. Whatever went before is forgotten. */
struct rmt_asker *rmt_spf_start(struct rmt_spf *spf, const struct rmt_spf_query *query);

/* Once the asker waits no more. Spans are valid until the next start. */
const struct rmt_spf_result *rmt_spf_result(const struct rmt_spf *spf);

const char *rmt_spf_verdict_name(enum rmt_spf_verdict verdict); /* "pass", ... */
/* False: not one of the words. Case does not matter. */
bool rmt_spf_verdict_parse(struct rmt_span word, enum rmt_spf_verdict *verdict_r);

#endif
