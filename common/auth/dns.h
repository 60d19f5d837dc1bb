/* SPDX-License-Identifier: MIT */
/* dns.h - evaluators ask, the host answers.
 *
 * SPF, DKIM, DMARC and the like never resolve a name: each is a state machine
 * that embeds a struct rmt_asker, leaves a question in it and goes on when the
 * host brings the answer. So the same code runs in an event loop, in a milter
 * thread, on the command line and, with a zone in place of DNS, in a test.
 *
 * A host, in its simplest form (zone.h and resolver.h have it ready):
 *
 *	while (asker->waits)
 *		rmt_dns_resume(asker, look_up(&asker->question));
 *
 * An evaluator:
 *
 *	static void answered(struct rmt_asker *asker, const struct rmt_dns_answer *answer)
 *	{
 *		struct rmt_thing *thing = RMT_ASKER_OWNER(asker, struct rmt_thing, asker);
 *		...
 *		rmt_dns_ask(asker, RMT_DNS_TXT, name);	// or nothing: done
 *	}
 *
 * Deadlines are the host's: once time is up, every question is answered with
 * RMT_DNS_TIMEOUT at once, and evaluators come to an end by themselves. An
 * asker may be dropped at any time while it waits; hosts that know it must be
 * told first (rmt_resolver_forget()).
 *
 * Names are text without a final dot: dots part labels, every other octet
 * stands for itself, there are no escapes. The root is the empty span. A label
 * that holds a dot cannot be written; answers that hold one are left out.
 */
#ifndef RMT_DNS_H
#define RMT_DNS_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/span.h"

enum {
	RMT_DNS_NAME_MAX = 253, /* octets of text: 255 on the wire */
	RMT_DNS_LABEL_MAX = 63,
};

/* Numbers as on the wire; any other number may be asked for too. */
enum rmt_dns_type {
	RMT_DNS_A = 1,
	RMT_DNS_NS = 2,
	RMT_DNS_CNAME = 5,
	RMT_DNS_SOA = 6,
	RMT_DNS_PTR = 12,
	RMT_DNS_MX = 15,
	RMT_DNS_TXT = 16,
	RMT_DNS_AAAA = 28,
	RMT_DNS_DS = 43,
	RMT_DNS_TLSA = 52,
	RMT_DNS_SPF = 99, /* never asked for: RFC 7208, 3.1 */
	RMT_DNS_ANY = 255,
	RMT_DNS_CAA = 257,
};

enum rmt_dns_status {
	RMT_DNS_FOUND,    /* at least one record of the type, aliases followed */
	RMT_DNS_NODATA,   /* the name exists, the type does not */
	RMT_DNS_NXDOMAIN, /* nothing at the name, nor below it (RFC 8020) */
	RMT_DNS_SERVFAIL, /* servers answer, but not with an answer; or it is bogus */
	RMT_DNS_TIMEOUT,  /* no answer within the time there was */
};

struct rmt_dns_record {
	/* A: 4 octets, AAAA: 16. TXT: all strings joined. CNAME, NS, PTR: a name.
	 * MX: the exchange. SOA: the primary server. Else: as on the wire. */
	struct rmt_span data;
	uint16_t preference; /* MX */
};

struct rmt_dns_answer {
	enum rmt_dns_status status;
	bool secure;       /* validated by DNSSEC */
	bool bogus;        /* SERVFAIL since it did not validate */
	uint32_t ttl_secs; /* least of the chain; capped by the host */
	size_t count;      /* 0 unless FOUND */
	const struct rmt_dns_record *records;
	struct rmt_span canonical; /* where aliases led; empty: there were none */
};

struct rmt_dns_question {
	enum rmt_dns_type type;
	struct rmt_span name; /* looks into the asker; upper and lower case are one */
};

struct rmt_asker {
	bool waits; /* question is open */
	struct rmt_dns_question question;
	/* The answer is valid during the call. Asks again, or is done. */
	void (*answered)(struct rmt_asker *asker, const struct rmt_dns_answer *answer);
	/* What will probably be asked next: a host may fetch it ahead, so that a
	 * walk costs one round trip. Valid as long as the question. */
	const struct rmt_dns_question *hints;
	size_t hint_count;
};

#define RMT_ASKER_OWNER(asker_, type, member)                                            \
	((type *)(void *)((char *)(asker_)-offsetof(type, member)))

/* For evaluators. name must live until the answer comes. */
static inline void rmt_dns_ask(struct rmt_asker *asker, enum rmt_dns_type type,
			       struct rmt_span name)
{
	asker->question.type = type;
	asker->question.name = name;
	asker->waits = true;
}

/* For hosts. */
static inline void rmt_dns_resume(struct rmt_asker *asker,
				  const struct rmt_dns_answer *answer)
{
	asker->waits = false;
	asker->hints = NULL;
	asker->hint_count = 0;
	asker->answered(asker, answer);
}

/* No verdict can be built on it: temperror, never a refusal. */
static inline bool rmt_dns_failed(enum rmt_dns_status status)
{
	return status == RMT_DNS_SERVFAIL || status == RMT_DNS_TIMEOUT;
}

/* The name exists in no way, or has nothing of the type. */
static inline bool rmt_dns_void(enum rmt_dns_status status)
{
	return status == RMT_DNS_NODATA || status == RMT_DNS_NXDOMAIN;
}

/* Labels of 1 to 63 octets, 253 in all, no final dot; any octets. */
bool rmt_dns_name_ok(struct rmt_span name);

/* The part behind the first dot; empty when there is none. */
struct rmt_span rmt_dns_parent(struct rmt_span name);

size_t rmt_dns_label_count(struct rmt_span name);

/* name is tail, or below it. */
bool rmt_dns_below_or_same(struct rmt_span name, struct rmt_span tail);

/* "TXT", "TYPE65"; the type by its name, 0 when there is none. */
void rmt_dns_type_format(enum rmt_dns_type type, GString *out);
enum rmt_dns_type rmt_dns_type_parse(struct rmt_span name);

/* "found", "no data", "no such name", "server failure", "time-out" */
const char *rmt_dns_status_text(enum rmt_dns_status status);

#endif
