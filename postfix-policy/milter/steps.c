/* SPDX-License-Identifier: MIT */
/* steps.c - the table, and how it is walked through. */
#include "postfix-policy/milter/milter.h"
#include "postfix-policy/milter/step.h"

/* In the order in which they run; each at its places. */
/* clang-format off */
const struct rmt_step *const rmt_steps[] = {
	&rmt_step_police,
	&rmt_step_unsubscribe,
	&rmt_step_return_path, /* what alignment is judged by */
	&rmt_step_alignment,
	&rmt_step_header,
	&rmt_step_domains,
	&rmt_step_left,
	&rmt_step_selectors,
	&rmt_step_charge, /* the last: what is refused is not charged */
	&rmt_step_give_back,
	&rmt_step_original_recipient,
	&rmt_step_proof,
	NULL,
};
/* clang-format on */

G_STATIC_ASSERT(G_N_ELEMENTS(rmt_steps) <= RMT_STEPS_MAX);

static bool runs_here(const struct rmt_milter *milter, const struct rmt_step *step)
{
	return (step->places & 1u << milter->place) != 0;
}

bool rmt_steps_open(struct rmt_milter *milter, GError **err)
{
	size_t i;

	for (i = 0; rmt_steps[i] != NULL; i++) {
		const struct rmt_step *step = rmt_steps[i];

		if (!runs_here(milter, step) || step->open == NULL)
			continue;
		if (!step->open(milter, &milter->states[i], err)) {
			g_prefix_error(err, "%s: ", step->name);
			return false;
		}
	}
	return true;
}

unsigned rmt_steps_want(const struct rmt_milter *milter)
{
	unsigned wants = 0;
	size_t i;

	for (i = 0; rmt_steps[i] != NULL; i++)
		if (runs_here(milter, rmt_steps[i]))
			wants |= rmt_steps[i]->wants;
	return wants;
}

unsigned rmt_steps_need(const struct rmt_milter *milter, struct rmt_span header)
{
	unsigned needs = 0;
	size_t i;

	for (i = 0; rmt_steps[i] != NULL; i++) {
		const struct rmt_step *step = rmt_steps[i];

		if (runs_here(milter, step))
			needs |= step->needs != NULL
					 ? step->needs(header, milter->states[i])
					 : step->wants;
	}
	return needs;
}

/* What mail that is nobody's stream is done with follows the general mode. */
static enum rmt_mode mode_of(const struct rmt_milter_message *message)
{
	return message->stream != NULL ? message->stream->mode : message->config->mode;
}

void rmt_steps_run(struct rmt_milter *milter, struct rmt_milter_message *message)
{
	size_t i;

	for (i = 0; rmt_steps[i] != NULL; i++)
		if (runs_here(milter, rmt_steps[i]) && rmt_steps[i]->run != NULL)
			rmt_steps[i]->run(message, milter->states[i]);
	rmt_outcome_decide(&message->outcome, mode_of(message));
	for (i = 0; rmt_steps[i] != NULL; i++)
		if (runs_here(milter, rmt_steps[i]) && rmt_steps[i]->settled != NULL)
			rmt_steps[i]->settled(message, milter->states[i]);
}
