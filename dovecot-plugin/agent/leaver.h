/* SPDX-License-Identifier: MIT */
/* leaver.h - asks remite-unsubscribe (unsubscribe/serve.h), and waits for the answer:
 * for worker threads.
 *
 *	rmt_wire_add(rmt_leaver_job(&request, "post"), "url", url); ...
 *	if (rmt_leaver_ask(socket, &request, &answer, &err))
 *		rmt_wire_get(&answer.record, "outcome")
 *	rmt_leaver_answer_clear(&answer);
 */
#ifndef RMT_AGENT_LEAVER_H
#define RMT_AGENT_LEAVER_H

#include <glib.h>
#include <stdbool.h>

#include "dovecot-plugin/wire.h"

struct rmt_leaver_answer {
	struct rmt_wire_in *in; /* own */
	struct rmt_wire_record record;
};

/* Begins the job's record; the caller adds fields, and ends it. */
void rmt_leaver_begin(struct rmt_wire_out *request, const char *kind);

/* Takes the request. False: nobody is there, or no answer came; nothing is known of
 * what was done meanwhile. */
bool rmt_leaver_ask(const char *socket_path, struct rmt_wire_out *request,
		    struct rmt_leaver_answer *answer_r, GError **err);
void rmt_leaver_answer_clear(struct rmt_leaver_answer *answer);

#endif
