/* SPDX-License-Identifier: MIT */
/* talk.h - one conversation with remite-agent: VERSION, a JOB, rows until its answer.
 *
 *	struct talk talk = { .socket = rmt_talk_socket(cctx) };
 *	rmt_wire_version(&out, "doveadm");
 *	rmt_wire_begin(&out, "JOB", 1, "query"); ...
 *	rmt_talk(&talk, &out);		talk.error tells how it went
 */
#ifndef RMT_DOVEADM_TALK_H
#define RMT_DOVEADM_TALK_H

#include "dovecot-plugin/wire.h"

struct doveadm_cmd_context;

struct talk {
	const char *socket;
	void (*row)(const struct rmt_wire_record *record); /* NULL: none is shown */
	const char *error; /* why it failed; NULL: acknowledged */
	const char *state; /* of the ACK */
	bool done;
};

/* Of the option "socket", else in Dovecot's base_dir. */
const char *rmt_talk_socket(struct doveadm_cmd_context *cctx);

/* Sends what is written, frees it, and reads the answer; texts of talk are in the data
 * stack. Logs nothing. */
void rmt_talk(struct talk *talk, struct rmt_wire_out *out);

#endif
