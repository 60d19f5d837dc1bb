/* SPDX-License-Identifier: MIT */
/* feedback.h - bounces and complaints that come by LMTP. */
#ifndef RMT_AGENT_FEEDBACK_H
#define RMT_AGENT_FEEDBACK_H

#include "dovecot-plugin/agent/agent.h"

/* "feedback": the body is the message. */
enum rmt_taken rmt_take_feedback(struct rmt_agent *agent,
				 const struct rmt_agent_job *job);
/* What is kept between two: before the store is closed. */
void rmt_feedback_forget(void);

#endif
