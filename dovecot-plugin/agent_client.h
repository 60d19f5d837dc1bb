/* SPDX-License-Identifier: MIT */
/* agent_client.h - a user's connection to remite-agent (wire.h).
 *
 * Never waits: what cannot be sent now is sent when the agent is back, or the
 * user's next session does so, by the marks that the message keeps until the ACK.
 * Connects with the first job, and lets go when there is nothing left to say.
 */
#ifndef RMT_AGENT_CLIENT_H
#define RMT_AGENT_CLIENT_H

#include "dovecot-plugin/wire.h"

struct rmt_agent;
struct rmt_user;

/* A job on its way. The one who fills it in ends `out` with rmt_wire_end(). */
struct rmt_job {
	struct rmt_job *prev, *next;
	uint64_t id;
	struct rmt_wire_out out; /* own */
	char *box;               /* own; where the message is, or NULL */
	uint32_t uidvalidity, uid;
	const char *acked; /* a constant: keywords to take away at the ACK, or NULL */
	bool once;         /* sent as well as can be, no ACK awaited */
};

struct rmt_agent *rmt_agent_init(struct rmt_user *user);
/* Does not wait for anything. Sets the pointer to NULL; takes NULL. */
void rmt_agent_deinit(struct rmt_agent **agent);

/* A job begun: "JOB id kind user=...". */
struct rmt_job *rmt_agent_job(struct rmt_agent *agent, const char *kind);
/* Takes the job over. */
void rmt_agent_send(struct rmt_agent *agent, struct rmt_job *job);
void rmt_job_free(struct rmt_job **job);

/* Whether a job said now is heard, as far as one can know. Connects, if need be. */
bool rmt_agent_can_hear(struct rmt_agent *agent);

/* There may be answers for this user: connect, if not connected. */
void rmt_agent_want_answers(struct rmt_agent *agent);
/* The answer with this id is in the mailbox, or (reason) is not. */
void rmt_agent_answered(struct rmt_agent *agent, uint64_t id, const char *reason);

/* Whether this session has no job of that kind about this message yet: true once. */
bool rmt_agent_first_time(struct rmt_agent *agent, const char *kind, const char *box,
			  uint32_t uid);
/* Until nothing is unacknowledged, or the time is over. For deliveries to a
 * return path alone: nobody else waits. */
void rmt_agent_wait(struct rmt_agent *agent, unsigned int msecs);

#endif
