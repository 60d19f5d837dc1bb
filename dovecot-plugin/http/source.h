/* SPDX-License-Identifier: MIT */
/* source.h - who asks, and how often he may.
 *
 * A source is an IPv4 address, or the /64 of an IPv6 one. What a reverse proxy says of
 * the client is believed of listed ones alone, from the right end on: the last address
 * that is no proxy's own.
 */
#ifndef RMT_HTTP_SOURCE_H
#define RMT_HTTP_SOURCE_H

#include "common/config/config.h"

/* The client's address: peer, or what the field `forwarded` says behind it. peer: a
 * literal; "" for a UNIX socket, which counts as a proxy where any is named. forwarded:
 * "203.0.113.9, 192.0.2.1"; may be empty. out becomes a literal, or empty ("unknown"). */
void rmt_source_find(const struct rmt_http_config *http, struct rmt_span peer,
		     struct rmt_span forwarded, GString *out);

/* Rates: of one thread. */
struct rmt_sources;
struct rmt_sources *rmt_sources_new(const struct rmt_amount *rate);
void rmt_sources_free(struct rmt_sources *sources);

/* Charges a request; false: this source has to wait, and nothing was charged. now_ns:
 * of a monotonic clock. Bounded: of too many sources those that wait longest are
 * forgotten, nobody is ever refused for want of room. */
bool rmt_sources_charge(struct rmt_sources *sources, struct rmt_span address,
			int64_t now_ns);
/* The same question without charging. */
bool rmt_sources_has_room(struct rmt_sources *sources, struct rmt_span address,
			  int64_t now_ns);

#endif
