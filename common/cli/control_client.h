/* SPDX-License-Identifier: MIT */
/* control_client.h - asking a running policyd, over its control socket.
 *
 * One JSON request, JSON answers; see postfix-policy/policyd/control.h.
 */
#ifndef RMT_CONTROL_CLIENT_H
#define RMT_CONTROL_CLIENT_H

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>

/* An answer that is not the last one; foreign. */
typedef void rmt_control_row(void *context, json_t *row);

#define RMT_CONTROL_ERROR (rmt_control_error_quark())
GQuark rmt_control_error_quark(void);
enum rmt_control_error {
	RMT_CONTROL_AWAY,    /* nobody answers at the socket */
	RMT_CONTROL_REFUSED, /* policyd says no: its sentence */
	RMT_CONTROL_FAILED,
};

/* Takes request. Returns the last answer (own: json_decref), or NULL. each may
 * be NULL. Gives up after 60 seconds without an octet. */
json_t *rmt_control_ask(const char *socket_path, json_t *request, rmt_control_row *each,
			void *context, GError **err);

#endif
