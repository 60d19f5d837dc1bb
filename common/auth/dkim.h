/* SPDX-License-Identifier: MIT */
/* dkim.h - signatures of a message, judged strictly: RFC 6376 as RFC 8301 and
 * RFC 8463 left it, and not one signature more.
 *
 * Octets come in as the message passes; keys come through the asker (dns.h), in
 * any order with the body; the verdict is made by rmt_dkim_finish(). Nothing
 * waits, nothing reads a clock.
 *
 *	dkim = rmt_dkim_new(&settings, keys);
 *	rmt_dkim_header(dkim, "From: ann@x.example");	// each field, no line end
 *	rmt_dkim_end_of_headers(dkim);
 *	rmt_zone_run(zone, rmt_dkim_asker(dkim));	// or a resolver, meanwhile:
 *	rmt_dkim_body(dkim, piece);
 *	rmt_dkim_finish(dkim, now);
 *	for (i = 0; (signature = rmt_dkim_get(dkim, i)) != NULL; i++)
 *		...
 *	rmt_dkim_free(dkim);
 *
 * One verifier judges, on OpenSSL, with parsed keys kept (docs/decisions.md).
 * A second one may be asked too (dkim_opendkim.h): then both must say pass.
 */
#ifndef RMT_DKIM_H
#define RMT_DKIM_H

#include <glib.h>
#include <stdint.h>

#include "common/auth/dns.h"
#include "common/base/span.h"

/* As in RFC 8601, 2.7.1. */
enum rmt_dkim_result {
	RMT_DKIM_NONE, /* of a message: no signature */
	RMT_DKIM_PASS,
	RMT_DKIM_FAIL,    /* body or header is not what was signed */
	RMT_DKIM_POLICY,  /* adds up, but we do not take it */
	RMT_DKIM_NEUTRAL, /* cannot be read, or was not looked at */
	RMT_DKIM_TEMPERROR,
	RMT_DKIM_PERMERROR,
};
const char *rmt_dkim_result_name(enum rmt_dkim_result result);

/* Why, in one stable word (rmt_dkim_reason_word); each has one result. */
enum rmt_dkim_reason {
	RMT_DKIM_OK,            /* ""              pass */
	RMT_DKIM_BODY_HASH,     /* body-hash       fail */
	RMT_DKIM_BODY_SHORT,    /* body-short      fail: l= is more than there is */
	RMT_DKIM_SIGNATURE,     /* signature       fail */
	RMT_DKIM_BODY_TAIL,     /* body-tail       policy: text behind l= */
	RMT_DKIM_FROM_REPEATED, /* from-repeated   policy: more than one From */
	RMT_DKIM_HEADER_BROKEN, /* header-broken   policy: a line above the body that is
				   no field */
	RMT_DKIM_EXPIRED,       /* expired         policy */
	RMT_DKIM_FUTURE,        /* future          policy */
	RMT_DKIM_KEY_SMALL,     /* key-small       policy: RFC 8301, 3.2 */
	RMT_DKIM_DISAGREE,      /* disagree        policy: the second verifier says no */
	RMT_DKIM_SYNTAX,        /* syntax          neutral */
	RMT_DKIM_VERSION,       /* version         neutral */
	RMT_DKIM_ALGORITHM,     /* algorithm       neutral: unknown a= */
	RMT_DKIM_CANON,         /* canon           neutral: unknown c= */
	RMT_DKIM_QUERY,         /* query           neutral: unknown q= */
	RMT_DKIM_TIMES,         /* times           neutral: x= not behind t= */
	RMT_DKIM_NOT_EVALUATED, /* not-evaluated   neutral: over signatures_max */
	RMT_DKIM_TAG_MISSING,   /* tag-missing     permerror */
	RMT_DKIM_SHA1,          /* sha1            permerror: RFC 8301, 3.1 */
	RMT_DKIM_DOMAIN,        /* domain          permerror: d= or s= is no name */
	RMT_DKIM_IDENTITY,      /* identity        permerror: i= is not within d=, or t=s
				   forbids it */
	RMT_DKIM_FROM_UNSIGNED, /* from-unsigned   permerror */
	RMT_DKIM_TOO_LARGE,   /* too-large       permerror: header section over header_max
			       */
	RMT_DKIM_KEY_MISSING, /* key-missing     permerror: no record */
	RMT_DKIM_KEY_REVOKED, /* key-revoked     permerror: p= is empty */
	RMT_DKIM_KEY_SEVERAL, /* key-several     permerror: more than one record */
	RMT_DKIM_KEY_SYNTAX,  /* key-syntax      permerror */
	RMT_DKIM_KEY_TYPE, /* key-type        permerror: k= unknown, or not that of a= */
	RMT_DKIM_KEY_HASH, /* key-hash        permerror: h= does not allow sha256 */
	RMT_DKIM_KEY_SERVICE, /* key-service     permerror: s= is not for mail */
	RMT_DKIM_KEY_LARGE,   /* key-large       permerror: over 8192 bits */
	RMT_DKIM_DNS,         /* dns             temperror: no answer in time */
	RMT_DKIM_REASON_COUNT,
};
const char *rmt_dkim_reason_word(enum rmt_dkim_reason reason);
const char *rmt_dkim_reason_text(
	enum rmt_dkim_reason reason); /* a sentence without full stop */
enum rmt_dkim_result rmt_dkim_reason_result(enum rmt_dkim_reason reason);

/* --- keys ---------------------------------------------------------------------- */

/* Parsed keys, by the octets of p=: parsing an RSA key costs five times what
 * verifying with it does. At most max of them, the oldest goes first. May be
 * shared by threads. */
struct rmt_dkim_keys;
struct rmt_dkim_keys *rmt_dkim_keys_new(size_t max);
void rmt_dkim_keys_free(struct rmt_dkim_keys *keys);
void rmt_dkim_keys_stats(struct rmt_dkim_keys *keys, uint64_t *hits_r,
			 uint64_t *misses_r);

/* --- a message ------------------------------------------------------------------ */

struct rmt_dkim_second; /* dkim_opendkim.h */

struct rmt_dkim_settings {
	unsigned signatures_max;        /* evaluated, from the top */
	unsigned rsa_bits_min;          /* less: KEY_SMALL */
	int64_t skew_secs;              /* how far t= may lie ahead of now */
	size_t header_max;              /* octets of all fields */
	struct rmt_dkim_second *second; /* foreign; NULL: one verifier */
};
#define RMT_DKIM_SETTINGS_DEFAULT                                                        \
	(struct rmt_dkim_settings)                                                       \
	{                                                                                \
		.signatures_max = 8, .rsa_bits_min = 1024, .skew_secs = 300,             \
		.header_max = 1024 * 1024                                                \
	}

enum { RMT_DKIM_BITS_GOOD = 2048, RMT_DKIM_LISTED_MAX = 64 };

/* One entry of h=. */
struct rmt_dkim_signed_field {
	struct rmt_span name; /* as h= writes it */
	struct rmt_span raw; /* the field's octets, "Name: value" with folding; p NULL: no
			      * such field (left), so none may be added: oversigned */
	size_t index;        /* which field of the message, from 0; only with raw */
};

/* Spans look into the message object. */
struct rmt_dkim_signature {
	enum rmt_dkim_result result;
	enum rmt_dkim_reason reason;
	struct rmt_span domain,
		selector;           /* d=, s= in lower case; empty where unreadable */
	struct rmt_span algorithm;  /* a= */
	struct rmt_span identity;   /* i= decoded, "@d" where there is none */
	struct rmt_span b;          /* b= as written: RFC 6008 header.b takes 8 of it */
	unsigned bits;              /* of the key; 0: not known */
	bool weak;                  /* RSA below RMT_DKIM_BITS_GOOD */
	bool testing;               /* t=y in the key record */
	bool secure;                /* the key came with DNSSEC */
	int64_t signed_at, expires; /* t=, x=; -1: none */
	/* h= in order, each with the instance it covers; complete also when the
	 * result is not pass: says what the signer meant to cover. */
	const struct rmt_dkim_signed_field *fields;
	size_t field_count;
};

struct rmt_dkim;

/* settings are copied, keys are foreign. */
struct rmt_dkim *rmt_dkim_new(const struct rmt_dkim_settings *settings,
			      struct rmt_dkim_keys *keys);
void rmt_dkim_free(struct rmt_dkim *dkim);
typedef struct rmt_dkim rmt_dkim; /* for g_autoptr(rmt_dkim) */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(rmt_dkim, rmt_dkim_free)

/* One field, folds as CRLF, without its final line end; copied. */
void rmt_dkim_header(struct rmt_dkim *dkim, struct rmt_span raw);
void rmt_dkim_end_of_headers(struct rmt_dkim *dkim);

/* Waits for key records after the end of headers, one after the other, all the
 * rest as hints. An asker that still waits at the end makes RMT_DKIM_DNS. */
struct rmt_asker *rmt_dkim_asker(struct rmt_dkim *dkim);

/* Body with CRLF line ends, in any pieces. */
void rmt_dkim_body(struct rmt_dkim *dkim, struct rmt_span piece);

/* now: Unix seconds. */
void rmt_dkim_finish(struct rmt_dkim *dkim, int64_t now);

/* After finish, from the top of the message; NULL behind the last. At most
 * RMT_DKIM_LISTED_MAX of those that were not evaluated are listed. */
const struct rmt_dkim_signature *rmt_dkim_get(const struct rmt_dkim *dkim, size_t i);

/* True: it holds, and for Gmail and Outlook, too, which do not verify Ed25519
 * (RFC 8463). */
bool rmt_dkim_holds_widely(const struct rmt_dkim_signature *signature);
size_t rmt_dkim_signature_count(const struct rmt_dkim *dkim); /* in the message */

/* Whole message at once, keys from a function: `remite dkim`, tests. A message
 * whose first line ends in LF alone is read as if all its LF were CRLF. */
void rmt_dkim_message(struct rmt_dkim *dkim, struct rmt_span message);

#endif
