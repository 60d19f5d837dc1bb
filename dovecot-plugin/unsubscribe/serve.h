/* SPDX-License-Identifier: MIT */
/* serve.h - what remite-agent has done by remite-unsubscribe, a process of a user who
 * owns nothing: it reads strangers' mail and speaks with strangers' servers, and holds
 * no key, no record and no mailbox.
 *
 * The protocol is wire.h's, over a UNIX stream socket that one agent's connection
 * at a time uses; jobs are done one after the other:
 *
 *	JOB 1 look body=N	a message: which ways out does it offer?
 *	ACK 1 result=one-click by=signature|record url=... host=... mailto=... subject=...
 *		body=... list=... domain=... why=...
 *	JOB 2 post url=... posts=2
 *	ACK 2 outcome=done status=200 posts=1 address=... text=...
 *	NAK 3 reason=...	no job of ours
 *
 * result: word of rmt_covered_result, or "record". url, mailto: only where they can be
 * used. why: the word of what is wrong with what was offered.
 */
#ifndef RMT_UNSUBSCRIBE_SERVE_H
#define RMT_UNSUBSCRIBE_SERVE_H

#include "common/unsubscribe/leave.h"
#include "dovecot-plugin/wire.h"

/* A connection, until the other side closes it or says something that is not the
 * protocol. Blocks. job_max_secs: a job that takes longer ends the process (SIGALRM). */
void rmt_unsubscribe_serve(int fd, struct rmt_leave *leave,
			   const struct rmt_config *config, unsigned job_max_secs);

/* Before any stranger is heard: no new privileges, few descriptors, no files. */
void rmt_unsubscribe_harden(void);

#endif
