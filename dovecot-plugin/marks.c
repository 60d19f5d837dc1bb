/* SPDX-License-Identifier: MIT */
#include "dovecot-plugin/compat.h"
#include "array.h"
#include "ioloop.h"
#include "mail-namespace.h"
#include "mail-storage-private.h"
#include "mail-user.h"

#include "dovecot-plugin/agent_client.h"
#include "dovecot-plugin/drop.h"
#include "dovecot-plugin/keywords.h"
#include "dovecot-plugin/marks.h"
#include "dovecot-plugin/preference.h"
#include "dovecot-plugin/report.h"
#include "dovecot-plugin/user.h"

enum { LOOK_BACK = 2000 };

/* One change, copied; and what became of it. */
struct entry {
	struct rmt_change change; /* its strings are in the pool of the batch */
	struct rmt_job *job;      /* own; sent once the marks are stored */
	bool done;
};

ARRAY_DEFINE_TYPE(entries, struct entry);

struct rmt_marks {
	struct rmt_user *user; /* foreign */
	struct timeout *to;
	pool_t pool; /* of the entries */
	ARRAY_TYPE(entries) entries;
};

struct rmt_marks *rmt_marks_init(struct rmt_user *user)
{
	struct rmt_marks *marks = i_new(struct rmt_marks, 1);

	marks->user = user;
	return marks;
}

void rmt_marks_deinit(struct rmt_marks **_marks)
{
	struct rmt_marks *marks = *_marks;

	*_marks = NULL;
	if (marks == NULL)
		return;
	timeout_remove(&marks->to);
	if (array_is_created(&marks->entries))
		array_free(&marks->entries);
	pool_unref(&marks->pool);
	i_free(marks);
}

void rmt_marks_change(struct rmt_marks *marks, const struct rmt_change *change)
{
	struct entry entry = { .change = *change };
	struct rmt_change *copy = &entry.change;

	if (marks->pool == NULL) {
		marks->pool = pool_alloconly_create("remite marks", 1024);
		i_array_init(&marks->entries, 8);
		marks->to = timeout_add_short(0, rmt_marks_flush, marks);
	}
	copy->box = p_strdup(marks->pool, change->box);
	copy->msgid = p_strdup(marks->pool, change->msgid);
	copy->add = p_strdup(marks->pool, change->add);
	copy->remove = p_strdup(marks->pool, change->remove);
	copy->preference = p_strdup(marks->pool, change->preference);
	copy->job = p_strdup(marks->pool, change->job);
	copy->source = p_strdup(marks->pool, change->source);
	array_push_back(&marks->entries, &entry);
}

/* --- in an open mailbox --- */

static bool has_msgid(struct mail *mail, const char *msgid)
{
	const char *value;

	return mail_get_first_header(mail, "Message-ID", &value) > 0 &&
	       strcmp(t_str_trim(value, " \t\r\n"), msgid) == 0;
}

/* Moved here, or its UID is not known: among those that wait for an answer, else
 * among the newest, as far as the cache knows them. */
static bool find_by_msgid(struct mail *mail, const char *msgid)
{
	uint32_t seq, count;
	bool found = FALSE;

	if (msgid == NULL)
		return FALSE;
	count = mail_index_view_get_messages_count(mail->transaction->view);
	for (seq = count; seq > 0 && !found; seq--) {
		bool pending;

		mail_set_seq(mail, seq);
		pending = rmt_mail_has_keyword(mail, RMT_KEYWORD_PENDING) ||
			  rmt_mail_has_keyword(mail, RMT_KEYWORD_LEAVING);
		mail->lookup_abort = pending ? MAIL_LOOKUP_ABORT_NEVER
					     : MAIL_LOOKUP_ABORT_NOT_IN_CACHE;
		if (pending || count - seq < LOOK_BACK)
			found = has_msgid(mail, msgid);
	}
	/* The mail object is used on. */
	mail->lookup_abort = MAIL_LOOKUP_ABORT_NEVER;
	return found;
}

static bool find_mail(struct mail *mail, const struct rmt_change *change)
{
	struct mailbox_status status;

	mailbox_get_open_status(mail->box, STATUS_UIDVALIDITY, &status);
	if (change->uid != 0 &&
	    (change->uidvalidity == 0 || change->uidvalidity == status.uidvalidity) &&
	    mail_set_uid(mail, change->uid) && !mail->expunged &&
	    (change->msgid == NULL || has_msgid(mail, change->msgid)))
		return TRUE;
	return find_by_msgid(mail, change->msgid);
}

/* What a mailbox never had need not be made known to it to be taken away. */
static const char *const *known_of(struct mailbox *box, const char *const *names)
{
	ARRAY_TYPE(const_string) known;
	unsigned int idx;

	t_array_init(&known, 4);
	for (; *names != NULL; names++)
		if (mail_index_keyword_lookup(box->index, *names, &idx))
			array_push_back(&known, names);
	array_append_zero(&known);
	return array_front(&known);
}

static void update(struct mail *mail, enum modify_type type, const char *names)
{
	const char *const *list = t_strsplit_spaces(names, " ");
	struct mail_keywords *keywords;

	if (type == MODIFY_REMOVE)
		list = known_of(mail->box, list);
	keywords = mailbox_keywords_create_valid(mail->box, list);
	mail_update_keywords(mail, type, keywords);
	mailbox_keywords_unref(&keywords);
}

/* What goes on the message that is put back. */
static const char *mark_of(const struct entry *entry)
{
	return entry->job != NULL && strcmp(entry->change.job, "unsubscribe") == 0
		       ? RMT_KEYWORD_LEAVING
		       : NULL;
}

static void apply(struct rmt_marks *marks, struct mail *mail, struct entry *entry)
{
	const struct rmt_change *change = &entry->change;

	if (!find_mail(mail, change))
		return;
	entry->done = TRUE;
	if (change->job != NULL)
		entry->job = rmt_report(marks->user, change->job, mail, change->count);
	if (change->put_back) {
		rmt_drop_put_back(marks->user, mail, change, mark_of(entry));
		return;
	}
	if (change->want_unsubscribe)
		entry->job = rmt_report_confirmed(marks->user, mail);
	if (change->add != NULL)
		update(mail, MODIFY_ADD, change->add);
	if (change->remove != NULL)
		update(mail, MODIFY_REMOVE, change->remove);
}

static struct mailbox *open_box(struct rmt_marks *marks, const char *name)
{
	struct mail_namespace *ns =
		mail_namespace_find(marks->user->user->namespaces, name);
	struct mailbox *box;

	if (ns == NULL || ns->type != MAIL_NAMESPACE_TYPE_PRIVATE)
		return NULL;
	box = mailbox_alloc(ns->list, name, 0);
	if (mailbox_open(box) < 0 || mailbox_sync(box, 0) < 0)
		mailbox_free(&box);
	return box;
}

/* NO_NOTIFY: not for our own callbacks, nor for other plugins'. */
static bool apply_all_there(struct rmt_marks *marks, struct mailbox *box,
			    struct entry *entries, unsigned int count)
{
	struct mailbox_transaction_context *t = mailbox_transaction_begin(
		box, MAILBOX_TRANSACTION_FLAG_NO_NOTIFY, "remite");
	const char *name = mailbox_get_vname(box);
	struct mail *mail = mail_alloc(t, 0, NULL);
	unsigned int i;

	for (i = 0; i < count; i++) {
		if (entries[i].change.box == NULL || entries[i].done ||
		    strcmp(entries[i].change.box, name) != 0)
			continue;
		T_BEGIN
		{
			apply(marks, mail, &entries[i]);
		}
		T_END;
	}
	mail_free(&mail);
	return mailbox_transaction_commit(&t) == 0;
}

/* --- and then --- */

static void finish(struct rmt_marks *marks, struct entry *entry, bool stored)
{
	if (entry->job != NULL) {
		/* K04: where a mark cannot be stored, nothing is sent. */
		if (stored)
			rmt_agent_send(marks->user->agent, entry->job);
		else
			rmt_job_free(&entry->job);
	}
	if (entry->change.answer != 0)
		rmt_agent_answered(marks->user->agent, entry->change.answer,
				   entry->done && stored ? NULL : "no such message");
}

/* What was not where it used to be may be in the mailbox that is open. */
static bool try_selected(struct rmt_marks *marks, struct entry *entry)
{
	const char *selected = marks->user->selected;

	if (entry->done || entry->change.msgid == NULL || selected == NULL ||
	    (entry->change.box != NULL && strcmp(entry->change.box, selected) == 0))
		return FALSE;
	entry->change.box = selected;
	entry->change.uid = 0;
	return TRUE;
}

static void do_box(struct rmt_marks *marks, const char *name, struct entry *entries,
		   unsigned int count)
{
	struct mailbox *box = open_box(marks, name);
	bool stored;
	unsigned int i;

	stored = box != NULL && apply_all_there(marks, box, entries, count);
	for (i = 0; i < count; i++) {
		struct entry *entry = &entries[i];

		if (entry->change.box == NULL || strcmp(entry->change.box, name) != 0)
			continue;
		if (try_selected(marks, entry))
			continue;
		finish(marks, entry, stored);
		entry->change.box = NULL;
	}
	if (box != NULL)
		mailbox_free(&box);
}

static void store_preference(struct rmt_marks *marks, struct entry *entry)
{
	entry->done = rmt_preference_store(marks->user, entry->change.preference);
	finish(marks, entry, entry->done);
	entry->change.box = NULL;
}

void rmt_marks_flush(struct rmt_marks *marks)
{
	ARRAY_TYPE(entries) batch = marks->entries;
	struct entry *entries;
	unsigned int i, count;
	pool_t pool = marks->pool;

	timeout_remove(&marks->to);
	if (pool == NULL)
		return;
	/* What comes in meanwhile is another batch. */
	i_zero(&marks->entries);
	marks->pool = NULL;

	entries = array_get_modifiable(&batch, &count);
	for (i = 0; i < count; i++)
		if (entries[i].change.preference != NULL)
			store_preference(marks, &entries[i]);
	for (i = 0; i < count; i++)
		/* Twice where a message is looked for elsewhere. */
		while (entries[i].change.box != NULL)
			do_box(marks, entries[i].change.box, entries + i, count - i);
	array_free(&batch);
	pool_unref(&pool);
}
