/* SPDX-License-Identifier: MIT */
#ifndef RMT_AGENT_WEBHOOK_H
#define RMT_AGENT_WEBHOOK_H

#include "dovecot-plugin/agent/agent.h"

void rmt_run_webhook(struct rmt_agent *agent, struct rmt_agent_worker *worker,
		     const struct rmt_job *job);

#endif
