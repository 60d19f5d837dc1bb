/* SPDX-License-Identifier: MIT */
#include "dovecot-plugin/compat.h"
#include "mail-namespace.h"
#include "mail-storage-private.h"
#include "mail-user.h"

#include "dovecot-plugin/agent_client.h"
#include "dovecot-plugin/preference.h"
#include "dovecot-plugin/user.h"

#define KEY MAILBOX_ATTRIBUTE_PREFIX_DOVECOT_PVT_SERVER "vendor/vendor.remite/receipts"

bool rmt_preference_is_key(const char *key)
{
	return strcasecmp(key, KEY) == 0;
}

void rmt_preference_report(struct rmt_user *user, const char *value)
{
	struct rmt_job *job = rmt_agent_job(user->agent, "preference");

	rmt_wire_add(&job->out, "value", value);
	rmt_wire_end(&job->out, NULL, 0);
	rmt_agent_send(user->agent, job);
}

bool rmt_preference_store(struct rmt_user *user, const char *value)
{
	struct mail_namespace *ns = mail_namespace_find_inbox(user->user->namespaces);
	struct mailbox *box = mailbox_alloc(ns->list, "INBOX", 0);
	struct mail_attribute_value attribute = { .value =
							  *value != '\0' ? value : NULL };
	struct mailbox_transaction_context *t;
	bool stored = FALSE;

	if (mailbox_open(box) == 0) {
		t = mailbox_transaction_begin(box, MAILBOX_TRANSACTION_FLAG_NO_NOTIFY,
					      "remite");
		stored = mailbox_attribute_set(t, MAIL_ATTRIBUTE_TYPE_PRIVATE, KEY,
					       &attribute) == 0;
		if (!stored)
			mailbox_transaction_rollback(&t);
		else
			stored = mailbox_transaction_commit(&t) == 0;
	}
	mailbox_free(&box);
	return stored;
}
