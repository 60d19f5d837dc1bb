/* SPDX-License-Identifier: MIT */
/* request.h - what a message asks of who reads it, from its header alone.
 *
 * RFC 8098 asks for much care before a receipt may be sent. This reads all that
 * the header can tell about it; policy.h decides. Everything in a header was
 * written by strangers, but for the fields our own delivery has put on top.
 *
 *	g_autoptr(rmt_receipt_request) request = rmt_receipt_request_read(header, NULL);
 *	if (request->asked)
 *		...
 *
 * Comments name the ids of docs/receipts.md (M: RFC 8098, A: RFC 3834).
 */
#ifndef RMT_RECEIPTS_REQUEST_H
#define RMT_RECEIPTS_REQUEST_H

#include "common/receipts/mailbox.h"

enum {
	RMT_REQUEST_HEADER_MAX = 1024 * 1024, /* octets of a header that are read */
	RMT_REQUEST_TARGETS_MAX = 10, /* beyond it nobody means a receipt (pitfall 6) */
};

/* Flaws of the request itself. */
enum rmt_request_flaw {
	RMT_REQUEST_REPEATED = 1 << 0, /* the field stands there twice (M07) */
	RMT_REQUEST_GROUP = 1 << 1,    /* it names a group (M07) */
	RMT_REQUEST_SYNTAX = 1 << 2,   /* it is no list of mailboxes */
	RMT_REQUEST_LONG = 1 << 3,     /* longer, or more addresses, than anybody needs */
	RMT_REQUEST_REQUIRED = 1 << 4, /* an option is required that nobody knows (M08) */
	RMT_REQUEST_OPTIONS_BAD = 1 << 5, /* options twice, or unreadable (M08) */
};

/* What kind of message it is: several may hold. */
enum rmt_request_kind {
	RMT_REQUEST_LIST = 1 << 0,      /* a mailing list or newsgroup (M13, pitfall 5) */
	RMT_REQUEST_BULK = 1 << 1,      /* Precedence bulk or junk, Feedback-ID */
	RMT_REQUEST_AUTO = 1 << 2,      /* Auto-Submitted and its kin (A01) */
	RMT_REQUEST_SUPPRESS = 1 << 3,  /* X-Auto-Response-Suppress: RN or All (A03) */
	RMT_REQUEST_MDN = 1 << 4,       /* is itself a receipt (M02) */
	RMT_REQUEST_DSN = 1 << 5,       /* is a delivery report (M02) */
	RMT_REQUEST_PARTIAL = 1 << 6,   /* message/partial (M12) */
	RMT_REQUEST_SPAM = 1 << 7,      /* a filter's field says so (pitfall 7) */
	RMT_REQUEST_ENCRYPTED = 1 << 8, /* nothing of it may be returned (M20) */
};

enum rmt_return_path {
	RMT_RETURN_PATH_NONE,    /* no such field where delivery puts it (M04) */
	RMT_RETURN_PATH_NULL,    /* <>: a bounce or the like (A01) */
	RMT_RETURN_PATH_SEVERAL, /* more than one, or unreadable: compares to nothing
				    (M06) */
	RMT_RETURN_PATH_OTHER,   /* not the address that asks (M03) */
	RMT_RETURN_PATH_SAME,
};

/* What the Authentication-Results of our own hosts say (M14). */
enum rmt_request_auth {
	RMT_REQUEST_AUTH_NONE, /* no such field of ours */
	RMT_REQUEST_AUTH_FAIL,
	RMT_REQUEST_AUTH_PASS, /* DMARC, or SPF or DKIM for the domain in From, or SMTP
				  AUTH */
};

struct rmt_receipt_request {
	bool asked;         /* a Disposition-Notification-To is there, good or not */
	GPtrArray *targets; /* own; struct rmt_mailbox: who asks, each once (M04) */
	unsigned flaws;     /* enum rmt_request_flaw */
	unsigned kind;      /* enum rmt_request_kind */
	enum rmt_return_path return_path; /* compared with the only target (M05) */
	enum rmt_request_auth auth;
	bool other_domain; /* who asks is not in the domain of From (pitfall 5) */

	struct rmt_mailbox *from;   /* own; the one address in From, or NULL */
	struct rmt_mailboxes *seen; /* own; all in To and Cc */
	GPtrArray *delivered; /* own; struct rmt_mailbox: Delivered-To, X-Original-To,
				 Envelope-To of the last delivery, topmost first */
	/* Own; Original-Recipient, rfc822 or utf-8, if it stands there once; or NULL. */
	struct rmt_mailbox *original_recipient;
	char *message_id; /* own; with its <>, one line; or NULL */
	/* Own: what one message is to one user (pitfall 2): the id, or "sha256:" and the
	 * hash of the fields that do not change on the way where there is none. */
	char *key;
	char *subject;    /* own; decoded, UTF-8, one line; "" where there is none */
	char *sent;       /* own; Date as it stands, printable; "" */
	int64_t sent_at;  /* Unix seconds; 0: no readable Date */
	char **languages; /* own; Content-Language, lower case: "es-mx", ...; NULL-ended
			   */
	char *returned; /* own; the fields a receipt may return: "From: ...\r\n"... (M20)
			 */
};

struct rmt_request_reading {
	const char *const *authserv_ids; /* ours; NULL: none is known */
};

/* header: fields with CRLF or LF; what follows an empty line is not looked at.
 * with may be NULL. Never fails. Own: rmt_receipt_request_free. */
struct rmt_receipt_request *rmt_receipt_request_read(
	struct rmt_span header, const struct rmt_request_reading *with);
void rmt_receipt_request_free(struct rmt_receipt_request *request);
typedef struct rmt_receipt_request rmt_receipt_request; /* for g_autoptr() */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(rmt_receipt_request, rmt_receipt_request_free)

/* All who ask, as "a@x, b@y"; "" for nobody. Own: g_free. */
char *rmt_receipt_request_targets(const struct rmt_receipt_request *request);

/* "list", "bulk", ...: the names of what holds, joined by ','; "-" for nothing. */
void rmt_request_kind_names(unsigned kind, GString *out);
void rmt_request_flaw_names(unsigned flaws, GString *out);
const char *rmt_return_path_name(enum rmt_return_path return_path); /* "same", ... */

#endif
