/* SPDX-License-Identifier: MIT */
/* What the mail plugin, doveadm and remite-http tell of receipts, as kinds of jobs. */
#include <string.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "dovecot-plugin/agent/consent.h"
#include "dovecot-plugin/agent/take.h"

enum { NEWS_SECS = 60 };

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
			    is_request(matter) ? RMT_ANSWER_DECIDED : RMT_ANSWER_CLEAR,
			    matter->now_us, deal);
	if (!rmt_deal_commit(matter->agent->store, deal, NULL, &err))
		return rmt_agent_trouble("answers", err);
	return RMT_TAKEN_ACK;
}

static void tell_what_would_be(const struct rmt_matter *matter)
{
	const struct rmt_receipt_decision *decision = &matter->decision;

	rmt_log(RMT_LOG_INFO, "receipt would %s user=<%s> id=<%s> to=<%s> reason=%s",
		rmt_receipt_verdict_name(decision->verdict), matter->subject->user,
		matter->id->str, matter->target, decision->reason->id);
}

static bool only_reports(const struct rmt_matter *matter)
{
	if (matter->agent->config->mode == RMT_MODE_ENFORCE)
		return false;
	tell_what_would_be(matter);
	return true;
}

static bool is_mode(const struct rmt_agent_job *job, const char *mode)
{
	return g_strcmp0(rmt_wire_get(job->record, "mode"), mode) == 0;
}

/* The message has no mark, so that the user's client asks and answers as ever: whatever
 * remite.conf says, nothing is kept that could make another receipt later. */
static bool is_for_the_report(const struct rmt_agent_job *job)
{
	return is_mode(job, "report");
}

/* Requests that were marked before the user's remite_receipts became "none" (pitfall
 * 26): the marks stay as they are, and nobody answers. */
static bool is_for_nobody(const struct rmt_agent_job *job)
{
	return is_mode(job, "none");
}

/* Delivered here it would have a row: it came by dsync or from another server, and it
 * is theirs to answer (K01). */
static bool is_from_elsewhere(const struct rmt_matter *matter,
			      const struct rmt_agent_job *job)
{
	return matter->agent->config->mode == RMT_MODE_ENFORCE &&
	       rmt_matter_state(matter) == RMT_CLAIM_NONE &&
	       g_strcmp0(rmt_wire_get(job->record, "told"), "yes") == 0;
}

/* Just delivered, the one who tells of it may come behind the reader. */
static enum rmt_taken leave_to_others(const struct rmt_matter *matter)
{
	if (matter->facts.now - matter->facts.received_at < NEWS_SECS)
		return RMT_TAKEN_LATER;
	rmt_log(RMT_LOG_INFO, "receipt left user=<%s> id=<%s>: not delivered here",
		matter->subject->user, matter->id->str);
	return clear_mark(matter);
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

static enum rmt_taken deliver(struct rmt_matter *matter, const struct rmt_agent_job *job)
{
	return is_request(matter) && !is_for_the_report(job) &&
			       matter->agent->config->mode == RMT_MODE_ENFORCE
		       ? note_delivery(matter)
		       : RMT_TAKEN_ACK;
}

/* The matter that the record is about. */
typedef enum rmt_taken take_matter(struct rmt_matter *matter,
				   const struct rmt_agent_job *job);
static enum rmt_taken take(struct rmt_agent *agent, const struct rmt_agent_job *job,
			   take_matter *how)
{
	g_autoptr(rmt_case) subject = rmt_case_of_record(job->user, job->record);
	struct rmt_matter matter;
	enum rmt_taken taken;
	GError *err = NULL;

	if (rmt_matter_open(agent, subject, &matter, &err))
		taken = how(&matter, job);
	else
		taken = rmt_agent_trouble("claims", err);
	rmt_matter_clear(&matter);
	return taken;
}

enum rmt_taken rmt_take_delivered(struct rmt_agent *agent,
				  const struct rmt_agent_job *job)
{
	return take(agent, job, deliver);
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

static enum rmt_taken refuse_mode(struct rmt_matter *matter)
{
	GError *err = NULL;

	if (matter->agent->config->mode != RMT_MODE_ENFORCE)
		return RMT_TAKEN_ACK;
	return end(matter, rmt_matter_deny(matter, "policy", "policy-none", &err), err);
}

/* What is decided already, or open at another copy, would not be decided again. */
static enum rmt_taken report(struct rmt_matter *matter)
{
	if (!is_request(matter) || rmt_matter_state(matter) >= RMT_CLAIM_ASKED)
		return RMT_TAKEN_ACK;
	rmt_matter_decide(matter, RMT_ANSWER_NONE);
	tell_what_would_be(matter);
	return RMT_TAKEN_ACK;
}

static enum rmt_taken show(struct rmt_matter *matter, const struct rmt_agent_job *job)
{
	enum rmt_claim_state state = rmt_matter_state(matter);
	g_autofree char *by = NULL;

	if (is_for_the_report(job))
		return report(matter);
	if (!is_request(matter) || state > RMT_CLAIM_ASKED)
		return clear_mark(matter);
	if (is_for_nobody(job))
		return refuse_mode(matter);
	if (is_from_elsewhere(matter, job))
		return leave_to_others(matter);
	if (state == RMT_CLAIM_ASKED)
		return RMT_TAKEN_ACK;
	if (rmt_matter_has_yes(matter)) {
		by = g_strdup(matter->row->by);
		rmt_matter_decide(matter, RMT_ANSWER_YES);
		return act(matter, by);
	}
	rmt_matter_decide(matter, RMT_ANSWER_NONE);
	return act(matter, "policy");
}

enum rmt_taken rmt_take_shown(struct rmt_agent *agent, const struct rmt_agent_job *job)
{
	return take(agent, job, show);
}

/* --- deleted --- */

/* Nobody is asked about what he threw away. Where nothing is sent, nothing is decided:
 * another copy may be displayed yet. */
static enum rmt_taken throw_away(struct rmt_matter *matter,
				 const struct rmt_agent_job *job)
{
	if (is_for_nobody(job) || is_for_the_report(job) ||
	    is_from_elsewhere(matter, job) || !is_request(matter) ||
	    rmt_matter_state(matter) > RMT_CLAIM_DELIVERED)
		return RMT_TAKEN_ACK;
	matter->facts.event = RMT_RECEIPT_DELETED;
	matter->facts.cannot_ask = true;
	rmt_matter_decide(matter, RMT_ANSWER_NONE);
	return matter->decision.verdict == RMT_RECEIPT_SEND ? act(matter, "policy")
							    : RMT_TAKEN_ACK;
}

enum rmt_taken rmt_take_deleted(struct rmt_agent *agent, const struct rmt_agent_job *job)
{
	return take(agent, job, throw_away);
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

static enum rmt_taken say_no(struct rmt_matter *matter, const struct choice *choice)
{
	GError *err = NULL;

	rmt_matter_decide(matter, RMT_ANSWER_NO);
	if (only_reports(matter))
		return RMT_TAKEN_ACK;
	return end(matter, rmt_matter_deny(matter, choice->by, choice->rule, &err), err);
}

/* A script's or the user's yes to what was not displayed yet is kept until it is: a
 * receipt says so. */
static enum rmt_taken say_yes(struct rmt_matter *matter, const struct choice *choice)
{
	enum rmt_claim_state state = rmt_matter_state(matter);
	GError *err = NULL;

	if (state > RMT_CLAIM_ASKED)
		return clear_mark(matter);
	rmt_matter_decide(matter, RMT_ANSWER_YES);
	if (state == RMT_CLAIM_ASKED || matter->decision.verdict != RMT_RECEIPT_SEND)
		return act(matter, choice->by);
	if (only_reports(matter))
		return RMT_TAKEN_ACK;
	return end(matter, rmt_matter_keep_yes(matter, choice->by, &err), err);
}

static enum rmt_taken choose(struct rmt_matter *matter, const struct choice *choice)
{
	GError *err = NULL;

	if (!is_request(matter))
		return clear_mark(matter);
	if (matter->agent->config->mode == RMT_MODE_ENFORCE &&
	    !keep_preference(matter, choice, &err))
		return rmt_agent_trouble("preferences", err);
	return choice->yes ? say_yes(matter, choice) : say_no(matter, choice);
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
	if (is_for_the_report(job))
		return RMT_TAKEN_ACK;
	subject = case_of_choice(agent, job, &err);
	if (err != NULL)
		return rmt_agent_trouble("prompts", err);
	if (subject == NULL)
		return rmt_agent_refuse(job, "nobody is asking that (any more)");
	if (!rmt_matter_open(agent, subject, &matter, &err))
		taken = rmt_agent_trouble("claims", err);
	else if (is_for_nobody(job) && is_request(&matter))
		taken = refuse_mode(&matter);
	else if (choice.yes && is_from_elsewhere(&matter, job) && is_request(&matter))
		taken = leave_to_others(&matter);
	else
		taken = choose(&matter, &choice);
	rmt_agent_ack_field(job, "state",
			    rmt_claim_state_name(rmt_matter_state(&matter)));
	rmt_matter_clear(&matter);
	return taken;
}
