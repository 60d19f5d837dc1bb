/* SPDX-License-Identifier: MIT */
/* settings.h - what an administrator sets in Dovecot's configuration, or a
 * userdb for one user: fields of the same names. remite-plugin(7) explains them.
 */
#ifndef RMT_PLUGIN_SETTINGS_H
#define RMT_PLUGIN_SETTINGS_H

struct mail_user;

enum remite_receipts {
	REMITE_RECEIPTS_OFF,    /* as if we were not here */
	REMITE_RECEIPTS_CLIENT, /* clients ask and send, the milter polices */
	REMITE_RECEIPTS_SERVER, /* clients are told to leave it to us */
	REMITE_RECEIPTS_NONE,   /* clients are told to leave it, nobody sends */
};

enum remite_evidence {
	REMITE_EVIDENCE_SEEN,    /* a single message became \Seen */
	REMITE_EVIDENCE_FETCHED, /* and its text was read */
	REMITE_EVIDENCE_STRICT,  /* and no other for a while */
};

struct remite_settings {
	enum remite_receipts receipts;
	enum remite_evidence evidence;
	const char *agent_socket;             /* a path */
	const char *addresses, *name;         /* NULL where not set */
	const char *drop_approve, *drop_deny; /* names of mailboxes; NULL: none */
	const char *drop_unsubscribe;
	bool unsubscribe, feedback, trust_headers;
};

/* Fills in *set from user's pool; 0, or -1 and a sentence that names the setting. */
int remite_settings_read(struct mail_user *user, struct remite_settings *set,
			 const char **error_r);

#endif
