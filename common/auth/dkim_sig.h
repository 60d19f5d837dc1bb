/* SPDX-License-Identifier: MIT */
/* dkim_sig.h - one DKIM-Signature field, read strictly (RFC 6376, 3.5). */
#ifndef RMT_DKIM_SIG_H
#define RMT_DKIM_SIG_H

#include "common/auth/dkim_canon.h"
#include "common/auth/dkim_key.h"

enum { RMT_DKIM_FIELD_MAX = 64 * 1024 };

struct rmt_dkim_sig {
	char *domain, *selector, *identity;         /* own; "" where unreadable */
	struct rmt_span algorithm, headers, b_text; /* a=, h=, b= as written */
	struct rmt_span hole; /* what is cut out of the field before hashing it */
	enum rmt_dkim_type type;
	enum rmt_canon header_canon, body_canon;
	uint64_t length;            /* l=; UINT64_MAX: none */
	int64_t signed_at, expires; /* -1: none */
	GByteArray *b, *bh;         /* own */
};

/* Spans look into raw. What could be read is filled in whatever the reason;
 * the caller clears it. */
enum rmt_dkim_reason rmt_dkim_sig_parse(struct rmt_span raw, struct rmt_dkim_sig *sig_r);
void rmt_dkim_sig_clear(struct rmt_dkim_sig *sig);

/* The field in canonical form with b= empty, no line end. */
void rmt_dkim_sig_append(const struct rmt_dkim_sig *sig, struct rmt_span raw,
			 GString *out);

#endif
