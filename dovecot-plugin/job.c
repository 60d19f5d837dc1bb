/* SPDX-License-Identifier: MIT */
#include "dovecot-plugin/compat.h"
#include "ioloop.h"
#include "mail-storage-private.h"
#include "mail-user.h"

#include "dovecot-plugin/agent_client.h"
#include "dovecot-plugin/job.h"
#include "dovecot-plugin/keywords.h"
#include "dovecot-plugin/message.h"
#include "dovecot-plugin/user.h"

static struct rmt_job *job_at(struct rmt_user *user, const char *kind,
			      struct mailbox *box, uint32_t uid)
{
	struct rmt_job *job = rmt_agent_job(user->agent, kind);
	struct mailbox_status status;

	mailbox_get_open_status(box, STATUS_UIDVALIDITY, &status);
	job->box = i_strdup(mailbox_get_vname(box));
	job->uidvalidity = status.uidvalidity;
	job->uid = uid;
	rmt_message_add_place(&job->out, box, uid);
	rmt_message_add_user(&job->out, &user->set, user->user->service);
	return job;
}

struct rmt_job *rmt_job_about(struct rmt_user *user, const char *kind, struct mail *mail)
{
	struct rmt_job *job = job_at(user, kind, mail->box, mail->uid);

	rmt_message_add(&job->out, mail);
	if (!rmt_mail_has_keyword(mail, RMT_KEYWORD_UNTOLD))
		rmt_wire_add(&job->out, "told", "yes");
	return job;
}

struct rmt_job *rmt_job_arriving(struct rmt_user *user, const char *kind,
				 struct mailbox *box, struct mail *mail)
{
	struct rmt_job *job = job_at(user, kind, box, 0);

	rmt_wire_add(&job->out, "msgid", rmt_message_id(mail));
	rmt_wire_add_number(&job->out, "received", (uint64_t)ioloop_time);
	return job;
}

bool rmt_job_end(struct rmt_job **job, struct mail *mail, bool whole)
{
	bool good = rmt_message_end(&(*job)->out, mail, whole);

	if (!good)
		rmt_job_free(job);
	return good;
}
