/* SPDX-License-Identifier: MIT */
/* keys.h - the key ring: the secrets that tokens and tags are made with.
 *
 * A small text file, root's own and readable by group remite, the same on every
 * machine of a site; made, rotated and thinned out by `remite keys`:
 *
 *	remite-keys 1
 *	a 2026-11-22T02:41:00Z 3b1f...	(id, since, 64 hexadecimal digits)
 *
 * Every key opens; the newest whose time has come makes. A ring whose next key
 * begins tomorrow can so be copied to all machines before anybody uses it.
 *
 *	struct rmt_keys *keys = rmt_keys_read(path, &err);
 *	...
 *	rmt_keys_free(keys);
 */
#ifndef RMT_KEYS_H
#define RMT_KEYS_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/base/span.h"

#define RMT_KEYS_DEFAULT_FILE "/etc/remite/keys"

#define RMT_KEYS_ERROR (rmt_keys_error_quark())
GQuark rmt_keys_error_quark(void);
enum rmt_keys_error {
	RMT_KEYS_ERROR_OTHER,
	RMT_KEYS_ERROR_MISSING, /* there is no such file */
	RMT_KEYS_ERROR_EXPOSED, /* owner or mode let others at it */
};

enum { RMT_KEY_SECRET = 32, RMT_KEYS_MAX = 32 };

struct rmt_key {
	char id;       /* a-z, 2-7: the first letter of what it made */
	int64_t since; /* Unix seconds: makes from then on */
	unsigned char secret[RMT_KEY_SECRET];
};

/* By since, the oldest first; no two have one id. */
struct rmt_keys {
	size_t count;
	struct rmt_key keys[RMT_KEYS_MAX];
};

/* Takes NULL; the secrets are wiped. */
void rmt_keys_free(struct rmt_keys *keys);
typedef struct rmt_keys rmt_keys; /* for g_autoptr(rmt_keys) */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(rmt_keys, rmt_keys_free)

/* The file's text; name stands for it in sentences. NULL: err says where and what.
 * A ring has at least one key. */
struct rmt_keys *rmt_keys_parse(const char *name, struct rmt_span text, GError **err);
void rmt_keys_format(const struct rmt_keys *keys, GString *out);

/* Reads a file that only its owner can write, who is root or ourselves, and that
 * nobody beyond its group can read. The sentence names the remedy. */
struct rmt_keys *rmt_keys_read(const char *path, GError **err);

/* In one step and durable: whoever reads finds the old ring or the new. Owner and
 * group of a file that stands are kept; a new one is 0640 and gets this group
 * ((gid_t)-1: the process's own). */
bool rmt_keys_write(const char *path, const struct rmt_keys *keys, unsigned group,
		    GError **err);

/* Adds a key of 32 octets from OpenSSL's generator, under the id after the newest.
 * Fails where the ring is full. */
bool rmt_keys_add(struct rmt_keys *keys, int64_t since, GError **err);

/* Fails for an id that is not there, and for the last key. */
bool rmt_keys_drop(struct rmt_keys *keys, char id, GError **err);

/* Which key makes, now: the newest whose time has come, else the oldest. */
const struct rmt_key *rmt_keys_maker(const struct rmt_keys *keys, int64_t now);
/* NULL: there is none. id in either case. */
const struct rmt_key *rmt_keys_find(const struct rmt_keys *keys, char id);

/* len octets that belong to this key and label alone (HKDF-SHA256, RFC 5869). */
void rmt_key_derive(const struct rmt_key *key, const char *label, unsigned char *out,
		    size_t len);

#endif
