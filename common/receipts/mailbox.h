/* SPDX-License-Identifier: MIT */
/* mailbox.h - the addresses of a field, read as RFC 5322 writes them.
 *
 * Comments, folding, quoted strings, routes and names are understood; what is
 * not the grammar is marked, never guessed: a receipt must not go to an address
 * that another reader of the same field would not have seen.
 *
 *	g_autoptr(rmt_mailboxes) to = rmt_mailboxes_read(value);
 *	if (to->flaws == 0 && to->list->len == 1)
 *		... g_ptr_array_index(to->list, 0)
 */
#ifndef RMT_RECEIPTS_MAILBOX_H
#define RMT_RECEIPTS_MAILBOX_H

#include <glib.h>
#include <stdbool.h>

#include "common/base/span.h"

enum {
	RMT_MAILBOX_VALUE_MAX = 64 * 1024, /* octets of a field that are read */
	RMT_MAILBOX_COUNT_MAX = 1000,
	RMT_MAILBOX_LOCAL_MAX = 256, /* octets; RFC 5321 says 64, clients say more */
};

enum rmt_mailbox_flaw {
	RMT_MAILBOX_SYNTAX = 1 << 0, /* not the grammar; what could be read is there */
	RMT_MAILBOX_GROUP = 1 << 1,  /* "team: ...;": its members are in the list */
	RMT_MAILBOX_LONG = 1 << 2,   /* beyond the limits above */
};

struct rmt_mailbox {
	char *address; /* own; addr-spec, quoted only where it must be; case kept */
	char *local;   /* own; without quotes and escapes; case kept */
	char *domain;  /* own; A-labels in lower case, without a final dot */
};

struct rmt_mailboxes {
	GPtrArray *list; /* own; struct rmt_mailbox, as they stand, repetitions too */
	unsigned flaws;  /* enum rmt_mailbox_flaw */
};

/* value: of a field, folding included. Own: rmt_mailboxes_free. */
struct rmt_mailboxes *rmt_mailboxes_read(struct rmt_span value);
void rmt_mailboxes_free(struct rmt_mailboxes *mailboxes);
typedef struct rmt_mailboxes rmt_mailboxes; /* for g_autoptr(rmt_mailboxes) */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(rmt_mailboxes, rmt_mailboxes_free)

/* One address as programs name it: "a@b", "<a@b>", local part quoted or not.
 * NULL: none, or more than that. Own: rmt_mailbox_free. */
struct rmt_mailbox *rmt_mailbox_read(struct rmt_span address);
void rmt_mailbox_free(struct rmt_mailbox *mailbox);
typedef struct rmt_mailbox rmt_mailbox; /* for g_autoptr(rmt_mailbox) */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(rmt_mailbox, rmt_mailbox_free)

/* RFC 8098, 2.1: the local part with its case, the domain without. */
bool rmt_mailbox_same(const struct rmt_mailbox *a, const struct rmt_mailbox *b);

/* An octet of the address is beyond ASCII (RFC 6531); a domain alone is not. */
bool rmt_mailbox_needs_utf8(const struct rmt_mailbox *mailbox);

#endif
