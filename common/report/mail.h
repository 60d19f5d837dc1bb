/* SPDX-License-Identifier: MIT */
/* mail.h - a message taken apart once, for every recogniser.
 *
 * One walk over the parts (parts.h), within the limits of report.h. What is cut or
 * damaged is read as far as it goes; a report hidden inside a forwarded message is found.
 */
#ifndef RMT_REPORT_MAIL_H
#define RMT_REPORT_MAIL_H

#include "common/report/report.h"

enum rmt_mail_header {
	RMT_H_FROM,
	RMT_H_TO,
	RMT_H_SUBJECT,
	RMT_H_RETURN_PATH,
	RMT_H_CONTENT_TYPE,
	RMT_H_AUTO_SUBMITTED,
	RMT_H_PRECEDENCE,
	RMT_H_X_FAILED_RECIPIENTS,
	RMT_H_X_APPLE_UNSUBSCRIBE,
	RMT_H_IN_REPLY_TO,
	RMT_H_X_HMXMRORIGINALRECIPIENT,
	RMT_H_LIST_UNSUBSCRIBE,
	RMT_HEADERS
};

struct rmt_mail {
	char *octets;                        /* own; line ends are LF, no NUL */
	struct rmt_span raw;                 /* of octets, as far as it is looked at */
	struct rmt_span header[RMT_HEADERS]; /* of the outermost message, trimmed */
	char *subject;                       /* own; decoded; or NULL */
	/* Own. What the parts say, decoded; empty where there is no such part. */
	GString *prose;       /* text for people outside the returned message, UTF-8 */
	GString *status;      /* message/delivery-status */
	GString *feedback;    /* message/feedback-report */
	GString *disposition; /* message/disposition-notification */
	GString *original;    /* header section of the returned message */
	bool cut;
};

void rmt_mail_read(struct rmt_mail *mail, struct rmt_span message);
void rmt_mail_clear(struct rmt_mail *mail);

/* A field of a header section; empty: not there. Value trimmed, folding kept. */
struct rmt_span rmt_mail_field(struct rmt_span section, const char *name);

#endif
