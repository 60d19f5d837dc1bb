/* SPDX-License-Identifier: MIT */
/* phrases.h - who speaks, and of what: the rows of phrases.inc. */
#ifndef RMT_REPORT_PHRASES_H
#define RMT_REPORT_PHRASES_H

#include "common/report/words.h"

enum rmt_phrase {
	RMT_PHRASE_SENDER = 1,  /* in From: a mail system */
	RMT_PHRASE_SUBJECT = 2, /* in Subject: it tells of a delivery */
	RMT_PHRASE_FAILURE = 4, /* in the text: something did not arrive */
	RMT_PHRASE_DELAY = 8,   /* in the text: it may still arrive */
	RMT_PHRASE_OURS = 16,   /* in normal form: of the sender, or of what he sent */
	RMT_PHRASE_BACK = 32,   /* the same words where mail only goes back to him */
	RMT_PHRASE_ELSE = 64,   /* in normal form: of a thing beside the recipient */
	RMT_PHRASE_MAYBE = 128, /* in normal form, before: it is no finding */
};

/* Which SMTP command was refused, as far as the text says so. */
enum rmt_command {
	RMT_COMMAND_UNSAID,
	RMT_COMMAND_CONNECT,
	RMT_COMMAND_MAIL,
	RMT_COMMAND_RCPT,
	RMT_COMMAND_DATA
};

struct rmt_phrases;
struct rmt_phrases *rmt_phrases_new(void);
void rmt_phrases_free(struct rmt_phrases *phrases);

/* Whether a phrase of this kind is in the text, of any ASCII case. */
bool rmt_phrases_has(const struct rmt_phrases *phrases, struct rmt_span text,
		     enum rmt_phrase kind);

/* text: normal form (text.h). */
enum rmt_command rmt_phrases_command(const struct rmt_phrases *phrases,
				     struct rmt_span text);

#endif
