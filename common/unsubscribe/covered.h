/* SPDX-License-Identifier: MIT */
/* covered.h - what the signed octets of a message say of leaving its list.
 *
 * RFC 8058, 4: a valid DKIM signature covers List-Unsubscribe and
 * List-Unsubscribe-Post. A second List-Unsubscribe put above the signed one leaves
 * the signature valid and is what most readers take: so nothing is read here but the
 * instances that signatures cover. RFC 8058 does not ask whose signature it is; we
 * want one of From's own organisation, else anybody signs a victim's URL.
 *
 *	rmt_dkim_finish(dkim, now);
 *	rmt_covered_read(&(struct rmt_covered_query){ dkim, from, psl, true }, &covered);
 *	if (covered.url != NULL)
 *		one click: covered.url, covered.domain
 *	rmt_covered_clear(&covered);
 */
#ifndef RMT_COVERED_H
#define RMT_COVERED_H

#include "common/auth/dkim.h"
#include "common/auth/orgdomain.h"
#include "common/unsubscribe/list_unsubscribe.h"

enum rmt_covered_result {
	RMT_COVERED_ONE_CLICK, /* url */
	RMT_COVERED_MAILTO,    /* no one click (why: one_click), but a mailto */
	RMT_COVERED_NOTHING,   /* the signed fields offer neither */
	RMT_COVERED_REPEATED,  /* a signed field is there twice: which is meant? */
	RMT_COVERED_UNCOVERED, /* signed and aligned, but not List-Unsubscribe */
	RMT_COVERED_UNALIGNED, /* valid signatures of other organisations alone */
	RMT_COVERED_TESTING,   /* valid, but the key says t=y */
	RMT_COVERED_INVALID,   /* no signature holds */
	RMT_COVERED_UNKNOWN,   /* none holds, but a key could not be had (DNS, or gone) */
	RMT_COVERED_UNSIGNED,  /* there is none */
	RMT_COVERED_NO_FROM,   /* nobody to align with */
	RMT_COVERED_COUNT,
};
const char *rmt_covered_word(enum rmt_covered_result result); /* "uncovered", stable */
const char *rmt_covered_text(enum rmt_covered_result result); /* a sentence */

struct rmt_covered {
	enum rmt_covered_result result;
	enum rmt_one_click one_click; /* of the signed fields, where they are covered */
	char *url;               /* own; as signed, printable ASCII; NULL: no one click */
	char *mailto;            /* own; the first mailto: URI that is signed; or NULL */
	char *list_id;           /* own; signed too, lower case; or NULL */
	char *domain, *selector; /* own; of the signature; NULL where none is taken */
};

struct rmt_covered_query {
	const struct rmt_dkim *dkim; /* finished */
	struct rmt_span from;        /* domain of From; empty: unreadable */
	const struct rmt_psl *psl;   /* or NULL: domains must be the same or below */
	bool aligned;                /* d= must be of From's organisation */
};

/* Takes the topmost signature that offers most. */
void rmt_covered_read(const struct rmt_covered_query *query,
		      struct rmt_covered *covered_r);
void rmt_covered_clear(struct rmt_covered *covered);

#endif
