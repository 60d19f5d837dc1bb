/* SPDX-License-Identifier: MIT */
/* Once a day what is old goes: claims, answers nobody asked for, lines of the
 * audit trail. The job puts itself off to the next day. */
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/store/answers.h"
#include "common/store/audit.h"
#include "dovecot-plugin/agent/run.h"

enum { FIRST_SECS = 600 };

static bool sweep(struct rmt_agent *agent, uint64_t *gone_r, GError **err)
{
	int64_t now = rmt_agent_now(agent);
	int64_t kept = (int64_t)(agent->config->agent.audit_kept_ns / RMT_NS_PER_SEC);
	uint64_t claims = 0, answers = 0, lines = 0;
	bool ok = rmt_claims_expire(agent->store, now, &claims, err) &&
		  rmt_answers_expire(agent->store, now, &answers, err) &&
		  rmt_audit_erase(agent->store, NULL, (now - kept) * G_USEC_PER_SEC,
				  &lines, err);

	*gone_r = claims + answers + lines;
	return ok;
}

void rmt_run_sweep(struct rmt_agent *agent, struct rmt_agent_worker *worker,
		   const struct rmt_job *job)
{
	g_autoptr(GError) err = NULL, err_again = NULL;
	uint64_t gone = 0;

	(void)worker;
	if (!sweep(agent, &gone, &err))
		rmt_log(RMT_LOG_ERROR, "sweep: %s", err->message);
	else if (gone > 0)
		rmt_log(RMT_LOG_INFO, "sweep: %" G_GUINT64_FORMAT " old entries removed",
			(guint64)gone);
	if (!rmt_job_again(agent->store, job, rmt_agent_now(agent) + RMT_AGENT_DAY, NULL,
			   &err_again))
		rmt_log(RMT_LOG_ERROR, "sweep: %s", err_again->message);
}

bool rmt_sweep_start(struct rmt_agent *agent, GError **err)
{
	int64_t now = rmt_agent_now(agent);
	struct rmt_job job = { .kind = (char *)"sweep",
			       .id = (char *)"daily",
			       .since = now,
			       .next = now + FIRST_SECS,
			       .until = INT64_MAX };

	return rmt_job_add(agent->store, &job, NULL, err);
}
