/* SPDX-License-Identifier: MIT */
#include "dovecot-plugin/compat.h"
#include "mail-storage-private.h"

#include "dovecot-plugin/agent_client.h"
#include "dovecot-plugin/drop.h"
#include "dovecot-plugin/job.h"
#include "dovecot-plugin/keywords.h"
#include "dovecot-plugin/mailbox.h"
#include "dovecot-plugin/report.h"
#include "dovecot-plugin/saved.h"
#include "dovecot-plugin/transaction.h"
#include "dovecot-plugin/user.h"

/* K06: what the user wrote asks nothing of the user. */
static void mark_own_mail(struct rmt_user *user, struct mail_save_context *ctx)
{
	static const char *const sent[] = { RMT_KEYWORD_MDN_SENT, NULL };
	struct mailbox *box = ctx->transaction->box;

	if (user->set.receipts != RMT_RECEIPTS_OFF &&
	    user->set.receipts != RMT_RECEIPTS_REPORT &&
	    (mailbox_has_special_use(box, "\\Sent") ||
	     mailbox_has_special_use(box, "\\Drafts")))
		rmt_save_add(ctx, sent);
}

void rmt_append_mark(struct rmt_user *user, struct mail_save_context *ctx)
{
	/* Only a delivery makes a request pending (pitfall 11). */
	rmt_save_remove(ctx, rmt_keywords_ours);
	mark_own_mail(user, ctx);
}

void rmt_copy_mark(struct rmt_user *user, struct mail_save_context *ctx,
		   struct mail *mail)
{
	/* Another user's request is not ours; a message once junked has none. */
	if (!rmt_mailbox_is_ours(mail->box) ||
	    mailbox_has_special_use(ctx->transaction->box, "\\Junk"))
		rmt_save_remove(ctx, rmt_keywords_ours);
	mark_own_mail(user, ctx);
}

/* COPY, MOVE and UID of them: not IMAPSieve, nor a client's rule on the server
 * (pitfall 25). */
static bool is_clients_copy(const struct mailbox_transaction_context *t)
{
	static const char *const words[] = { "copy ", "move ", "uid copy ", "uid move " };
	unsigned int i;

	for (i = 0; t->reason != NULL && i < N_ELEMENTS(words); i++)
		if (strncasecmp(t->reason, words[i], strlen(words[i])) == 0)
			return TRUE;
	return FALSE;
}

static void was_junked(struct rmt_user *user, struct mailbox_transaction_context *t,
		       struct mail *mail)
{
	struct rmt_job *job;

	if (!rmt_mailbox_is_ours(mail->box) ||
	    !rmt_mail_has_keyword(mail, RMT_KEYWORD_PENDING))
		return;
	job = rmt_report_choice(user, "junk", mail);
	if (job != NULL)
		rmt_gather_job(t, job);
}

static void was_dropped(struct rmt_user *user, struct mailbox_transaction_context *t,
			struct mail *mail, const char *choice, bool moving)
{
	const bool unsubscribe = strcmp(choice, "unsubscribe") == 0;
	struct rmt_job *job = NULL;

	if (!unsubscribe && rmt_mail_has_keyword(mail, RMT_KEYWORD_PENDING))
		job = rmt_report_choice(user, choice, mail);
	if (job != NULL)
		rmt_gather_job(t, job);
	/* How many are dropped at once is known at the end. */
	rmt_gather_dropped(t, mail, moving, unsubscribe && user->set.unsubscribe);
}

void rmt_copied(struct rmt_user *user, struct mailbox_transaction_context *t,
		struct mail *mail, bool moving)
{
	const char *choice;

	if (!is_clients_copy(t))
		return;
	if (mailbox_has_special_use(t->box, "\\Junk"))
		was_junked(user, t, mail);
	choice = rmt_drop_of(user, t->box);
	if (choice != NULL && rmt_mailbox_is_ours(mail->box))
		was_dropped(user, t, mail, choice, moving);
}
