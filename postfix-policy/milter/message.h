/* SPDX-License-Identifier: MIT */
/* message.h - a message at its end, as steps (step.h) see it: facts in, findings
 * and edits out.
 *
 * All texts of strangers are raw; findings and notes make them printable.
 */
#ifndef RMT_MILTER_MESSAGE_H
#define RMT_MILTER_MESSAGE_H

#include "common/message/header.h"
#include "postfix-policy/milter/gather.h"
#include "postfix-policy/milter/outcome.h"
#include "postfix-policy/milter/place.h"

struct rmt_milter;

/* One change of the message; values with folds as "\n\t". */
struct rmt_edit {
	enum rmt_edit_kind {
		RMT_EDIT_ADD,     /* a field at the end of the header */
		RMT_EDIT_INSERT,  /* a field on top */
		RMT_EDIT_CHANGE,  /* the nth field of the name; value NULL: removed */
		RMT_EDIT_SENDER,  /* value: of the envelope, without brackets */
		RMT_EDIT_HOLD,    /* value: why Postfix keeps it in its hold queue */
		RMT_EDIT_DISCARD, /* taken from the client, and nobody gets it */
	} kind;
	char *name, *value; /* own */
	int nth;            /* from 1, counted before all edits */
	char *arguments;    /* own; of RMT_EDIT_SENDER: "RET=HDRS ENVID=..."; or NULL */
};

struct rmt_milter_message {
	/* --- facts, which steps do not change --- */
	enum rmt_place place;
	const struct rmt_config *config; /* a message ends under one */
	/* By envelope and header; NULL at inbound, whose mail has no stream. */
	const struct rmt_stream *stream;
	const char *queue_id;        /* "" where Postfix has not said it */
	const char *sender;          /* without brackets; "" is the null sender */
	const GPtrArray *recipients; /* char *; the accepted ones, without brackets */
	size_t recipient_count;      /* may be more than are listed: session.h */
	bool local; /* came without SMTP, by sendmail(1): policyd has not seen it */
	const struct rmt_session *session; /* client, HELO, user, certificate */
	struct rmt_span header;            /* "Name: value\r\n"...; no empty line */
	bool header_complete; /* else it was beyond the bounds of session.h */
	size_t header_octets, field_count; /* of all, kept or not */
	/* Its first octets, where a step wanted them; CRLF; not decoded. */
	struct rmt_span body;
	int64_t now;         /* Unix seconds */
	int64_t deadline_us; /* of g_get_monotonic_time(): for all that waits */
	struct rmt_milter *milter;

	/* --- results, by the functions below --- */
	struct rmt_outcome outcome;
	GPtrArray *edits; /* struct rmt_edit */
	GString *notes;   /* " name=value"... for the log */

	/* --- private to message.c and the host --- */
	struct rmt_session *own_session;
	const char *(*macro)(void *context, const char *name);
	void *macro_context;
	struct rmt_message_facts known;
	enum { RMT_KNOWN_NOTHING, RMT_KNOWN_SIGNATURES, RMT_KNOWN_ALL } known_so_far;
};

/* --- what steps ask -------------------------------------------------------------- */

/* The nth field of this name, from 1; false: there are fewer. */
bool rmt_message_field(const struct rmt_milter_message *message, const char *name,
		       int nth, struct rmt_header_field *field_r);

/* "{auth_authen}", "i", ...: what Postfix sends by its milter_*_macros; NULL: it did
 * not. The text is good until the step returns. */
const char *rmt_message_macro(const struct rmt_milter_message *message, const char *name);

/* The message's signatures, verified; may wait for DNS until the deadline. For steps
 * that want RMT_WANTS_SIGNATURES. */
const struct rmt_dkim *rmt_message_dkim(struct rmt_milter_message *message);

/* The same where somebody has asked for it already; NULL: nobody did. */
const struct rmt_dkim *rmt_message_dkim_so_far(const struct rmt_milter_message *message);

/* The same with From, SPF of the stream's egress, alignment: all that is judged. At
 * the place `after` alone. */
const struct rmt_message_facts *rmt_message_known(struct rmt_milter_message *message);

/* Direct, notice or indirect; in front of the signer, and on an MX, by envelope and
 * header alone. */
enum rmt_kind rmt_message_kind(struct rmt_milter_message *message);

/* The stream's level for a group of rules, lowered by what kind of mail it is: what
 * is refused for a rule must have gone through this. */
enum rmt_level rmt_message_level(struct rmt_milter_message *message,
				 enum rmt_rule_group group);

/* The envelope sender as it leaves: what a step before this one made of it, else the
 * client's. */
const char *rmt_message_leaves_from(const struct rmt_milter_message *message);

/* The highest level found until now. */
enum rmt_level rmt_message_level_so_far(const struct rmt_milter_message *message);

/* In settled(): Postfix takes the message. */
bool rmt_message_passes(const struct rmt_milter_message *message);

/* --- what steps say -------------------------------------------------------------- */

/* A rule does not hold. level: OFF says nothing at all. rule: its stable id ("R6",
 * "paused"). code: enhanced status code without its class. The sentence is what the
 * sender reads, without full stop. */
void rmt_message_find(struct rmt_milter_message *message, enum rmt_level level,
		      const char *rule, const char *code, const char *format, ...)
	G_GNUC_PRINTF(5, 6);

/* " name=value" in the message's line of the log. */
void rmt_message_note(struct rmt_milter_message *message, const char *name,
		      const char *format, ...) G_GNUC_PRINTF(3, 4);

/* Done in this order to a message that is not refused, and to none in report mode. At
 * `after`, a field that is signed may no longer be changed. */
void rmt_message_add_field(struct rmt_milter_message *message, const char *name,
			   const char *value);
void rmt_message_insert_field(struct rmt_milter_message *message, const char *name,
			      const char *value);
void rmt_message_change_field(struct rmt_milter_message *message, const char *name,
			      int nth, const char *value);
/* arguments: ESMTP's of MAIL, or NULL: those the client gave are then lost. */
void rmt_message_set_sender(struct rmt_milter_message *message, const char *sender,
			    const char *arguments);

/* Postfix keeps it until postsuper(1) lets it go; a finding of level log says so. */
void rmt_message_hold(struct rmt_milter_message *message, const char *rule,
		      const char *format, ...) G_GNUC_PRINTF(3, 4);

/* Postfix takes it and throws it away: only for what is refused in a way the client
 * must not try again, and written down elsewhere. A finding of level log says so. */
void rmt_message_discard(struct rmt_milter_message *message, const char *rule,
			 const char *format, ...) G_GNUC_PRINTF(3, 4);

/* --- for the core ------------------------------------------------------------------- */

/* session: foreign, ended; in_force: foreign. */
struct rmt_in_force;
void rmt_message_begin(struct rmt_milter_message *message, struct rmt_milter *milter,
		       const struct rmt_in_force *in_force, struct rmt_session *session);
void rmt_message_finish(struct rmt_milter_message *message);

#endif
