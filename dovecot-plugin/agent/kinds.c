/* SPDX-License-Identifier: MIT */
/* The table of kinds: a new one is a file and a row. */
#include <string.h>

#include "dovecot-plugin/agent/leave.h"
#include "dovecot-plugin/agent/feedback.h"
#include "dovecot-plugin/agent/run.h"
#include "dovecot-plugin/agent/take.h"
#include "dovecot-plugin/agent/webhook.h"

/* clang-format off */
const struct rmt_agent_kind rmt_agent_kinds[] = {
	/* From the mail plugin, doveadm and remite-http. */
	{ "delivered",   rmt_take_delivered,  NULL },
	{ "shown",       rmt_take_shown,      NULL },
	{ "deleted",     rmt_take_deleted,    NULL },
	{ "choice",      rmt_take_choice,     NULL },
	{ "preference",  rmt_take_preference, NULL },
	{ "feedback",    rmt_take_feedback,   NULL },
	{ "query",       rmt_take_query,      NULL },
	{ "unsubscribe", rmt_take_unsubscribe, rmt_run_unsubscribe },
	/* From our own queue. */
	{ "receipt",     NULL, rmt_run_receipt },
	{ "prompt",      NULL, rmt_run_prompt },
	{ "digest",      NULL, rmt_run_digest },
	{ "prompt-end",  NULL, rmt_run_prompt_end },
	{ "sweep",       NULL, rmt_run_sweep },
	{ "webhook",     NULL, rmt_run_webhook },
	{ NULL, NULL, NULL },
};
/* clang-format on */

const struct rmt_agent_kind *rmt_agent_kind(const char *name)
{
	const struct rmt_agent_kind *kind;

	for (kind = rmt_agent_kinds; kind->name != NULL; kind++)
		if (strcmp(kind->name, name) == 0)
			return kind;
	return NULL;
}

enum rmt_taken rmt_agent_take(struct rmt_agent *agent, const struct rmt_agent_job *job)
{
	const struct rmt_agent_kind *kind = rmt_agent_kind(job->record->kind);

	if (kind == NULL || kind->take == NULL)
		return rmt_agent_refuse(job, "this agent knows no job of kind '%s'",
					job->record->kind);
	return kind->take(agent, job);
}
