/* SPDX-License-Identifier: MIT */
/* endpoint.h - does an address of List-Unsubscribe do what RFC 8058 asks of it?
 *
 * Asks as a link scanner does (GET, HEAD), as nobody should (a POST without the pair),
 * and as mailbox providers do (the pair, as multipart and urlencoded, chunked, twice).
 * It uses the link up: for one made for this, told to by a person. Nothing is followed,
 * no cookie is kept; addresses are not filtered, for it is one's own endpoint.
 */
#ifndef RMT_ENDPOINT_H
#define RMT_ENDPOINT_H

#include <glib.h>
#include <stdbool.h>

struct rmt_endpoint_settings {
	const char *ca_file; /* foreign; NULL: the system's */
	long timeout_ms;     /* of each request */
};

struct rmt_endpoint_finding {
	bool fault;     /* else advice */
	const char *id; /* static; the rule: "E03", ... */
	char *text;     /* own; one sentence: what was asked, what came, what to do */
};

/* Own: g_ptr_array_unref; struct rmt_endpoint_finding; empty: all is well. Blocks. */
GPtrArray *rmt_endpoint_check(const struct rmt_endpoint_settings *settings,
			      const char *url);

#endif
