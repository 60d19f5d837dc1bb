/* SPDX-License-Identifier: MIT */
/* feedback.h - a mailbox that return paths lead to (remite_feedback = yes): what is
 * delivered there is handed to the agent. Nobody logs in to such a mailbox, so what
 * the agent has not taken is offered again with later deliveries. */
#ifndef RMT_FEEDBACK_H
#define RMT_FEEDBACK_H

struct mail;
struct mail_save_context;
struct rmt_user;

/* Nothing unless the user is such a one. From the copy override, before it. */
void rmt_feedback_mark(struct rmt_user *user, struct mail_save_context *ctx);

/* At the end of the user's session: hands over what is marked, and waits a moment
 * for the agent. */
void rmt_feedback_finish(struct rmt_user *user);

#endif
