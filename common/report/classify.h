/* SPDX-License-Identifier: MIT */
/* classify.h - from a server's words to a class, by the rows of rules.inc.
 *
 * All phrases of all rows are found in one pass (Aho and Corasick, 1975). Of the
 * rows that fit, the heaviest decides; the weights are so that doubt never ends
 * in "dead": whoever says "unknown user" and "blocked" at once is heard as blocked.
 */
#ifndef RMT_REPORT_CLASSIFY_H
#define RMT_REPORT_CLASSIFY_H

#include "common/report/report.h"

struct rmt_report_rule {
	const char *id;      /* stable, for logs and `why` */
	const char *pattern; /* normal form (text.h); "a*b": b within 60 octets of a;
				NULL: by the code alone */
	const char *host;    /* must occur in the host's name; NULL: any */
	const char *code;    /* of the status or reply, or how it begins; NULL: any */
	enum rmt_report_class class;
	int weight;
};

struct rmt_rules;
struct rmt_rules *rmt_rules_new(void);
void rmt_rules_free(struct rmt_rules *rules);

struct rmt_question {
	struct rmt_span text; /* normal form */
	const char *status;   /* "" */
	const char *reply;    /* "" */
	struct rmt_span host; /* who refused; may be empty */
	bool words_only;      /* rows that fit by their code alone do not count */
};

struct rmt_verdict {
	const struct rmt_report_rule *rule; /* NULL: none fits */
	size_t start, end;                  /* of the phrase in text; equal: by code */
};

void rmt_rules_ask(const struct rmt_rules *rules, const struct rmt_question *question,
		   struct rmt_verdict *verdict_r);

#endif
