/* SPDX-License-Identifier: MIT */
/* wire.h - what the mail plugin, doveadm and remite-http say to remite-agent,
 * and what it answers.
 *
 * A UNIX stream socket, remite-agent in Dovecot's base_dir. Both sides send
 * records; a record is one line of fields, separated by tabs, ended by LF:
 *
 *	VERSION  remite  1  role=mail
 *	JOB      7  shown  user=ann@example.org  box=INBOX  uid=12  ...  body=812
 *	ACK      7
 *
 * Fields are escaped as Dovecot's str_tabescape() does: octet 1 becomes "\001"
 * "1", tab "\001t", CR "\001r", LF "\001n". NUL does not occur. Where the last
 * field is body=N, N octets of a message follow the LF, as they are.
 *
 * To the agent
 *	VERSION remite MAJOR role=mail|doveadm|http	first; another MAJOR: closed
 *	JOB ID KIND NAME=VALUE...	ID: the sender's own number in this connection
 *	DONE ID				the ANSWER with this ID is in the mailbox
 *	KEEP ID reason=...		it is not (no such message here): ask me again
 * From the agent
 *	VERSION remite MAJOR		first
 *	ROW ID NAME=VALUE...		results of a query, before its ACK
 *	ACK ID NAME=VALUE...		the job is committed: it need not be sent again
 *	NAK ID reason=...		the job will never be taken: do not send it again
 *	ANSWER ID NAME=VALUE...		something to do in the user's mailbox
 *
 * A job is in nobody's hands until its ACK. Where the connection ends before, it
 * is sent again (a repeat is harmless: the agent's row decides). An ANSWER stays
 * the agent's until its DONE, and comes again with the user's next `open`.
 * The agent sends answers to a connection only about the users it said `open` for.
 *
 * Kinds of JOB, with their fields. Every kind has user=LOGIN NAME; those about a
 * message have RMT_WIRE_PLACE, and its header section as the body.
 *	delivered	a request was stored here: RMT_WIRE_PLACE but uid, rcpt=
 *			Sent once, not repeated; `shown` tells all of it again
 *	shown		the message was displayed: how=seen|fetched|strict
 *	deleted		the user threw it away, out of the trash, unread. Not repeated
 *			by another session: the message is gone
 *	choice		choice=approve|deny|always|never: the user's own decision;
 *			choice=junk: the user says spam, so no receipt, ever.
 *			May come before `shown` (the user's Sieve script may set the
 *			keyword): then it is remembered, and nothing is sent yet
 *	preference	value=: the standing preference as written (IMAP METADATA)
 *	open		send this user's answers, now and while the connection lasts
 *	unsubscribe	the body is the whole message; count=: how many were asked
 *			for at once. 20 and more: the body is the header section, and
 *			the user is asked; confirmed=yes where an ANSWER wanted it
 *	feedback	the body is the whole message: a mail that came to a return
 *			path. guid= names it, so that repeats are known
 *	query		what=...: of doveadm and http; the agent says what there is
 * RMT_WIRE_PLACE
 *	box=		the mailbox's name as the user sees it, in UTF-8
 *	uidvalidity= uid=	0 where not known
 *	guid=		of the message, 32 hexadecimal digits or what the storage has
 *	msgid=		its Message-ID as written, without blanks around; or absent
 *	mode=server	remite_receipts of this user. report: the message has no marks of
 *			ours, and nothing is sent; `shown` alone is told
 *	told=yes	when it was delivered here, the agent was told: where it has no
 *			row, the message came otherwise (dsync, another server)
 *	received=	Unix seconds of its arrival (INTERNALDATE)
 *	rcpt=		envelope recipient, at delivery only
 *	addresses= name= groups= language=	remite_addresses, ... of this user, where
 *			set
 *	service=	imap, lmtp, lda
 *	truncated=yes	the body was longer than RMT_WIRE_HEADER_MAX or _BODY_MAX
 *
 * Fields of ANSWER: user=, box=, uidvalidity=, uid=, msgid=, guid= as they came
 * with the job; the message is looked for there, then by msgid in the mailbox
 * that is open. And what to do, in this order:
 *	add= remove=	keywords, separated by blanks
 *	want=unsubscribe	send the whole message as that kind, confirmed=yes
 *	preference=	store this as the standing preference (no message then)
 *
 * Keywords: $ReceiptPending is on a message whose request is undecided, and
 * $ReceiptShown beside it while `shown` is not acknowledged. The plugin takes
 * $ReceiptShown and the user's $MDNApprove, $MDNDeny, $MDNAlways, $Unsubscribe
 * away at the ACK; the agent's ANSWER takes $ReceiptPending away when the request
 * is decided. $UnsubscribePending is on a message from the job `unsubscribe` until
 * its ANSWER, which may come days later, in another session. $ReceiptFetched: the
 * text was read, maybe by a prefetch. $ReceiptUntold: it was delivered here while the
 * agent was away. Clients can neither set nor clear those that
 * begin with $Receipt.
 *
 * The functions below need neither GLib nor libdovecot. Writing:
 *
 *	struct rmt_wire_out out = { 0 };
 *	rmt_wire_begin(&out, "JOB", 7, "shown");
 *	rmt_wire_add(&out, "user", "ann@example.org");
 *	rmt_wire_end(&out, header, header_len);
 *	write(fd, out.data, out.len);
 *	rmt_wire_out_free(&out);
 *
 * Reading:
 *
 *	struct rmt_wire_in *in = rmt_wire_in_create();
 *	while ((got = read(fd, chunk, sizeof(chunk))) > 0) {
 *		rmt_wire_in_feed(in, chunk, got);
 *		while ((result = rmt_wire_in_next(in, &record)) == RMT_WIRE_RECORD)
 *			handle(record);
 *		if (result == RMT_WIRE_BAD)
 *			log(rmt_wire_in_error(in)), close
 *	}
 */
#ifndef RMT_WIRE_H
#define RMT_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RMT_WIRE_SOCKET     "remite-agent"
#define RMT_WIRE_SERVICE    "remite"
#define RMT_WIRE_MAJOR      1
#define RMT_WIRE_LINE_MAX   (64 * 1024)       /* octets, LF included */
#define RMT_WIRE_FIELDS_MAX 64                /* of a record */
#define RMT_WIRE_HEADER_MAX (256 * 1024)      /* a header section as body */
#define RMT_WIRE_BODY_MAX   (8 * 1024 * 1024) /* a whole message as body */
#define RMT_WIRE_MANY       20                /* unsubscribes at once that ask first */

#define RMT_KEYWORD_MDN_SENT "$MDNSent"
#define RMT_KEYWORD_PENDING  "$ReceiptPending"
#define RMT_KEYWORD_FETCHED  "$ReceiptFetched"
#define RMT_KEYWORD_SHOWN    "$ReceiptShown"
/* delivered when the agent could not be reached */
#define RMT_KEYWORD_UNTOLD "$ReceiptUntold"
/* on a mail to a return path, until the agent has it */
#define RMT_KEYWORD_FEEDBACK "$FeedbackPending"
/* beside $Unsubscribe, where the user set it and no script did */
#define RMT_KEYWORD_ASKED "$UnsubscribeAsked"
/* the agent has the wish; its answer will take this away */
#define RMT_KEYWORD_LEAVING "$UnsubscribePending"
/* the user's word */
#define RMT_KEYWORD_APPROVE     "$MDNApprove"
#define RMT_KEYWORD_DENY        "$MDNDeny"
#define RMT_KEYWORD_ALWAYS      "$MDNAlways"
#define RMT_KEYWORD_UNSUBSCRIBE "$Unsubscribe"
/* RFC 9979 */
#define RMT_KEYWORD_CAN_UNSUBSCRIBE "$canunsubscribe"
#define RMT_KEYWORD_UNSUBSCRIBED    "$unsubscribed"

/* --- writing --- */

/* Starts as { 0 }; several records may follow one another. Memory does not run
 * out: malloc's failure ends the process. */
struct rmt_wire_out {
	char *data; /* own */
	size_t len, size;
};

/* kind: the word after the ID, not escaped, or NULL where the type has none. */
void rmt_wire_begin(struct rmt_wire_out *out, const char *type, uint64_t id,
		    const char *kind);
/* The first record: role for the client's ("mail"), NULL for the agent's. */
void rmt_wire_version(struct rmt_wire_out *out, const char *role);
/* value NULL: nothing is added. */
void rmt_wire_add(struct rmt_wire_out *out, const char *name, const char *value);
void rmt_wire_add_number(struct rmt_wire_out *out, const char *name, uint64_t value);
/* Ends the record. body_len 0: without a body. */
void rmt_wire_end(struct rmt_wire_out *out, const void *body, size_t body_len);
void rmt_wire_out_free(struct rmt_wire_out *out);

/* --- reading --- */

struct rmt_wire_field {
	const char *name, *value; /* foreign; unescaped */
};

/* Valid until the next call on its reader. */
struct rmt_wire_record {
	const char *type;   /* "JOB", ... */
	uint64_t id;        /* 0 for VERSION */
	const char *kind;   /* of JOB; "remite" of VERSION; else "" */
	unsigned int major; /* of VERSION */
	const struct rmt_wire_field *fields;
	size_t field_count;
	const unsigned char *body; /* NULL where there is none */
	size_t body_len;
};

/* The first field of that name; NULL where there is none. */
const char *rmt_wire_get(const struct rmt_wire_record *record, const char *name);
/* 0 where it is missing or no number. */
uint64_t rmt_wire_get_number(const struct rmt_wire_record *record, const char *name);

enum rmt_wire_result {
	RMT_WIRE_MORE,   /* feed me */
	RMT_WIRE_RECORD, /* record_r is filled in */
	RMT_WIRE_BAD,    /* not this protocol: nothing more will be read */
};

struct rmt_wire_in *rmt_wire_in_create(void);
/* The octets are copied; what was read is forgotten with the next feed. */
void rmt_wire_in_feed(struct rmt_wire_in *in, const void *data, size_t len);
enum rmt_wire_result rmt_wire_in_next(struct rmt_wire_in *in,
				      struct rmt_wire_record *record_r);
/* Why RMT_WIRE_BAD; a constant. */
const char *rmt_wire_in_error(const struct rmt_wire_in *in);
/* Sets the pointer to NULL; takes NULL. */
void rmt_wire_in_destroy(struct rmt_wire_in **in);

#endif
