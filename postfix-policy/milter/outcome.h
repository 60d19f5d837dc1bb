/* SPDX-License-Identifier: MIT */
/* outcome.h - what was found of a message, what is done about it, and in which
 * words. Pure. */
#ifndef RMT_MILTER_OUTCOME_H
#define RMT_MILTER_OUTCOME_H

#include <glib.h>

#include "common/config/config.h"

enum { RMT_FINDINGS_MAX = 32, RMT_FINDING_TEXT_MAX = 400, RMT_FINDING_RULE_MAX = 160 };

/* A rule that does not hold. */
struct rmt_found {
	enum rmt_level level;            /* at least LOG */
	char rule[RMT_FINDING_RULE_MAX]; /* "R6", "limit:day": stable */
	char code[8];                    /* enhanced status code without its class */
	char text[RMT_FINDING_TEXT_MAX]; /* one sentence for the sender; printable */
};

struct rmt_outcome {
	struct rmt_found found[RMT_FINDINGS_MAX]; /* beyond it, no more are listed */
	size_t count;
	const char *open; /* what could not be known, so nothing came of it; or NULL */
	/* Of rmt_outcome_decide(): */
	enum rmt_level level;        /* the highest: what would be done */
	enum rmt_level done;         /* what is done: as level, or LOG in report mode */
	const struct rmt_found *why; /* the first of that level; NULL: none */
};

void rmt_outcome_init(struct rmt_outcome *outcome);

/* Level OFF adds nothing. rule and code are copied. */
void rmt_outcome_add(struct rmt_outcome *outcome, enum rmt_level level, const char *rule,
		     const char *code, const char *format, ...) G_GNUC_PRINTF(5, 6);
void rmt_outcome_add_va(struct rmt_outcome *outcome, enum rmt_level level,
			const char *rule, const char *code, const char *format,
			va_list args) G_GNUC_PRINTF(5, 0);

enum rmt_level rmt_outcome_highest(const struct rmt_outcome *outcome);
void rmt_outcome_decide(struct rmt_outcome *outcome, enum rmt_mode mode);

/* "R6,R11", or "-". */
void rmt_outcome_rules(const struct rmt_outcome *outcome, GString *out);

/* The three parts of a refusal; text ends with the rule's id. Only for DEFER and
 * REJECT. */
struct rmt_reply {
	char code[4];    /* "550" */
	char status[12]; /* "5.7.26" */
	char text[RMT_FINDING_TEXT_MAX + RMT_FINDING_RULE_MAX + 16];
};
void rmt_outcome_reply(const struct rmt_outcome *outcome, struct rmt_reply *reply_r);

/* The value of the field that is added at level header. */
void rmt_outcome_field(const struct rmt_outcome *outcome, GString *out);

#endif
