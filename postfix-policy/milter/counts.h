/* SPDX-License-Identifier: MIT */
/* counts.h - what became of messages since the start, at all places: in memory that
 * the processes share, so that one of them can tell it all to Prometheus. */
#ifndef RMT_MILTER_COUNTS_H
#define RMT_MILTER_COUNTS_H

#include "common/rules/rules.h"
#include "postfix-policy/milter/outcome.h"
#include "postfix-policy/milter/place.h"

enum { RMT_COUNTS_BUCKETS = 12 };

/* Findings that are not of the table of rules. */
enum rmt_counts_other {
	RMT_COUNTS_LIMIT,
	RMT_COUNTS_PAUSED,
	RMT_COUNTS_SUPPRESSED,
	RMT_COUNTS_OTHER,
	RMT_COUNTS_OTHERS,
};

struct rmt_counts_of_place {
	uint64_t messages;
	uint64_t would[RMT_LEVEL_REJECT + 1], done[RMT_LEVEL_REJECT + 1];
	uint64_t rules[RMT_RULE_END], others[RMT_COUNTS_OTHERS];
	uint64_t open;  /* messages of which something could not be known */
	uint64_t edits; /* messages that were changed */
	uint64_t spent[RMT_COUNTS_BUCKETS + 1], spent_us; /* from the end to the answer */
};

struct rmt_counts {
	struct rmt_counts_of_place places[RMT_PLACE_COUNT];
};

/* Shared with every process forked afterwards; for good. NULL: no memory. */
struct rmt_counts *rmt_counts_new(void);

/* Any thread of any process. edited: its edits are made. */
void rmt_counts_message(struct rmt_counts *counts, enum rmt_place place,
			const struct rmt_outcome *outcome, bool edited, int64_t spent_us);

/* "place=after messages=12 log=1 ...": what was, or would have been, done. */
void rmt_counts_line(struct rmt_counts *counts, enum rmt_place place, GString *out);

/* Prometheus' text format. */
void rmt_counts_page(struct rmt_counts *counts, GString *out);

#endif
