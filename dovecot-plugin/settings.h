/* SPDX-License-Identifier: MIT */
/* settings.h - what an administrator sets in Dovecot's configuration, or a
 * userdb for one user: fields of the same names. remite-dovecot(7) explains them.
 */
#ifndef RMT_PLUGIN_SETTINGS_H
#define RMT_PLUGIN_SETTINGS_H

#include "dovecot-plugin/evidence.h"

struct mail_user;

enum rmt_receipts {
	RMT_RECEIPTS_OFF,    /* as if we were not here */
	RMT_RECEIPTS_CLIENT, /* clients ask and send, the milter polices */
	RMT_RECEIPTS_REPORT, /* clients ask and send, the agent hears what was displayed */
	RMT_RECEIPTS_SERVER, /* clients are told to leave it to us */
	RMT_RECEIPTS_NONE,   /* clients are told to leave it, nobody sends */
};

struct rmt_settings {
	enum rmt_receipts receipts;
	enum rmt_evidence evidence;
	const char *agent_socket;             /* a path */
	const char *addresses, *name;         /* NULL where not set */
	const char *groups, *language;        /* likewise */
	const char *drop_approve, *drop_deny; /* names of mailboxes; NULL: none */
	const char *drop_unsubscribe;
	bool unsubscribe, feedback, trust_headers;
};

/* Fills in *set from user's pool; 0, or -1 and a sentence that names the setting. */
int rmt_settings_read(struct mail_user *user, struct rmt_settings *set,
		      const char **error_r);

#endif
