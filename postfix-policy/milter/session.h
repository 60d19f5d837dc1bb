/* SPDX-License-Identifier: MIT */
/* session.h - what was said on one connection, and the message that is on its
 * way: gathered event by event, judged at the end.
 *
 * Bounds: of a header section RMT_SESSION_HEADER_MAX octets and
 * RMT_SESSION_FIELDS_MAX fields are kept (what
 * comes behind is counted, and such a message has no readable From); the body is
 * hashed as it passes, and of it at most RMT_SESSION_BODY_MAX octets are kept where a
 * step wants them; RMT_SESSION_RECIPIENTS_MAX recipients are kept by name.
 */
#ifndef RMT_MILTER_SESSION_H
#define RMT_MILTER_SESSION_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/auth/dkim.h"
#include "common/message/from.h"
#include "common/policy/facts.h"

enum {
	RMT_SESSION_HEADER_MAX = RMT_FROM_SECTION_MAX,
	RMT_SESSION_FIELDS_MAX = 10000,
	RMT_SESSION_BODY_MAX = 64 * 1024,
	RMT_SESSION_RECIPIENTS_MAX = 50000,
};

struct rmt_session {
	/* All own; NULL: not said. */
	char *client_address, *client_name, *helo, *cert_subject, *cert_issuer;
	bool local;            /* no SMTP client: sendmail(1) */
	bool keeps_signatures; /* set by the host: signatures of messages matter */

	/* The message. */
	bool smtputf8;                       /* RFC 6531: raw UTF-8 was announced */
	char *queue_id, *sender, *sasl_user; /* own; sender without brackets */
	GPtrArray *recipients;               /* own; char *, without brackets */
	size_t recipient_count;              /* of all, listed or not */
	char *orcpt;           /* own; of the last recipient, as it was said; or NULL */
	GString *header;       /* own; "Name: value\r\n"..., as long as it fits */
	size_t header_octets;  /* of all fields, kept or not */
	size_t field_count;    /* of all */
	size_t body_octets;    /* of what was sent to us; it may not be all */
	GString *body;         /* own; its beginning */
	bool keeps_body;       /* set by the host at the end of the header */
	bool keeps_size;       /* the same: all of the body must come */
	bool complete;         /* all of the header is in `header` */
	bool ended;            /* it was seen whole: its end came */
	struct rmt_dkim *dkim; /* own; NULL before the first field, or where not kept */
	bool signed_;          /* there is a signature, so the body matters */
	bool verified;         /* rmt_dkim_finish() was called */
};

struct rmt_session *rmt_session_new(void);
void rmt_session_free(struct rmt_session *session);
typedef struct rmt_session rmt_session; /* for g_autoptr(rmt_session) */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(rmt_session, rmt_session_free)

/* Replaces what stands in *field by a copy, cut at 1024 octets; value may be NULL. */
void rmt_session_set(char **field, const char *value);

/* Forgets the message before, if there was one. sender: "<ann@example.com>". */
void rmt_session_begin(struct rmt_session *session, const char *sender);
void rmt_session_forget(struct rmt_session *session);
void rmt_session_recipient(struct rmt_session *session, const char *recipient);
/* A parameter of the RCPT before it: "ORCPT=rfc822;ann@example.org". */
void rmt_session_recipient_parameter(struct rmt_session *session, const char *parameter);

/* keys: foreign, for the signatures. value: as libmilter gives it, with LF for
 * folds; has_blank: what stands behind the colon is all in it. */
void rmt_session_header(struct rmt_session *session, struct rmt_dkim_keys *keys,
			const char *name, const char *value, bool has_blank);
void rmt_session_end_of_header(struct rmt_session *session, struct rmt_dkim_keys *keys);

/* After the end of header. */
void rmt_session_body(struct rmt_session *session, struct rmt_span piece);

/* For the classifier. Spans look into the session. */
void rmt_session_facts(const struct rmt_session *session, struct rmt_facts *facts_r);

#endif
