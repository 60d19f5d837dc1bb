/* SPDX-License-Identifier: MIT */
/* policyd_client.h - asking policyd, which alone counts, over its control socket
 * (postfix-policy/policyd/control.h), from many threads.
 *
 * A thread of its own keeps a connection, so that policyd knows from its first
 * second on that somebody will ask for messages by queue id, and so that the log
 * says once that it is away, and once that it is back. It also hears when policyd
 * has read its configuration anew (`remite reload`, HUP): both have one file.
 */
#ifndef RMT_MILTER_POLICYD_CLIENT_H
#define RMT_MILTER_POLICYD_CLIENT_H

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct rmt_policyd_client;

/* Within a second after policyd read its configuration, in the client's thread.
 * began_us: of g_get_monotonic_time(), when it began to; 0: it does not say. */
typedef void rmt_policyd_reloaded(void *context, int64_t began_us);

/* The socket need not be there yet. reloaded may be NULL; context: foreign. */
struct rmt_policyd_client *rmt_policyd_client_new(const char *socket_path,
						  rmt_policyd_reloaded *reloaded,
						  void *context);
void rmt_policyd_client_free(struct rmt_policyd_client *client);

enum { RMT_POLICYD_PATIENCE_MS = 1000, RMT_POLICYD_CONNECTIONS_MAX = 8 };

/* One request, {"command": "message", ...} and its one answer. Takes request; the
 * answer is the caller's (json_decref). NULL within RMT_POLICYD_PATIENCE_MS: policyd is
 * away, hangs or does not understand; mail goes on without. Any thread. */
json_t *rmt_policyd_ask(struct rmt_policyd_client *client, json_t *request, GError **err);

/* A JSON string of octets that may be no UTF-8. */
json_t *rmt_policyd_text(const char *text);

#endif
