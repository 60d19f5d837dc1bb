/* SPDX-License-Identifier: MIT */
/* dns_packet.h - an answer as it comes from a resolver (RFC 1035, 4). */
#ifndef RMT_DNS_PACKET_H
#define RMT_DNS_PACKET_H

#include "common/auth/dns.h"

/* Owns what an answer points to; used again for the next one. */
struct rmt_dns_packet {
	struct rmt_dns_answer answer;
	GArray *records; /* own; struct rmt_dns_record */
	GString *bytes;  /* own */
};

void rmt_dns_packet_init(struct rmt_dns_packet *packet);
void rmt_dns_packet_finish(struct rmt_dns_packet *packet);

/* Sets packet->answer: the records of the type at the end of the question's
 * aliases. What cannot be read is RMT_DNS_SERVFAIL; so is a loop of aliases and
 * every code but NOERROR and NXDOMAIN. The time to live of an empty answer is
 * the SOA's, or 0 without one (RFC 2308, 5). */
void rmt_dns_packet_read(struct rmt_dns_packet *packet, struct rmt_span message,
			 enum rmt_dns_type type);

#endif
