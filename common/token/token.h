/* SPDX-License-Identifier: MIT */
/* token.h - what we send out and must get back unforged.
 *
 * A token is sealed: nobody else can make one, change one, or see what is in it.
 * A tag only proves: it stands beside what everybody may see. Both have a purpose,
 * with keys of its own, so that none is ever taken for another's. Both are written
 * in lower-case letters and digits, and read in any case: fit for URLs, subjects and
 * local parts. The first letter is the id of the key.
 *
 * The same content makes the same token as long as the same key makes: nothing is
 * told by asking twice, and no random number can be had twice.
 *
 *	sealer = rmt_sealer_new(keys, RMT_PURPOSE_UNSUBSCRIBE, now);
 *	rmt_token_seal(sealer, plain, out);
 *	if (rmt_token_open(sealer, text, plain_r) == RMT_TOKEN_OK)
 *		...
 */
#ifndef RMT_TOKEN_H
#define RMT_TOKEN_H

#include "common/token/keys.h"

enum rmt_purpose {
	RMT_PURPOSE_UNSUBSCRIBE, /* unsub.h */
	RMT_PURPOSE_UNDO,        /* the button that takes an unsubscribe back */
	RMT_PURPOSE_CONSENT,     /* the page that asks about a receipt */
	RMT_PURPOSE_RETURN_PATH, /* envelope senders */
	RMT_PURPOSE_MESSAGE_ID,  /* Message-IDs that we can tell for ours */
	RMT_PURPOSE_COUNT,
};

/* Of one thread: keys made ready for one purpose. keys is not kept. */
struct rmt_sealer;
struct rmt_sealer *rmt_sealer_new(const struct rmt_keys *keys, enum rmt_purpose purpose,
				  int64_t now);
void rmt_sealer_free(struct rmt_sealer *sealer);
typedef struct rmt_sealer rmt_sealer; /* for g_autoptr(rmt_sealer) */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(rmt_sealer, rmt_sealer_free)

/* How many letters a token has whose content has so many octets. */
#define RMT_TOKEN_LETTERS(plain) (1 + (((plain) + RMT_TOKEN_OVERHEAD) * 8 + 4) / 5)

enum {
	RMT_TOKEN_PLAIN_MAX = 600, /* octets that can be sealed */
	RMT_TOKEN_OVERHEAD = 28,   /* octets a token is longer than its content */
	RMT_TOKEN_MAX = RMT_TOKEN_LETTERS(RMT_TOKEN_PLAIN_MAX),
	RMT_TAG_OCTETS_MAX = 32,
};

enum rmt_token_result {
	RMT_TOKEN_OK,
	RMT_TOKEN_MALFORMED,   /* none of ours, or cut: not even the form fits */
	RMT_TOKEN_UNKNOWN_KEY, /* made with a key that is not in the ring (any more, or
				  yet) */
	RMT_TOKEN_FORGED,      /* changed, of another purpose, or somebody's invention */
};
/* A sentence for logs. */
const char *rmt_token_result_text(enum rmt_token_result result);

/* Appends the token. plain: 1 to RMT_TOKEN_PLAIN_MAX octets (a contract). */
void rmt_token_seal(struct rmt_sealer *sealer, struct rmt_span plain, GString *out);

/* plain_r is emptied, and filled with RMT_TOKEN_OK alone. */
enum rmt_token_result rmt_token_open(struct rmt_sealer *sealer, struct rmt_span text,
				     GString *plain_r);

/* Appends a tag of so many octets (8 to RMT_TAG_OCTETS_MAX): 1 + octets * 8 / 5
 * letters, rounded up. Eight octets are enough where every guess costs a message. */
void rmt_tag_make(struct rmt_sealer *sealer, struct rmt_span data, size_t octets,
		  GString *out);

/* The length tells how many octets the tag has: fewer than `octets` are FORGED. */
enum rmt_token_result rmt_tag_check(struct rmt_sealer *sealer, struct rmt_span data,
				    size_t octets, struct rmt_span tag);

#endif
