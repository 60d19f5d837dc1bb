/* SPDX-License-Identifier: MIT */
#include "dovecot-plugin/compat.h"
#include "mail-storage-private.h"

#include "dovecot-plugin/agent_client.h"
#include "dovecot-plugin/job.h"
#include "dovecot-plugin/keywords.h"
#include "dovecot-plugin/report.h"
#include "dovecot-plugin/user.h"

/* Refusing wins where somebody says both. */
static const struct {
	const char *keyword, *choice;
} choices[] = {
	{ RMT_KEYWORD_DENY, "deny" },
	{ RMT_KEYWORD_ALWAYS, "always" },
	{ RMT_KEYWORD_APPROVE, "approve" },
};

const char *rmt_choice_by_keyword(const char *keyword)
{
	unsigned int i;

	for (i = 0; i < N_ELEMENTS(choices); i++)
		if (strcasecmp(keyword, choices[i].keyword) == 0)
			return choices[i].choice;
	return NULL;
}

const char *rmt_choice_of(struct mail *mail)
{
	unsigned int i;

	for (i = 0; i < N_ELEMENTS(choices); i++)
		if (rmt_mail_has_keyword(mail, choices[i].keyword))
			return choices[i].choice;
	return NULL;
}

static struct rmt_job *end(struct rmt_job *job, struct mail *mail, bool whole)
{
	return rmt_job_end(&job, mail, whole) ? job : NULL;
}

/* K01, whatever its keywords say. */
static bool is_draft(struct mail *mail)
{
	return (mail_get_flags(mail) & MAIL_DRAFT) != 0;
}

/* Who may leave no mark may only say what was displayed. */
static bool only_reports(const struct rmt_user *user)
{
	return user->set.receipts == RMT_RECEIPTS_REPORT;
}

static struct rmt_job *report_shown(struct rmt_user *user, struct mail *mail)
{
	static const char *const rules[] = { "seen", "fetched", "strict" };
	struct rmt_job *job;

	if (is_draft(mail))
		return NULL;
	job = rmt_job_about(user, "shown", mail);
	job->acked = only_reports(user) ? NULL : RMT_KEYWORD_SHOWN;
	rmt_wire_add(&job->out, "how", rules[user->set.evidence]);
	return end(job, mail, FALSE);
}

struct rmt_job *rmt_report_deleted(struct rmt_user *user, struct mail *mail)
{
	if (is_draft(mail) || only_reports(user))
		return NULL;
	return end(rmt_job_about(user, "deleted", mail), mail, FALSE);
}

struct rmt_job *rmt_report_choice(struct rmt_user *user, const char *choice,
				  struct mail *mail)
{
	struct rmt_job *job;

	if (is_draft(mail) || only_reports(user))
		return NULL;
	job = rmt_job_about(user, "choice", mail);
	job->acked = RMT_CHOICE_KEYWORDS;
	rmt_wire_add(&job->out, "choice", choice);
	return end(job, mail, FALSE);
}

struct rmt_job *rmt_report_unsubscribe(struct rmt_user *user, struct mail *mail,
				       unsigned int count)
{
	struct rmt_job *job = rmt_job_about(user, "unsubscribe", mail);

	job->acked = RMT_KEYWORD_UNSUBSCRIBE " " RMT_KEYWORD_ASKED;
	rmt_wire_add_number(&job->out, "count", count);
	return end(job, mail, count < RMT_WIRE_MANY);
}

struct rmt_job *rmt_report_confirmed(struct rmt_user *user, struct mail *mail)
{
	struct rmt_job *job = rmt_job_about(user, "unsubscribe", mail);

	rmt_wire_add_number(&job->out, "count", 1);
	rmt_wire_add(&job->out, "confirmed", "yes");
	return end(job, mail, TRUE);
}

struct rmt_job *rmt_report(struct rmt_user *user, const char *kind, struct mail *mail,
			   unsigned int count)
{
	const char *choice;

	if (strcmp(kind, "shown") == 0)
		return report_shown(user, mail);
	if (strcmp(kind, "unsubscribe") == 0)
		return rmt_report_unsubscribe(user, mail, I_MAX(count, 1));
	choice = rmt_choice_of(mail);
	return choice != NULL ? rmt_report_choice(user, choice, mail) : NULL;
}
