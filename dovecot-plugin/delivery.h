/* SPDX-License-Identifier: MIT */
/* delivery.h - a message arrives (lmtp, lda), with or without Sieve. */
#ifndef RMT_DELIVERY_H
#define RMT_DELIVERY_H

struct mail;
struct mail_save_context;
struct rmt_user;

/* Marks a request pending, and for clients as answered; a mail to a return path;
 * a way to unsubscribe. ctx has Sieve's own keywords by now. */
void rmt_delivery_mark(struct rmt_user *user, struct mail_save_context *ctx,
		       struct mail *mail);

#endif
