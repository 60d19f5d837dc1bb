/* SPDX-License-Identifier: MIT */
/* filter.h - "certainly not in the set" in one cache line (a blocked Bloom
 * filter, Putze, Sanders, Singler 2007).
 *
 * A hash sets one bit in each of the eight 32-bit words of one block. With as
 * many hashes as it was made for, about one of two hundred others is let through.
 */
#ifndef RMT_FILTER_H
#define RMT_FILTER_H

#include <stdbool.h>
#include <stdint.h>

struct rmt_filter;

/* capacity: hashes it is made for; 12 bits each. More only let more through. */
struct rmt_filter *rmt_filter_new(uint64_t capacity);
void rmt_filter_free(struct rmt_filter *filter);

void rmt_filter_add(struct rmt_filter *filter, uint64_t hash);
bool rmt_filter_has(const struct rmt_filter *filter, uint64_t hash);

/* Different hashes added, less the few that were let through by chance. */
uint64_t rmt_filter_count(const struct rmt_filter *filter);
uint64_t rmt_filter_capacity(const struct rmt_filter *filter);
uint64_t rmt_filter_bytes(const struct rmt_filter *filter);

#endif
