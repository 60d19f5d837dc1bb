/* SPDX-License-Identifier: MIT */
/* take.h - the kinds of jobs about receipts that come over the wire. */
#ifndef RMT_AGENT_TAKE_H
#define RMT_AGENT_TAKE_H

#include "dovecot-plugin/agent/receipt.h"

enum rmt_taken rmt_take_delivered(struct rmt_agent *agent,
				  const struct rmt_agent_job *job);
enum rmt_taken rmt_take_shown(struct rmt_agent *agent, const struct rmt_agent_job *job);
enum rmt_taken rmt_take_deleted(struct rmt_agent *agent, const struct rmt_agent_job *job);
/* From the plugin with the message's header; from doveadm and http with key= (the
 * claim's, in hexadecimal) or id= (the Message-ID) of an open prompt. */
enum rmt_taken rmt_take_choice(struct rmt_agent *agent, const struct rmt_agent_job *job);
/* preference.c */
enum rmt_taken rmt_take_preference(struct rmt_agent *agent,
				   const struct rmt_agent_job *job);
/* Has the mailbox's metadata say what the preferences are now. */
bool rmt_preference_tell(struct rmt_agent *agent, const char *user, GError **err);
/* query.c */
enum rmt_taken rmt_take_query(struct rmt_agent *agent, const struct rmt_agent_job *job);

/* The open prompt that key= or id= names; NULL in *prompt_r: there is none. Own. */
bool rmt_take_prompt(struct rmt_agent *agent, const struct rmt_agent_job *job,
		     struct rmt_prompt **prompt_r, GError **err);

#endif
