/* SPDX-License-Identifier: MIT */
/* consent.h - links in prompts, and what names a prompt outside. */
#ifndef RMT_AGENT_CONSENT_H
#define RMT_AGENT_CONSENT_H

#include "dovecot-plugin/agent/receipt.h"

/* NULL: no prompts.link, or no key ring. Own. */
char *rmt_consent_link(const struct rmt_agent *agent, const struct rmt_prompt *prompt);

/* Message-ID of the mail that asks, without <>; the same at every attempt. count:
 * of questions. Own. */
char *rmt_consent_message_id(const struct rmt_agent *agent,
			     const struct rmt_prompt *prompt, unsigned count);

/* A claim's key in hexadecimal. */
bool rmt_read_key(const char *hex, char key[RMT_CLAIM_KEY]);
void rmt_write_key(const char *user, const char *id, GString *out);

#endif
