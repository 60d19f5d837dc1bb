/* SPDX-License-Identifier: MIT */
/* clients.h - the connections of mail plugin, doveadm and remite-http.
 *
 * A connection says for which users it has mailboxes open; answers about them go
 * there, each once a connection, until it says DONE. What several say at the same
 * time is committed in one, and acknowledged after that.
 */
#ifndef RMT_AGENT_CLIENTS_H
#define RMT_AGENT_CLIENTS_H

#include "dovecot-plugin/agent/agent.h"

struct master_service_connection;

void rmt_clients_init(struct rmt_agent *agent /* foreign */);
void rmt_clients_deinit(void);

void rmt_clients_add(struct master_service_connection *conn);

/* Jobs are being done that nobody sees yet: their wake comes once they are there. */
bool rmt_clients_hold_store(void);

/* Sends the answers that came up since; cheap when there are none. */
void rmt_clients_push_answers(void);

#endif
