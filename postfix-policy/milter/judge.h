/* SPDX-License-Identifier: MIT */
/* judge.h - facts of a message against the rules of its stream: R1, R2, R4, R5, R6,
 * R7, R8 and R11's From. Pure. */
#ifndef RMT_MILTER_JUDGE_H
#define RMT_MILTER_JUDGE_H

#include "postfix-policy/milter/gather.h"
#include "postfix-policy/milter/outcome.h"

/* A notice is never refused for alignment, indirect mail for nothing. */
enum rmt_level rmt_judge_level(const struct rmt_stream *stream, enum rmt_kind kind,
			       enum rmt_rule_group group);

/* Adds what does not hold. */
void rmt_judge(const struct rmt_message_facts *facts, const struct rmt_stream *stream,
	       struct rmt_outcome *outcome);

#endif
