/* SPDX-License-Identifier: MIT */
/* set.h - a set of octet strings that may have millions of members.
 *
 * One arena and one table of 8-octet slots: no allocation per member, some
 * 20 octets beside its text. Members can be added, not removed.
 */
#ifndef RMT_SET_H
#define RMT_SET_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/span.h"

enum { RMT_SET_MEMBER_MAX = 4096 }; /* octets */

struct rmt_set {
	uint64_t *slots;   /* own; 24 bits of hash, 40 of offset + 1; 0: free */
	size_t slot_count; /* 0, or a power of two */
	size_t count;
	char *arena; /* own; each member: length in two octets, text */
	size_t used, size;
};

/* A set of zeros is empty. */
void rmt_set_clear(struct rmt_set *set);

/* member: at most RMT_SET_MEMBER_MAX octets. False: it was there. */
bool rmt_set_add(struct rmt_set *set, struct rmt_span member);

bool rmt_set_has(const struct rmt_set *set, struct rmt_span member);

/* In the order they were added; *cursor starts at 0. The span stays valid until
 * the next member is added. */
bool rmt_set_next(const struct rmt_set *set, size_t *cursor, struct rmt_span *member_r);

#endif
