/* SPDX-License-Identifier: MIT */
/* webhook.c - kind "webhook": the list software hears of an unsubscribe. remite-http
 * puts the job in with the suppression itself; the payload is what is sent. */
#include <jansson.h>
#include <string.h>

#include "common/base/log.h"
#include "common/unsubscribe/hook.h"
#include "dovecot-plugin/agent/webhook.h"

enum { FIRST_WAIT_SECS = 30, LAST_WAIT_SECS = 3600, TIMEOUT_MS = 15000 };

/* NULL: the stream has no webhook any more. */
static const struct rmt_stream *stream_of(const struct rmt_agent *agent,
					  struct rmt_span payload)
{
	json_t *root = json_loadb(payload.p, payload.len, 0, NULL);
	const char *name = json_string_value(json_object_get(root, "stream"));
	const struct rmt_stream *stream =
		name != NULL ? rmt_config_stream(agent->config, name) : NULL;

	json_decref(root);
	return stream != NULL && stream->unsubscribe.webhook != NULL ? stream : NULL;
}

static bool tell(const struct rmt_agent *agent, const struct rmt_stream *stream,
		 const struct rmt_job *job, GString *why, bool *gone_r)
{
	g_autoptr(GString) secret = g_string_new(NULL);
	g_autoptr(GError) err = NULL;

	*gone_r = false;
	if (!rmt_hook_secret(stream->unsubscribe.webhook_secret, secret, &err)) {
		g_string_assign(why, err->message);
		return false;
	}
	return rmt_hook_post(stream->unsubscribe.webhook,
			     rmt_span(secret->str, secret->len), job->payload,
			     rmt_agent_now(agent), TIMEOUT_MS, why, gone_r);
}

static bool put_off(struct rmt_agent *agent, const struct rmt_job *job, const char *why,
		    bool gone, GError **err)
{
	const int64_t now = rmt_agent_now(agent);
	const int64_t next = now + rmt_job_back_off(job->attempts + 1, FIRST_WAIT_SECS,
						    LAST_WAIT_SECS, g_str_hash(job->id));

	rmt_log(RMT_LOG_WARNING, "webhook: %s", why);
	if (gone || next > job->until)
		return rmt_job_give_up(agent->store, job, why, err);
	return rmt_job_again(agent->store, job, next, why, err);
}

void rmt_run_webhook(struct rmt_agent *agent, struct rmt_agent_worker *worker,
		     const struct rmt_job *job)
{
	const struct rmt_stream *stream = stream_of(agent, job->payload);
	g_autoptr(GString) why = g_string_new(NULL);
	GError *err = NULL;
	bool gone, ok;

	(void)worker;
	if (stream == NULL || tell(agent, stream, job, why, &gone))
		ok = rmt_job_done(agent->store, job, &err);
	else
		ok = put_off(agent, job, why->str, gone, &err);
	if (!ok)
		rmt_agent_trouble("jobs", err);
}
