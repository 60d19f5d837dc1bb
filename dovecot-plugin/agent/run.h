/* SPDX-License-Identifier: MIT */
/* run.h - the kinds of stored jobs about receipts. */
#ifndef RMT_AGENT_RUN_H
#define RMT_AGENT_RUN_H

#include "dovecot-plugin/agent/receipt.h"

/* "receipt": composes and submits. */
void rmt_run_receipt(struct rmt_agent *agent, struct rmt_agent_worker *worker,
		     const struct rmt_job *job);
/* "prompt": a message that asks; "digest" (id: the user): all open questions;
 * "prompt-end": nobody answered. */
void rmt_run_prompt(struct rmt_agent *agent, struct rmt_agent_worker *worker,
		    const struct rmt_job *job);
void rmt_run_digest(struct rmt_agent *agent, struct rmt_agent_worker *worker,
		    const struct rmt_job *job);
void rmt_run_prompt_end(struct rmt_agent *agent, struct rmt_agent_worker *worker,
			const struct rmt_job *job);
/* "sweep": removes what is old, daily. */
void rmt_run_sweep(struct rmt_agent *agent, struct rmt_agent_worker *worker,
		   const struct rmt_job *job);
bool rmt_sweep_start(struct rmt_agent *agent, GError **err);

#endif
