/* SPDX-License-Identifier: MIT */
#include "dovecot-plugin/compat.h"
#include "module-context.h"
#include "mail-storage-private.h"

#include "dovecot-plugin/keywords.h"
#include "dovecot-plugin/mailbox.h"
#include "dovecot-plugin/report.h"
#include "dovecot-plugin/transaction.h"
#include "dovecot-plugin/user.h"
#include "dovecot-plugin/wire.h"

struct mail_context {
	union mail_module_context module_ctx;
	const struct rmt_user *user; /* foreign */
	bool marking, marked;
};

static MODULE_CONTEXT_DEFINE_INIT(mail_module, &mail_module_register);

static struct mail_context *context_of(struct mail *mail)
{
	return MODULE_CONTEXT((struct mail_private *)mail, mail_module);
}

static int ours_get_stream(struct mail *mail, bool get_body,
			   struct message_size *hdr_size, struct message_size *body_size,
			   struct istream **stream_r)
{
	int ret = context_of(mail)->module_ctx.super.get_stream(mail, get_body, hdr_size,
								body_size, stream_r);

	if (ret == 0 && get_body)
		rmt_gather_read(mail->transaction, mail);
	return ret;
}

static void ours_update_flags(struct mail *mail, enum modify_type type,
			      enum mail_flags flags)
{
	if (type != MODIFY_REMOVE && (flags & MAIL_SEEN) != 0)
		rmt_gather_seen(mail->transaction, mail);
	context_of(mail)->module_ctx.super.update_flags(mail, type, flags);
}

/* The user's own words, where they are new. */
static void gather_words(struct mail *mail, const struct mail_keywords *keywords)
{
	static const char *const choices[] = { RMT_KEYWORD_ALWAYS, RMT_KEYWORD_APPROVE,
					       RMT_KEYWORD_DENY };
	const struct rmt_user *user = context_of(mail)->user;
	struct mailbox *box = mail->box;
	unsigned int i;

	for (i = 0; i < N_ELEMENTS(choices); i++)
		if (rmt_keywords_has(box, keywords, choices[i]) &&
		    rmt_mail_has_keyword(mail, RMT_KEYWORD_PENDING))
			rmt_gather_choice(mail->transaction, mail,
					  rmt_choice_by_keyword(choices[i]));
	if ((rmt_keywords_has(box, keywords, "$Junk") ||
	     rmt_keywords_has(box, keywords, "Junk")) &&
	    rmt_mail_has_keyword(mail, RMT_KEYWORD_PENDING))
		rmt_gather_choice(mail->transaction, mail, "junk");
	if (user->set.unsubscribe &&
	    rmt_keywords_has(box, keywords, RMT_KEYWORD_UNSUBSCRIBE) &&
	    !rmt_mail_has_keyword(mail, RMT_KEYWORD_UNSUBSCRIBE))
		rmt_gather_unsubscribe(mail->transaction, mail);
}

/* In report mode it is the clients', but for what was marked before. */
static bool protects_sent(struct mail *mail)
{
	return context_of(mail)->user->set.receipts != RMT_RECEIPTS_REPORT ||
	       rmt_mail_has_keyword(mail, RMT_KEYWORD_PENDING);
}

static void ours_update_keywords(struct mail *mail, enum modify_type type,
				 struct mail_keywords *keywords)
{
	struct mail_context *ours = context_of(mail);
	struct mail_keywords *left;

	if (ours->marking ||
	    (mail->transaction->flags & MAILBOX_TRANSACTION_FLAG_NO_NOTIFY) != 0) {
		ours->marked = TRUE;
		ours->module_ctx.super.update_keywords(mail, type, keywords);
		return;
	}
	if (type != MODIFY_REMOVE && keywords != NULL &&
	    rmt_transaction_is_users(mail->transaction) &&
	    !mailbox_is_readonly(mail->box))
		gather_words(mail, keywords);
	T_BEGIN
	{
		left = rmt_keywords_veto(mail, type, keywords, protects_sent(mail));
	}
	T_END;
	ours->module_ctx.super.update_keywords(mail, type, left);
	mailbox_keywords_unref(&left);
}

static void ours_expunge(struct mail *mail)
{
	rmt_gather_expunge(mail->transaction, mail);
	context_of(mail)->module_ctx.super.expunge(mail);
}

bool rmt_mail_mark(struct mail *mail, const char *keyword)
{
	const char *const names[] = { keyword, NULL };
	struct mail_keywords *keywords = mailbox_keywords_create_valid(mail->box, names);
	struct mail_context *ours = context_of(mail);

	/* Through all plugins: one before us may hold it back. */
	ours->marking = TRUE;
	ours->marked = FALSE;
	mail_update_keywords(mail, MODIFY_ADD, keywords);
	ours->marking = FALSE;
	mailbox_keywords_unref(&keywords);
	return ours->marked;
}

void rmt_mail_allocated(struct mail *_mail)
{
	struct mail_private *mail = (struct mail_private *)_mail;
	struct mail_vfuncs *v = mail->vlast;
	struct mail_context *ours;
	const struct rmt_user *user = rmt_user(_mail->box->storage->user);

	if (!rmt_mailbox_is_ours(_mail->box) || user->service != RMT_SERVICE_IMAP)
		return;
	ours = p_new(mail->pool, struct mail_context, 1);
	ours->module_ctx.super = *v;
	ours->user = user;
	mail->vlast = &ours->module_ctx.super;
	v->get_stream = ours_get_stream;
	v->update_flags = ours_update_flags;
	v->update_keywords = ours_update_keywords;
	v->expunge = ours_expunge;
	MODULE_CONTEXT_SET(mail, mail_module, ours);
}
