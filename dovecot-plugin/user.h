/* SPDX-License-Identifier: MIT */
/* user.h - a user of this process for whom we work. */
#ifndef RMT_PLUGIN_USER_H
#define RMT_PLUGIN_USER_H

#include "dovecot-plugin/settings.h"

struct mail_user;

struct remite_user {
	struct mail_user *user; /* foreign */
	struct remite_settings set;
};

/* The hook. */
void remite_user_created(struct mail_user *user);

/* NULL where there is nothing for us to do: other users' mailboxes, doveadm,
 * POP3, delegates, or settings that say so. */
struct remite_user *remite_user(struct mail_user *user);

#endif
