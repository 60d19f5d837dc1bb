/* SPDX-License-Identifier: MIT */
/* user.h - a user of this process for whom we work. */
#ifndef RMT_PLUGIN_USER_H
#define RMT_PLUGIN_USER_H

#include "dovecot-plugin/settings.h"

struct mail_user;
struct rmt_agent;
struct rmt_marks;
struct rmt_dwell;

enum rmt_service {
	RMT_SERVICE_IMAP,
	RMT_SERVICE_DELIVERY, /* lmtp, lda */
};

struct rmt_user {
	struct mail_user *user; /* foreign */
	struct rmt_settings set;
	enum rmt_service service;
	struct rmt_agent *agent; /* own */
	struct rmt_marks *marks; /* own */
	struct rmt_dwell *dwell; /* own; or NULL */
	char *selected;          /* own; mailbox the client has open, or NULL */
	/* The last message whose text was read, in this process, and when. */
	uint32_t read_uid;
	uint64_t read_msecs;
};

/* The hook. */
void rmt_user_created(struct mail_user *user);

/* NULL where there is nothing for us to do: owners of shared mailboxes, doveadm,
 * dsync, POP3, indexers, delegates, or remite_receipts = off. */
struct rmt_user *rmt_user(struct mail_user *user);

#endif
