/* SPDX-License-Identifier: MIT */
#include <openssl/err.h>
#include <openssl/pem.h>

#include "common/auth/dkim_public.h"

enum { PEM_MAX = 64 * 1024 };

struct rmt_dkim_public {
	EVP_PKEY *key; /* own; the public half only */
};

/* An empty passphrase, or OpenSSL would ask the terminal. */
static int no_passphrase(char *buffer, int size, int is_write, void *context)
{
	(void)buffer, (void)size, (void)is_write, (void)context;
	return 0;
}

static EVP_PKEY *read_pem(struct rmt_span pem)
{
	BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.len);
	EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);

	if (key == NULL) {
		BIO_reset(bio);
		key = PEM_read_bio_PUBKEY(bio, NULL, no_passphrase, NULL);
	}
	BIO_free(bio);
	ERR_clear_error();
	return key;
}

static EVP_PKEY *public_half(EVP_PKEY *key)
{
	unsigned char *der = NULL;
	int len = i2d_PUBKEY(key, &der);
	const unsigned char *p = der;
	EVP_PKEY *half = len > 0 ? d2i_PUBKEY(NULL, &p, len) : NULL;

	OPENSSL_free(der);
	return half;
}

struct rmt_dkim_public *rmt_dkim_public_new(struct rmt_span pem, GError **err)
{
	EVP_PKEY *key = pem.len > 0 && pem.len <= PEM_MAX ? read_pem(pem) : NULL;
	int type = key != NULL ? EVP_PKEY_get_base_id(key) : 0;
	struct rmt_dkim_public *out;

	if (type != EVP_PKEY_RSA && type != EVP_PKEY_ED25519) {
		EVP_PKEY_free(key);
		g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_INVAL,
			    "not an RSA or Ed25519 key in PEM form without a passphrase");
		return NULL;
	}
	out = g_new0(struct rmt_dkim_public, 1);
	out->key = public_half(key);
	EVP_PKEY_free(key);
	return out;
}

void rmt_dkim_public_free(struct rmt_dkim_public *key)
{
	if (key == NULL)
		return;
	EVP_PKEY_free(key->key);
	g_free(key);
}

/* Own: EVP_PKEY_free. */
static EVP_PKEY *key_of(const struct rmt_dkim_record *record)
{
	struct rmt_dkim_keys *keys = rmt_dkim_keys_new(1);
	EVP_PKEY *key = rmt_dkim_keys_get(keys, record);

	rmt_dkim_keys_free(keys);
	return key;
}

bool rmt_dkim_public_is(const struct rmt_dkim_public *key,
			const struct rmt_dkim_record *record)
{
	EVP_PKEY *published = key_of(record);
	bool same = published != NULL && EVP_PKEY_eq(key->key, published) == 1;

	EVP_PKEY_free(published);
	return same;
}

unsigned rmt_dkim_record_bits(const struct rmt_dkim_record *record)
{
	EVP_PKEY *published = key_of(record);
	unsigned bits = published != NULL ? (unsigned)EVP_PKEY_get_bits(published) : 0;

	EVP_PKEY_free(published);
	return bits;
}

void rmt_dkim_public_format(const struct rmt_dkim_public *key, GString *out)
{
	bool is_rsa = EVP_PKEY_get_base_id(key->key) == EVP_PKEY_RSA;
	unsigned char raw[32], *der = raw;
	size_t len = sizeof(raw);
	g_autofree char *text = NULL;

	if (is_rsa) {
		int written;

		der = NULL;
		written = i2d_PUBKEY(key->key, &der);
		len = written > 0 ? (size_t)written : 0;
	} else {
		EVP_PKEY_get_raw_public_key(key->key, raw, &len); /* RFC 8463, 4 */
	}
	text = g_base64_encode(der, len);
	g_string_append_printf(out, "v=DKIM1; k=%s; p=%s", is_rsa ? "rsa" : "ed25519",
			       text);
	if (der != raw)
		OPENSSL_free(der);
}
