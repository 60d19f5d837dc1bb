/* SPDX-License-Identifier: MIT */
#include "common/policy/policy_reply.h"

#include <stdio.h>

static const char *word(enum rmt_action action)
{
	switch (action) {
	case RMT_ACTION_DEFER: /* only if nothing else refuses it for good */
		return "DEFER_IF_PERMIT";
	case RMT_ACTION_REJECT:
		return "REJECT";
	case RMT_ACTION_HOLD:
		return "HOLD";
	case RMT_ACTION_DISCARD:
		return "DISCARD";
	default:
		return "DUNNO";
	}
}

static const char *default_text(enum rmt_action action)
{
	switch (action) {
	case RMT_ACTION_DEFER:
		return "4.7.1 Try again later";
	case RMT_ACTION_REJECT:
		return "5.7.1 Refused by policy";
	default:
		return "policy";
	}
}

size_t rmt_policy_action(const struct rmt_decision *decision, enum rmt_stage stage,
			 char out[RMT_POLICY_REPLY_MAX])
{
	const bool passes = decision->action <= RMT_ACTION_REPORT;
	int n;

	if (passes && decision->filter != NULL && stage == RMT_STAGE_DATA)
		n = snprintf(out, RMT_POLICY_REPLY_MAX, "FILTER %s", decision->filter);
	else if (passes && decision->prepend[0] != '\0' && stage == RMT_STAGE_DATA)
		n = snprintf(out, RMT_POLICY_REPLY_MAX, "PREPEND %s", decision->prepend);
	else if (passes)
		n = snprintf(out, RMT_POLICY_REPLY_MAX, "DUNNO");
	else
		n = snprintf(out, RMT_POLICY_REPLY_MAX, "%s %s", word(decision->action),
			     decision->text[0] != '\0' ? decision->text
						       : default_text(decision->action));
	return (size_t)MIN(n, RMT_POLICY_REPLY_MAX - 1);
}

size_t rmt_policy_reply(const struct rmt_decision *decision, enum rmt_stage stage,
			char out[RMT_POLICY_REPLY_MAX])
{
	static const char dunno[] = "action=DUNNO\n\n";
	char action[RMT_POLICY_REPLY_MAX];

	if (decision->action <= RMT_ACTION_REPORT && decision->filter == NULL &&
	    decision->prepend[0] == '\0') {
		memcpy(out, dunno, sizeof(dunno));
		return sizeof(dunno) - 1;
	}
	rmt_policy_action(decision, stage, action);
	return (size_t)snprintf(out, RMT_POLICY_REPLY_MAX, "action=%.*s\n\n",
				RMT_POLICY_REPLY_MAX - 16, action);
}
