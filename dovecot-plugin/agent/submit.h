/* SPDX-License-Identifier: MIT */
/* submit.h - hands mail of our own to the mail server: by SMTP (libcurl), or to a
 * sendmail program.
 *
 * Whether a server took a message is known from its last answer alone. Between the
 * last octet and that answer nobody knows; the caller is told before that time
 * begins, so that he can write it down.
 *
 *	struct rmt_mail mail = { .recipients = to, .text = text, .last = mark, ... };
 *	switch (rmt_submit(submission, &mail, &reply)) ...
 */
#ifndef RMT_SUBMIT_H
#define RMT_SUBMIT_H

#include <glib.h>
#include <stdbool.h>

#include "common/base/span.h"
#include "common/config/config.h"

/* A connection that is kept open between messages. Of one thread. */
struct rmt_submission;
struct rmt_submission *rmt_submission_new(
	const struct rmt_submission_config *config /* foreign */);
void rmt_submission_free(struct rmt_submission *submission);
typedef struct rmt_submission rmt_submission; /* for g_autoptr(rmt_submission) */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(rmt_submission, rmt_submission_free)

struct rmt_mail {
	const char *sender;            /* "": <> */
	const char *const *recipients; /* NULL-ended; at least one */
	struct rmt_span text;          /* with CRLF */
	/* Called once, when all but the end has been handed over and nothing was taken
	 * yet. False: the message is broken off, for sure not taken. NULL: no call. */
	bool (*last)(void *context);
	void *context;
};

enum rmt_submitted {
	RMT_SUBMITTED_TAKEN,
	RMT_SUBMITTED_LATER,   /* not taken: no connection, no TLS, 4xx */
	RMT_SUBMITTED_REFUSED, /* not taken: 5xx about this message */
	RMT_SUBMITTED_UNKNOWN, /* broken off after last(): it may have been taken */
};

/* reply_r: one printable line for logs; own. */
enum rmt_submitted rmt_submit(struct rmt_submission *submission,
			      const struct rmt_mail *mail, char **reply_r);

const char *rmt_submitted_name(enum rmt_submitted result); /* "taken", ... */

#endif
