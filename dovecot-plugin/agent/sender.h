/* SPDX-License-Identifier: MIT */
/* sender.h - the process that does stored jobs.
 *
 * A child of remite-agent, so that an agent that is killed or restarted breaks no
 * mail off at its end: the child finishes what is at work and then ends itself.
 * One sender at a time: the next one waits for the lock in the state directory.
 */
#ifndef RMT_AGENT_SENDER_H
#define RMT_AGENT_SENDER_H

#include <stdbool.h>

struct rmt_config;

/* Before the store is opened, and threads are started. False: no process. */
bool rmt_sender_fork(struct rmt_config *config /* foreign */);

/* There may be something to do. */
void rmt_sender_wake(void);
/* False: it has ended, though it should not have. */
bool rmt_sender_is_alive(void);
/* Has it finish; does not wait. */
void rmt_sender_end(void);

#endif
