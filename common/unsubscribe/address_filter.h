/* SPDX-License-Identifier: MIT */
/* address_filter.h - the addresses nobody's message may make us connect to.
 *
 * Judged is the address of the very socket that is about to be connected, so what a
 * name resolved to a moment ago does not matter. Open is what the special-purpose
 * registries (RFC 6890) leave to the public net. An IPv4 address inside an IPv6 one
 * (mapped, NAT64, 6to4, ISATAP) is judged as what it reaches.
 *
 *	filter = rmt_address_filter_new(config->allow, config->deny);
 *	rmt_address_filter_add_own(filter, ...);	// each of this host's
 *	if (rmt_address_judge(filter, &ip) != RMT_ADDRESS_OPEN)
 *		refuse
 */
#ifndef RMT_ADDRESS_FILTER_H
#define RMT_ADDRESS_FILTER_H

#include "common/auth/ip.h"
#include "common/config/list.h"

enum rmt_address {
	RMT_ADDRESS_OPEN,
	RMT_ADDRESS_SPECIAL, /* loopback, private, link-local, multicast, reserved, ... */
	RMT_ADDRESS_OWN,     /* this site's */
	RMT_ADDRESS_DENIED,  /* by the administrator */
	RMT_ADDRESS_COUNT,
};
const char *rmt_address_word(enum rmt_address address); /* "special", stable */

struct rmt_address_filter;

/* Lists of networks, foreign, each or both NULL. allow opens what is special or our
 * own; deny goes before allow. */
struct rmt_address_filter *rmt_address_filter_new(const struct rmt_list *allow,
						  const struct rmt_list *deny);
void rmt_address_filter_free(struct rmt_address_filter *filter);
typedef struct rmt_address_filter rmt_address_filter; /* for g_autoptr */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(rmt_address_filter, rmt_address_filter_free)

void rmt_address_filter_add_own(struct rmt_address_filter *filter,
				const struct rmt_ip *ip);

enum rmt_address rmt_address_judge(const struct rmt_address_filter *filter,
				   const struct rmt_ip *ip);

/* The address of a socket; false: neither IPv4 nor IPv6. */
struct sockaddr;
bool rmt_ip_of_socket(const struct sockaddr *address, size_t len, struct rmt_ip *ip_r);

#endif
