/* SPDX-License-Identifier: MIT */
/* policy.h - may a receipt be sent? Facts in, verdict and reason out. Pure.
 *
 * One table of reasons, tried from top to bottom: first those that forbid, then
 * those that demand asking; what none of them concerns is sent. A reason has an
 * id that stays (logs, `remite receipts explain`) and names the requirement it
 * comes from (docs/receipts.md).
 *
 *	struct rmt_receipt_facts facts = { .request = request, .user = user, ... };
 *	struct rmt_receipt_decision decision;
 *
 *	rmt_receipt_decide(config, &facts, &decision);
 *	switch (decision.verdict) ...
 *
 * When the user has answered a prompt, decide again with facts.answer: what
 * forbids may have come in the meantime (junked, policy changed, limit reached).
 */
#ifndef RMT_RECEIPTS_POLICY_H
#define RMT_RECEIPTS_POLICY_H

#include "common/config/config.h"
#include "common/receipts/recipient.h"
#include "common/receipts/request.h"

enum rmt_receipt_verdict {
	RMT_RECEIPT_NOTHING,
	RMT_RECEIPT_ASK,
	RMT_RECEIPT_SEND,
};

/* What happened to the message. */
enum rmt_receipt_event {
	RMT_RECEIPT_DISPLAYED,
	RMT_RECEIPT_DELETED, /* unread; only where the policy wants it (pitfall 7) */
};

/* What the user wants in general, or of this sender. */
enum rmt_receipt_preference {
	RMT_PREFERENCE_UNSET, /* as the policy says */
	RMT_PREFERENCE_NEVER,
	RMT_PREFERENCE_ASK,
	RMT_PREFERENCE_ALWAYS,
};

/* What the user said of this very message. */
enum rmt_receipt_answer {
	RMT_ANSWER_NONE, /* not asked, or not answered yet */
	RMT_ANSWER_YES,
	RMT_ANSWER_NO,
	RMT_ANSWER_EXPIRED, /* too late: counts as no */
};

/* Where the message is or was, and who looks: bits. */
enum rmt_receipt_place {
	RMT_PLACE_JUNK = 1 << 0,     /* in \Junk or with $Junk, now or ever (pitfall 7) */
	RMT_PLACE_TRASH = 1 << 1,    /* in \Trash */
	RMT_PLACE_OWN_COPY = 1 << 2, /* \Draft, or in \Sent or \Drafts (K01, K06) */
	RMT_PLACE_SHARED =
		1 << 3, /* not in a private namespace of the user (pitfall 3) */
	RMT_PLACE_DELEGATE = 1 << 4, /* a master user or delegate logged in (pitfall 3) */
	RMT_PLACE_POP3 = 1 << 5,     /* fetched, which is not displayed (pitfall 8) */
	RMT_PLACE_READ_ONLY =
		1 << 6, /* EXAMINE, no right to write, out of keywords (K04) */
	RMT_PLACE_IMPORTED =
		1 << 7, /* came by APPEND or a copying program (pitfall 11) */
	RMT_PLACE_MDN_SENT = 1 << 8, /* $MDNSent, set by anybody but us (K01) */
};

/* Receipts of ours so far, within the period of each limit (pitfall 6). */
struct rmt_receipt_counts {
	uint64_t user, target, sender; /* target: the highest of all who ask */
};

struct rmt_receipt_facts {
	const struct rmt_receipt_request *request; /* foreign */
	const struct rmt_receipt_user *user;       /* foreign */
	const struct rmt_mailbox
		*envelope; /* foreign; recipient of the delivery, or NULL */
	enum rmt_receipt_event event;
	enum rmt_receipt_preference preference;        /* in general */
	enum rmt_receipt_preference sender_preference; /* of who asks; beats the former */
	enum rmt_receipt_answer answer;
	unsigned place;      /* enum rmt_receipt_place */
	bool claimed;        /* a receipt of this message went out already (M01) */
	bool cannot_ask;     /* no channel is open: over quota, no prompt mail, ... */
	int64_t received_at; /* Unix seconds; 0: not known */
	int64_t now;
	struct rmt_receipt_counts counts;
};

/* A row of the table. */
struct rmt_receipt_reason {
	const char *id;   /* "return-path-other"; stays as it is */
	const char *ids;  /* "M03 M05": what it comes from */
	const char *text; /* a sentence for the log */
};

struct rmt_receipt_decision {
	enum rmt_receipt_verdict verdict;
	const struct rmt_receipt_reason *reason;  /* never NULL */
	const struct rmt_receipt_reason *because; /* with reason "cannot-ask": what
						     demanded asking; else NULL */
	struct rmt_receipt_recipient recipient;   /* spans of the facts */
	const char *unit; /* whose policy it was; foreign; NULL: everybody's */
	bool by_user;     /* SEND: the user approved this one, or said "always" (M24) */
};

void rmt_receipt_decide(const struct rmt_config *config,
			const struct rmt_receipt_facts *facts,
			struct rmt_receipt_decision *decision_r);

/* The policy that holds for a user: of the first unit that says it, else of all
 * (G04). Lists are foreign, of the configuration. */
struct rmt_receipt_terms {
	enum rmt_receipt_policy policy;
	const struct rmt_list *allow; /* or NULL */
	bool prompt, deleted;
	const char *unit; /* that said the policy; or NULL */
};
void rmt_receipt_terms_of(const struct rmt_config *config,
			  const struct rmt_receipt_user *user,
			  struct rmt_receipt_terms *terms_r);

/* Within these terms, may this address be told anything? (G01-G03) */
bool rmt_receipt_may_tell(const struct rmt_config *config,
			  const struct rmt_receipt_terms *terms,
			  const struct rmt_mailbox *target);

/* All reasons in the order they are tried; NULL behind the last. */
const struct rmt_receipt_reason *rmt_receipt_reason_at(size_t index);

const char *rmt_receipt_verdict_name(enum rmt_receipt_verdict verdict); /* "send", ... */
const char *rmt_receipt_policy_name(enum rmt_receipt_policy policy);

/* Names as commands and tables write them; false: there is none of this name. */
bool rmt_receipt_preference_parse(struct rmt_span name,
				  enum rmt_receipt_preference *preference_r);
bool rmt_receipt_answer_parse(struct rmt_span name, enum rmt_receipt_answer *answer_r);
bool rmt_receipt_place_parse(struct rmt_span name, unsigned *bit_r);

#endif
