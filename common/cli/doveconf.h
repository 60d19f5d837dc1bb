/* SPDX-License-Identifier: MIT */
/* doveconf.h - Dovecot's configuration, as `doveconf -n` prints it: 2.3 and 2.4.
 *
 * Blocks are joined by '/': "service remite-agent/user" -> "remite".
 */
#ifndef RMT_DOVECONF_H
#define RMT_DOVECONF_H

#include <glib.h>
#include <stdbool.h>

#define RMT_DOVECOT_FILE "/etc/dovecot/dovecot.conf"

struct rmt_doveconf {
	GHashTable *settings; /* own; char *name -> char *value; a block itself: "" */
	bool is_24;           /* 2.4 or later: plugin settings stand at the top */
};
typedef struct rmt_doveconf rmt_doveconf;

/* Takes any text. Own: rmt_doveconf_free(). */
struct rmt_doveconf *rmt_doveconf_parse(const char *text);

/* Runs doveconf(1). NULL: G_FILE_ERROR_NOENT where it is not installed, else with its
 * own words. */
struct rmt_doveconf *rmt_doveconf_read(const char *file, GError **err);

void rmt_doveconf_free(struct rmt_doveconf *conf);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(rmt_doveconf, rmt_doveconf_free)

/* A value that -n leaves out because it is the default. False: as with read(). */
bool rmt_doveconf_ask(const char *file, const char *name, GString *value_r, GError **err);

/* "" where it is not written down. */
const char *rmt_doveconf_get(const struct rmt_doveconf *conf, const char *name);
bool rmt_doveconf_has(const struct rmt_doveconf *conf, const char *name);

/* A setting of the plugin: 2.3 has it within plugin { }. */
const char *rmt_doveconf_ours(const struct rmt_doveconf *conf, const char *name);

/* Whether processes of that protocol load the plugin. */
bool rmt_doveconf_loads(const struct rmt_doveconf *conf, const char *protocol,
			const char *plugin);

/* The protocol by which mail comes in: "lda" where protocols has no lmtp. */
const char *rmt_doveconf_delivery(const struct rmt_doveconf *conf);

/* The one account that all mail belongs to, or NULL: an account each, or it is not
 * to be seen here. Own: g_free. */
char *rmt_doveconf_mail_account(const struct rmt_doveconf *conf, bool group);

#endif
