/* SPDX-License-Identifier: MIT */
/* step_alignment.c - who vouches for the domain in From: R1, R2, R4 to R8, and that
 * there is one From at all (R11). */
#include "common/base/log.h"
#include "postfix-policy/milter/judge.h"
#include "postfix-policy/milter/step.h"

static void note_spf(struct rmt_milter_message *message, const struct rmt_spf_fact *spf)
{
	if (!spf->evaluated) {
		rmt_message_note(message, "spf", "not-evaluated");
		return;
	}
	rmt_message_note(message, "spf", "%s/%s", rmt_spf_verdict_name(spf->result),
			 spf->domain);
	if (spf->address != NULL)
		rmt_message_note(message, "egress", "%s", spf->address);
}

static void note_facts(struct rmt_milter_message *message,
		       const struct rmt_message_facts *facts)
{
	static const char *const known[] = { "no", "yes", "unknown" };

	rmt_message_note(message, "from", "%s",
			 facts->from.result == RMT_FROM_OK
				 ? facts->from.domain
				 : rmt_from_result_name(facts->from.result));
	note_spf(message, &facts->spf);
	g_string_append_printf(message->notes, " dkim=%s", facts->dkim_text->str);
	rmt_message_note(message, "aligned", "%s", known[facts->aligned]);
	if (facts->divergent)
		rmt_message_note(message, "divergent", "yes");
	if (facts->kind != RMT_KIND_DIRECT)
		rmt_message_note(message, "kind", "%s", rmt_kind_name(facts->kind));
}

static void run(struct rmt_milter_message *message, void *state)
{
	const struct rmt_message_facts *facts = rmt_message_known(message);

	(void)state;
	rmt_judge(facts, message->stream, &message->outcome);
	note_facts(message, facts);
}

const struct rmt_step rmt_step_alignment = {
	.name = "alignment",
	.places = 1 << RMT_PLACE_AFTER,
	.wants = RMT_WANTS_SIGNATURES,
	.run = run,
};
