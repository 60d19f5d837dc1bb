/* SPDX-License-Identifier: MIT */
/* verdict.h - facts of a message against the rules of its stream: what does not
 * hold, what is done about it, and in which words. Pure. */
#ifndef RMT_MILTER_VERDICT_H
#define RMT_MILTER_VERDICT_H

#include "postfix-policy/milter/gather.h"

enum { RMT_FINDINGS_MAX = 32, RMT_FINDING_TEXT_MAX = 320 };

/* A rule that does not hold. */
struct rmt_found {
	enum rmt_rule_group group;
	enum rmt_level level; /* of the stream, lowered by what kind of message it is */
	const char *rule;     /* "R6": docs/rules, reference of the providers */
	const char *code;     /* enhanced status code without its class: "7.26" */
	char text[RMT_FINDING_TEXT_MAX]; /* one sentence for the sender; printable */
};

struct rmt_outcome {
	struct rmt_found found[RMT_FINDINGS_MAX]; /* beyond it, no more are listed */
	size_t count;
	enum rmt_level level;        /* the highest: what would be done */
	enum rmt_level done;         /* what is done: as level, or LOG in report mode */
	const struct rmt_found *why; /* the first of that level; NULL: none */
	const char *open; /* what could not be known, so nothing came of it; or NULL */
};

void rmt_judge(const struct rmt_message_facts *facts, const struct rmt_stream *stream,
	       struct rmt_outcome *verdict_r);

/* "R6,R11", or "-". */
void rmt_outcome_rules(const struct rmt_outcome *verdict, GString *out);

/* The three parts of a refusal; text ends with the rule's id. Only for DEFER and
 * REJECT. */
struct rmt_reply {
	char code[4];   /* "550" */
	char status[8]; /* "5.7.26" */
	char text[RMT_FINDING_TEXT_MAX + 32];
};
void rmt_outcome_reply(const struct rmt_outcome *verdict, struct rmt_reply *reply_r);

/* The value of the field that is added at level header. */
void rmt_outcome_field(const struct rmt_outcome *verdict, GString *out);

#endif
