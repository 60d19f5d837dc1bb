/* SPDX-License-Identifier: MIT */
/* queue.h - stored jobs and the threads that do them. */
#ifndef RMT_QUEUE_H
#define RMT_QUEUE_H

#include "dovecot-plugin/agent/agent.h"

/* workers: threads, each with a connection to the mail server. */
struct rmt_queue *rmt_queue_new(struct rmt_agent *agent /* foreign */, unsigned workers);
/* Waits for the jobs at work; what else is due stays in the store. Takes NULL. */
void rmt_queue_free(struct rmt_queue *queue);

/* Hands out what is due and not at work. Returns when there will be more, Unix
 * seconds. */
int64_t rmt_queue_turn(struct rmt_queue *queue);

#endif
