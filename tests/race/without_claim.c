/* SPDX-License-Identifier: MIT */
/* remite-agent with the claim taken out, for tests/race/receipts.py: linked with --wrap,
 * so that all else is as it is. Every step may be taken from every state, whoever asks
 * is told that the message was delivered, no more, and a second receipt of a message
 * does not take the place of the first one in the queue. */
#include "dovecot-plugin/agent/receipt.h"

enum rmt_claim_result __real_rmt_claim_take(struct rmt_store *store,
					    const struct rmt_claim_step *step,
					    struct rmt_deal *deal,
					    struct rmt_claim **row_r, GError **err);
enum rmt_claim_result __wrap_rmt_claim_take(struct rmt_store *store,
					    const struct rmt_claim_step *step,
					    struct rmt_deal *deal,
					    struct rmt_claim **row_r, GError **err);
enum rmt_claim_state __wrap_rmt_matter_state(const struct rmt_matter *matter);
void __real_rmt_receipt_decide(const struct rmt_config *config,
			       const struct rmt_receipt_facts *facts,
			       struct rmt_receipt_decision *decision_r);
void __wrap_rmt_receipt_decide(const struct rmt_config *config,
			       const struct rmt_receipt_facts *facts,
			       struct rmt_receipt_decision *decision_r);
void __real_rmt_deal_put_job(struct rmt_deal *deal, const struct rmt_job *job);
void __wrap_rmt_deal_put_job(struct rmt_deal *deal, const struct rmt_job *job);

enum rmt_claim_result __wrap_rmt_claim_take(struct rmt_store *store,
					    const struct rmt_claim_step *step,
					    struct rmt_deal *deal,
					    struct rmt_claim **row_r, GError **err)
{
	struct rmt_claim_step any = *step;

	any.from = RMT_CLAIM_IN(RMT_CLAIM_STATES) - 1;
	return __real_rmt_claim_take(store, &any, deal, row_r, err);
}

enum rmt_claim_state __wrap_rmt_matter_state(const struct rmt_matter *matter)
{
	(void)matter;
	return RMT_CLAIM_DELIVERED;
}

void __wrap_rmt_receipt_decide(const struct rmt_config *config,
			       const struct rmt_receipt_facts *facts,
			       struct rmt_receipt_decision *decision_r)
{
	struct rmt_receipt_facts unclaimed = *facts;

	unclaimed.claimed = false;
	__real_rmt_receipt_decide(config, &unclaimed, decision_r);
}

void __wrap_rmt_deal_put_job(struct rmt_deal *deal, const struct rmt_job *job)
{
	static unsigned count;
	g_autofree char *id = g_strdup_printf("%s#%u", job->id, count++);
	struct rmt_job another = *job;

	another.id = id;
	__real_rmt_deal_put_job(deal, &another);
}
