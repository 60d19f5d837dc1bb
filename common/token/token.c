/* SPDX-License-Identifier: MIT */
/* token.c - AES-256-GCM with a synthetic nonce: the nonce is a keyed hash of the
 * content (AES-CMAC, RFC 4493), so equal nonces mean equal contents and give
 * nothing away.
 *
 *	token = id of the key, letters of (nonce 12, seal 16, content sealed)
 *	tag   = id of the key, letters of (HMAC-SHA256, cut)
 */
#include "common/token/token.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <string.h>

#include "common/token/letters.h"

enum { NONCE = 12, SEAL = 16, SECRET = 32, DIGEST = 32, TAG_OCTETS_MIN = 8 };

G_STATIC_ASSERT(NONCE + SEAL == RMT_TOKEN_OVERHEAD);

/* A key made ready: contexts are rekeyed by nonce alone. */
struct box {
	char id;
	EVP_CIPHER_CTX *seal, *open;        /* own */
	EVP_MAC_CTX *nonce_hash, *tag_hash; /* own */
};

struct rmt_sealer {
	size_t count, maker;
	struct box boxes[RMT_KEYS_MAX];
};

/* Other labels make other keys: a purpose's is never changed or used again. */
static const char *const purpose_names[RMT_PURPOSE_COUNT] = {
	[RMT_PURPOSE_UNSUBSCRIBE] = "unsubscribe",
	[RMT_PURPOSE_UNDO] = "undo",
	[RMT_PURPOSE_CONSENT] = "consent",
	[RMT_PURPOSE_RETURN_PATH] = "return path",
	[RMT_PURPOSE_MESSAGE_ID] = "message-id",
};

const char *rmt_token_result_text(enum rmt_token_result result)
{
	static const char *const texts[] = {
		[RMT_TOKEN_OK] = "is ours",
		[RMT_TOKEN_MALFORMED] = "is no token, or cut",
		[RMT_TOKEN_UNKNOWN_KEY] = "was made with a key that is not in the ring",
		[RMT_TOKEN_FORGED] = "was changed, or made by somebody else or for "
				     "another purpose",
	};

	return texts[result];
}

/* --- making ready --- */

static void derive(const struct rmt_key *key, enum rmt_purpose purpose, const char *part,
		   unsigned char secret[SECRET])
{
	g_autofree char *label =
		g_strdup_printf("remite 1 %s: %s", purpose_names[purpose], part);

	rmt_key_derive(key, label, secret, SECRET);
}

/* name: "HMAC" of SHA256, or "CMAC" of AES-256. */
static EVP_MAC_CTX *new_hash(const char *name, const unsigned char secret[SECRET])
{
	EVP_MAC *mac = EVP_MAC_fetch(NULL, name, NULL);
	EVP_MAC_CTX *context = EVP_MAC_CTX_new(mac);
	const bool is_hmac = strcmp(name, "HMAC") == 0;
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(
			is_hmac ? OSSL_MAC_PARAM_DIGEST : OSSL_MAC_PARAM_CIPHER,
			(char *)(is_hmac ? "SHA256" : "AES-256-CBC"), 0),
		OSSL_PARAM_construct_end(),
	};

	if (EVP_MAC_init(context, secret, SECRET, params) != 1)
		g_error("token: OpenSSL has no %s", name);
	EVP_MAC_free(mac);
	return context;
}

static EVP_CIPHER_CTX *new_cipher(const unsigned char secret[SECRET], bool seals)
{
	EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
	EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();

	if (EVP_CipherInit_ex2(context, cipher, secret, NULL, seals, NULL) != 1)
		g_error("token: OpenSSL has no AES-256-GCM");
	EVP_CIPHER_free(cipher);
	return context;
}

static void make_ready(struct box *box, const struct rmt_key *key,
		       enum rmt_purpose purpose)
{
	unsigned char secret[SECRET];

	box->id = key->id;
	derive(key, purpose, "seal", secret);
	box->seal = new_cipher(secret, true);
	box->open = new_cipher(secret, false);
	derive(key, purpose, "nonce", secret);
	box->nonce_hash = new_hash("CMAC", secret);
	derive(key, purpose, "tag", secret);
	box->tag_hash = new_hash("HMAC", secret);
	OPENSSL_cleanse(secret, sizeof(secret));
}

struct rmt_sealer *rmt_sealer_new(const struct rmt_keys *keys, enum rmt_purpose purpose,
				  int64_t now)
{
	struct rmt_sealer *sealer = g_new0(struct rmt_sealer, 1);
	size_t i;

	g_assert(keys->count > 0 && purpose < RMT_PURPOSE_COUNT);
	sealer->count = keys->count;
	sealer->maker = (size_t)(rmt_keys_maker(keys, now) - keys->keys);
	for (i = 0; i < keys->count; i++)
		make_ready(&sealer->boxes[i], &keys->keys[i], purpose);
	return sealer;
}

void rmt_sealer_free(struct rmt_sealer *sealer)
{
	size_t i;

	if (sealer == NULL)
		return;
	for (i = 0; i < sealer->count; i++) {
		EVP_CIPHER_CTX_free(sealer->boxes[i].seal);
		EVP_CIPHER_CTX_free(sealer->boxes[i].open);
		EVP_MAC_CTX_free(sealer->boxes[i].nonce_hash);
		EVP_MAC_CTX_free(sealer->boxes[i].tag_hash);
	}
	g_free(sealer);
}

/* What may be the id of a key. */
static bool is_id(char c)
{
	return g_ascii_isalpha(c) || (c >= '2' && c <= '7');
}

static struct box *find_box(struct rmt_sealer *sealer, char id)
{
	size_t i;

	for (i = 0; i < sealer->count; i++)
		if (sealer->boxes[i].id == g_ascii_tolower(id))
			return &sealer->boxes[i];
	return NULL;
}

/* --- the work --- */

static void hash(EVP_MAC_CTX *context, struct rmt_span data, unsigned char digest[DIGEST])
{
	size_t len;

	if (EVP_MAC_init(context, NULL, 0, NULL) != 1 ||
	    EVP_MAC_update(context, (const unsigned char *)data.p, data.len) != 1 ||
	    EVP_MAC_final(context, digest, &len, DIGEST) != 1)
		g_error("token: OpenSSL's keyed hash fails");
}

/* in and out may be the same octets. */
static void seal(EVP_CIPHER_CTX *context, const unsigned char nonce[NONCE],
		 struct rmt_span plain, unsigned char seal_r[SEAL], unsigned char *out)
{
	int len;

	if (EVP_EncryptInit_ex2(context, NULL, NULL, nonce, NULL) != 1 ||
	    EVP_EncryptUpdate(context, out, &len, (const unsigned char *)plain.p,
			      (int)plain.len) != 1 ||
	    EVP_EncryptFinal_ex(context, out + len, &len) != 1 ||
	    EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, SEAL, seal_r) != 1)
		g_error("token: OpenSSL's AES-256-GCM fails");
}

void rmt_token_seal(struct rmt_sealer *sealer, struct rmt_span plain, GString *out)
{
	struct box *box = &sealer->boxes[sealer->maker];
	unsigned char token[RMT_TOKEN_OVERHEAD + RMT_TOKEN_PLAIN_MAX], digest[DIGEST];

	g_assert(plain.len > 0 && plain.len <= RMT_TOKEN_PLAIN_MAX);
	hash(box->nonce_hash, plain, digest);
	memcpy(token, digest, NONCE);
	seal(box->seal, token, plain, token + NONCE, token + RMT_TOKEN_OVERHEAD);
	g_string_append_c(out, box->id);
	rmt_letters_write(token, RMT_TOKEN_OVERHEAD + plain.len, out);
}

/* Nothing of what fails is ever seen by the caller. */
static bool unseal(EVP_CIPHER_CTX *context, const unsigned char *token, size_t len,
		   GString *plain_r)
{
	unsigned char given[SEAL];
	int got = 0, rest = 0;
	bool ok;

	memcpy(given, token + NONCE, SEAL);
	g_string_set_size(plain_r, len - RMT_TOKEN_OVERHEAD);
	ok = EVP_DecryptInit_ex2(context, NULL, NULL, token, NULL) == 1 &&
	     EVP_DecryptUpdate(context, (unsigned char *)plain_r->str, &got,
			       token + RMT_TOKEN_OVERHEAD,
			       (int)(len - RMT_TOKEN_OVERHEAD)) == 1 &&
	     EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, SEAL, given) == 1 &&
	     EVP_DecryptFinal_ex(context, (unsigned char *)plain_r->str + got, &rest) ==
		     1;
	if (!ok) {
		OPENSSL_cleanse(plain_r->str, plain_r->len);
		g_string_truncate(plain_r, 0);
	}
	return ok;
}

enum rmt_token_result rmt_token_open(struct rmt_sealer *sealer, struct rmt_span text,
				     GString *plain_r)
{
	unsigned char token[RMT_TOKEN_OVERHEAD + RMT_TOKEN_PLAIN_MAX];
	struct box *box;
	size_t len;

	g_string_truncate(plain_r, 0);
	if (text.len == 0 || !is_id(text.p[0]) ||
	    !rmt_letters_read(rmt_span_from(text, 1), token, sizeof(token), &len) ||
	    len <= RMT_TOKEN_OVERHEAD)
		return RMT_TOKEN_MALFORMED;
	box = find_box(sealer, text.p[0]);
	if (box == NULL)
		return RMT_TOKEN_UNKNOWN_KEY;
	return unseal(box->open, token, len, plain_r) ? RMT_TOKEN_OK : RMT_TOKEN_FORGED;
}

void rmt_tag_make(struct rmt_sealer *sealer, struct rmt_span data, size_t octets,
		  GString *out)
{
	struct box *box = &sealer->boxes[sealer->maker];
	unsigned char digest[DIGEST];

	g_assert(octets >= TAG_OCTETS_MIN && octets <= RMT_TAG_OCTETS_MAX);
	hash(box->tag_hash, data, digest);
	g_string_append_c(out, box->id);
	rmt_letters_write(digest, octets, out);
}

enum rmt_token_result rmt_tag_check(struct rmt_sealer *sealer, struct rmt_span data,
				    size_t octets, struct rmt_span tag)
{
	unsigned char given[RMT_TAG_OCTETS_MAX], digest[DIGEST];
	struct box *box;
	size_t len;

	g_assert(octets >= TAG_OCTETS_MIN && octets <= RMT_TAG_OCTETS_MAX);
	if (tag.len == 0 || !is_id(tag.p[0]) ||
	    !rmt_letters_read(rmt_span_from(tag, 1), given, sizeof(given), &len))
		return RMT_TOKEN_MALFORMED;
	box = find_box(sealer, tag.p[0]);
	if (box == NULL)
		return RMT_TOKEN_UNKNOWN_KEY;
	hash(box->tag_hash, data, digest);
	return len >= octets && CRYPTO_memcmp(given, digest, len) == 0 ? RMT_TOKEN_OK
								       : RMT_TOKEN_FORGED;
}
