/* SPDX-License-Identifier: MIT */
/* readiness_private.h - what the files of readiness share.
 *
 *	readiness_entries.c  the table: domains, found fast, the oldest dropped
 *	readiness.c          questions, and answers to requests
 *	readiness_jobs.c     asking DNS, judging, for how long it holds
 */
#ifndef RMT_READINESS_PRIVATE_H
#define RMT_READINESS_PRIVATE_H

#include "common/rules/domain.h"
#include "common/rules/readiness.h"

#define RMT_READY_SECOND_US INT64_C(1000000)

/* How each requirement is found out. */
struct rmt_ready_row {
	enum rmt_rule_number rule;
	unsigned parts; /* enum rmt_facts_part */
	const char *code;
	void (*judge)(const struct rmt_facts *, struct rmt_rule_findings *);
};
extern const struct rmt_ready_row rmt_ready_rows[RMT_REQUIRE_COUNT];

/* What is looked at only when there is something to tell. */
struct rmt_ready_known {
	int64_t known_us;
	int64_t good_until_us[RMT_REQUIRE_COUNT];
	char *texts[RMT_REQUIRE_COUNT]; /* own; of what is broken */
	char *org;                      /* own; of the question for it alone; or NULL */
};

/* Small, for every request looks at one. Bits are 1 << enum rmt_requirement. */
struct rmt_ready_entry {
	struct rmt_ready_question *question; /* foreign */
	unsigned broken, unknown, stale;
	unsigned failures; /* in a row */
	bool asked, waiting, in_flight, orphan;
	int64_t fresh_until_us, touched_us;
	struct rmt_ready_known *known;         /* own */
	struct rmt_ready_entry *newer, *older; /* by when it was last asked for */
	uint32_t seed;                         /* the cache's */
	uint32_t len;
	char domain[]; /* NUL behind it */
};

struct rmt_ready_question {
	char *fingerprint;               /* own */
	unsigned wanted;                 /* bits of requirements */
	GHashTable *entries;             /* own; by domain */
	struct rmt_readiness *readiness; /* foreign */
};

struct rmt_ready_job {
	struct rmt_ready_entry *entry;
	struct rmt_facts *facts; /* own */
};

struct rmt_readiness {
	struct rmt_config *config; /* a reference; or NULL */
	struct rmt_ready_question *
		*of_streams;  /* own; foreign questions, by stream index */
	GPtrArray *questions; /* own */
	struct rmt_ready_question
		*orgs;  /* own; for whom a domain belongs to: no stream's */
	GQueue waiting; /* foreign entries */
	struct rmt_ready_entry *newest, *oldest;
	rmt_readiness_selectors *selectors; /* or NULL */
	void *selectors_context;            /* foreign */
	uint32_t seed;                      /* of hashes */
	struct rmt_readiness_stats stats;
};

/* --- readiness_entries.c -------------------------------------------------------- */

/* A table that frees its entries. */
GHashTable *rmt_ready_entries_new(void);
struct rmt_ready_entry *rmt_ready_entry_find(const struct rmt_ready_question *question,
					     struct rmt_span domain);

/* Dropping the oldest one where there are too many. */
struct rmt_ready_entry *rmt_ready_entry_add(struct rmt_ready_question *question,
					    struct rmt_span domain);
void rmt_ready_drop_oldest(struct rmt_readiness *readiness);

/* It was asked for just now. */
void rmt_ready_entry_touch(struct rmt_ready_entry *entry, int64_t now_us);
void rmt_ready_clear_texts(struct rmt_ready_entry *entry);

#endif
