/* SPDX-License-Identifier: MIT */
/* saved.h - what a client saves or copies into a mailbox: its keywords (K05, K06),
 * and mailboxes that are answers. */
#ifndef RMT_SAVED_H
#define RMT_SAVED_H

#include <stdbool.h>

struct mail;
struct mail_save_context;
struct mailbox_transaction_context;
struct rmt_user;

/* Before an APPEND, a COPY or a MOVE. */
void rmt_append_mark(struct rmt_user *user, struct mail_save_context *ctx);
void rmt_copy_mark(struct rmt_user *user, struct mail_save_context *ctx,
		   struct mail *mail);

/* mail was copied by the client. */
void rmt_copied(struct rmt_user *user, struct mailbox_transaction_context *t,
		struct mail *mail, bool moving);

#endif
