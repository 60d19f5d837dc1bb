/* SPDX-License-Identifier: MIT */
/* unsub.h - what a List-Unsubscribe link of ours says: who wants no more of what.
 *
 * The same token stands in the https URL and in the mailto form. It does not expire:
 * it is good as long as its key is in the ring.
 *
 *	struct rmt_unsub unsub = { .stream = ..., .recipient = ... };
 *	rmt_unsub_token_make(sealer, &unsub, token, &err);
 *	...
 *	if (rmt_unsub_token_open(sealer, text, buffer, &unsub) == RMT_TOKEN_OK)
 *		rmt_suppress_add(...)
 */
#ifndef RMT_UNSUB_H
#define RMT_UNSUB_H

#include "common/token/token.h"

enum {
	RMT_UNSUB_LISTS_MAX = 4,
	RMT_UNSUB_LIST_MAX = 128,  /* octets of all list ids together */
	RMT_UNSUB_STREAM_MAX = 63, /* as names in remite.conf */
	RMT_UNSUB_ADDRESS_MAX = 320,
};

struct rmt_unsub {
	struct rmt_span stream;    /* its name */
	struct rmt_span recipient; /* as the message named it: not folded */
	size_t list_count;
	struct rmt_span lists[RMT_UNSUB_LISTS_MAX]; /* what the list software calls it */
};

/* NULL-terminated, at most RMT_UNSUB_LISTS_MAX; or NULL. */
void rmt_unsub_set_lists(struct rmt_unsub *unsub, char *const *lists);
/* The list ids by blanks, "" where there are none. Own: g_free. */
char *rmt_unsub_lists_text(const struct rmt_unsub *unsub);

/* Appends a token. sealer: of RMT_PURPOSE_UNSUBSCRIBE. False where a part is empty,
 * too long or holds control characters; out is then as it was. */
bool rmt_unsub_token_make(struct rmt_sealer *sealer, const struct rmt_unsub *unsub,
			  GString *out, GError **err);

/* unsub_r is written with RMT_TOKEN_OK alone, and looks into buffer. */
enum rmt_token_result rmt_unsub_token_open(struct rmt_sealer *sealer,
					   struct rmt_span text, GString *buffer,
					   struct rmt_unsub *unsub_r);

/* The token of a mail that came to a stream's mailto address: behind the '+' of the
 * address it was sent to, else a word of its subject. Opened as above; MALFORMED
 * where there is nothing like a token. `mailto`: the stream's address as configured,
 * "unsubscribe@bounces.example.com"; address: the envelope recipient. */
enum rmt_token_result rmt_unsub_mail_open(struct rmt_sealer *sealer,
					  struct rmt_span mailto, struct rmt_span address,
					  struct rmt_span subject, GString *buffer,
					  struct rmt_unsub *unsub_r);

/* "https://mail.example.com/u/" and a token: appends the URL. */
void rmt_unsub_url(struct rmt_span base, struct rmt_span token, GString *out);

/* Appends "mailto:unsubscribe+TOKEN@..." where the local part has room for it (64
 * octets, RFC 5321, 4.5.3.1.1), else
 * "mailto:unsubscribe@...?subject=unsubscribe%20TOKEN". */
void rmt_unsub_mailto(struct rmt_span address, struct rmt_span token, GString *out);

/* Appends the value of List-Unsubscribe: one https URI, and the mailto one behind it
 * where the stream has one and the line stays within 998 octets (RFC 5322, 2.1.1).
 * https or mailto may be empty, not both. */
void rmt_unsub_header(struct rmt_span https, struct rmt_span mailto,
		      struct rmt_span token, GString *out);
#define RMT_UNSUB_POST_VALUE "List-Unsubscribe=One-Click"

#endif
