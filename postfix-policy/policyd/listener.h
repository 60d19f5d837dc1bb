/* SPDX-License-Identifier: MIT */
/* listener.h - sockets that programs connect to: Postfix's, the control socket,
 * the metrics.
 *
 * Names are those of the settings: "unix:/path", "inet:host:port",
 * "inet:[2001:db8::1]:port".
 */
#ifndef RMT_LISTENER_H
#define RMT_LISTENER_H

#include <glib.h>
#include <sys/socket.h>

#include "postfix-policy/policyd/loop.h"

struct rmt_listener_options {
	unsigned mode;             /* of a UNIX socket */
	const char *owner, *group; /* of a UNIX socket; or NULL */
};

/* Takes fd. address: who connected, for inet. */
typedef void rmt_listener_accept(void *context, int fd, const char *listener,
				 const struct sockaddr_storage *address);

struct rmt_listener;

/* A socket file nobody answers at is replaced, anything else there is not. The
 * error names the remedy. Not yet in the loop. */
struct rmt_listener *rmt_listener_open(const char *name,
				       const struct rmt_listener_options *options,
				       GError **err);

/* One that systemd opened: named by the address it is bound to, and never
 * unlinked here. */
struct rmt_listener *rmt_listener_adopt(int fd, GError **err);

/* Closes, and removes the socket file if it is still ours. */
void rmt_listener_close(struct rmt_listener *listener);

/* Other permissions for a socket file made here. */
bool rmt_listener_set_access(const struct rmt_listener *listener,
			     const struct rmt_listener_options *options, GError **err);

const char *rmt_listener_name(const struct rmt_listener *listener);

/* True where the setting `name` means the address this one is bound to. */
bool rmt_listener_is(const struct rmt_listener *listener, const char *name);

bool rmt_listener_start(struct rmt_listener *listener, struct rmt_loop *loop,
			rmt_listener_accept *accepted, void *context, GError **err);

/* Once a second: one that ran out of descriptors tries again. */
void rmt_listener_retry(struct rmt_listener *listener);

#endif
