/* SPDX-License-Identifier: MIT */
#include <glib.h>
#include <stdlib.h>
#include <string.h>

#include "common/store/filter.h"

enum { WORDS = 8, BITS_PER_HASH = 12, BLOCK_ALIGN = 64 };

struct block {
	uint32_t words[WORDS];
};

struct rmt_filter {
	uint64_t capacity, count, block_count;
	struct block *blocks; /* own; on cache lines */
};

/* Odd multipliers, each spreads the low half of the hash over a word's bits. */
static const uint32_t salts[WORDS] = {
	0x47b6137bU, 0x44974d91U, 0x8824ad5bU, 0xa2b7289dU,
	0x705495c7U, 0x2df1424bU, 0x9efc4947U, 0x5c6bfb31U
};

struct rmt_filter *rmt_filter_new(uint64_t capacity)
{
	struct rmt_filter *filter = g_new0(struct rmt_filter, 1);
	uint64_t bits = MAX(capacity, 1) * BITS_PER_HASH;
	size_t octets;

	filter->capacity = capacity;
	filter->block_count =
		(bits / 8 + sizeof(struct block) - 1) / sizeof(struct block);
	filter->block_count += filter->block_count % 2; /* whole cache lines */
	octets = filter->block_count * sizeof(struct block);
	filter->blocks = aligned_alloc(BLOCK_ALIGN, octets);
	if (filter->blocks == NULL)
		g_error("filter: no memory for %zu octets", octets);
	memset(filter->blocks, 0, octets);
	return filter;
}

void rmt_filter_free(struct rmt_filter *filter)
{
	if (filter == NULL)
		return;
	free(filter->blocks);
	g_free(filter);
}

/* The high half chooses the block, the low half the bits. */
static struct block *block_of(const struct rmt_filter *filter, uint64_t hash)
{
	return &filter->blocks[((hash >> 32) * filter->block_count) >> 32];
}

static uint32_t bit_of(uint64_t hash, unsigned word)
{
	return UINT32_C(1) << (((uint32_t)hash * salts[word]) >> 27);
}

void rmt_filter_add(struct rmt_filter *filter, uint64_t hash)
{
	struct block *block = block_of(filter, hash);
	uint32_t set = UINT32_MAX;
	unsigned i;

	for (i = 0; i < WORDS; i++) {
		set &= block->words[i] >> __builtin_ctz(bit_of(hash, i));
		block->words[i] |= bit_of(hash, i);
	}
	filter->count += (set & 1) == 0;
}

bool rmt_filter_has(const struct rmt_filter *filter, uint64_t hash)
{
	const struct block *block = block_of(filter, hash);
	uint32_t missing = 0;
	unsigned i;

	for (i = 0; i < WORDS; i++)
		missing |= ~block->words[i] & bit_of(hash, i);
	return missing == 0;
}

uint64_t rmt_filter_count(const struct rmt_filter *filter)
{
	return filter->count;
}

uint64_t rmt_filter_capacity(const struct rmt_filter *filter)
{
	return filter->capacity;
}

uint64_t rmt_filter_bytes(const struct rmt_filter *filter)
{
	return sizeof(*filter) + filter->block_count * sizeof(struct block);
}
