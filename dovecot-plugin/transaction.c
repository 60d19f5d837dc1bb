/* SPDX-License-Identifier: MIT */
#include "dovecot-plugin/compat.h"
#include "array.h"
#include "seq-range-array.h"
#include "time-util.h"
#include "module-context.h"
#include "mail-storage-private.h"
#include "mail-user.h"

#include "dovecot-plugin/agent_client.h"
#include "dovecot-plugin/dwell.h"
#include "dovecot-plugin/evidence.h"
#include "dovecot-plugin/keywords.h"
#include "dovecot-plugin/mailbox.h"
#include "dovecot-plugin/marks.h"
#include "dovecot-plugin/message.h"
#include "dovecot-plugin/preference.h"
#include "dovecot-plugin/report.h"
#include "dovecot-plugin/transaction.h"
#include "dovecot-plugin/user.h"

/* Another message's text, so soon before: a client that reads them all. */
enum { RUN_MSECS = 2000 };

/* A message with a request, or a wish of the user. */
struct touched {
	uint32_t uid;
	const char *choice; /* a constant, or NULL */
	bool pending, read, was_seen, became_seen, unsubscribe;
};

struct dropped {
	char *source; /* own; the mailbox; NULL: it must not be written to */
	uint32_t uidvalidity, uid;
	bool moved, unsubscribe; /* not moved: copied */
};

struct rmt_gathered {
	union mailbox_transaction_module_context module_ctx;
	struct rmt_user *user; /* foreign */
	ARRAY(struct touched) touched;
	ARRAY(struct rmt_job *) jobs;
	ARRAY(struct dropped) dropped;
	char *preference; /* own; or NULL */
	/* All messages count here, with a request or not; of \Seen the first two. */
	uint32_t last_read_uid;
	unsigned int reads, seens, unsubscribes;
	uint32_t dwell_uid;
	bool is_users, reads_text, in_a_run;
};

static MODULE_CONTEXT_DEFINE_INIT(transaction_module, &mail_storage_module_register);

/* --- whose doing it is --- */

static bool starts(const char *text, const char *word)
{
	return strncasecmp(text, word, strlen(word)) == 0;
}

/* imap gives the command as typed; the virtual plugin its functions' names, for
 * what the client did in a virtual mailbox: reads at once, flags at its sync. All
 * else is not the user. */
static bool is_clients_reason(const char *reason)
{
	static const char *const words[] = { "fetch ",
					     "store ",
					     "uid fetch ",
					     "uid store ",
					     "virtual_transaction_get",
					     "virtual_backend_box_sync_mail_set" };
	unsigned int i;

	for (i = 0; reason != NULL && i < N_ELEMENTS(words); i++)
		if (starts(reason, words[i]))
			return TRUE;
	return FALSE;
}

/* --- gathering --- */

static struct rmt_gathered *gathered_of(struct mailbox_transaction_context *t)
{
	return MODULE_CONTEXT(t, transaction_module);
}

static struct rmt_gathered *gather_new(struct mailbox_transaction_context *t)
{
	struct rmt_gathered *all = i_new(struct rmt_gathered, 1);

	all->user = rmt_user(t->box->storage->user);
	all->is_users = (t->flags & MAILBOX_TRANSACTION_FLAG_NO_NOTIFY) == 0 &&
			is_clients_reason(t->reason);
	i_array_init(&all->touched, 4);
	i_array_init(&all->jobs, 2);
	i_array_init(&all->dropped, 2);
	MODULE_CONTEXT_SET(t, transaction_module, all);
	return all;
}

static struct rmt_gathered *gather(struct mailbox_transaction_context *t)
{
	struct rmt_gathered *all = gathered_of(t);

	return all != NULL ? all : gather_new(t);
}

bool rmt_transaction_is_users(struct mailbox_transaction_context *t)
{
	return gather(t)->is_users;
}

static struct touched *touch(struct rmt_gathered *all, uint32_t uid)
{
	struct touched *item;

	/* Nearly always the last one. */
	array_foreach_modifiable(&all->touched, item)
	{
		if (item->uid == uid)
			return item;
	}
	item = array_append_space(&all->touched);
	item->uid = uid;
	return item;
}

static bool is_seen(struct mail *mail)
{
	return (mail_get_flags(mail) & MAIL_SEEN) != 0;
}

static bool only_reports(const struct rmt_gathered *all)
{
	return all->user->set.receipts == RMT_RECEIPTS_REPORT;
}

/* Spam and trash are not read in earnest (pitfall 7). */
static bool may_be_shown(struct mailbox *box)
{
	return !mailbox_is_readonly(box) && !mailbox_has_special_use(box, "\\Junk") &&
	       !mailbox_has_special_use(box, "\\Trash");
}

/* In report mode nothing tells at delivery which ones ask; judge_reported() will. */
static bool is_pending(const struct rmt_gathered *all, struct mail *mail)
{
	if (only_reports(all))
		return may_be_shown(mail->box);
	return rmt_mail_has_keyword(mail, RMT_KEYWORD_PENDING) &&
	       !rmt_mail_has_keyword(mail, "$Junk") && may_be_shown(mail->box);
}

/* Of this session: was another message's text read just now? */
static bool note_read(struct rmt_user *user, struct mail *mail)
{
	uint64_t now = i_microseconds() / 1000;
	bool in_a_run = user->read_uid != 0 && user->read_uid != mail->uid &&
			now - user->read_msecs < RUN_MSECS;

	user->read_uid = mail->uid;
	user->read_msecs = now;
	rmt_dwell_other(user, mailbox_get_vname(mail->box), mail->uid);
	return in_a_run;
}

/* The first message tells what the command reads: Dovecot opens the next ones
 * ahead, and then gives no reason that tells. */
static bool reads_text(struct rmt_gathered *all, struct mail *mail)
{
	const struct mail_private *pmail = (struct mail_private *)mail;

	if (!all->reads_text)
		all->reads_text = rmt_evidence_is_text(pmail->get_stream_reason,
						       mail->transaction->reason);
	return all->reads_text;
}

void rmt_gather_read(struct mailbox_transaction_context *t, struct mail *mail)
{
	struct rmt_gathered *all = gather(t);
	struct touched *item;

	/* Several parts of one message are one. */
	if (!all->is_users || all->last_read_uid == mail->uid || !reads_text(all, mail))
		return;
	all->last_read_uid = mail->uid;
	if (all->reads++ == 0)
		all->in_a_run = note_read(all->user, mail);
	else
		rmt_dwell_deinit(&all->user->dwell);
	/* Without marks it is the step to \Seen that tells the first reading. */
	if (only_reports(all) || !is_pending(all, mail))
		return;
	item = touch(all, mail->uid);
	if (!item->read && !item->became_seen)
		item->was_seen = is_seen(mail);
	item->pending = item->read = TRUE;
}

void rmt_gather_seen(struct mailbox_transaction_context *t, struct mail *mail)
{
	struct rmt_gathered *all = gather(t);
	struct touched *item;

	/* From two on nothing is proved, however many they are. */
	if (!all->is_users || all->seens > 1 || is_seen(mail))
		return;
	all->seens++;
	if (!is_pending(all, mail))
		return;
	item = touch(all, mail->uid);
	item->pending = item->became_seen = TRUE;
	item->was_seen = FALSE;
}

void rmt_gather_choice(struct mailbox_transaction_context *t, struct mail *mail,
		       const char *choice)
{
	touch(gather(t), mail->uid)->choice = choice;
}

void rmt_gather_unsubscribe(struct mailbox_transaction_context *t, struct mail *mail)
{
	struct rmt_gathered *all = gather(t);

	touch(all, mail->uid)->unsubscribe = TRUE;
	all->unsubscribes++;
}

/* EXPUNGE and CLOSE, neither MOVE nor a time that is up. */
static bool is_thrown_away(const struct mailbox_transaction_context *t)
{
	return (t->flags & MAILBOX_TRANSACTION_FLAG_NO_NOTIFY) == 0 &&
	       t->reason != NULL && strcasecmp(t->reason, "EXPUNGE") == 0 &&
	       mailbox_has_special_use(t->box, "\\Trash");
}

/* Out of the trash only: elsewhere it may be half of a move (pitfall 7). */
void rmt_gather_expunge(struct mailbox_transaction_context *t, struct mail *mail)
{
	struct rmt_job *job;

	if (!rmt_mail_has_keyword(mail, RMT_KEYWORD_PENDING) ||
	    rmt_mail_has_keyword(mail, RMT_KEYWORD_SHOWN) || is_seen(mail) ||
	    !is_thrown_away(t))
		return;
	job = rmt_report_deleted(gather(t)->user, mail);
	if (job != NULL)
		rmt_gather_job(t, job);
}

void rmt_gather_job(struct mailbox_transaction_context *t, struct rmt_job *job)
{
	array_push_back(&gather(t)->jobs, &job);
}

void rmt_gather_dropped(struct mailbox_transaction_context *t, struct mail *mail,
			bool moved, bool unsubscribe)
{
	struct dropped *dropped = array_append_space(&gather(t)->dropped);
	struct mailbox_status status;

	mailbox_get_open_status(mail->box, STATUS_UIDVALIDITY, &status);
	if (!mailbox_is_readonly(mail->box))
		dropped->source = i_strdup(mailbox_get_vname(mail->box));
	dropped->uidvalidity = status.uidvalidity;
	dropped->uid = mail->uid;
	dropped->moved = moved;
	dropped->unsubscribe = unsubscribe;
}

void rmt_gather_preference(struct mailbox_transaction_context *t, const char *value)
{
	struct rmt_gathered *all = gather(t);

	i_free(all->preference);
	all->preference = i_strdup(value);
}

/* --- judging --- */

static enum rmt_verdict judge(const struct rmt_gathered *all, struct mail *mail,
			      const struct touched *item)
{
	struct rmt_sight sight = {
		.body_read = item->read,
		.others_read = all->reads > 1,
		.in_a_run = all->in_a_run,
		.was_seen = item->was_seen,
		.became_seen = item->became_seen,
		.others_became = all->seens > 1,
		.fetched_before = only_reports(all) ||
				  rmt_mail_has_keyword(mail, RMT_KEYWORD_FETCHED),
	};

	return rmt_evidence_judge(all->user->set.evidence, &sight);
}

static void add_job(struct rmt_gathered *all, struct rmt_job *job)
{
	if (job != NULL)
		array_push_back(&all->jobs, &job);
}

static void judge_pending(struct rmt_gathered *all, struct mail *mail,
			  const struct touched *item)
{
	const char *box = mailbox_get_vname(mail->box);

	switch (judge(all, mail, item)) {
	case RMT_VERDICT_NOTHING:
		break;
	case RMT_VERDICT_FETCHED:
		if (!rmt_mail_has_keyword(mail, RMT_KEYWORD_FETCHED))
			(void)rmt_mail_mark(mail, RMT_KEYWORD_FETCHED);
		break;
	case RMT_VERDICT_DWELL:
		all->dwell_uid = item->uid;
		break;
	case RMT_VERDICT_SHOWN:
		/* K04: no mark, no receipt. */
		if (rmt_agent_first_time(all->user->agent, "shown", box, item->uid) &&
		    rmt_mail_mark(mail, RMT_KEYWORD_SHOWN))
			add_job(all, rmt_report(all->user, "shown", mail, 1));
		break;
	}
}

/* What server mode would have marked when it came; here without a mark. */
static bool asks(struct mail *mail)
{
	return !rmt_mail_has_keyword(mail, RMT_KEYWORD_MDN_SENT) &&
	       !rmt_mail_has_keyword(mail, "$Junk") &&
	       !mailbox_has_special_use(mail->box, "\\Sent") &&
	       !mailbox_has_special_use(mail->box, "\\Drafts") && rmt_message_asks(mail);
}

static void judge_reported(struct rmt_gathered *all, struct mail *mail,
			   const struct touched *item)
{
	const char *box = mailbox_get_vname(mail->box);
	enum rmt_verdict verdict = judge(all, mail, item);

	if ((verdict != RMT_VERDICT_SHOWN && verdict != RMT_VERDICT_DWELL) || !asks(mail))
		return;
	if (verdict == RMT_VERDICT_DWELL)
		all->dwell_uid = item->uid;
	else if (rmt_agent_first_time(all->user->agent, "shown", box, item->uid))
		add_job(all, rmt_report(all->user, "shown", mail, 1));
}

static void judge_one(struct rmt_gathered *all, struct mail *mail,
		      const struct touched *item)
{
	if (item->pending && only_reports(all))
		judge_reported(all, mail, item);
	else if (item->pending)
		judge_pending(all, mail, item);
	if (item->choice != NULL)
		add_job(all, rmt_report_choice(all->user, item->choice, mail));
	/* Remembered as the user's: a script may have set the other keyword. */
	if (item->unsubscribe && rmt_mail_mark(mail, RMT_KEYWORD_ASKED) &&
	    rmt_mail_mark(mail, RMT_KEYWORD_LEAVING))
		add_job(all, rmt_report_unsubscribe(all->user, mail, all->unsubscribes));
}

static void judge_all(struct rmt_gathered *all, struct mailbox_transaction_context *t)
{
	const struct touched *item;
	struct mail *mail;

	if (array_count(&all->touched) == 0)
		return;
	mail = mail_alloc(t, 0, NULL);
	array_foreach(&all->touched, item)
	{
		T_BEGIN
		{
			if (mail_set_uid(mail, item->uid) && !mail->expunged)
				judge_one(all, mail, item);
		}
		T_END;
	}
	mail_free(&mail);
}

/* --- reporting --- */

/* Back where they came from, once the client's command is over. */
static void put_back(struct rmt_gathered *all, struct mailbox *box,
		     const struct mail_transaction_commit_changes *changes)
{
	struct seq_range_iter iter;
	const struct dropped *dropped;
	unsigned int n = 0;
	uint32_t uid;

	seq_range_array_iter_init(&iter, &changes->saved_uids);
	array_foreach(&all->dropped, dropped)
	{
		struct rmt_change change = { .put_back = TRUE };

		if (!seq_range_array_iter_nth(&iter, n++, &uid))
			break;
		change.box = mailbox_get_vname(box);
		change.uidvalidity = changes->uid_validity;
		change.uid = uid;
		change.source = dropped->source;
		change.original = dropped->moved ? 0 : dropped->uid;
		change.original_uidvalidity = dropped->uidvalidity;
		change.job = dropped->unsubscribe ? "unsubscribe" : NULL;
		change.count = array_count(&all->dropped);
		rmt_marks_change(all->user->marks, &change);
	}
}

static void report_all(struct rmt_gathered *all, struct mailbox *box,
		       const struct mail_transaction_commit_changes *changes)
{
	struct mailbox_status status;
	struct rmt_job *const *job;

	array_foreach(&all->jobs, job)
	{
		rmt_agent_send(all->user->agent, *job);
	}
	array_clear(&all->jobs);
	if (array_count(&all->dropped) > 0)
		put_back(all, box, changes);
	if (all->preference != NULL)
		rmt_preference_report(all->user, all->preference);
	if (all->dwell_uid != 0) {
		mailbox_get_open_status(box, STATUS_UIDVALIDITY, &status);
		rmt_dwell_start(all->user, mailbox_get_vname(box), status.uidvalidity,
				all->dwell_uid);
	}
}

static void gathered_free(struct rmt_gathered *all)
{
	struct dropped *dropped;
	struct rmt_job **job;

	array_foreach_modifiable(&all->jobs, job)
	{
		rmt_job_free(job);
	}
	array_foreach_modifiable(&all->dropped, dropped)
	{
		i_free(dropped->source);
	}
	array_free(&all->touched);
	array_free(&all->jobs);
	array_free(&all->dropped);
	i_free(all->preference);
	i_free(all);
}

int rmt_transaction_commit(struct mailbox_transaction_context *t,
			   struct mail_transaction_commit_changes *changes_r,
			   rmt_commit_func *next)
{
	struct rmt_gathered *all = gathered_of(t);
	struct mailbox *box = t->box;
	int ret;

	if (all == NULL)
		return next(t, changes_r);
	judge_all(all, t);
	ret = next(t, changes_r); /* t is gone */
	if (ret == 0)
		report_all(all, box, changes_r);
	gathered_free(all);
	return ret;
}

void rmt_transaction_rollback(struct mailbox_transaction_context *t)
{
	struct rmt_gathered *all = gathered_of(t);

	if (all != NULL)
		gathered_free(all);
}
