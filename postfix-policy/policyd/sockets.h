/* SPDX-License-Identifier: MIT */
/* sockets.h - which sockets are open: those of the configuration, those systemd
 * opened, and what a reload changes about them. */
#ifndef RMT_SOCKETS_H
#define RMT_SOCKETS_H

#include "postfix-policy/policyd/policyd.h"

struct rmt_sockets;

/* Takes over what systemd passed (LISTEN_FDS). */
struct rmt_sockets *rmt_sockets_new(struct rmt_policyd *policyd);
void rmt_sockets_free(struct rmt_sockets *sockets);

/* Opens what config names and is not open yet, then closes what it does not
 * name; connections stay. Sockets from systemd stay, named or not. False: as
 * before. */
bool rmt_sockets_configure(struct rmt_sockets *sockets, const struct rmt_config *config,
			   GError **err);

/* Once a second. */
void rmt_sockets_retry(struct rmt_sockets *sockets);

/* Their names, for the log. */
void rmt_sockets_format(const struct rmt_sockets *sockets, GString *out);

#endif
