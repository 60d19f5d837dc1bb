/* SPDX-License-Identifier: MIT */
#include <pwd.h>
#include <string.h>
#include <unistd.h>

#include "common/store/store.h"
#include "dovecot-plugin/agent/peer.h"

enum { PASSWD_TEXT = 16 * 1024 };

/* The account's name; NULL: it has none. Own. */
static char *name_of(uid_t uid)
{
	g_autofree char *text = g_malloc(PASSWD_TEXT);
	struct passwd entry, *found = NULL;

	if (getpwuid_r(uid, &entry, text, PASSWD_TEXT, &found) != 0 || found == NULL)
		return NULL;
	return g_strdup(found->pw_name);
}

bool rmt_peer_may_speak(uid_t uid, const char *user, char *const *accounts, GError **err)
{
	g_autofree char *account = NULL;

	if (uid == 0 || uid == geteuid())
		return true;
	account = name_of(uid);
	if (account != NULL &&
	    ((accounts != NULL &&
	      g_strv_contains((const char *const *)accounts, account)) ||
	     strcmp(account, user) == 0))
		return true;
	g_set_error(err, RMT_STORE_ERROR, RMT_STORE_ERROR_DENIED,
		    "uid %u (%s) does not speak for '%s' (one account for all mail: name "
		    "it in agent.accounts)",
		    (unsigned)uid, account != NULL ? account : "no account", user);
	return false;
}
