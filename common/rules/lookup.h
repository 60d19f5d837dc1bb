/* SPDX-License-Identifier: MIT */
/* lookup.h - one question to DNS, and its answer kept. */
#ifndef RMT_LOOKUP_H
#define RMT_LOOKUP_H

#include "common/auth/dns.h"

enum { RMT_LOOKUP_VALUES_MAX = 64 };

struct rmt_lookup {
	struct rmt_asker asker;
	enum rmt_dns_type type;
	char *name;                 /* own; lower case */
	enum rmt_dns_status status; /* TIMEOUT until answered */
	bool alias, secure, bogus;
	uint32_t ttl_secs;
	GPtrArray *values; /* own; GString: data as in struct rmt_dns_record */
};

/* Leaves the question open in lookup->asker. lookup must not move until it is
 * cleared; a name that DNS cannot hold is NXDOMAIN at once. */
void rmt_lookup_start(struct rmt_lookup *lookup, enum rmt_dns_type type,
		      const char *format, ...) G_GNUC_PRINTF(3, 4);
void rmt_lookup_clear(struct rmt_lookup *lookup); /* takes a zeroed one, too */

static inline bool rmt_lookup_started(const struct rmt_lookup *lookup)
{
	return lookup->name != NULL;
}

/* On the heap, for lists of them. */
struct rmt_lookup *rmt_lookup_new(void);
void rmt_lookup_free(struct rmt_lookup *lookup);

/* Lowers ttl to that of what was asked; 0: DNS did not answer. */
void rmt_lookup_least_ttl(const struct rmt_lookup *lookup, uint32_t *ttl);

size_t rmt_lookup_count(const struct rmt_lookup *lookup);
struct rmt_span rmt_lookup_value(const struct rmt_lookup *lookup, size_t i);

/* Values as an answer, for evaluators' helpers; valid until the next call. records
 * holds RMT_LOOKUP_VALUES_MAX. */
struct rmt_dns_answer rmt_lookup_answer(const struct rmt_lookup *lookup,
					struct rmt_dns_record *records);

#endif
