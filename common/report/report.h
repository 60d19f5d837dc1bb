/* SPDX-License-Identifier: MIT */
/* report.h - what others tell us about mail of ours: one result for all of it.
 *
 * A bounce, a complaint, an automatic answer, a receipt: whatever a message is,
 * it is read into the same struct, an event for each recipient it speaks of.
 * What cannot be read is left out, never guessed: the safe answer is UNKNOWN,
 * which has no effect on anybody.
 *
 *	struct rmt_report_reader *reader = rmt_report_reader_new();
 *	struct rmt_report *report = rmt_report_read(reader, message);
 *	for (i = 0; i < report->events->len; i++)
 *		act_on(g_ptr_array_index(report->events, i));
 *	rmt_report_free(report);
 *
 * Input is hostile by nature. Time and memory are bounded by the limits below,
 * however long or broken the message is.
 */
#ifndef RMT_REPORT_H
#define RMT_REPORT_H

#include <glib.h>
#include <stdbool.h>

#include "common/base/span.h"

enum {
	RMT_REPORT_OCTETS_MAX = 1024 * 1024, /* of a message; the rest is not looked at */
	RMT_REPORT_DEPTH_MAX = 16,           /* parts within parts */
	RMT_REPORT_PARTS_MAX = 64,
	RMT_REPORT_PROSE_MAX = 64 * 1024, /* octets of text for people */
	RMT_REPORT_EVENTS_MAX = 1000,
	RMT_REPORT_TEXT_MAX = 4096, /* octets about one recipient that are classified */
};

enum rmt_report_kind {
	RMT_REPORT_OTHER, /* not a report, or nothing known here */
	RMT_REPORT_BOUNCE,
	RMT_REPORT_COMPLAINT,
	RMT_REPORT_AUTO_REPLY,
	RMT_REPORT_UNSUBSCRIBE,
	RMT_REPORT_RECEIPT, /* MDN, unless it refuses, or a DSN of nothing but success */
};

enum rmt_report_action {
	RMT_ACTION_NONE,
	RMT_ACTION_FAILED,
	RMT_ACTION_DELAYED,
	RMT_ACTION_DELIVERED,
	RMT_ACTION_RELAYED,
	RMT_ACTION_EXPANDED,
};

/* Only DEAD_*, COMPLAINT and UNSUBSCRIBE say something final about the recipient.
 * The POLICY_* classes to CONFIG_OURS are about the sender: the stream's affair. */
enum rmt_report_class {
	RMT_CLASS_UNKNOWN,
	RMT_CLASS_DEAD_ADDRESS,
	RMT_CLASS_DEAD_DOMAIN,
	RMT_CLASS_MAILBOX_FULL,
	RMT_CLASS_INACTIVE,
	RMT_CLASS_POLICY_SENDER,  /* who sends is not wanted there */
	RMT_CLASS_POLICY_CONTENT, /* what is sent is not: spam, virus, form */
	RMT_CLASS_REPUTATION,     /* the sending address or domain is listed */
	RMT_CLASS_RATE,
	RMT_CLASS_AUTH, /* SPF, DKIM, DMARC, PTR, TLS */
	RMT_CLASS_NETWORK,
	RMT_CLASS_EXPIRED,
	RMT_CLASS_SIZE,
	RMT_CLASS_CONFIG_OURS, /* relaying, syntax, loops */
	RMT_CLASS_AUTO_REPLY,
	RMT_CLASS_COMPLAINT,
	RMT_CLASS_UNSUBSCRIBE,
	RMT_CLASS_OPENED,
	RMT_CLASS_DELIVERED,
	RMT_CLASS_DELAYED,
	RMT_CLASSES
};

/* How the recipient became known, the surest first. */
enum rmt_report_source {
	RMT_SOURCE_FIELD,    /* a field of the report */
	RMT_SOURCE_HEADER,   /* a header field of the message */
	RMT_SOURCE_PROSE,    /* text for people */
	RMT_SOURCE_ORIGINAL, /* the returned message's To */
	RMT_SOURCE_NONE,     /* recipient is "" */
};

struct rmt_report_event {
	char *recipient;          /* own; as written there; "" when nobody says */
	char *original_recipient; /* own; of Original-Recipient where another; or NULL */
	enum rmt_report_source source;
	enum rmt_report_action action;
	enum rmt_report_class class;
	bool hard;           /* failed, and mail to it will fail for ever */
	bool witnessed;      /* the reporter itself calls the address bad */
	bool own_words;      /* the reporter's own, not told by a server it spoke to */
	char status[12];     /* RFC 3463; "" */
	char reply[4];       /* SMTP reply code; "" */
	char *feedback_type; /* own; RFC 5965, lower case; "" */
	char *evidence;      /* own; the words that decided, printable, one line */
	const char *rule;    /* id of the rule that decided; foreign, of the reader */
};

struct rmt_report {
	enum rmt_report_kind kind;
	GPtrArray *events; /* own; struct rmt_report_event */
	char *envelope_id; /* own; Original-Envelope-Id, xtext decoded; or NULL */
	char *message_id;  /* own; of the returned message, without <>; or NULL */
	char *original;    /* own; header section of the returned message; or NULL */
	bool cut;          /* a limit was met: there may be more */
};

/* The compiled rules: made once, used by any thread. */
struct rmt_report_reader;
struct rmt_report_reader *rmt_report_reader_new(void);
void rmt_report_reader_free(struct rmt_report_reader *reader);

/* Never fails: what is no report is RMT_REPORT_OTHER. Own: rmt_report_free. */
struct rmt_report *rmt_report_read(const struct rmt_report_reader *reader,
				   struct rmt_span message);
void rmt_report_free(struct rmt_report *report);

/* The same classes for a refusal in a log: text is the server's answer, status
 * and reply may be "". Own: rmt_report_event_free. */
struct rmt_report_event *rmt_report_classify(const struct rmt_report_reader *reader,
					     struct rmt_span text, const char *status,
					     const char *reply,
					     enum rmt_report_action action);
void rmt_report_event_free(struct rmt_report_event *event);

/* "bounce", "failed", "dead-address": stable, for JSON and logs. */
const char *rmt_report_kind_name(enum rmt_report_kind kind);
const char *rmt_report_action_name(enum rmt_report_action action);
const char *rmt_report_class_name(enum rmt_report_class class);

typedef struct rmt_report rmt_report; /* for g_autoptr(rmt_report) */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(rmt_report, rmt_report_free)

#endif
