/* SPDX-License-Identifier: MIT */
#include "dovecot-plugin/compat.h"
#include "array.h"
#include "mail-namespace.h"
#include "mail-storage-private.h"
#include "mail-user.h"

#include "dovecot-plugin/agent_client.h"
#include "dovecot-plugin/feedback.h"
#include "dovecot-plugin/job.h"
#include "dovecot-plugin/keywords.h"
#include "dovecot-plugin/marks.h"
#include "dovecot-plugin/user.h"

enum {
	WAIT_MSECS = 500, /* the reply to RCPT waits as long, if the agent hangs */
	LOOK_BACK = 1000, /* messages, for those that the agent did not take */
	AT_ONCE = 20,
};

void rmt_feedback_mark(struct rmt_user *user, struct mail_save_context *ctx)
{
	static const char *const mark[] = { RMT_KEYWORD_FEEDBACK, NULL };

	if (!user->set.feedback)
		return;
	rmt_save_add(ctx, mark);
	i_free(user->selected);
	user->selected = i_strdup(mailbox_get_vname(ctx->transaction->box));
}

static void hand_over(struct rmt_user *user, struct mail *mail)
{
	struct rmt_job *job = rmt_job_about(user, "feedback", mail);

	job->acked = RMT_KEYWORD_FEEDBACK;
	if (rmt_job_end(&job, mail, TRUE))
		rmt_agent_send(user->agent, job);
}

static void hand_over_marked(struct rmt_user *user, struct mailbox *box)
{
	struct mailbox_transaction_context *t = mailbox_transaction_begin(
		box, MAILBOX_TRANSACTION_FLAG_NO_NOTIFY, "remite");
	struct mail *mail = mail_alloc(t, 0, NULL);
	uint32_t seq = mail_index_view_get_messages_count(t->view);
	uint32_t last = seq > LOOK_BACK ? seq - LOOK_BACK : 0;
	unsigned int count = 0;

	for (; seq > last && count < AT_ONCE; seq--) {
		mail_set_seq(mail, seq);
		if (!rmt_mail_has_keyword(mail, RMT_KEYWORD_FEEDBACK))
			continue;
		count++;
		T_BEGIN
		{
			hand_over(user, mail);
		}
		T_END;
	}
	mail_free(&mail);
	(void)mailbox_transaction_commit(&t);
}

void rmt_feedback_finish(struct rmt_user *user)
{
	struct mail_namespace *ns;
	struct mailbox *box;

	/* Where a message was put in this session. */
	if (!user->set.feedback || user->service != RMT_SERVICE_DELIVERY ||
	    user->selected == NULL)
		return;
	ns = mail_namespace_find(user->user->namespaces, user->selected);
	box = mailbox_alloc(ns->list, user->selected, 0);
	if (mailbox_open(box) == 0 && mailbox_sync(box, 0) == 0)
		hand_over_marked(user, box);
	mailbox_free(&box);
	rmt_agent_wait(user->agent, WAIT_MSECS);
}
