/* SPDX-License-Identifier: MIT */
/* step.h - what is done with a message at its end: a table of steps.
 *
 * Postfix calls remite-milter at up to three places, each a socket and a process
 * of its own, since libmilter serves one socket (processes.h):
 *
 *	before    in front of the signer: what must be signed
 *	after     behind the signer: what is judged; last is what is counted
 *	inbound   on an MX: what arrives
 *
 * At the end of a message the steps of its place run in the table's order
 * (steps.c), one after the other, in the connection's thread. A step is one file
 * with one row:
 *
 *	static void run(struct rmt_milter_message *message, void *state)
 *	{
 *		struct rmt_header_field field;
 *
 *		if (!rmt_message_field(message, "X-Wanted", 1, &field))
 *			rmt_message_find(message, RMT_LEVEL_REJECT, "X1", "7.1",
 *					 "X-Wanted is missing");
 *	}
 *
 *	const struct rmt_step rmt_step_wanted = {
 *		.name = "wanted",
 *		.places = 1 << RMT_PLACE_BEFORE,
 *		.run = run,
 *	};
 *
 * What a step says goes through message.h's functions and never to libmilter: the
 * core does, or in report mode only logs, the highest level of all findings, and
 * applies the edits to what is not refused. A refusal by one step does not keep
 * the others from running; rmt_message_level_so_far() tells who wants to know.
 */
#ifndef RMT_MILTER_STEP_H
#define RMT_MILTER_STEP_H

#include "postfix-policy/milter/message.h"

/* Bits of what a step wants to see of a message, beside header and envelope. */
enum rmt_wants {
	RMT_WANTS_NOTHING = 0,
	RMT_WANTS_SIGNATURES = 1 << 0, /* rmt_message_dkim(), rmt_message_known() */
	RMT_WANTS_BODY = 1 << 1,       /* the first RMT_SESSION_BODY_MAX octets */
	RMT_WANTS_SIZE = 1 << 2,       /* all octets come, and are only counted */
};

struct rmt_milter;

struct rmt_step {
	const char *name; /* for the log where it cannot start */
	unsigned places;  /* bits 1 << enum rmt_place */
	unsigned wants;   /* enum rmt_wants: of some messages at least */

	/* What of `wants` this message needs, at the end of its header; NULL: all. Who
	 * needs nothing spares Postfix sending the body. state: as below. */
	unsigned (*needs)(struct rmt_span header, void *state);

	/* Before the first message, once in the process of the place: what all
	 * messages share, and threads at that: it locks itself. After a fork, so that
	 * LMDB may be opened here. False: the place does not start. NULL: no state. */
	bool (*open)(struct rmt_milter *milter, void **state_r, GError **err);

	/* NULL: nothing. */
	void (*run)(struct rmt_milter_message *message, void *state);

	/* When all steps have run and message->outcome says what is done, before
	 * Postfix hears of it: for what may only be kept of a message that goes on
	 * (rmt_message_passes), or must be undone. May not add findings or edits; may
	 * note. NULL: nothing. */
	void (*settled)(struct rmt_milter_message *message, void *state);
};

/* The table; up to NULL. */
extern const struct rmt_step *const rmt_steps[];

enum { RMT_STEPS_MAX = 32 };

/* The rows. After: R1, R2, R4 to R8, R11's From. */
extern const struct rmt_step rmt_step_alignment;
/* After: R11 beyond From, R12, R13, R14, R16's mark, R19, R20. */
extern const struct rmt_step rmt_step_header;
/* After: R17, R18. */
extern const struct rmt_step rmt_step_domains;
/* After: R15. */
extern const struct rmt_step rmt_step_left;
/* Before: receipts that clients send on their own; requests that must not leave. */
extern const struct rmt_step rmt_step_police;
/* After: the envelope sender that tells what came back, before it is judged. */
extern const struct rmt_step rmt_step_return_path;
/* After: by which selectors our domains sign. */
extern const struct rmt_step rmt_step_selectors;
/* After: limits, suppressions, pauses of what policyd could not judge. */
extern const struct rmt_step rmt_step_charge;
/* Before: the charge of what is refused there. */
extern const struct rmt_step rmt_step_give_back;
/* Before: the fields of RFC 8058. */
extern const struct rmt_step rmt_step_unsubscribe;

extern const struct rmt_step rmt_step_original_recipient; /* inbound: of ORCPT */
extern const struct rmt_step rmt_step_proof; /* inbound: what a later unsubscribe needs */

/* --- for the core ------------------------------------------------------------------ */

/* Opens the steps of milter->place. */
bool rmt_steps_open(struct rmt_milter *milter, GError **err);

/* All that the steps of the place may want, and what they need of this message. */
unsigned rmt_steps_want(const struct rmt_milter *milter);
unsigned rmt_steps_need(const struct rmt_milter *milter, struct rmt_span header);

/* Runs, decides, settles. */
void rmt_steps_run(struct rmt_milter *milter, struct rmt_milter_message *message);

#endif
