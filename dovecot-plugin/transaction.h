/* SPDX-License-Identifier: MIT */
/* transaction.h - what one command of the client does to messages: gathered while
 * it runs, judged before its commit, reported after it.
 */
#ifndef RMT_TRANSACTION_H
#define RMT_TRANSACTION_H

#include <stdbool.h>

struct mail;
struct mail_transaction_commit_changes;
struct mailbox;
struct mailbox_transaction_context;
struct rmt_gathered;
struct rmt_job;
struct rmt_user;

/* Whether a client's FETCH or STORE stands behind it, not a script or another
 * plugin. */
bool rmt_transaction_is_users(struct mailbox_transaction_context *t);

/* The message's text was opened; most often that says nothing, and costs little. */
void rmt_gather_read(struct mailbox_transaction_context *t, struct mail *mail);
/* \Seen is about to be set. */
void rmt_gather_seen(struct mailbox_transaction_context *t, struct mail *mail);
void rmt_gather_choice(struct mailbox_transaction_context *t, struct mail *mail,
		       const char *choice);
void rmt_gather_unsubscribe(struct mailbox_transaction_context *t, struct mail *mail);
/* Is about to be expunged. */
void rmt_gather_expunge(struct mailbox_transaction_context *t, struct mail *mail);
/* For after the commit; takes it over. */
void rmt_gather_job(struct mailbox_transaction_context *t, struct rmt_job *job);
/* The message saved last was dropped here: moved or copied from mail, in its mailbox;
 * unsubscribe: that is what it was dropped for. */
void rmt_gather_dropped(struct mailbox_transaction_context *t, struct mail *mail,
			bool moved, bool unsubscribe);
void rmt_gather_preference(struct mailbox_transaction_context *t, const char *value);

/* In place of the mailbox's own functions; `next` is what they hide. */
typedef int rmt_commit_func(struct mailbox_transaction_context *t,
			    struct mail_transaction_commit_changes *changes_r);
int rmt_transaction_commit(struct mailbox_transaction_context *t,
			   struct mail_transaction_commit_changes *changes_r,
			   rmt_commit_func *next);
void rmt_transaction_rollback(struct mailbox_transaction_context *t);

#endif
