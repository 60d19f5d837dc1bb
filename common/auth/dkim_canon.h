/* SPDX-License-Identifier: MIT */
/* dkim_canon.h - the two canonical forms of RFC 6376, 3.4, and their hashes. */
#ifndef RMT_DKIM_CANON_H
#define RMT_DKIM_CANON_H

#include <glib.h>
#include <openssl/evp.h>
#include <stdint.h>

#include "common/base/span.h"

enum rmt_canon { RMT_CANON_SIMPLE, RMT_CANON_RELAXED, RMT_CANON_COUNT };

enum { RMT_SHA256_OCTETS = 32 };

/* Appends one field (without its last line end) in canonical form; CRLF behind
 * it only where asked: the signature itself goes without. */
void rmt_canon_field(GString *out, enum rmt_canon canon, struct rmt_span raw, bool crlf);

/* --- a body, in any pieces ---------------------------------------------------- */

struct rmt_canon_body;

struct rmt_canon_body *rmt_canon_body_new(const EVP_MD *sha256 /* foreign */);
void rmt_canon_body_free(struct rmt_canon_body *body);

/* Before the first piece: also hash this form, at most length octets of it
 * (UINT64_MAX: all). The number to ask the hash by; the same for the same. */
size_t rmt_canon_body_want(struct rmt_canon_body *body, enum rmt_canon canon,
			   uint64_t length);
void rmt_canon_body_add(struct rmt_canon_body *body, struct rmt_span piece);
void rmt_canon_body_end(struct rmt_canon_body *body);

/* After the end. length_r: octets of the whole canonical form. */
const unsigned char *rmt_canon_body_hash(const struct rmt_canon_body *body, size_t number,
					 uint64_t *length_r);

#endif
