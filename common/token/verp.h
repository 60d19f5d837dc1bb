/* SPDX-License-Identifier: MIT */
/* verp.h - put stream, message and recipient into the envelope sender, and get
 * them back from a bounce.
 *
 *	bounces+news+k3f9q2ab+<tag>+ann=example.org@bounces.example	recipient form
 *	bounces+news+k3f9q2ab+<tag>@bounces.example			message form
 *	bounces+news+k3f9q2ab+h+<token>@bounces.example			short form
 *
 * Root and domain are settings, and so is the number of ids: it is fixed, so that
 * a '+' in the recipient does no harm. The tag is a key's id, the day, and 50 bits
 * of HMAC-SHA-256 over all the rest: in the recipient form over the recipient too.
 * The message form is for several recipients; Postfix may append each of them to
 * it (XVERP), and so may anybody: such a recipient is only named, not proven.
 *
 * A local part has at most 64 octets (RFC 5321, 4.5.3.1.1), and some systems read
 * more into its characters than they should: what is too long, or has other
 * characters than letters, digits, "._=+&'-~^", takes the short form. Its token is
 * 80 bits of the same MAC; who was meant stands in a table of the caller's.
 *
 * All is read without regard to case (RFC 5321, 2.4, is not kept everywhere), and
 * out of the wrappings of SRS0, SRS1, BATV ("prvs=") and "btv1==".
 */
#ifndef RMT_VERP_H
#define RMT_VERP_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/base/span.h"

enum {
	RMT_VERP_LOCAL_MAX = 64,
	RMT_VERP_IDS_MAX = 3,
	RMT_VERP_ID_MAX = 16,      /* octets of one id */
	RMT_VERP_TAG = 13,         /* octets: key, day, MAC */
	RMT_VERP_TOKEN = 16,       /* octets: 80 bits */
	RMT_VERP_KEYS_MAX = 32,    /* one base32 digit */
	RMT_VERP_INPUT_MAX = 1024, /* octets of an address that is looked at */
};

/* The keys: the first one added makes, every one is believed. */
struct rmt_verp_ring;
struct rmt_verp_ring *rmt_verp_ring_new(void);
void rmt_verp_ring_free(struct rmt_verp_ring *ring);
/* id: 0 to 31, of each one only the first counts. The secret is copied. */
void rmt_verp_ring_add(struct rmt_verp_ring *ring, unsigned id,
		       const unsigned char *secret, size_t len);
/* Those of the key ring, derived for return paths; which one makes, now. */
struct rmt_keys;
void rmt_verp_ring_take(struct rmt_verp_ring *ring, const struct rmt_keys *keys,
			int64_t now);
bool rmt_verp_ring_empty(const struct rmt_verp_ring *ring);

/* What the settings say of an address, lower case. Made by rmt_verp_form alone. */
struct rmt_verp_form {
	struct rmt_span root, domain;
	unsigned ids;  /* how many */
	uint32_t hash; /* of root and domain, in the order of the wire */
};

/* "bounces@bounces.example" -> the form, whose spans look into address. False
 * where it is no address that all this fits behind. */
bool rmt_verp_form(struct rmt_span address, unsigned ids, struct rmt_verp_form *form_r,
		   GError **err);

/* An id as it may stand in an address: lower-case letters, digits, '-', '_' and
 * '.', 1 to RMT_VERP_ID_MAX octets. */
bool rmt_verp_id_ok(struct rmt_span id);

struct rmt_verp_made {
	char address[RMT_VERP_LOCAL_MAX + 1 + 255 + 1];
	/* The short form: store who was meant under token before the address is used. */
	bool is_short;
	char token[RMT_VERP_TOKEN + 1];
};

/* ids: form->ids of them. recipient: folded ("ann@example.org"); empty: the
 * message form. False: the ring is empty, an id is none, or not even the short
 * form fits. */
bool rmt_verp_make(const struct rmt_verp_ring *ring, const struct rmt_verp_form *form,
		   const struct rmt_span *ids, struct rmt_span recipient, int64_t now,
		   struct rmt_verp_made *made_r, GError **err);

/* Whether the message form stays within 64 octets once Postfix has appended
 * recipient to it. */
bool rmt_verp_has_room(const struct rmt_verp_form *form, const struct rmt_span *ids,
		       struct rmt_span recipient);

enum rmt_verp_result {
	RMT_VERP_FOREIGN, /* not our form: an ordinary address, nothing wrong */
	RMT_VERP_BARE,    /* the root alone: somebody cut at the first '+' */
	RMT_VERP_FORGED,  /* our form, but the tag does not fit */
	RMT_VERP_EXPIRED, /* ours once */
	RMT_VERP_MESSAGE, /* ours; recipient empty, or named by who knows whom */
	RMT_VERP_PROVEN,  /* ours, for this recipient */
	RMT_VERP_SHORT,   /* perhaps ours: the table knows the token or not */
};

struct rmt_verp_parts {
	struct rmt_span ids[RMT_VERP_IDS_MAX]; /* into text */
	struct rmt_span recipient;             /* into text; or empty */
	char token[RMT_VERP_TOKEN + 1];        /* of SHORT; else "" */
	int64_t made; /* Unix seconds, to the day; 0: not known */
	unsigned key; /* id */
	char text[RMT_VERP_INPUT_MAX + 1];
};

/* address: of a bounce's envelope, or of any place where it turned up. age_max:
 * seconds. All of *parts_r is written whatever the result. */
enum rmt_verp_result rmt_verp_read(const struct rmt_verp_ring *ring,
				   const struct rmt_verp_form *form,
				   struct rmt_span address, int64_t now,
				   int64_t age_max_secs, struct rmt_verp_parts *parts_r);

const char *rmt_verp_result_name(enum rmt_verp_result result); /* "proven" */

/* The address inside SRS0, SRS1, prvs and btv1, of at most four layers; out holds
 * RMT_VERP_INPUT_MAX + 1 octets. Returns its length; text that is not wrapped
 * comes out as it is, cut. */
size_t rmt_verp_unwrap(struct rmt_span address, char *out);

#endif
