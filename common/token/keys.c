/* SPDX-License-Identifier: MIT */
#include "common/token/keys.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <string.h>

#include "common/base/when.h"

static const char ids[] = "abcdefghijklmnopqrstuvwxyz234567";

GQuark rmt_keys_error_quark(void)
{
	return g_quark_from_static_string("rmt-keys-error");
}

void rmt_keys_free(struct rmt_keys *keys)
{
	if (keys == NULL)
		return;
	OPENSSL_cleanse(keys, sizeof(*keys));
	g_free(keys);
}

/* --- the text --- */

static bool complain(const char *name, unsigned line, GError **err, const char *what)
{
	g_set_error(err, RMT_KEYS_ERROR, RMT_KEYS_ERROR_OTHER, "%s:%u: %s", name, line,
		    what);
	return false;
}

static bool read_secret(struct rmt_span hex, unsigned char *secret)
{
	size_t i;
	int high, low;

	if (hex.len != 2 * RMT_KEY_SECRET)
		return false;
	for (i = 0; i < RMT_KEY_SECRET; i++) {
		high = g_ascii_xdigit_value(hex.p[2 * i]);
		low = g_ascii_xdigit_value(hex.p[2 * i + 1]);
		if (high < 0 || low < 0)
			return false;
		secret[i] = (unsigned char)(high << 4 | low);
	}
	return true;
}

/* "a 2026-11-22T02:41:00Z HEX" */
static const char *read_key(struct rmt_span line, struct rmt_key *key)
{
	struct rmt_span id, since, rest;

	if (!rmt_span_split(line, ' ', &id, &rest) ||
	    !rmt_span_split(rest, ' ', &since, &rest))
		return "is no key (write: id, time and 64 hexadecimal digits)";
	if (id.len != 1 || id.p[0] == '\0' || strchr(ids, id.p[0]) == NULL)
		return "the id must be one of a-z and 2-7";
	/* Only absolute times: '+1d' would be another one at every reading. */
	if (since.len == 0 || !g_ascii_isdigit(since.p[0]) ||
	    !rmt_when_parse(since, 0, &key->since, NULL))
		return "the second word must be a time like 2026-12-31T10:00:00Z";
	if (!read_secret(rmt_span_trim(rest), key->secret))
		return "the secret must be 64 hexadecimal digits";
	key->id = id.p[0];
	return NULL;
}

/* Behind those that are as old. */
static void insert(struct rmt_keys *keys, const struct rmt_key *key)
{
	size_t at = keys->count;

	while (at > 0 && keys->keys[at - 1].since > key->since)
		at--;
	memmove(&keys->keys[at + 1], &keys->keys[at],
		(keys->count - at) * sizeof(keys->keys[0]));
	keys->keys[at] = *key;
	keys->count++;
}

static const char *take_line(struct rmt_keys *keys, struct rmt_span line)
{
	struct rmt_key key = { 0 };
	const char *why = read_key(line, &key);

	if (why == NULL && rmt_keys_find(keys, key.id) != NULL)
		why = "a second key of this id";
	else if (why == NULL && keys->count == RMT_KEYS_MAX)
		why = "more than 32 keys";
	else if (why == NULL)
		insert(keys, &key);
	OPENSSL_cleanse(&key, sizeof(key));
	return why;
}

static bool next_line(struct rmt_span *text, struct rmt_span *line_r)
{
	if (text->len == 0)
		return false;
	if (!rmt_span_split(*text, '\n', line_r, text)) {
		*line_r = *text;
		text->len = 0;
	}
	*line_r = rmt_span_trim(*line_r);
	return true;
}

static bool take_text(struct rmt_keys *keys, const char *name, struct rmt_span text,
		      GError **err)
{
	struct rmt_span line;
	bool headed = false;
	unsigned number = 0;
	const char *why;

	while (next_line(&text, &line)) {
		number++;
		if (line.len == 0 || line.p[0] == '#')
			continue;
		if (!headed && !rmt_span_eq(line, RMT_SPAN("remite-keys 1")))
			return complain(name, number, err,
					"is no key ring of this version (its first line "
					"is 'remite-keys 1'; remite keys make writes "
					"one)");
		why = headed ? take_line(keys, line) : NULL;
		headed = true;
		if (why != NULL)
			return complain(name, number, err, why);
	}
	if (keys->count > 0)
		return true;
	return complain(name, number, err, "holds no key (remite keys make writes one)");
}

struct rmt_keys *rmt_keys_parse(const char *name, struct rmt_span text, GError **err)
{
	g_autoptr(rmt_keys) keys = g_new0(struct rmt_keys, 1);

	return take_text(keys, name, text, err) ? g_steal_pointer(&keys) : NULL;
}

void rmt_keys_format(const struct rmt_keys *keys, GString *out)
{
	char when[RMT_WHEN_SIZE];
	size_t i, k;

	g_string_append(out, "# Secrets of Remite: see remite(1), `remite keys`.\n"
			     "remite-keys 1\n");
	for (i = 0; i < keys->count; i++) {
		rmt_when_format(keys->keys[i].since, when);
		g_string_append_printf(out, "%c %s ", keys->keys[i].id, when);
		for (k = 0; k < RMT_KEY_SECRET; k++)
			g_string_append_printf(out, "%02x", keys->keys[i].secret[k]);
		g_string_append_c(out, '\n');
	}
}

/* --- the ring --- */

const struct rmt_key *rmt_keys_find(const struct rmt_keys *keys, char id)
{
	size_t i;

	for (i = 0; i < keys->count; i++)
		if (keys->keys[i].id == g_ascii_tolower(id))
			return &keys->keys[i];
	return NULL;
}

const struct rmt_key *rmt_keys_maker(const struct rmt_keys *keys, int64_t now)
{
	size_t i = keys->count;

	while (i > 1 && keys->keys[i - 1].since > now)
		i--;
	return &keys->keys[i - 1];
}

/* The letter after the newest key's that no key has. */
static char free_id(const struct rmt_keys *keys)
{
	const char *newest = keys->count > 0 ? strchr(ids, keys->keys[keys->count - 1].id)
					     : ids + RMT_KEYS_MAX - 1;
	size_t at = (size_t)(newest - ids), i;

	for (i = 1; i <= RMT_KEYS_MAX; i++)
		if (rmt_keys_find(keys, ids[(at + i) % RMT_KEYS_MAX]) == NULL)
			return ids[(at + i) % RMT_KEYS_MAX];
	return '\0';
}

bool rmt_keys_add(struct rmt_keys *keys, int64_t since, GError **err)
{
	struct rmt_key key = { .id = free_id(keys), .since = since };

	if (keys->count == RMT_KEYS_MAX) {
		g_set_error(err, RMT_KEYS_ERROR, RMT_KEYS_ERROR_OTHER,
			    "the ring is full: drop the oldest key first");
		return false;
	}
	if (RAND_bytes(key.secret, sizeof(key.secret)) != 1) {
		g_set_error(err, RMT_KEYS_ERROR, RMT_KEYS_ERROR_OTHER,
			    "OpenSSL gives no random octets");
		return false;
	}
	insert(keys, &key);
	OPENSSL_cleanse(&key, sizeof(key));
	return true;
}

bool rmt_keys_drop(struct rmt_keys *keys, char id, GError **err)
{
	const struct rmt_key *key = rmt_keys_find(keys, id);
	size_t at;

	if (key == NULL || keys->count == 1) {
		g_set_error(err, RMT_KEYS_ERROR, RMT_KEYS_ERROR_OTHER,
			    key == NULL ? "there is no key '%c' (remite keys list)"
					: "'%c' is the only key: rotate first",
			    id);
		return false;
	}
	at = (size_t)(key - keys->keys);
	keys->count--;
	memmove(&keys->keys[at], &keys->keys[at + 1],
		(keys->count - at) * sizeof(keys->keys[0]));
	OPENSSL_cleanse(&keys->keys[keys->count], sizeof(keys->keys[0]));
	return true;
}

void rmt_key_derive(const struct rmt_key *key, const char *label, unsigned char *out,
		    size_t len)
{
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	EVP_KDF_CTX *context = EVP_KDF_CTX_new(kdf);
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)"SHA256",
						 0),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)key->secret,
						  RMT_KEY_SECRET),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *)label,
						  strlen(label)),
		OSSL_PARAM_construct_end(),
	};

	if (EVP_KDF_derive(context, out, len, params) != 1)
		g_error("keys: OpenSSL has no HKDF-SHA256");
	EVP_KDF_CTX_free(context);
	EVP_KDF_free(kdf);
}
