/* SPDX-License-Identifier: MIT */
/* dkim_public.h - is the key that signs the key that is published? */
#ifndef RMT_DKIM_PUBLIC_H
#define RMT_DKIM_PUBLIC_H

#include "common/auth/dkim_key.h"

/* What a key file can be asked; no private part is kept. */
struct rmt_dkim_public;

/* pem: an RSA or Ed25519 private or public key. NULL: it is none; the sentence
 * never shows the file's text. */
struct rmt_dkim_public *rmt_dkim_public_new(struct rmt_span pem, GError **err);
void rmt_dkim_public_free(struct rmt_dkim_public *key);

/* Whether the record publishes this very key. */
bool rmt_dkim_public_is(const struct rmt_dkim_public *key,
			const struct rmt_dkim_record *record);

/* The record to publish: "v=DKIM1; k=rsa; p=...". */
void rmt_dkim_public_format(const struct rmt_dkim_public *key, GString *out);

/* Bits of a published key; 0: it is no key. */
unsigned rmt_dkim_record_bits(const struct rmt_dkim_record *record);

#endif
