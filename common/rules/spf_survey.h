/* SPDX-License-Identifier: MIT */
/* spf_survey.h - all that a published SPF record leads to, whoever sends.
 *
 * Evaluation (spf.h) stops where an address matches; this walks every include
 * and redirect, so it finds what the unluckiest sender meets: the worst number of
 * look-ups, and entries that let in too many. What holds a macro is counted but
 * cannot be followed. Above 10 look-ups, the hosts named last and all that fail get
 * permerror (RFC 7208, 4.6.4).
 */
#ifndef RMT_SPF_SURVEY_H
#define RMT_SPF_SURVEY_H

#include "common/auth/dns.h"

enum rmt_spf_flaw {
	RMT_SPF_SEVERAL,   /* several records at the name */
	RMT_SPF_SYNTAX,    /* text: the part that cannot be read */
	RMT_SPF_TARGET,    /* an include or redirect of a name without record */
	RMT_SPF_LOOP,      /* of one that is being read already */
	RMT_SPF_PASS_ALL,  /* +all */
	RMT_SPF_PASS_ANY,  /* a network of all addresses */
	RMT_SPF_WIDE,      /* IPv4 network wider than /16 */
	RMT_SPF_USES_PTR,  /* mechanism ptr */
	RMT_SPF_MANY_MX,   /* mx of a name with more than 10 */
	RMT_SPF_VOID,      /* a or mx of a name that has none */
	RMT_SPF_NO_ANSWER, /* DNS did not answer: what is below is not known */
	RMT_SPF_TOO_DEEP,  /* more names than are looked at */
};

struct rmt_spf_survey_flaw {
	enum rmt_spf_flaw flaw;
	unsigned depth; /* 0: in the domain's own record */
	char *domain;   /* own; whose record */
	char *text;     /* own; the term */
};

/* A term of the domain's own record that asks, and what it costs in all. */
struct rmt_spf_survey_cost {
	char *text; /* own */
	unsigned lookups;
};

/* One record of the tree. */
struct rmt_spf_survey_node {
	char *domain; /* own */
	char *term;   /* own; of the record above that led here; "" at the root */
	unsigned depth;
	unsigned lookups;    /* terms of its own that ask */
	const char *problem; /* static; NULL: the record is fine */
};

struct rmt_spf_survey {
	struct rmt_asker asker;
	unsigned lookups; /* in the worst case */
	unsigned voids;
	size_t records;     /* SPF records at the domain itself */
	GString *text;      /* own; the last of them */
	bool sends_nothing; /* its only term is -all */
	char all;           /* qualifier of its all; 0: none */
	GPtrArray *flaws;   /* own; struct rmt_spf_survey_flaw */
	GPtrArray *costs;   /* own; struct rmt_spf_survey_cost */
	GPtrArray *nodes;   /* own; struct rmt_spf_survey_node, depth first */
	bool complete;      /* false: DNS failed somewhere, or it is too large */
	GQueue pending;     /* the rest is private */
	struct rmt_spf_visit *visit;
	unsigned visits;
	bool too_deep;
	struct rmt_dns_question hints[16];
};

/* Leaves the first question open in the asker; must not move until cleared. */
void rmt_spf_survey_start(struct rmt_spf_survey *survey, struct rmt_span domain);
void rmt_spf_survey_clear(struct rmt_spf_survey *survey); /* takes a zeroed one, too */

#endif
