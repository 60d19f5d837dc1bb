/* SPDX-License-Identifier: MIT */
/* mailbox.h - our place in the mailboxes of a user, and in their messages: hooks,
 * and what they are asked for. */
#ifndef RMT_MAILBOX_H
#define RMT_MAILBOX_H

#include <stdbool.h>

struct mail;
struct mailbox;

/* The hooks. */
void rmt_mailbox_allocated(struct mailbox *box);
void rmt_mail_allocated(struct mail *mail);

/* Whether we work in this mailbox: the user's own, not virtual. */
bool rmt_mailbox_is_ours(struct mailbox *box);

/* Adds the keyword, past our own veto, in mail's transaction. False where it is
 * not permitted (ACL). */
bool rmt_mail_mark(struct mail *mail, const char *keyword);

#endif
