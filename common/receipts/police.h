/* SPDX-License-Identifier: MIT */
/* police.h - receipts that clients send on their own, held to the same policy.
 *
 * What a client sends was asked of the user by the client, or was not: the policy
 * says whom a user may tell at all, and in whose name. That one message gets one
 * receipt is the claim row's affair (common/store/claims.h), not this one's. Pure.
 *
 *	reason = rmt_police_judge(config, &facts);
 *	if (reason != NULL)
 *		stop it: reason->id, reason->text
 */
#ifndef RMT_RECEIPTS_POLICE_H
#define RMT_RECEIPTS_POLICE_H

#include "common/receipts/mdn.h"

struct rmt_police_facts {
	const struct rmt_mdn *mdn;              /* a receipt of some form */
	const struct rmt_receipt_user *user;    /* who logged in, or whose From it is */
	const struct rmt_mailbox *from;         /* the one address of From; NULL: none */
	const GPtrArray *recipients;            /* char *; of the envelope */
	enum rmt_receipt_preference preference; /* of the user, for who asks */
};

/* NULL: within policy. */
const struct rmt_receipt_reason *rmt_police_judge(const struct rmt_config *config,
						  const struct rmt_police_facts *facts);

/* Why a claim keeps it from going: sent before, or asked for by somebody else. */
extern const struct rmt_receipt_reason rmt_police_claimed, rmt_police_again,
	rmt_police_other_target;

/* All of these reasons, as rmt_receipt_reason_at(). */
const struct rmt_receipt_reason *rmt_police_reason_at(size_t index);

/* Does a header ask for receipts, by any of the fields clients use? For those that
 * are taken out of outgoing mail. */
bool rmt_police_is_request(struct rmt_span field_name);

/* May the body hold a receipt? By the header alone, so that not all mail must be
 * looked into. */
bool rmt_police_may_be_receipt(struct rmt_span header);

#endif
