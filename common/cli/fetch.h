/* SPDX-License-Identifier: MIT */
/* fetch.h - small files over https, several at once; for commands that a person runs.
 *
 * Only from the addresses that are given, with a certificate for the host's name.
 * Nothing is followed, no cookie, no proxy. Blocks.
 */
#ifndef RMT_CLI_FETCH_H
#define RMT_CLI_FETCH_H

#include <glib.h>
#include <stdbool.h>

struct rmt_fetch {
	char *url, *host;     /* own */
	GPtrArray *addresses; /* own; char *, literals; at least one */
	size_t octets_max;
	void *context; /* foreign; the caller's */

	/* Results: one of them is set. */
	GString *body;      /* own */
	char *trouble;      /* own; why it could not be had */
	char *content_type; /* own; or NULL */
};

struct rmt_fetch *rmt_fetch_new(const char *host, const char *path);
void rmt_fetch_free(struct rmt_fetch *fetch);

/* All of them, struct rmt_fetch, within timeout_ms. ca_file: certificates that are
 * trusted; NULL: the system's. */
void rmt_fetch_all(const GPtrArray *fetches, const char *ca_file, long timeout_ms);

#endif
