/* SPDX-License-Identifier: MIT */
#include "dovecot-plugin/compat.h"
#include "mail-namespace.h"
#include "mail-storage-private.h"
#include "mail-user.h"

#include "dovecot-plugin/drop.h"
#include "dovecot-plugin/keywords.h"
#include "dovecot-plugin/user.h"

static bool is_named(struct mailbox *box, const char *name)
{
	return name != NULL && strcmp(mailbox_get_vname(box), name) == 0;
}

const char *rmt_drop_of(const struct rmt_user *user, struct mailbox *box)
{
	const struct rmt_settings *set = &user->set;

	if (is_named(box, set->drop_approve))
		return "approve";
	if (is_named(box, set->drop_deny))
		return "deny";
	return is_named(box, set->drop_unsubscribe) ? "unsubscribe" : NULL;
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

void rmt_drop_put_back(struct rmt_user *user, struct mail *mail, const char *source,
		       const char *mark)
{
	struct mail_namespace *ns;
	struct mailbox *box;
	bool good = TRUE;

	if (source != NULL) {
		ns = mail_namespace_find(user->user->namespaces, source);
		box = mailbox_alloc(ns->list, source, 0);
		good = copy_to(box, mail, mark);
		mailbox_free(&box);
	}
	if (good)
		mail_expunge(mail);
}
