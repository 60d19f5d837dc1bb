/* SPDX-License-Identifier: MIT */
/* verdict.h - what a table of rows says of a rule: the worst of its findings. */
#ifndef RMT_TEST_VERDICT_H
#define RMT_TEST_VERDICT_H

#include "common/rules/rules.h"

/* "holds", "unknown", "not-checked", or how bad it is: "error", "warning", "note". */
static inline const char *verdict_of(const struct rmt_rule_findings *findings,
				     enum rmt_rule_number rule)
{
	enum rmt_severity severity;
	enum rmt_rule_state state = rmt_rule_sum(findings, rule, &severity);

	return state == RMT_RULE_BROKEN ? rmt_severity_name(severity)
					: rmt_rule_state_name(state);
}

#endif
