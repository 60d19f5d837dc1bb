/* SPDX-License-Identifier: MIT */
/* Kind "query": what doveadm and remite-http may ask. what=
 *	pending		a row for each open question of the user: key id target
 *			subject since until rule
 *	prompt		the same for the one that key= or id= names; no row: answered,
 *			or never asked
 *	state		a row with the claim of id=: state by rule since changed target
 *	preferences	a row for each: choice sender by since
 *	explain		what would be done about the message whose header is the body:
 *			verdict reason ids text; nothing is changed
 */
#include <string.h>

#include "dovecot-plugin/agent/consent.h"
#include "dovecot-plugin/agent/take.h"

static void begin_row(const struct rmt_agent_job *job)
{
	rmt_wire_begin(job->rows, "ROW", job->record->id, NULL);
}

static bool add_prompt(void *context, const struct rmt_prompt *prompt)
{
	const struct rmt_agent_job *job = context;
	g_autoptr(GString) key = g_string_new(NULL);

	rmt_write_key(prompt->user, prompt->id, key);
	begin_row(job);
	rmt_wire_add(job->rows, "key", key->str);
	rmt_wire_add(job->rows, "id", prompt->id);
	rmt_wire_add(job->rows, "target", prompt->target);
	rmt_wire_add(job->rows, "subject", prompt->subject);
	rmt_wire_add_number(job->rows, "since", (uint64_t)prompt->since);
	rmt_wire_add_number(job->rows, "until", (uint64_t)prompt->until);
	rmt_wire_add(job->rows, "rule", prompt->rule);
	rmt_wire_end(job->rows, NULL, 0);
	return true;
}

static enum rmt_taken pending(struct rmt_agent *agent, const struct rmt_agent_job *job)
{
	GError *err = NULL;

	if (!rmt_prompts_walk(agent->store, job->user, add_prompt, (void *)job, &err))
		return rmt_agent_trouble("prompts", err);
	return RMT_TAKEN_ACK;
}

static enum rmt_taken one_prompt(struct rmt_agent *agent, const struct rmt_agent_job *job)
{
	g_autoptr(rmt_prompt) prompt = NULL;
	GError *err = NULL;

	if (!rmt_take_prompt(agent, job, &prompt, &err))
		return rmt_agent_trouble("prompts", err);
	if (prompt != NULL)
		add_prompt((void *)job, prompt);
	return RMT_TAKEN_ACK;
}

static enum rmt_taken claim_state(struct rmt_agent *agent,
				  const struct rmt_agent_job *job)
{
	g_autoptr(GString) id = g_string_new(NULL);
	g_autoptr(rmt_claim) claim = NULL;
	GError *err = NULL;

	rmt_claim_id(rmt_span_of(rmt_wire_get(job->record, "id")), id);
	if (id->len == 0)
		return rmt_agent_refuse(job, "id: write the Message-ID");
	if (!rmt_claim_get(agent->store, job->user, id->str, &claim, &err))
		return rmt_agent_trouble("claims", err);
	if (claim == NULL)
		return RMT_TAKEN_ACK;
	begin_row(job);
	rmt_wire_add(job->rows, "state", rmt_claim_state_name(claim->state));
	rmt_wire_add(job->rows, "by", claim->by);
	rmt_wire_add(job->rows, "rule", claim->rule);
	rmt_wire_add_number(job->rows, "since", (uint64_t)claim->since);
	rmt_wire_add_number(job->rows, "changed", (uint64_t)claim->changed);
	rmt_wire_add(job->rows, "target", claim->target);
	rmt_wire_end(job->rows, NULL, 0);
	return RMT_TAKEN_ACK;
}

static bool add_preference(void *context, const struct rmt_preference *preference)
{
	const struct rmt_agent_job *job = context;

	begin_row(job);
	rmt_wire_add(job->rows, "choice", rmt_choice_name(preference->choice));
	rmt_wire_add(job->rows, "sender", preference->sender);
	rmt_wire_add(job->rows, "by", preference->by);
	rmt_wire_add_number(job->rows, "since", (uint64_t)preference->since);
	rmt_wire_end(job->rows, NULL, 0);
	return true;
}

static enum rmt_taken preferences(struct rmt_agent *agent,
				  const struct rmt_agent_job *job)
{
	GError *err = NULL;

	if (!rmt_preferences_walk(agent->store, job->user, add_preference, (void *)job,
				  &err))
		return rmt_agent_trouble("preferences", err);
	return RMT_TAKEN_ACK;
}

static void add_decision(const struct rmt_agent_job *job, const struct rmt_matter *matter)
{
	const struct rmt_receipt_decision *decision = &matter->decision;

	begin_row(job);
	rmt_wire_add(job->rows, "verdict", rmt_receipt_verdict_name(decision->verdict));
	rmt_wire_add(job->rows, "reason", decision->reason->id);
	rmt_wire_add(job->rows, "ids", decision->reason->ids);
	rmt_wire_add(job->rows, "text", decision->reason->text);
	rmt_wire_add(job->rows, "id", matter->id->str);
	rmt_wire_add(job->rows, "target", matter->target);
	rmt_wire_add(job->rows, "state", rmt_claim_state_name(rmt_matter_state(matter)));
	rmt_wire_end(job->rows, NULL, 0);
}

static enum rmt_taken explain(struct rmt_agent *agent, const struct rmt_agent_job *job)
{
	g_autoptr(rmt_case) subject = rmt_case_of_record(job->user, job->record);
	enum rmt_taken taken = RMT_TAKEN_ACK;
	struct rmt_matter matter;
	GError *err = NULL;

	if (rmt_matter_open(agent, subject, &matter, &err)) {
		rmt_matter_decide(&matter, RMT_ANSWER_NONE);
		add_decision(job, &matter);
	} else {
		taken = rmt_agent_trouble("claims", err);
	}
	rmt_matter_clear(&matter);
	return taken;
}

enum rmt_taken rmt_take_query(struct rmt_agent *agent, const struct rmt_agent_job *job)
{
	static const struct {
		const char *what;
		enum rmt_taken (*answer)(struct rmt_agent *agent,
					 const struct rmt_agent_job *job);
	} queries[] = {
		{ "pending", pending },   { "prompt", one_prompt },
		{ "state", claim_state }, { "preferences", preferences },
		{ "explain", explain },
	};
	const char *what = rmt_wire_get(job->record, "what");
	size_t i;

	for (i = 0; what != NULL && i < G_N_ELEMENTS(queries); i++)
		if (strcmp(what, queries[i].what) == 0)
			return queries[i].answer(agent, job);
	return rmt_agent_refuse(job, "what: write pending, prompt, state, preferences or "
				     "explain");
}
