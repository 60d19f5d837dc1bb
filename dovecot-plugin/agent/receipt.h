/* SPDX-License-Identifier: MIT */
/* receipt.h - requests for receipts: what is decided, and how it is kept.
 *
 * Every decision is one step of the claim (common/store/claims.h), with all that
 * follows from it in the same commit.
 */
#ifndef RMT_AGENT_RECEIPT_H
#define RMT_AGENT_RECEIPT_H

#include "common/receipts/policy.h"
#include "common/store/prompts.h"
#include "dovecot-plugin/agent/case.h"

/* All that is known of a request. */
struct rmt_matter {
	struct rmt_agent *agent;             /* foreign */
	const struct rmt_case *subject;      /* foreign */
	struct rmt_receipt_request *request; /* own */
	struct rmt_receipt_user *user;       /* own */
	struct rmt_mailbox *envelope;        /* own; or NULL */
	struct rmt_claim *row;               /* own; or NULL */
	GString *id;                         /* own; "": it has no claim */
	char *target;                        /* own; all who ask, or "" */
	char *sender;                        /* own; the first of them, folded */
	int64_t now_us;
	struct rmt_receipt_facts facts;
	struct rmt_receipt_decision decision; /* once rmt_matter_decide() was called */
};

/* False: the store refuses. Clear it in any case. */
bool rmt_matter_open(struct rmt_agent *agent, const struct rmt_case *subject,
		     struct rmt_matter *matter, GError **err);
/* The same without limits and preferences, from any thread: no decision then. */
bool rmt_matter_open_row(struct rmt_agent *agent, const struct rmt_case *subject,
			 struct rmt_matter *matter, GError **err);
void rmt_matter_clear(struct rmt_matter *matter);
void rmt_matter_decide(struct rmt_matter *matter, enum rmt_receipt_answer answer);

enum rmt_claim_state rmt_matter_state(const struct rmt_matter *matter);

/* The steps. by: "policy", "keyword", "link", "command", "time", ... rule: id of the
 * reason. Each is TAKEN, or somebody was there before. */
enum rmt_claim_result rmt_matter_approve(struct rmt_matter *matter, const char *by,
					 GError **err);
enum rmt_claim_result rmt_matter_ask(struct rmt_matter *matter, GError **err);
/* Approved before it was displayed: rmt_matter_has_yes() until then. */
enum rmt_claim_result rmt_matter_keep_yes(struct rmt_matter *matter, const char *by,
					  GError **err);
bool rmt_matter_has_yes(const struct rmt_matter *matter);
enum rmt_claim_result rmt_matter_deny(struct rmt_matter *matter, const char *by,
				      const char *rule, GError **err);

/* What a stored job of kind "receipt" holds. */
struct rmt_receipt_order {
	bool by_user;
	enum rmt_receipt_event event;
	int64_t at;               /* Unix seconds: when it was approved */
	char *receipt;            /* own; Message-ID without <> */
	struct rmt_case *subject; /* own */
};
void rmt_receipt_order_pack(const struct rmt_receipt_order *order, GString *out);
/* False: damaged. Clear it when true. */
bool rmt_receipt_order_unpack(struct rmt_span packed, struct rmt_receipt_order *order_r);
void rmt_receipt_order_clear(struct rmt_receipt_order *order);

#endif
