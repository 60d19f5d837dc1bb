/* SPDX-License-Identifier: MIT */
/* receipts_case.h - a message and a user as somebody describes them, for
 * `remite receipts test` and `remite batch`.
 *
 *	struct rmt_receipts_case c;
 *	rmt_receipts_case_init(&c, now);
 *	rmt_receipts_case_set(&c, "user", RMT_SPAN("bob"), &err);
 *	rmt_receipts_case_decide(&c, config, header);
 *	... c.decision, c.request
 *	rmt_receipts_case_clear(&c);
 */
#ifndef RMT_CLI_RECEIPTS_CASE_H
#define RMT_CLI_RECEIPTS_CASE_H

#include "common/receipts/mdn.h"

struct rmt_receipts_case {
	char *user, *name, *language;  /* own; NULL: not said */
	GPtrArray *addresses, *groups; /* own; NULL-ended once decided */
	struct rmt_mailbox *envelope;  /* own; or NULL */
	bool smtputf8;
	struct rmt_receipt_facts facts;
	/* Own; after _decide: */
	struct rmt_receipt_request *request;
	struct rmt_receipt_user *owner;
	struct rmt_receipt_decision decision;
	const struct rmt_config *config; /* foreign */
};

void rmt_receipts_case_init(struct rmt_receipts_case *c, int64_t now);
void rmt_receipts_case_clear(struct rmt_receipts_case *c);

/* Names: user address group envelope name language preference sender-preference
 * answer place event received now claimed cannot-ask smtputf8 count-user
 * count-target count-sender. address, group and place may be set several times. */
bool rmt_receipts_case_set(struct rmt_receipts_case *c, const char *name,
			   struct rmt_span value, GError **err);

/* message: as it is stored; what follows its header is not looked at. config must
 * outlive the case. */
void rmt_receipts_case_decide(struct rmt_receipts_case *c,
			      const struct rmt_config *config, struct rmt_span message);

/* What would be sent, whatever the verdict. Its Message-ID stands for one. */
GString *rmt_receipts_case_mdn(const struct rmt_receipts_case *c, GError **err);

#endif
