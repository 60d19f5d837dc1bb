/* SPDX-License-Identifier: MIT */
/* spf_macro.h - SPF's macros (RFC 7208, 7): checked first, expanded later. */
#ifndef RMT_SPF_MACRO_H
#define RMT_SPF_MACRO_H

#include "common/auth/ip.h"

/* Where a text stands decides what it may hold. */
enum rmt_spf_text {
	RMT_SPF_DOMAIN_SPEC, /* behind a mechanism's ':', redirect= and exp= */
	RMT_SPF_MODIFIER,    /* behind an unknown modifier's '=' */
	RMT_SPF_EXPLANATION, /* the record exp= points to: blanks, and %{c} %{r} %{t} */
};

/* Whether text follows the grammar. uses_ptr_r (may be NULL): it has %{p}. */
bool rmt_spf_macro_ok(struct rmt_span text, enum rmt_spf_text where, bool *uses_ptr_r);

/* What the letters stand for. */
struct rmt_spf_values {
	struct rmt_span sender;        /* s */
	struct rmt_span local, origin; /* l, o: its parts */
	struct rmt_span domain;        /* d: whose record it is */
	struct rmt_span ptr;           /* p: a validated name, or "unknown" */
	struct rmt_span helo;          /* h */
	struct rmt_span receiver;      /* r */
	const struct rmt_ip *ip;       /* i, c, v */
	int64_t now;                   /* t: Unix seconds */
};

/* Sets out. text must be ok. At most about 4 kB: the front is lost of a domain
 * (as RFC 7208, 7.3 wants it), the tail of an explanation. */
void rmt_spf_expand(struct rmt_span text, enum rmt_spf_text where,
		    const struct rmt_spf_values *values, GString *out);

#endif
