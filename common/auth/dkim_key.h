/* SPDX-License-Identifier: MIT */
/* dkim_key.h - key records (RFC 6376, 3.6.1) and the keys in them. */
#ifndef RMT_DKIM_KEY_H
#define RMT_DKIM_KEY_H

#include <openssl/evp.h>

#include "common/auth/dkim.h"

enum rmt_dkim_type { RMT_DKIM_RSA, RMT_DKIM_ED25519 };

enum { RMT_DKIM_BITS_MAX = 8192 };

struct rmt_dkim_record {
	enum rmt_dkim_type type;
	GByteArray *data; /* own: p= decoded */
	bool testing;     /* t=y */
	bool exact;       /* t=s: i= must be d= itself */
};
void rmt_dkim_record_clear(struct rmt_dkim_record *record);

/* OK: record_r is filled, the caller clears it. Whether the type is the
 * signature's is not asked here. */
enum rmt_dkim_reason rmt_dkim_record_parse(struct rmt_span text,
					   struct rmt_dkim_record *record_r);

/* The one key record of an answer. Records with another v= are none (RFC 6376,
 * 3.6.1: "MUST be discarded"). */
enum rmt_dkim_reason rmt_dkim_record_choose(const struct rmt_dns_answer *answer,
					    struct rmt_span *text_r);

/* Own: EVP_PKEY_free. NULL: no such key. */
EVP_PKEY *rmt_dkim_keys_get(struct rmt_dkim_keys *keys,
			    const struct rmt_dkim_record *record);

/* SHA-256, fetched once. */
const EVP_MD *rmt_dkim_keys_sha256(const struct rmt_dkim_keys *keys);

/* digest: SHA-256 of what was signed. */
bool rmt_dkim_key_verify(const struct rmt_dkim_keys *keys, EVP_PKEY *key,
			 enum rmt_dkim_type type, const unsigned char *digest,
			 const GByteArray *signature);

#endif
