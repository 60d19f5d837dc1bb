/* SPDX-License-Identifier: MIT */
/* socket.h - the place where Postfix finds us, given to libmilter. */
#ifndef RMT_MILTER_SOCKET_H
#define RMT_MILTER_SOCKET_H

#include "postfix-policy/milter/place.h"

/* "inet:host:port" -> "inet:port@host", "unix:/path" as it is; own. */
char *rmt_socket_for_libmilter(const char *name);

/* Opens it with the permissions asked for. A stale UNIX socket is replaced, one at
 * which somebody answers is not. */
bool rmt_socket_open(const struct rmt_milter_config *config, enum rmt_place place,
		     GError **err);

/* Takes the file away: libmilter does not, as root. */
void rmt_socket_remove(const char *name);

#endif
