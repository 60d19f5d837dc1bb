/* SPDX-License-Identifier: MIT */
/* target.h - the URL a stranger's message wants us to POST to, read so strictly that
 * no two readers can take it for different places.
 *
 * Of what a URL may be (RFC 3986), little is a web server on the public net: https, a
 * name with a dot, a port that is allowed, ASCII. All else is refused, with a reason:
 * users, literal addresses however they are written, names that mean this machine or
 * this network. Where the name leads is judged by address_filter.h.
 *
 *	if (rmt_target_read(url, ports, &target) == RMT_TARGET_OK)
 *		resolve target.host, POST to target.url
 *	rmt_target_clear(&target);
 */
#ifndef RMT_TARGET_H
#define RMT_TARGET_H

#include <glib.h>

#include "common/base/span.h"

enum { RMT_TARGET_MAX = 2048 }; /* octets of a URL */

enum rmt_target_result {
	RMT_TARGET_OK,
	RMT_TARGET_TOO_LONG,
	RMT_TARGET_CHARACTER, /* control, blank, '\', '"', '<', '>', not ASCII, bad '%' */
	RMT_TARGET_SCHEME,    /* not https: */
	RMT_TARGET_USER,      /* somebody before an '@' */
	RMT_TARGET_PORT,      /* none of those allowed */
	RMT_TARGET_LITERAL,   /* an address in place of a name, in any notation */
	RMT_TARGET_NAME,      /* no name of the DNS, or without a dot */
	RMT_TARGET_PRIVATE,   /* a name that never leads outside: RFC 6761 and others */
	RMT_TARGET_COUNT,
};
const char *rmt_target_word(enum rmt_target_result result); /* "literal", stable */
const char *rmt_target_text(enum rmt_target_result result); /* a sentence */

struct rmt_target {
	char *url;  /* own; "https://host[:port]/path?query": no fragment, host folded */
	char *host; /* own; lower-case A-labels, no final dot */
	unsigned port;
};

/* ports: those allowed, up to a 0; NULL: 443 alone. Members are NULL unless OK. */
enum rmt_target_result rmt_target_read(struct rmt_span url, const unsigned *ports,
				       struct rmt_target *target_r);
void rmt_target_clear(struct rmt_target *target);

#endif
