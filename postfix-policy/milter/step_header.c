/* SPDX-License-Identifier: MIT */
/* step_header.c - R11 beyond From, R12, R13, R14, R16's mark, R19, R20: what the header,
 * its signatures and the beginning of the text tell (common/rules/header.h). */
#include "common/rules/header.h"
#include "postfix-policy/milter/milter.h"
#include "postfix-policy/milter/step.h"

/* Which group of a stream's levels a rule is under, and how it is answered. */
static const struct {
	enum rmt_rule_number rule;
	enum rmt_rule_group group;
	const char *code;
	enum rmt_level most; /* heuristics never refuse */
	void (*judge)(const struct rmt_header_facts *header,
		      struct rmt_rule_findings *findings);
} rows[] = {
	{ RMT_R11, RMT_RULES_HYGIENE, "7.1", RMT_LEVEL_REJECT, rmt_rule_format },
	{ RMT_R12, RMT_RULES_SIZES, "3.4", RMT_LEVEL_REJECT, rmt_rule_header_sizes },
	{ RMT_R13, RMT_RULES_UNSUBSCRIBE, "7.1", RMT_LEVEL_REJECT, rmt_rule_one_click },
	{ RMT_R14, RMT_RULES_UNSUBSCRIBE, "7.1", RMT_LEVEL_LOG,
	  rmt_rule_unsubscribe_link },
	{ RMT_R16, RMT_RULES_UNSUBSCRIBE, "7.1", RMT_LEVEL_LOG, rmt_rule_feedback_id },
	{ RMT_R19, RMT_RULES_HYGIENE, "7.1", RMT_LEVEL_REJECT, rmt_rule_from_scripts },
	{ RMT_R20, RMT_RULES_HYGIENE, "7.1", RMT_LEVEL_LOG, rmt_rule_deceptive },
};

static bool opens(struct rmt_milter *milter, void **state_r, GError **err)
{
	(void)err;
	*state_r = milter;
	return true;
}

/* The text is looked at for R14 alone. */
static unsigned needs(struct rmt_span header, void *state)
{
	struct rmt_in_force *in_force = rmt_milter_in_force(state);
	const bool reads_text = in_force->reads_text;

	(void)header;
	rmt_in_force_unref(in_force);
	return RMT_WANTS_SIGNATURES | (reads_text ? RMT_WANTS_BODY : 0);
}

static void read_covered(struct rmt_milter_message *message,
			 struct rmt_covered *covered_r)
{
	const struct rmt_message_facts *known = rmt_message_known(message);

	rmt_covered_read(
		&(struct rmt_covered_query){
			.dkim = known->signatures,
			.from = rmt_span_of(known->from.result == RMT_FROM_OK
						    ? known->from.domain
						    : NULL),
			.psl = message->milter->psl,
			.aligned = true,
		},
		covered_r);
}

static struct rmt_header_facts facts_of(struct rmt_milter_message *message)
{
	return (struct rmt_header_facts){
		.section = message->header,
		.complete = message->header_complete,
		.octets = message->header_octets,
		.count = message->field_count,
		.smtputf8 = message->session->smtputf8,
		.from = &rmt_message_known(message)->from,
		.text = message->session->keeps_body ? message->body : rmt_span(NULL, 0),
	};
}

static void tell(struct rmt_milter_message *message, size_t row, enum rmt_level level,
		 const struct rmt_rule_findings *findings)
{
	guint i;

	for (i = 0; i < findings->list->len; i++) {
		const struct rmt_rule_finding *finding = findings->list->pdata[i];

		if (finding->state == RMT_RULE_BROKEN)
			rmt_message_find(message, level, finding->rule->id,
					 rows[row].code, "%s: %s", finding->place,
					 finding->problem);
		else if (finding->state == RMT_RULE_UNKNOWN)
			message->outcome.open = "dns";
	}
}

static void judge(struct rmt_milter_message *message,
		  const struct rmt_header_facts *header, size_t row)
{
	enum rmt_level level = rmt_message_level(message, rows[row].group);
	struct rmt_rule_findings findings;

	if (level == RMT_LEVEL_OFF)
		return;
	rmt_rule_findings_init(&findings);
	rows[row].judge(header, &findings);
	tell(message, row, MIN(level, rows[row].most), &findings);
	rmt_rule_findings_clear(&findings);
}

static void run(struct rmt_milter_message *message, void *state)
{
	struct rmt_header_facts header = facts_of(message);
	struct rmt_covered covered = { 0 };
	size_t i;

	(void)state;
	if (message->stream->rules[RMT_RULES_UNSUBSCRIBE] > RMT_LEVEL_OFF) {
		read_covered(message, &covered);
		header.unsubscribe = &covered;
	}
	for (i = 0; i < G_N_ELEMENTS(rows); i++)
		judge(message, &header, i);
	rmt_covered_clear(&covered);
}

const struct rmt_step rmt_step_header = {
	.name = "header",
	.places = 1 << RMT_PLACE_AFTER,
	.wants = RMT_WANTS_SIGNATURES | RMT_WANTS_BODY,
	.needs = needs,
	.open = opens,
	.run = run,
};
