/* SPDX-License-Identifier: MIT */
/* rules.h - what big mailbox providers ask of senders: a row a rule.
 *
 * The table (table.c) is the one place that says what a rule is called, who
 * asks for it, what they answer and how to mend it. Whoever can judge a rule,
 * from DNS (domain.h), from a message or from a log, adds what was found:
 *
 *	struct rmt_rule_findings findings;
 *
 *	rmt_rule_findings_init(&findings);
 *	rmt_rule_add(&findings, RMT_R9, RMT_RULE_BROKEN, "192.0.2.1",
 *		     "has no PTR record");
 *	rmt_rules_judge(&findings, RMT_GOOGLE, false, &judgement);
 *	if (judgement.verdict == RMT_REFUSES)
 *		... judgement.by->rule->replies[RMT_GOOGLE] ...
 *	rmt_rule_findings_clear(&findings);
 *
 * What was not judged is never taken for passed: it is RMT_RULE_NEEDS, and says
 * what it needs; what DNS did not answer is RMT_RULE_UNKNOWN.
 */
#ifndef RMT_RULES_H
#define RMT_RULES_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/base/severity.h"
#include "common/base/span.h"

enum rmt_rule_number {
	RMT_R1 = 1,
	RMT_R2,
	RMT_R3,
	RMT_R4,
	RMT_R5,
	RMT_R6,
	RMT_R7,
	RMT_R8,
	RMT_R9,
	RMT_R10,
	RMT_R11,
	RMT_R12,
	RMT_R13,
	RMT_R14,
	RMT_R15,
	RMT_R16,
	RMT_R17,
	RMT_R18,
	RMT_R19,
	RMT_R20,
	RMT_R21,
	RMT_R22,
	/* No provider refuses mail for these. */
	RMT_R_BIMI,
	RMT_R_MTA_STS,
	RMT_R_TLS_RPT,
	RMT_R_REPORTS,
	RMT_R_DNSSEC,
	RMT_R_DANE,
	RMT_R_CAA,
	RMT_RULE_END,
};

enum rmt_provider {
	RMT_GOOGLE,
	RMT_YAHOO,
	RMT_MICROSOFT,
	RMT_APPLE,
	RMT_PROVIDER_COUNT,
};

const char *rmt_provider_name(enum rmt_provider provider); /* "google", ... */
bool rmt_provider_parse(struct rmt_span name, enum rmt_provider *provider_r);

/* Bits: what a rule can be judged from. */
enum rmt_rule_source {
	RMT_FROM_ENVELOPE = 1 << 0,
	RMT_FROM_MESSAGE = 1 << 1,
	RMT_FROM_DNS = 1 << 2,
	RMT_FROM_HOST = 1 << 3, /* Postfix's configuration: remite doctor */
	RMT_FROM_LOG = 1 << 4,  /* bounces, complaints */
};

struct rmt_rule {
	enum rmt_rule_number number;
	const char *id;   /* "R1": stable, for logs, replies and JSON */
	const char *name; /* "spf-or-dkim": stable, too */
	enum rmt_severity severity;
	unsigned all, bulk; /* 1 << enum rmt_provider: asked of everybody, only of bulk */
	unsigned sources;   /* enum rmt_rule_source */
	const char *reason; /* one line, without capital and full stop */
	const char *remedy;
	/* Codes and family of texts; NULL: nothing known, or no refusal. */
	const char *replies[RMT_PROVIDER_COUNT];
};

/* Of the table; number is one of the enum. */
const struct rmt_rule *rmt_rule_get(enum rmt_rule_number number);

/* By id or name, in any case; NULL: there is none. */
const struct rmt_rule *rmt_rule_find(struct rmt_span word);

bool rmt_rule_asked(const struct rmt_rule *rule, enum rmt_provider provider, bool bulk);

/* --- what was found ------------------------------------------------------------- */

enum rmt_rule_state {
	RMT_RULE_HOLDS,
	RMT_RULE_BROKEN,
	RMT_RULE_UNKNOWN, /* DNS did not answer: nothing may be refused for it */
	RMT_RULE_NEEDS,   /* not judged; problem says what is missing */
};
const char *rmt_rule_state_name(enum rmt_rule_state state);

struct rmt_rule_finding {
	const struct rmt_rule *rule; /* foreign; static */
	enum rmt_rule_state state;
	enum rmt_severity severity; /* the rule's, unless changed after adding */
	char *place, *problem;      /* own */
	char *record;               /* own; "name TYPE data" to publish, or NULL */
	char *remedy;               /* own; in place of the rule's, or NULL */
};

struct rmt_rule_findings {
	GPtrArray *list; /* own; struct rmt_rule_finding */
};

void rmt_rule_findings_init(struct rmt_rule_findings *findings);
void rmt_rule_findings_clear(struct rmt_rule_findings *findings);

/* The finding stays the list's; severity, record and remedy may be set. Text of
 * strangers is made printable. */
struct rmt_rule_finding *rmt_rule_add(struct rmt_rule_findings *findings,
				      enum rmt_rule_number number,
				      enum rmt_rule_state state, const char *place,
				      const char *format, ...) G_GNUC_PRINTF(5, 6);

/* What nobody refuses mail for, but should be known. */
void rmt_rule_note(struct rmt_rule_findings *findings, enum rmt_rule_number number,
		   const char *place, const char *format, ...) G_GNUC_PRINTF(4, 5);

/* Worst first, then by rule; stable. */
void rmt_rule_findings_sort(struct rmt_rule_findings *findings);

/* What the rule comes to over all places: broken before unknown before needs
 * before holds; severity_r of the worst that is broken. A rule of which nothing
 * is said needs something. severity_r may be NULL. */
enum rmt_rule_state rmt_rule_sum(const struct rmt_rule_findings *findings,
				 enum rmt_rule_number number,
				 enum rmt_severity *severity_r);

/* --- what a provider makes of it -------------------------------------------------- */

enum rmt_provider_verdict {
	RMT_ACCEPTS, /* nothing against it in what was judged */
	RMT_REFUSES, /* a rule it asks for is broken, with severity error */
	RMT_UNSURE,  /* neither: DNS did not answer, or the rule is not clear */
};
const char *rmt_provider_verdict_name(
	enum rmt_provider_verdict verdict); /* "accept", "refuse", "unknown" */

struct rmt_judgement {
	enum rmt_provider_verdict verdict;
	const struct rmt_rule_finding
		*by; /* foreign; the first it refuses for, or NULL */
	/* 1 << enum rmt_rule_number, of the rules that the provider asks for. */
	uint64_t broken; /* with severity error: it refuses for these */
	uint64_t flawed; /* with less */
	uint64_t unknown, needed;
};

void rmt_rules_judge(const struct rmt_rule_findings *findings, enum rmt_provider provider,
		     bool bulk, struct rmt_judgement *judgement_r);

#endif
