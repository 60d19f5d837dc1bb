/* SPDX-License-Identifier: MIT */
/* job.h - a message as a job for the agent (wire.h, RMT_WIRE_PLACE). */
#ifndef RMT_JOB_H
#define RMT_JOB_H

#include <stdbool.h>
#include <stdint.h>

struct mail;
struct mailbox;
struct rmt_job;
struct rmt_user;

/* About mail, which is in its mailbox. The caller adds what the kind needs, then
 * rmt_job_end(). */
struct rmt_job *rmt_job_about(struct rmt_user *user, const char *kind, struct mail *mail);

/* The same for a message on its way into box, whose UID nobody knows yet. */
struct rmt_job *rmt_job_arriving(struct rmt_user *user, const char *kind,
				 struct mailbox *box, struct mail *mail);

/* With the header section as its body, or the whole message. False (the job is
 * gone) where the message cannot be read. */
bool rmt_job_end(struct rmt_job **job, struct mail *mail, bool whole);

#endif
