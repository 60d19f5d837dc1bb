/* SPDX-License-Identifier: MIT */
#include "dovecot-plugin/compat.h"
#include "mail-namespace.h"
#include "mail-storage-private.h"
#include "mail-user.h"

#include "dovecot-plugin/drop.h"
#include "dovecot-plugin/keywords.h"
#include "dovecot-plugin/marks.h"
#include "dovecot-plugin/user.h"

static bool is_named(struct mailbox *box, const char *name)
{
	return name != NULL && strcmp(mailbox_get_vname(box), name) == 0;
}

const char *rmt_drop_of(const struct rmt_user *user, struct mailbox *box)
{
	const struct rmt_settings *set = &user->set;

	if (is_named(box, set->drop_unsubscribe))
		return "unsubscribe";
	if (set->receipts == RMT_RECEIPTS_REPORT)
		return NULL;
	if (is_named(box, set->drop_approve))
		return "approve";
	return is_named(box, set->drop_deny) ? "deny" : NULL;
}

static bool copy_to(struct mailbox *box, struct mail *mail, const char *mark)
{
	const char *const marks[] = { mark, NULL };
	struct mailbox_transaction_context *t;
	struct mail_save_context *save;

	if (mailbox_open(box) < 0)
		return FALSE;
	t = mailbox_transaction_begin(box,
				      MAILBOX_TRANSACTION_FLAG_EXTERNAL |
					      MAILBOX_TRANSACTION_FLAG_NO_NOTIFY,
				      "remite");
	save = mailbox_save_alloc(t);
	mailbox_save_copy_flags(save, mail);
	if (mark != NULL)
		rmt_save_add(save, marks);
	if (mailbox_copy(&save, mail) < 0) {
		mailbox_transaction_rollback(&t);
		return FALSE;
	}
	return mailbox_transaction_commit(&t) == 0;
}

/* Once it is back: two are better than none. */
static void expunge_original(struct mailbox *box, const struct rmt_change *change)
{
	struct mailbox_transaction_context *t;
	struct mailbox_status status;
	struct mail *mail;

	if (mailbox_sync(box, 0) < 0)
		return;
	mailbox_get_open_status(box, STATUS_UIDVALIDITY, &status);
	if (status.uidvalidity != change->original_uidvalidity)
		return;
	t = mailbox_transaction_begin(box, MAILBOX_TRANSACTION_FLAG_NO_NOTIFY, "remite");
	mail = mail_alloc(t, 0, NULL);
	if (mail_set_uid(mail, change->original))
		mail_expunge(mail);
	mail_free(&mail);
	(void)mailbox_transaction_commit(&t);
}

static bool put_back(struct rmt_user *user, struct mail *mail,
		     const struct rmt_change *change, const char *mark)
{
	struct mail_namespace *ns =
		mail_namespace_find(user->user->namespaces, change->source);
	struct mailbox *box = mailbox_alloc(ns->list, change->source, 0);
	bool good = copy_to(box, mail, mark);

	if (good && change->original != 0)
		expunge_original(box, change);
	mailbox_free(&box);
	return good;
}

void rmt_drop_put_back(struct rmt_user *user, struct mail *mail,
		       const struct rmt_change *change, const char *mark)
{
	if (change->source == NULL || put_back(user, mail, change, mark))
		mail_expunge(mail);
}
