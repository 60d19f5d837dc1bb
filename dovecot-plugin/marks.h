/* SPDX-License-Identifier: MIT */
/* marks.h - keywords changed by us, in the user's mailboxes: after an ACK, and as
 * the agent's answers say. Changes are gathered and made between commands, with
 * mailbox objects of our own (the client's must not be synced behind its back).
 */
#ifndef RMT_MARKS_H
#define RMT_MARKS_H

#include <stdbool.h>
#include <stdint.h>

struct rmt_user;
struct rmt_marks;

struct rmt_change {
	const char *box;           /* the mailbox's vname */
	uint32_t uidvalidity, uid; /* 0: not known */
	const char *msgid;         /* where it is not there: look for this; or NULL */
	const char *add, *remove;  /* keywords, separated by blanks; or NULL */
	const char *preference;    /* store it; or NULL */
	const char *job;           /* send it to the agent as that kind; or NULL */
	unsigned int count;        /* with so many others, for "unsubscribe" */
	bool want_unsubscribe;
	/* Dropped by the user there: back to this mailbox, or (NULL) away. Where it was
	 * copied, in place of the original. */
	bool put_back;
	const char *source;
	uint32_t original, original_uidvalidity; /* 0: it was moved */
	uint64_t answer; /* tell the agent what became of it; 0: no answer */
};

struct rmt_marks *rmt_marks_init(struct rmt_user *user);
void rmt_marks_deinit(struct rmt_marks **marks);

/* Copies the change; it is made soon. */
void rmt_marks_change(struct rmt_marks *marks, const struct rmt_change *change);
/* Now. */
void rmt_marks_flush(struct rmt_marks *marks);

#endif
