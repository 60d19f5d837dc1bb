/* SPDX-License-Identifier: MIT */
/* peer.h - for whom a process on the socket may speak.
 *
 * Root and the agent's own account (remite-http) speak for everybody, as do the
 * accounts in agent.accounts: with one mail uid all mail processes are trusted for
 * all users. Anybody else speaks for the user whose account it is.
 */
#ifndef RMT_AGENT_PEER_H
#define RMT_AGENT_PEER_H

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>

/* accounts: NULL-ended, or NULL. The sentence says what to write. */
bool rmt_peer_may_speak(uid_t uid, const char *user, char *const *accounts, GError **err);

#endif
