/* SPDX-License-Identifier: MIT */
/* What the mail plugin, doveadm and remite-http tell of receipts, as kinds of jobs. */
#include <string.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "dovecot-plugin/agent/consent.h"
#include "dovecot-plugin/agent/take.h"

/* A message without claim is nobody's: no id and none of the fields that make one. */
static bool is_request(const struct rmt_matter *matter)
{
	return matter->request->asked && matter->id->len > 0;
}

/* Nothing to answer, or decided long ago: this copy's mark goes. */
static enum rmt_taken clear_mark(const struct rmt_matter *matter)
{
	g_autoptr(rmt_deal) deal = rmt_deal_new();
	const char *id = matter->id->len > 0 ? matter->id->str : matter->subject->guid;
	GError *err = NULL;

	if (*id == '\0')
		return RMT_TAKEN_ACK;
	rmt_case_put_answer(matter->subject, id,
			    is_request(matter) ? RMT_ANSWER_DECIDED
					       : "remove=" RMT_KEYWORD_PENDING,
			    matter->now_us, deal);
	if (!rmt_deal_commit(matter->agent->store, deal, NULL, &err))
		return rmt_agent_trouble("answers", err);
	return RMT_TAKEN_ACK;
}

static bool only_reports(const struct rmt_matter *matter)
{
	const struct rmt_receipt_decision *decision = &matter->decision;

	if (matter->agent->config->mode == RMT_MODE_ENFORCE)
		return false;
	rmt_log(RMT_LOG_INFO, "receipt would %s user=<%s> id=<%s> to=<%s> reason=%s",
		rmt_receipt_verdict_name(decision->verdict), matter->subject->user,
		matter->id->str, matter->target, decision->reason->id);
	return true;
}

static enum rmt_taken end(const struct rmt_matter *matter, enum rmt_claim_result result,
			  GError *err)
{
	if (result == RMT_CLAIM_TROUBLE)
		return rmt_agent_trouble("claims", err);
	if (result == RMT_CLAIM_REFUSED && rmt_matter_state(matter) > RMT_CLAIM_ASKED)
		return clear_mark(matter);
	return RMT_TAKEN_ACK;
}

/* --- delivered --- */

static enum rmt_taken note_delivery(const struct rmt_matter *matter)
{
	int64_t now = matter->now_us / G_USEC_PER_SEC;
	struct rmt_claim_step step = {
		.user = matter->subject->user,
		.id = matter->id->str,
		.from = RMT_CLAIM_IN(RMT_CLAIM_NONE),
		.to = RMT_CLAIM_DELIVERED,
		.now = now,
		.until = now + (int64_t)(matter->agent->config->agent.claims_kept_ns /
					 RMT_NS_PER_SEC),
		.target = matter->target,
		.recipient = matter->subject->recipient,
		.by = "delivery",
	};
	GError *err = NULL;

	if (rmt_claim_take(matter->agent->store, &step, NULL, NULL, &err) ==
	    RMT_CLAIM_TROUBLE)
		return rmt_agent_trouble("claims", err);
	return RMT_TAKEN_ACK;
}

enum rmt_taken rmt_take_delivered(struct rmt_agent *agent,
				  const struct rmt_agent_job *job)
{
	g_autoptr(rmt_case) subject = rmt_case_of_record(job->user, job->record);
	enum rmt_taken taken = RMT_TAKEN_ACK;
	struct rmt_matter matter;
	GError *err = NULL;

	if (!rmt_matter_open(agent, subject, &matter, &err))
		taken = rmt_agent_trouble("claims", err);
	else if (is_request(&matter) && agent->config->mode == RMT_MODE_ENFORCE)
		taken = note_delivery(&matter);
	rmt_matter_clear(&matter);
	return taken;
}

/* --- shown --- */

static enum rmt_taken act(struct rmt_matter *matter, const char *by)
{
	GError *err = NULL;

	if (only_reports(matter))
		return RMT_TAKEN_ACK;
	switch (matter->decision.verdict) {
	case RMT_RECEIPT_SEND:
		return end(matter, rmt_matter_approve(matter, by, &err), err);
	case RMT_RECEIPT_ASK:
		return end(matter, rmt_matter_ask(matter, &err), err);
	default:
		return end(matter,
			   rmt_matter_deny(matter, "policy", matter->decision.reason->id,
					   &err),
			   err);
	}
}

static enum rmt_taken show(struct rmt_matter *matter)
{
	enum rmt_claim_state state = rmt_matter_state(matter);

	if (!is_request(matter) || state > RMT_CLAIM_ASKED)
		return clear_mark(matter);
	if (state == RMT_CLAIM_ASKED)
		return RMT_TAKEN_ACK;
	rmt_matter_decide(matter, RMT_ANSWER_NONE);
	return act(matter, "policy");
}

enum rmt_taken rmt_take_shown(struct rmt_agent *agent, const struct rmt_agent_job *job)
{
	g_autoptr(rmt_case) subject = rmt_case_of_record(job->user, job->record);
	struct rmt_matter matter;
	enum rmt_taken taken;
	GError *err = NULL;

	if (rmt_matter_open(agent, subject, &matter, &err))
		taken = show(&matter);
	else
		taken = rmt_agent_trouble("claims", err);
	rmt_matter_clear(&matter);
	return taken;
}

/* --- choice --- */

struct choice {
	const char *word, *by;
	bool yes;
	enum rmt_choice preference; /* of this sender from now on */
	const char *rule;
};

static bool read_choice(const struct rmt_agent_job *job, struct choice *choice_r)
{
	static const struct choice choices[] = {
		{ "approve", NULL, true, RMT_CHOICE_NONE, NULL },
		{ "deny", NULL, false, RMT_CHOICE_NONE, "user-no" },
		{ "always", NULL, true, RMT_CHOICE_ALWAYS, NULL },
		{ "never", NULL, false, RMT_CHOICE_NEVER, "user-never" },
		{ "junk", NULL, false, RMT_CHOICE_NONE, "junk" },
	};
	const char *word = rmt_wire_get(job->record, "choice");
	const char *by = rmt_wire_get(job->record, "by");
	size_t i;

	for (i = 0; word != NULL && i < G_N_ELEMENTS(choices); i++)
		if (strcmp(word, choices[i].word) == 0) {
			*choice_r = choices[i];
			choice_r->by = by != NULL                          ? by
				       : strcmp(job->role, "http") == 0    ? "link"
				       : strcmp(job->role, "doveadm") == 0 ? "command"
									   : "keyword";
			return true;
		}
	return false;
}

static bool keep_preference(const struct rmt_matter *matter, const struct choice *choice,
			    GError **err)
{
	const char *user = matter->subject->user;

	if (choice->preference == RMT_CHOICE_NONE || *matter->sender == '\0')
		return true;
	return rmt_preference_set(matter->agent->store, user, matter->sender,
				  choice->preference, choice->by,
				  matter->now_us / G_USEC_PER_SEC, err) &&
	       rmt_preference_tell(matter->agent, user, err);
}

static enum rmt_taken choose(struct rmt_matter *matter, const struct choice *choice)
{
	GError *err = NULL;

	if (!is_request(matter))
		return clear_mark(matter);
	if (matter->agent->config->mode == RMT_MODE_ENFORCE &&
	    !keep_preference(matter, choice, &err))
		return rmt_agent_trouble("preferences", err);
	rmt_matter_decide(matter, choice->yes ? RMT_ANSWER_YES : RMT_ANSWER_NO);
	if (!choice->yes) {
		if (only_reports(matter))
			return RMT_TAKEN_ACK;
		return end(matter,
			   rmt_matter_deny(matter, choice->by, choice->rule, &err), err);
	}
	if (rmt_matter_state(matter) > RMT_CLAIM_ASKED)
		return clear_mark(matter);
	return act(matter, choice->by);
}

bool rmt_take_prompt(struct rmt_agent *agent, const struct rmt_agent_job *job,
		     struct rmt_prompt **prompt_r, GError **err)
{
	const char *hex = rmt_wire_get(job->record, "key");
	const char *id = rmt_wire_get(job->record, "id");
	g_autoptr(GString) bare = g_string_new(NULL);
	char key[RMT_CLAIM_KEY];

	*prompt_r = NULL;
	if (hex != NULL)
		return !rmt_read_key(hex, key) ||
		       rmt_prompt_get_by_key(agent->store, job->user,
					     rmt_span(key, sizeof(key)), prompt_r, err);
	rmt_claim_id(rmt_span_of(id), bare);
	return bare->len == 0 ||
	       rmt_prompt_get(agent->store, job->user, bare->str, prompt_r, err);
}

/* The plugin has the message; others name the prompt, which has what is needed. */
static struct rmt_case *case_of_choice(struct rmt_agent *agent,
				       const struct rmt_agent_job *job, GError **err)
{
	g_autoptr(rmt_prompt) prompt = NULL;

	if (job->record->body_len > 0)
		return rmt_case_of_record(job->user, job->record);
	if (!rmt_take_prompt(agent, job, &prompt, err) || prompt == NULL)
		return NULL;
	return rmt_case_unpack(prompt->payload);
}

enum rmt_taken rmt_take_choice(struct rmt_agent *agent, const struct rmt_agent_job *job)
{
	g_autoptr(rmt_case) subject = NULL;
	struct rmt_matter matter;
	struct choice choice;
	enum rmt_taken taken;
	GError *err = NULL;

	if (!read_choice(job, &choice))
		return rmt_agent_refuse(job, "choice: write approve, deny, always, never "
					     "or junk");
	subject = case_of_choice(agent, job, &err);
	if (err != NULL)
		return rmt_agent_trouble("prompts", err);
	if (subject == NULL)
		return rmt_agent_refuse(job, "nobody is asking that (any more)");
	if (rmt_matter_open(agent, subject, &matter, &err))
		taken = choose(&matter, &choice);
	else
		taken = rmt_agent_trouble("claims", err);
	rmt_agent_ack_field(job, "state",
			    rmt_claim_state_name(rmt_matter_state(&matter)));
	rmt_matter_clear(&matter);
	return taken;
}
