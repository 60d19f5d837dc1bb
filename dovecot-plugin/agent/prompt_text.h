/* SPDX-License-Identifier: MIT */
/* prompt_text.h - the messages that ask users, in their languages: texts are files
 * (common/receipts/template.h, events "prompt" and "digest"). */
#ifndef RMT_PROMPT_TEXT_H
#define RMT_PROMPT_TEXT_H

#include "dovecot-plugin/agent/receipt.h"

struct rmt_prompt_question {
	const struct rmt_prompt *prompt; /* foreign */
	const char *link;                /* foreign; or NULL */
};

struct rmt_prompt_letter {
	const char *from, *to;  /* addresses */
	const char *message_id; /* without <> */
	const char *language;   /* the user's: "es", ...; or NULL */
	const char *standard;   /* else, before English; or NULL */
	int64_t now;            /* Unix seconds */
	const struct rmt_prompt_question *questions;
	size_t count;
};

/* The whole message with CRLF. Own. */
GString *rmt_prompt_write(const struct rmt_templates *templates,
			  const struct rmt_prompt_letter *mail);

#endif
