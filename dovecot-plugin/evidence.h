/* SPDX-License-Identifier: MIT */
/* evidence.h - was a message displayed? What happened to it in one command, and
 * what that proves. Pure; knows no Dovecot.
 *
 * "Displayed" is said to a stranger in the user's name, so it must be true: an
 * offline client's prefetch, a look at headers, a search, mark-all-read and a
 * script are none; one message's text read, by itself, is.
 */
#ifndef RMT_EVIDENCE_H
#define RMT_EVIDENCE_H

#include <stdbool.h>

enum rmt_evidence {
	RMT_EVIDENCE_SEEN,    /* a single message became \Seen */
	RMT_EVIDENCE_FETCHED, /* and its text was read, now or earlier */
	RMT_EVIDENCE_STRICT,  /* and no other's for a while */
};

struct rmt_sight {
	bool body_read;      /* whole message, text or a MIME part */
	bool others_read;    /* so were other messages, by the same command */
	bool in_a_run;       /* a moment after another one's */
	bool was_seen;       /* \Seen before */
	bool became_seen;    /* by this command */
	bool others_became;  /* so did other messages */
	bool fetched_before; /* its text was read by an earlier command */
};

enum rmt_verdict {
	RMT_VERDICT_NOTHING,
	RMT_VERDICT_FETCHED, /* remember that its text was read */
	RMT_VERDICT_SHOWN,
	RMT_VERDICT_DWELL, /* shown, if no other message is read for a while */
};

/* Whether text was read, by what Dovecot says why it opened the message, and by the
 * client's command. Either may be NULL. */
bool rmt_evidence_is_text(const char *why, const char *command);

enum rmt_verdict rmt_evidence_judge(enum rmt_evidence rule,
				    const struct rmt_sight *sight);

#endif
