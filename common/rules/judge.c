/* SPDX-License-Identifier: MIT */
/* judge.c - what a provider makes of what was found. */
#include "common/rules/rules.h"

static int rank(enum rmt_rule_state state)
{
	static const int ranks[] = {
		[RMT_RULE_HOLDS] = 0,
		[RMT_RULE_NEEDS] = 1,
		[RMT_RULE_UNKNOWN] = 2,
		[RMT_RULE_BROKEN] = 3,
	};

	return ranks[state];
}

enum rmt_rule_state rmt_rule_sum(const struct rmt_rule_findings *findings,
				 enum rmt_rule_number number,
				 enum rmt_severity *severity_r)
{
	enum rmt_severity severity = RMT_SEVERITY_NOTE;
	enum rmt_rule_state sum = RMT_RULE_HOLDS;
	bool said = false;
	guint i;

	for (i = 0; i < findings->list->len; i++) {
		const struct rmt_rule_finding *finding =
			g_ptr_array_index(findings->list, i);

		if (finding->rule->number != number)
			continue;
		said = true;
		if (rank(finding->state) > rank(sum))
			sum = finding->state;
		if (finding->state == RMT_RULE_BROKEN)
			severity = MAX(severity, finding->severity);
	}
	if (severity_r != NULL)
		*severity_r = severity;
	return said ? sum : RMT_RULE_NEEDS;
}

/* A broken rule that is only a warning or a note refuses nothing. */
static const struct rmt_rule_finding *first_error(
	const struct rmt_rule_findings *findings, enum rmt_rule_number number)
{
	guint i;

	for (i = 0; i < findings->list->len; i++) {
		const struct rmt_rule_finding *finding =
			g_ptr_array_index(findings->list, i);

		if (finding->rule->number == number &&
		    finding->state == RMT_RULE_BROKEN &&
		    finding->severity == RMT_SEVERITY_ERROR)
			return finding;
	}
	return NULL;
}

void rmt_rules_judge(const struct rmt_rule_findings *findings, enum rmt_provider provider,
		     bool bulk, struct rmt_judgement *judgement_r)
{
	unsigned number;

	*judgement_r = (struct rmt_judgement){ RMT_ACCEPTS };
	for (number = RMT_R1; number < RMT_RULE_END; number++) {
		const struct rmt_rule_finding *error;
		enum rmt_rule_state state;

		if (!rmt_rule_asked(rmt_rule_get(number), provider, bulk))
			continue;
		state = rmt_rule_sum(findings, number, NULL);
		error = first_error(findings, number);
		if (error != NULL)
			judgement_r->broken |= UINT64_C(1) << number;
		else if (state == RMT_RULE_BROKEN)
			judgement_r->flawed |= UINT64_C(1) << number;
		else if (state == RMT_RULE_UNKNOWN)
			judgement_r->unknown |= UINT64_C(1) << number;
		else if (state == RMT_RULE_NEEDS)
			judgement_r->needed |= UINT64_C(1) << number;
		if (error != NULL && judgement_r->by == NULL)
			judgement_r->by = error;
	}
	if (judgement_r->by != NULL)
		judgement_r->verdict = RMT_REFUSES;
	else if (judgement_r->unknown != 0)
		judgement_r->verdict = RMT_UNSURE;
}

const char *rmt_provider_verdict_name(enum rmt_provider_verdict verdict)
{
	static const char *const names[] = { "accept", "refuse", "unknown" };

	return names[verdict];
}
