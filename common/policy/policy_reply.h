/* SPDX-License-Identifier: MIT */
/* policy_reply.h - a decision in the words of Postfix's access(5). */
#ifndef RMT_POLICY_REPLY_H
#define RMT_POLICY_REPLY_H

#include "common/policy/engine.h"

enum { RMT_POLICY_REPLY_MAX = RMT_PREPEND_MAX + 64 };

/* "action=DUNNO\n\n" and the like; returns its length. Every action but DUNNO
 * has a text (Postfix would answer with words of its own); FILTER and PREPEND only
 * at DATA, where they are said once for the message. */
size_t rmt_policy_reply(const struct rmt_decision *decision, enum rmt_stage stage,
			char out[RMT_POLICY_REPLY_MAX]);

/* Without "action=" and the line ends: for logs and `remite explain`. */
size_t rmt_policy_action(const struct rmt_decision *decision, enum rmt_stage stage,
			 char out[RMT_POLICY_REPLY_MAX]);

#endif
