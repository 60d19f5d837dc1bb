/* SPDX-License-Identifier: MIT */
/* A mail that was delivered to a mailbox return paths lead to: written down, read,
 * acknowledged. The message itself stays in the mailbox; a repeat is known. */
#include "common/base/log.h"
#include "common/feedback/feedback.h"
#include "common/message/header.h"
#include "dovecot-plugin/agent/feedback.h"

enum { KEPT_SECS = 60 }; /* keys are rotated while we run */

/* Of the main thread, like all that is taken: rules and keys, made ready. */
static struct {
	struct rmt_feedback *feedback; /* own */
	const struct rmt_agent *agent;
	int64_t since;
} ready;

static struct rmt_feedback *make_ready(struct rmt_agent *agent)
{
	int64_t now = rmt_agent_now(agent);

	if (ready.feedback != NULL && ready.agent == agent &&
	    now - ready.since < KEPT_SECS)
		return ready.feedback;
	g_clear_pointer(&ready.feedback, rmt_feedback_free);
	ready.feedback = rmt_feedback_new(agent->config, agent->store, now);
	ready.agent = agent;
	ready.since = now;
	if (ready.feedback->key_trouble != NULL)
		rmt_log(RMT_LOG_WARNING, "feedback: no return path can be believed: %s",
			ready.feedback->key_trouble);
	return ready.feedback;
}

void rmt_feedback_forget(void)
{
	g_clear_pointer(&ready.feedback, rmt_feedback_free);
}

/* What the delivery says, else what it wrote into the message. */
static char *recipient_of(const struct rmt_agent_job *job, struct rmt_span message)
{
	const char *said = rmt_wire_get(job->record, "rcpt");
	struct rmt_header_reader reader = rmt_header_read(message);
	struct rmt_header_field field;
	struct rmt_span value;

	if (said != NULL && said[0] != '\0')
		return g_strdup(said);
	while (rmt_header_next(&reader, &field)) {
		if (!rmt_span_eq_nocase(field.name, RMT_SPAN("Delivered-To")))
			continue;
		value = rmt_span_trim(field.value);
		return g_strndup(value.p, value.len);
	}
	return g_strdup("");
}

enum rmt_taken rmt_take_feedback(struct rmt_agent *agent, const struct rmt_agent_job *job)
{
	struct rmt_feedback *feedback = make_ready(agent);
	struct rmt_span message =
		rmt_span((const char *)job->record->body, job->record->body_len);
	g_autofree char *recipient = recipient_of(job, message);
	const struct rmt_feedback_item item = { "lmtp", recipient, "", "", message };
	int64_t now = rmt_agent_now(agent);
	struct rmt_feedback_done done;
	struct rmt_inbox_id id;
	GError *err = NULL;

	if (message.len == 0)
		return rmt_agent_refuse(job, "a report has no message");
	if (!rmt_feedback_take(feedback, &item, now, &id, &err))
		return rmt_agent_trouble("feedback", err);
	rmt_agent_fault(agent, "feedback written down");
	if (rmt_feedback_work(feedback, &id, now, &done, &err))
		rmt_log(RMT_LOG_INFO, "feedback: %s", done.line->str);
	else
		rmt_agent_trouble("feedback: kept, not yet acted upon", err);
	rmt_feedback_done_clear(&done);
	return RMT_TAKEN_ACK;
}
