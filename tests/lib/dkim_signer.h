/* SPDX-License-Identifier: MIT */
/* dkim_signer.h - signs what a test asks for, right or wrong.
 *
 * For messages no signer would make: any tags, any order. It shares the
 * canonical forms with what is tested; that those are right is proven elsewhere
 * (test_dkim_data.c with another implementation's signatures, and
 * test_dkim_second.c against libopendkim).
 */
#ifndef RMT_DKIM_SIGNER_H
#define RMT_DKIM_SIGNER_H

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "common/auth/dkim_sig.h"
#include "common/auth/dkim_tag.h"
#include "common/message/header.h"

static inline EVP_PKEY *signer_key(const char *type, size_t bits)
{
	return bits > 0 ? EVP_PKEY_Q_keygen(NULL, NULL, type, bits)
			: EVP_PKEY_Q_keygen(NULL, NULL, type);
}

/* p= of a key, own. */
static inline char *signer_public(EVP_PKEY *key)
{
	unsigned char raw[32], *der = NULL;
	size_t raw_len = sizeof(raw);
	char *text;
	int len;

	if (EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519) {
		EVP_PKEY_get_raw_public_key(key, raw, &raw_len);
		return g_base64_encode(raw, raw_len);
	}
	len = i2d_PUBKEY(key, &der);
	text = g_base64_encode(der, (gsize)len);
	OPENSSL_free(der);
	return text;
}

static inline char *signer_b(EVP_PKEY *key, GString *data)
{
	bool ed = EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519;
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	unsigned char digest[32], out[1024];
	size_t len = sizeof(out);
	char *text;

	EVP_Digest(data->str, data->len, digest, NULL, EVP_sha256(), NULL);
	EVP_DigestSignInit(context, NULL, ed ? NULL : EVP_sha256(), NULL, key);
	if (ed)
		EVP_DigestSign(context, out, &len, digest, sizeof(digest));
	else
		EVP_DigestSign(context, out, &len, (const unsigned char *)data->str,
			       data->len);
	EVP_MD_CTX_free(context);
	text = g_base64_encode(out, len);
	return text;
}

static inline char *signer_bh(const struct rmt_dkim_sig *sig, struct rmt_span body)
{
	struct rmt_canon_body *canon = rmt_canon_body_new(EVP_sha256());
	size_t number = rmt_canon_body_want(canon, sig->body_canon, sig->length);
	uint64_t total;
	char *text;

	rmt_canon_body_add(canon, body);
	rmt_canon_body_end(canon);
	text = g_base64_encode(rmt_canon_body_hash(canon, number, &total), 32);
	rmt_canon_body_free(canon);
	return text;
}

/* Bottom-up, one instance for each time it is named. */
static inline void signer_append_fields(GString *data, const struct rmt_dkim_sig *sig,
					struct rmt_span message)
{
	struct rmt_span name, rest = sig->headers;
	g_autoptr(GArray) used = g_array_new(FALSE, FALSE, sizeof(size_t));

	while (rmt_tag_list_next(&rest, &name)) {
		struct rmt_header_reader reader = rmt_header_read(message);
		struct rmt_header_field field, last = { .offset = SIZE_MAX };

		while (rmt_header_next(&reader, &field)) {
			bool free_one = rmt_span_eq_nocase(field.name, name);

			for (guint i = 0; i < used->len; i++)
				if (g_array_index(used, size_t, i) == field.offset)
					free_one = false;
			if (free_one)
				last = field;
		}
		if (last.offset == SIZE_MAX)
			continue;
		g_array_append_val(used, last.offset);
		rmt_canon_field(data, sig->header_canon, last.raw, true);
	}
}

/* message (CRLF) with a signature on top. tags: all but bh= and b=, no final
 * ";". sign_as NULL: key. Own. */
static inline char *signer_sign(EVP_PKEY *key, const char *tags, const char *message)
{
	g_autofree char *draft =
		g_strdup_printf("DKIM-Signature: %s; bh=%s; b=AAAA", tags,
				"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
	g_autofree char *field = NULL, *bh = NULL, *b = NULL;
	g_autoptr(GString) data = g_string_new(NULL);
	struct rmt_span headers, body;
	struct rmt_dkim_sig sig;

	rmt_header_split(rmt_span_of(message), &headers, &body);
	rmt_dkim_sig_parse(rmt_span_of(draft), &sig);
	bh = signer_bh(&sig, body);
	signer_append_fields(data, &sig, rmt_span_of(message));
	field = g_strdup_printf("DKIM-Signature: %s; bh=%s; b=", tags, bh);
	rmt_canon_field(data, sig.header_canon, rmt_span_of(field), false);
	b = signer_b(key, data);
	rmt_dkim_sig_clear(&sig);
	return g_strdup_printf("%s%s\r\n%s", field, b, message);
}

#endif
