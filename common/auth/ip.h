/* SPDX-License-Identifier: MIT */
/* ip.h - addresses of hosts, as SPF and reverse names need them. */
#ifndef RMT_IP_H
#define RMT_IP_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/base/span.h"

struct rmt_ip {
	bool is_v6;
	uint8_t octets[16]; /* the first 4 for IPv4 */
};

/* IPv4 in IPv6 (::ffff:192.0.2.1) is IPv4: RFC 7208, 5. False: not an address. */
bool rmt_ip_parse(struct rmt_span text, struct rmt_ip *ip_r);

/* Dotted decimal, four numbers without leading zeros, and nothing else. */
bool rmt_ip4_parse(struct rmt_span text, uint8_t octets_r[4]);

/* RFC 5952, as people read it. */
void rmt_ip_format(const struct rmt_ip *ip, GString *out);

/* "192.0.2.1", or IPv6 as 32 capital digits parted by dots: SPF's %{i}. */
void rmt_ip_format_dotted(const struct rmt_ip *ip, GString *out);

/* "1.2.0.192.in-addr.arpa" */
void rmt_ip_format_reverse(const struct rmt_ip *ip, GString *out);

/* The first prefix_bits of both are the same. */
bool rmt_ip_match(const uint8_t *a, const uint8_t *b, unsigned prefix_bits);

#endif
