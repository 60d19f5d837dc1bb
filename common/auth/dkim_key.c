/* SPDX-License-Identifier: MIT */
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "common/auth/dkim_canon.h"
#include "common/auth/dkim_key.h"
#include "common/auth/dkim_tag.h"

/* --- records ------------------------------------------------------------------ */

void rmt_dkim_record_clear(struct rmt_dkim_record *record)
{
	g_clear_pointer(&record->data, g_byte_array_unref);
}

static enum rmt_dkim_reason read_flags(const struct rmt_tags *tags,
				       struct rmt_dkim_record *record)
{
	struct rmt_span hashes = rmt_tag(tags, "h"), services = rmt_tag(tags, "s");
	struct rmt_span flags = rmt_tag(tags, "t");

	if (hashes.p != NULL && !rmt_tag_list_has(hashes, "sha256"))
		return RMT_DKIM_KEY_HASH;
	if (services.p != NULL && !rmt_tag_list_has(services, "*") &&
	    !rmt_tag_list_has(services, "email"))
		return RMT_DKIM_KEY_SERVICE;
	record->testing = rmt_tag_list_has(flags, "y");
	record->exact = rmt_tag_list_has(flags, "s");
	return RMT_DKIM_OK;
}

static enum rmt_dkim_reason read_type(const struct rmt_tags *tags,
				      struct rmt_dkim_record *record)
{
	struct rmt_span type = rmt_tag(tags, "k");

	if (type.p == NULL || rmt_span_eq_nocase(type, RMT_SPAN("rsa")))
		record->type = RMT_DKIM_RSA;
	else if (rmt_span_eq_nocase(type, RMT_SPAN("ed25519")))
		record->type = RMT_DKIM_ED25519;
	else
		return RMT_DKIM_KEY_TYPE;
	return RMT_DKIM_OK;
}

/* v= is DKIM1 and the first tag, or not there at all. */
static bool version_ok(const struct rmt_tags *tags)
{
	const struct rmt_tag *version = rmt_tag_find(tags, "v");

	return version == NULL || (version == &tags->tags[0] &&
				   rmt_span_eq(version->value, RMT_SPAN("DKIM1")));
}

enum rmt_dkim_reason rmt_dkim_record_parse(struct rmt_span text,
					   struct rmt_dkim_record *record_r)
{
	enum rmt_dkim_reason reason;
	struct rmt_tags tags;
	struct rmt_span data;

	*record_r = (struct rmt_dkim_record){ .data = NULL };
	if (!rmt_tags_parse(text, &tags) || !version_ok(&tags))
		return RMT_DKIM_KEY_SYNTAX;
	data = rmt_tag(&tags, "p");
	if (data.p == NULL)
		return RMT_DKIM_KEY_SYNTAX;
	if (data.len == 0)
		return RMT_DKIM_KEY_REVOKED;
	reason = read_type(&tags, record_r);
	if (reason == RMT_DKIM_OK)
		reason = read_flags(&tags, record_r);
	if (reason != RMT_DKIM_OK)
		return reason;
	record_r->data = rmt_tag_base64(data);
	return record_r->data != NULL ? RMT_DKIM_OK : RMT_DKIM_KEY_SYNTAX;
}

/* "v=spf1 ...", "v = DMARC1; ...": the first tag is a version, not ours. */
static bool is_foreign(struct rmt_span text)
{
	struct rmt_span name, value, rest;

	if (!rmt_span_split(text, '=', &name, &value) ||
	    !rmt_span_eq(rmt_span_trim(name), RMT_SPAN("v")))
		return false;
	if (rmt_span_split(value, ';', &name, &rest))
		value = name;
	return !rmt_span_eq(rmt_span_trim(value), RMT_SPAN("DKIM1"));
}

enum rmt_dkim_reason rmt_dkim_record_choose(const struct rmt_dns_answer *answer,
					    struct rmt_span *text_r)
{
	size_t i, found = 0;

	if (rmt_dns_failed(answer->status))
		return RMT_DKIM_DNS;
	for (i = 0; i < answer->count; i++) {
		if (is_foreign(answer->records[i].data))
			continue;
		*text_r = answer->records[i].data;
		found++;
	}
	if (found == 0)
		return RMT_DKIM_KEY_MISSING;
	return found == 1 ? RMT_DKIM_OK : RMT_DKIM_KEY_SEVERAL;
}

/* --- keys, kept --------------------------------------------------------------- */

struct rmt_dkim_keys {
	GMutex lock;
	GHashTable *table; /* GBytes (type, then p=) -> EVP_PKEY or NULL: no key */
	GQueue order;      /* the same GBytes, oldest first */
	size_t max;
	uint64_t hits, misses;
	EVP_MD *sha256;
};

static void free_key(gpointer key)
{
	EVP_PKEY_free(key);
}

struct rmt_dkim_keys *rmt_dkim_keys_new(size_t max)
{
	struct rmt_dkim_keys *keys = g_new0(struct rmt_dkim_keys, 1);

	g_mutex_init(&keys->lock);
	g_queue_init(&keys->order);
	keys->table = g_hash_table_new_full(g_bytes_hash, g_bytes_equal,
					    (GDestroyNotify)g_bytes_unref, free_key);
	keys->max = MAX(max, 1);
	keys->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	return keys;
}

void rmt_dkim_keys_free(struct rmt_dkim_keys *keys)
{
	if (keys == NULL)
		return;
	g_queue_clear(&keys->order);
	g_hash_table_unref(keys->table);
	g_mutex_clear(&keys->lock);
	EVP_MD_free(keys->sha256);
	g_free(keys);
}

void rmt_dkim_keys_stats(struct rmt_dkim_keys *keys, uint64_t *hits_r, uint64_t *misses_r)
{
	g_mutex_lock(&keys->lock);
	*hits_r = keys->hits;
	*misses_r = keys->misses;
	g_mutex_unlock(&keys->lock);
}

const EVP_MD *rmt_dkim_keys_sha256(const struct rmt_dkim_keys *keys)
{
	return keys->sha256;
}

/* SubjectPublicKeyInfo as everybody publishes it, or the bare RSAPublicKey of
 * RFC 6376's ABNF. All octets must be used. */
static EVP_PKEY *parse_rsa(const GByteArray *data)
{
	const unsigned char *p = data->data, *end = data->data + data->len;
	EVP_PKEY *key = d2i_PUBKEY(NULL, &p, (long)data->len);

	if (key == NULL) {
		p = data->data;
		key = d2i_PublicKey(EVP_PKEY_RSA, NULL, &p, (long)data->len);
	}
	ERR_clear_error();
	if (key != NULL && (p != end || EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA)) {
		EVP_PKEY_free(key);
		key = NULL;
	}
	return key;
}

static EVP_PKEY *parse_key(const struct rmt_dkim_record *record)
{
	EVP_PKEY *key;

	if (record->type == RMT_DKIM_RSA)
		return parse_rsa(record->data);
	key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, record->data->data,
					  record->data->len);
	ERR_clear_error();
	return key;
}

static GBytes *name_key(const struct rmt_dkim_record *record)
{
	g_autoptr(GByteArray) name = g_byte_array_sized_new(record->data->len + 1);
	guint8 type = (guint8)record->type;

	g_byte_array_append(name, &type, 1);
	g_byte_array_append(name, record->data->data, record->data->len);
	return g_byte_array_free_to_bytes(g_steal_pointer(&name));
}

static EVP_PKEY *reference(EVP_PKEY *key)
{
	if (key != NULL)
		EVP_PKEY_up_ref(key);
	return key;
}

/* Under the lock. Another thread may have been faster. */
static void keep(struct rmt_dkim_keys *keys, GBytes *name, EVP_PKEY *key)
{
	if (g_hash_table_contains(keys->table, name))
		return;
	while (g_queue_get_length(&keys->order) >= keys->max)
		g_hash_table_remove(keys->table, g_queue_pop_head(&keys->order));
	g_hash_table_insert(keys->table, g_bytes_ref(name), reference(key));
	g_queue_push_tail(&keys->order, name);
}

EVP_PKEY *rmt_dkim_keys_get(struct rmt_dkim_keys *keys,
			    const struct rmt_dkim_record *record)
{
	g_autoptr(GBytes) name = name_key(record);
	gpointer found = NULL;
	bool known;

	g_mutex_lock(&keys->lock);
	known = g_hash_table_lookup_extended(keys->table, name, NULL, &found);
	if (known) {
		keys->hits++;
		found = reference(found);
	} else {
		keys->misses++;
	}
	g_mutex_unlock(&keys->lock);
	if (known)
		return found;
	found = parse_key(record);
	g_mutex_lock(&keys->lock);
	keep(keys, name, found);
	g_mutex_unlock(&keys->lock);
	return found;
}

static bool verify_rsa(const struct rmt_dkim_keys *keys, EVP_PKEY *key,
		       const unsigned char *digest, const GByteArray *signature)
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	bool ok = context != NULL && EVP_PKEY_verify_init(context) > 0 &&
		  EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) > 0 &&
		  EVP_PKEY_CTX_set_signature_md(context, keys->sha256) > 0 &&
		  EVP_PKEY_verify(context, signature->data, signature->len, digest,
				  RMT_SHA256_OCTETS) == 1;

	EVP_PKEY_CTX_free(context);
	return ok;
}

/* RFC 8463, 3: Ed25519 over the SHA-256 of the data. */
static bool verify_ed25519(EVP_PKEY *key, const unsigned char *digest,
			   const GByteArray *signature)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	bool ok = context != NULL &&
		  EVP_DigestVerifyInit(context, NULL, NULL, NULL, key) > 0 &&
		  EVP_DigestVerify(context, signature->data, signature->len, digest,
				   RMT_SHA256_OCTETS) == 1;

	EVP_MD_CTX_free(context);
	return ok;
}

bool rmt_dkim_key_verify(const struct rmt_dkim_keys *keys, EVP_PKEY *key,
			 enum rmt_dkim_type type, const unsigned char *digest,
			 const GByteArray *signature)
{
	bool ok = type == RMT_DKIM_RSA ? verify_rsa(keys, key, digest, signature)
				       : verify_ed25519(key, digest, signature);

	ERR_clear_error();
	return ok;
}
