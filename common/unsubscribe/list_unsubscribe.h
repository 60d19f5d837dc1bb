/* SPDX-License-Identifier: MIT */
/* list_unsubscribe.h - List-Unsubscribe, List-Unsubscribe-Post and List-Id: what a
 * message says of how to leave its list (RFC 2369, 8058, 2919).
 *
 * Values come as they stand in the message, folding included. Where they come
 * from matters: of a message from outside only the octets a signature covers
 * may be read (covered.h), since anybody can put another field above the signed one.
 *
 *	struct rmt_list_unsubscribe list;
 *
 *	rmt_list_unsubscribe_read(field.value, &list);
 *	if (rmt_one_click_judge(&list, post.value) == RMT_ONE_CLICK_OK)
 *		url = rmt_list_unsubscribe_first(&list, RMT_LIST_URI_HTTPS)->text;
 *	rmt_list_unsubscribe_clear(&list);
 */
#ifndef RMT_LIST_UNSUBSCRIBE_H
#define RMT_LIST_UNSUBSCRIBE_H

#include <glib.h>

#include "common/base/span.h"

enum {
	RMT_LIST_URIS_MAX = 16,  /* kept, from the left; the rest is only counted */
	RMT_LIST_URI_MAX = 2048, /* octets of one */
	RMT_LIST_ID_MAX = 255,   /* RFC 2919, 3 */
};

enum rmt_list_uri_kind {
	RMT_LIST_URI_HTTPS,
	RMT_LIST_URI_HTTP,
	RMT_LIST_URI_MAILTO,
	RMT_LIST_URI_OTHER, /* ftp:, or nothing that has a scheme */
};

struct rmt_list_uri {
	enum rmt_list_uri_kind kind;
	struct rmt_span text; /* without blanks; empty where over RMT_LIST_URI_MAX */
};

struct rmt_list_unsubscribe {
	struct rmt_list_uri uris[RMT_LIST_URIS_MAX]; /* the most wanted first */
	size_t count;                                /* of uris */
	size_t seen;                    /* in the field: count, or more than that */
	size_t https_count, http_count; /* of those seen */
	bool cut;     /* ended by something other than "<...>": all from there is void */
	char *octets; /* own; what the texts look into */
};

/* Reads a value; an unreadable one has no URIs. Blanks within "<>" are dropped
 * (RFC 2369, 2), commas there are the URI's. Linear in the value's length. */
void rmt_list_unsubscribe_read(struct rmt_span value,
			       struct rmt_list_unsubscribe *list_r);
void rmt_list_unsubscribe_clear(struct rmt_list_unsubscribe *list);

/* NULL: none of that kind. */
const struct rmt_list_uri *rmt_list_unsubscribe_first(
	const struct rmt_list_unsubscribe *list, enum rmt_list_uri_kind kind);

/* Whether it is "List-Unsubscribe=One-Click": the name in any case, no blanks within. */
bool rmt_list_unsubscribe_post_ok(struct rmt_span value);

/* Whether both fields together offer the one click (RFC 8058, 3.1). */
enum rmt_one_click {
	RMT_ONE_CLICK_OK,
	RMT_ONE_CLICK_NO_POST,  /* no List-Unsubscribe-Post */
	RMT_ONE_CLICK_BAD_POST, /* it says something else */
	RMT_ONE_CLICK_NO_URI,   /* nothing readable in List-Unsubscribe */
	RMT_ONE_CLICK_NO_HTTPS, /* http:, mailto: or others alone */
	RMT_ONE_CLICK_SEVERAL,  /* more than one https: which is meant? */
	RMT_ONE_CLICK_TOO_LONG, /* the https URI is over RMT_LIST_URI_MAX */
	RMT_ONE_CLICK_COUNT,
};

/* post: the value of List-Unsubscribe-Post, p NULL where there is no such field.
 * Beside the https URI others are fine; http:, which RFC 8058 forbids there, is not
 * held against the receiver's user: list->http_count tells a sender. */
enum rmt_one_click rmt_one_click_judge(const struct rmt_list_unsubscribe *list,
				       struct rmt_span post);
const char *rmt_one_click_word(enum rmt_one_click result); /* "no-https", stable */
const char *rmt_one_click_text(enum rmt_one_click result); /* a sentence, no full stop */

/* --- List-Id --------------------------------------------------------------------- */

/* Appends the identifier in lower case. False, and nothing appended, where there is
 * none: "<", dot-atom with at least one dot, ">" at the end of the value, at most
 * RMT_LIST_ID_MAX octets. A phrase or comments may stand around it. */
bool rmt_list_id_read(struct rmt_span value, GString *out);

#endif
