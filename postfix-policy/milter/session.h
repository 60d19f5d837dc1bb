/* SPDX-License-Identifier: MIT */
/* session.h - what was said on one connection, and the message that is on its
 * way: gathered event by event, judged at the end.
 *
 * Bounds: of a header section RMT_SESSION_HEADER_MAX octets and
 * RMT_SESSION_FIELDS_MAX fields are kept (what
 * comes behind is counted, and such a message has no readable From); the body is
 * hashed as it passes and not kept.
 */
#ifndef RMT_MILTER_SESSION_H
#define RMT_MILTER_SESSION_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/auth/dkim.h"
#include "common/message/from.h"
#include "common/policy/facts.h"

enum { RMT_SESSION_HEADER_MAX = RMT_FROM_SECTION_MAX, RMT_SESSION_FIELDS_MAX = 10000 };

struct rmt_session {
	/* All own; NULL: not said. */
	char *client_address, *client_name, *helo, *cert_subject, *cert_issuer;

	/* The message. */
	char *queue_id, *sender, *sasl_user; /* own; sender without brackets */
	unsigned recipients;
	GString *header;      /* own; "Name: value\r\n"..., as long as it fits */
	size_t header_octets; /* of all fields, kept or not */
	size_t field_count;   /* of all */
	size_t body_octets;
	bool complete;         /* all of the header is in `header` */
	bool ended;            /* it was seen whole: its end came */
	struct rmt_dkim *dkim; /* own; NULL before the first field */
	bool signed_;          /* there is a signature, so the body matters */
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

/* keys: foreign, for the signatures. value: as libmilter gives it, with LF for
 * folds; has_blank: what stands behind the colon is all in it. */
void rmt_session_header(struct rmt_session *session, struct rmt_dkim_keys *keys,
			const char *name, const char *value, bool has_blank);
void rmt_session_end_of_header(struct rmt_session *session, struct rmt_dkim_keys *keys);
void rmt_session_body(struct rmt_session *session, struct rmt_span piece);

/* For the classifier. Spans look into the session. */
void rmt_session_facts(const struct rmt_session *session, struct rmt_facts *facts_r);

#endif
