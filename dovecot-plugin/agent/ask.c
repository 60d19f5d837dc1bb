/* SPDX-License-Identifier: MIT */
/* Users are asked by mail, one by one or in a digest; what nobody answers ends.
 *
 * The message goes out from the null sender: where the mailbox is full, the
 * question stays unanswered and nobody gets a bounce. */
#include <string.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "dovecot-plugin/agent/consent.h"
#include "dovecot-plugin/agent/prompt_text.h"
#include "dovecot-plugin/agent/run.h"

enum { FIRST_WAIT_SECS = 60, LAST_WAIT_SECS = 3600, DIGEST_MAX = 100 };

static void log_trouble(GError **err)
{
	if (*err != NULL)
		rmt_log(RMT_LOG_ERROR, "prompts: %s", (*err)->message);
	g_clear_error(err);
}

/* --- the mail --- */

static char *sender_of(const struct rmt_agent *agent)
{
	if (agent->config->prompts.from != NULL)
		return g_strdup(agent->config->prompts.from);
	return g_strdup_printf("remite@%s", agent->host);
}

/* The user's usual address; NULL: none is known. Own. */
static char *address_of(const struct rmt_agent *agent, const struct rmt_case *subject)
{
	g_autoptr(rmt_receipt_user) user = rmt_case_user(subject, agent->config);
	const struct rmt_mailbox *first;

	if (user->mailboxes->len == 0)
		return *subject->recipient != '\0' ? g_strdup(subject->recipient) : NULL;
	first = g_ptr_array_index(user->mailboxes, 0);
	return g_strdup(first->address);
}

static enum rmt_submitted submit(struct rmt_agent *agent, struct rmt_agent_worker *worker,
				 const struct rmt_case *subject, const char *message_id,
				 const struct rmt_prompt_question *questions,
				 size_t count, char **reply_r)
{
	g_autofree char *from = sender_of(agent), *to = address_of(agent, subject);
	struct rmt_prompt_letter mail = {
		.from = from,
		.to = to,
		.message_id = message_id,
		.language = *subject->language != '\0' ? subject->language : NULL,
		.standard = agent->config->receipts.language,
		.now = rmt_agent_now(agent),
		.questions = questions,
		.count = count,
	};
	g_autoptr(GString) text = NULL;
	struct rmt_mail out = { .sender = "" };

	if (to == NULL) {
		*reply_r = g_strdup("no address of the user is known");
		return RMT_SUBMITTED_REFUSED;
	}
	text = rmt_prompt_write(agent->templates, &mail);
	out.recipients = (const char *const[]){ to, NULL };
	out.text = rmt_span(text->str, text->len);
	return rmt_submit(worker->submission, &out, reply_r);
}

/* What may have been taken is not sent again: the question stands anyway. */
static void finish(struct rmt_agent *agent, const struct rmt_job *job,
		   enum rmt_submitted result, const char *reply)
{
	int64_t wait = rmt_job_back_off(job->attempts + 1, FIRST_WAIT_SECS,
					LAST_WAIT_SECS, g_random_int());
	int64_t next = rmt_agent_now(agent) + wait;
	g_autoptr(GError) err = NULL;

	if (result == RMT_SUBMITTED_LATER && next < job->until)
		rmt_job_again(agent->store, job, next, reply, &err);
	else
		rmt_job_done(agent->store, job, &err);
	if (result != RMT_SUBMITTED_TAKEN)
		rmt_log(RMT_LOG_INFO, "prompt %s job=%s: %s", rmt_submitted_name(result),
			job->id, reply);
	log_trouble(&err);
}

static void note_asked(struct rmt_agent *agent, struct rmt_prompt *prompt)
{
	g_autoptr(rmt_deal) deal = rmt_deal_new();
	g_autoptr(GError) err = NULL;

	prompt->notified = rmt_agent_now(agent);
	rmt_deal_if_prompt(deal, prompt->user, prompt->id);
	rmt_deal_put_prompt(deal, prompt);
	rmt_deal_commit(agent->store, deal, NULL, &err);
	log_trouble(&err);
}

/* --- one by one --- */

/* The job's id names user and key, as rmt_case_job_id() made it. */
static struct rmt_prompt *prompt_of(struct rmt_agent *agent, const struct rmt_job *job)
{
	g_autofree char *user = NULL;
	const char *hex = strrchr(job->id, ' ');
	struct rmt_prompt *prompt = NULL;
	g_autoptr(GError) err = NULL;
	char key[RMT_CLAIM_KEY];

	if (hex == NULL || !rmt_read_key(hex + 1, key))
		return NULL;
	user = g_strndup(job->id, (gsize)(hex - job->id));
	rmt_prompt_get_by_key(agent->store, user, rmt_span(key, sizeof(key)), &prompt,
			      &err);
	log_trouble(&err);
	return prompt;
}

struct count {
	int64_t since;
	unsigned asked;
};

static bool count_asked(void *context, const struct rmt_prompt *prompt)
{
	struct count *count = context;

	count->asked += prompt->notified >= count->since;
	return true;
}

/* More than a day's questions: the rest comes in one message later. */
static bool is_too_many(struct rmt_agent *agent, const struct rmt_prompt *prompt)
{
	struct count count = { rmt_agent_now(agent) - RMT_AGENT_DAY, 0 };

	rmt_prompts_walk(agent->store, prompt->user, count_asked, &count, NULL);
	return count.asked >= agent->config->prompts.per_day;
}

static void put_off(struct rmt_agent *agent, const struct rmt_prompt *prompt)
{
	const struct rmt_prompts_config *prompts = &agent->config->prompts;
	int64_t now = rmt_agent_now(agent);
	struct rmt_job job = {
		.kind = (char *)"digest",
		.id = prompt->user,
		.since = now,
		.next = now + (int64_t)(prompts->digest_ns / RMT_NS_PER_SEC),
		.until = now + 30 * (int64_t)RMT_AGENT_DAY,
	};
	g_autoptr(GError) err = NULL;

	rmt_job_add(agent->store, &job, NULL, &err);
	log_trouble(&err);
}

static void ask_one(struct rmt_agent *agent, struct rmt_agent_worker *worker,
		    const struct rmt_job *job, struct rmt_prompt *prompt)
{
	g_autoptr(rmt_case) subject = rmt_case_unpack(prompt->payload);
	g_autofree char *link = rmt_consent_link(agent, prompt), *reply = NULL;
	g_autofree char *message_id = rmt_consent_message_id(agent, prompt, 0);
	const struct rmt_prompt_question question = { prompt, link };
	enum rmt_submitted result = RMT_SUBMITTED_REFUSED;

	if (subject != NULL)
		result = submit(agent, worker, subject, message_id, &question, 1, &reply);
	finish(agent, job, result, reply != NULL ? reply : "the prompt is damaged");
	if (result == RMT_SUBMITTED_TAKEN)
		note_asked(agent, prompt);
}

void rmt_run_prompt(struct rmt_agent *agent, struct rmt_agent_worker *worker,
		    const struct rmt_job *job)
{
	g_autoptr(rmt_prompt) prompt = prompt_of(agent, job);
	g_autoptr(GError) err = NULL;
	bool later;

	if (prompt != NULL && prompt->notified == 0) {
		later = agent->config->prompts.mail == RMT_PROMPT_DIGEST ||
			is_too_many(agent, prompt);
		if (!later) {
			ask_one(agent, worker, job, prompt);
			return;
		}
		put_off(agent, prompt);
	}
	rmt_job_done(agent->store, job, &err);
	log_trouble(&err);
}

/* --- a digest --- */

static bool gather(void *context, const struct rmt_prompt *prompt)
{
	GPtrArray *open = context;
	struct rmt_prompt *copy;

	if (prompt->notified != 0)
		return true;
	copy = g_new0(struct rmt_prompt, 1);
	copy->user = g_strdup(prompt->user);
	copy->id = g_strdup(prompt->id);
	copy->target = g_strdup(prompt->target);
	copy->subject = g_strdup(prompt->subject);
	copy->rule = g_strdup(prompt->rule);
	copy->since = prompt->since;
	copy->until = prompt->until;
	copy->payload = rmt_span(g_memdup2(prompt->payload.p, prompt->payload.len),
				 prompt->payload.len);
	g_ptr_array_add(open, copy);
	return open->len < DIGEST_MAX;
}

/* Questions that came up while the last digest was made. */
static bool put_off_one(void *context, const struct rmt_prompt *prompt)
{
	if (prompt->notified != 0)
		return true;
	put_off(context, prompt);
	return false;
}

static void ask_all(struct rmt_agent *agent, struct rmt_agent_worker *worker,
		    const struct rmt_job *job, const GPtrArray *open)
{
	g_autofree struct rmt_prompt_question *questions =
		g_new0(struct rmt_prompt_question, open->len);
	struct rmt_prompt *first = g_ptr_array_index(open, 0);
	g_autoptr(rmt_case) subject = rmt_case_unpack(first->payload);
	g_autofree char *message_id = rmt_consent_message_id(agent, first, open->len);
	g_autoptr(GPtrArray) links = g_ptr_array_new_with_free_func(g_free);
	g_autofree char *reply = NULL;
	enum rmt_submitted result = RMT_SUBMITTED_REFUSED;
	guint i;

	for (i = 0; i < open->len; i++) {
		questions[i].prompt = g_ptr_array_index(open, i);
		questions[i].link = rmt_consent_link(agent, questions[i].prompt);
		g_ptr_array_add(links, (char *)questions[i].link);
	}
	if (subject != NULL)
		result = submit(agent, worker, subject, message_id, questions, open->len,
				&reply);
	finish(agent, job, result, reply != NULL ? reply : "a prompt is damaged");
	for (i = 0; result == RMT_SUBMITTED_TAKEN && i < open->len; i++)
		note_asked(agent, g_ptr_array_index(open, i));
	if (result == RMT_SUBMITTED_TAKEN)
		rmt_prompts_walk(agent->store, first->user, put_off_one, agent, NULL);
}

void rmt_run_digest(struct rmt_agent *agent, struct rmt_agent_worker *worker,
		    const struct rmt_job *job)
{
	g_autoptr(GPtrArray) open =
		g_ptr_array_new_with_free_func((GDestroyNotify)rmt_prompt_free);
	g_autoptr(GError) err = NULL;

	if (!rmt_prompts_walk(agent->store, job->id, gather, open, &err))
		log_trouble(&err);
	else if (open->len > 0)
		ask_all(agent, worker, job, open);
	else
		rmt_job_done(agent->store, job, &err);
	log_trouble(&err);
}

/* --- no answer is no --- */

void rmt_run_prompt_end(struct rmt_agent *agent, struct rmt_agent_worker *worker,
			const struct rmt_job *job)
{
	g_autoptr(rmt_prompt) prompt = prompt_of(agent, job);
	g_autoptr(rmt_case) subject = NULL;
	struct rmt_matter matter;
	g_autoptr(GError) err = NULL;

	(void)worker;
	if (prompt != NULL)
		subject = rmt_case_unpack(prompt->payload);
	if (subject != NULL) {
		if (rmt_matter_open_row(agent, subject, &matter, &err) &&
		    rmt_matter_state(&matter) == RMT_CLAIM_ASKED)
			rmt_matter_deny(&matter, "time", "unanswered", &err);
		rmt_matter_clear(&matter);
	}
	log_trouble(&err);
	rmt_job_done(agent->store, job, &err);
	log_trouble(&err);
}
