/* SPDX-License-Identifier: MIT */
/* maillog.h - what Postfix logs of each delivery: accepted, deferred, refused, with
 * the provider's own words. Most refusals are only there: a provider that refuses
 * at RCPT sends no bounce, our own Postfix does.
 */
#ifndef RMT_FEEDBACK_MAILLOG_H
#define RMT_FEEDBACK_MAILLOG_H

#include "common/feedback/feedback.h"

enum rmt_maillog_status {
	RMT_MAILLOG_SENT,
	RMT_MAILLOG_DEFERRED,
	RMT_MAILLOG_BOUNCED,
};

/* Spans look into the line. */
struct rmt_maillog {
	struct rmt_span queue_id, recipient, original, relay, status_code;
	enum rmt_maillog_status status;
	struct rmt_span text; /* what stands in the parentheses */
};

/* "... postfix/smtp[7]: 4Zk3pQ: to=<ann@example.org>, relay=..., dsn=5.1.1,
 * status=bounced (host mx.example.org said: 550 ...)"; false: another line. */
bool rmt_maillog_read(struct rmt_span line, struct rmt_maillog *log_r);

/* The server's own words: behind "said: ", else all. */
struct rmt_span rmt_maillog_said(const struct rmt_maillog *log);

/* Reads lines and acts; counts are kept until the commit. Of one thread. */
struct rmt_maillog_reader;
struct rmt_maillog_reader *rmt_maillog_reader_new(
	struct rmt_feedback *feedback /* foreign */);
void rmt_maillog_reader_free(struct rmt_maillog_reader *reader);

/* Lines that are none of ours are passed over. */
bool rmt_maillog_line(struct rmt_maillog_reader *reader, struct rmt_span line,
		      int64_t now, GError **err);

/* The counts since the last commit, and where in the log we are, in one commit:
 * after a crash the same lines come again, and count once. name: of the log; mark:
 * what the caller needs to find the place. */
bool rmt_maillog_commit(struct rmt_maillog_reader *reader, const char *name,
			struct rmt_span mark, GError **err);
/* NULL: never read. Own: g_bytes_unref. */
bool rmt_maillog_mark(struct rmt_feedback *feedback, const char *name, GBytes **mark_r,
		      GError **err);

/* Since the reader was made: lines that were deliveries of ours, and new events. */
void rmt_maillog_totals(const struct rmt_maillog_reader *reader, uint64_t *lines_r,
			uint64_t *events_r);

#endif
