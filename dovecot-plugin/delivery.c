/* SPDX-License-Identifier: MIT */
#include "dovecot-plugin/compat.h"
#include "mail-storage-private.h"
#include "mail-user.h"

#include "dovecot-plugin/agent_client.h"
#include "dovecot-plugin/delivery.h"
#include "dovecot-plugin/feedback.h"
#include "dovecot-plugin/job.h"
#include "dovecot-plugin/keywords.h"
#include "dovecot-plugin/message.h"
#include "dovecot-plugin/transaction.h"
#include "dovecot-plugin/trust.h"
#include "dovecot-plugin/user.h"

/* Spam, and what the user wrote, are never answered (pitfall 7, K06). */
static bool is_never_answered(struct mailbox *box)
{
	return mailbox_has_special_use(box, "\\Junk") ||
	       mailbox_has_special_use(box, "\\Sent") ||
	       mailbox_has_special_use(box, "\\Drafts");
}

static bool marks_requests(enum rmt_receipts mode)
{
	return mode == RMT_RECEIPTS_SERVER || mode == RMT_RECEIPTS_NONE;
}

/* The envelope recipient, so that a receipt can say for whom (pitfall 4). */
static void tell_agent(struct rmt_user *user, struct mail_save_context *ctx,
		       struct mail *mail)
{
	struct rmt_job *job =
		rmt_job_arriving(user, "delivered", ctx->transaction->box, mail);

	job->once = TRUE;
	rmt_wire_add(&job->out, "rcpt", rmt_envelope_recipient(user->user));
	if (rmt_job_end(&job, mail, FALSE))
		rmt_gather_job(ctx->transaction, job);
}

static void mark_request(struct rmt_user *user, struct mail_save_context *ctx,
			 struct mail *mail)
{
	static const char *const sent[] = { RMT_KEYWORD_MDN_SENT, NULL };
	static const char *const pending[] = { RMT_KEYWORD_MDN_SENT, RMT_KEYWORD_PENDING,
					       NULL };
	static const char *const untold[] = { RMT_KEYWORD_UNTOLD, NULL };
	struct mailbox *box = ctx->transaction->box;
	bool opted_out = rmt_keywords_has(box, ctx->data.keywords, RMT_KEYWORD_MDN_SENT);

	if (!marks_requests(user->set.receipts) || opted_out || !rmt_message_asks(mail))
		return;
	if (user->set.receipts == RMT_RECEIPTS_NONE || is_never_answered(box)) {
		rmt_save_add(ctx, sent);
		return;
	}
	rmt_save_add(ctx, pending);
	/* Else it could not be told from what dsync brings (K01). */
	if (!rmt_agent_can_hear(user->agent))
		rmt_save_add(ctx, untold);
	tell_agent(user, ctx, mail);
}

void rmt_delivery_mark(struct rmt_user *user, struct mail_save_context *ctx,
		       struct mail *mail)
{
	static const char *const can[] = { RMT_KEYWORD_CAN_UNSUBSCRIBE, NULL };

	/* A script cannot say in our name that a request is open. */
	rmt_save_remove(ctx, rmt_keywords_ours);
	mark_request(user, ctx, mail);
	if (user->set.trust_headers && rmt_trust_unsubscribe(mail))
		rmt_save_add(ctx, can);
	rmt_feedback_mark(user, ctx);
}
