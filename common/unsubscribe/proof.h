/* SPDX-License-Identifier: MIT */
/* proof.h - the record of delivery: a field that says what was verified when the
 * message came, for the day its signer's key is gone.
 *
 *	X-Remite-Unsubscribe: v=1; d=news.example; s=k1; t=1763780000;
 *		l=offers.news.example; u=<https://news.example/u/4711>;
 *		m=<mailto:leave-4711@news.example>
 *
 * remite-milter writes it on the MX, above the Received field Postfix makes, and takes
 * away every X-Remite-* that came with the message. Whoever reads it believes it only
 * where no Received of another host stands above it, and where the administrator says
 * that all mail comes through that milter.
 *
 * Needs neither GLib nor memory of its own to be read: the mail plugin does it too.
 */
#ifndef RMT_PROOF_H
#define RMT_PROOF_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/span.h"

#define RMT_PROOF_FIELD  "X-Remite-Unsubscribe"
#define RMT_PROOF_PREFIX "X-Remite-"

enum {
	RMT_PROOF_URI_MAX = 2048,
	RMT_PROOF_NAME_MAX = 255,
	RMT_PROOF_OWN_MAX = 8, /* Received fields of our own that are passed over */
};

struct rmt_proof {
	int64_t time; /* Unix seconds */
	char domain[RMT_PROOF_NAME_MAX + 1], selector[RMT_PROOF_NAME_MAX + 1];
	char list_id[RMT_PROOF_NAME_MAX + 1]; /* "": none */
	char url[RMT_PROOF_URI_MAX + 1];      /* "": no one click */
	char mailto[RMT_PROOF_URI_MAX + 1];   /* "": none */
};

/* False: not as we write it. */
bool rmt_proof_read(struct rmt_span value, struct rmt_proof *proof_r);

/* The record of a message as it lies in the mailbox. header: its section; own: names
 * of hosts whose Received fields may stand above (compared without case), up to NULL.
 * False: none that may be believed. */
bool rmt_proof_find(struct rmt_span header, const char *const *own,
		    struct rmt_proof *proof_r);

/* The host a Received field says it was written by; empty: it says none. */
struct rmt_span rmt_received_by(struct rmt_span value);

/* Writes the field's value, with folds as "\n\t", into out. Returns its length, 0
 * where it does not fit. */
size_t rmt_proof_write(const struct rmt_proof *record, char *out, size_t size);

#endif
