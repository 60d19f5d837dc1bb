/* SPDX-License-Identifier: MIT */
/* A receipt that the user's own program sends: prompts.h. */
#include "common/store/answers.h"
#include "common/store/audit.h"
#include "common/store/prompts.h"

enum { ANSWER_KEPT = 90 * 24 * 3600 };

/* Keywords as in the protocol between remite-agent and the mail plugin. */
static void put_answer(struct rmt_deal *deal, const struct rmt_client_receipt *receipt)
{
	g_autofree char *fields = g_strdup_printf(
		"msgid=<%s>\tadd=$MDNSent\tremove=$ReceiptPending", receipt->id);
	struct rmt_answer answer = {
		.user = (char *)receipt->user,
		.id = (char *)receipt->id,
		.fields = fields,
		.since = receipt->now_us / G_USEC_PER_SEC,
		.until = receipt->now_us / G_USEC_PER_SEC + ANSWER_KEPT,
		.number = (uint64_t)receipt->now_us,
	};

	rmt_deal_put_answer(deal, &answer);
}

enum rmt_claim_result rmt_claim_take_by_client(struct rmt_store *store,
					       const struct rmt_client_receipt *receipt,
					       struct rmt_claim **row_r, GError **err)
{
	g_autoptr(rmt_deal) deal = rmt_deal_new();
	struct rmt_claim_step step = {
		.user = receipt->user,
		.id = receipt->id,
		.from = RMT_CLAIM_IN(RMT_CLAIM_NONE) | RMT_CLAIM_IN(RMT_CLAIM_DELIVERED) |
			RMT_CLAIM_IN(RMT_CLAIM_ASKED),
		.to = RMT_CLAIM_CLIENT,
		.now = receipt->now_us / G_USEC_PER_SEC,
		.until = receipt->until,
		.target = receipt->target,
		.rule = receipt->rule,
		.by = "client",
	};
	struct rmt_audit line = {
		.at_us = receipt->now_us,
		.event = (char *)"client",
		.user = (char *)receipt->user,
		.id = (char *)receipt->id,
		.target = (char *)receipt->target,
		.rule = (char *)receipt->rule,
		.by = (char *)"client",
	};

	if (*receipt->user != '\0' && strlen(receipt->user) <= RMT_CLAIM_USER_MAX) {
		rmt_deal_remove_prompt(deal, receipt->user, receipt->id);
		rmt_deal_put_audit(deal, &line);
		put_answer(deal, receipt);
	}
	return rmt_claim_take(store, &step, deal, row_r, err);
}
