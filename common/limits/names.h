/* SPDX-License-Identifier: MIT */
/* names.h - what a counter's key is called, for listing; never looked at to decide.
 *
 * Cut into shards by the key's first bits like the table beside it. A shard is
 * one buffer of records one after another (key, limit, length, value; packed)
 * and an index of offsets into it. Limits' names are kept once.
 */
#ifndef RMT_NAMES_H
#define RMT_NAMES_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/base/span.h"
#include "common/limits/pieces.h"

enum { RMT_NAME_VALUE_MAX = 1024 }; /* octets; the rest of a longer one is dropped */

struct rmt_names_shard {
	char *records;   /* own */
	uint32_t *index; /* own; offset + 1, 0: free */
	uint32_t len, room;
	uint32_t count, index_size;
};

struct rmt_names {
	struct rmt_names_shard *shards; /* own */
	unsigned bits;
	GPtrArray *limits;         /* own; char *, by number */
	GHashTable *limit_numbers; /* own; char * (foreign) -> number + 1 */
	uint16_t last_limit;       /* asked for: mostly the next one, too */
	size_t count, bytes;
	/* Shards put off are made when first looked into: of what is on the disk, and of
	 * what was added since. */
	uint32_t *pending; /* own; by shard: 1 + how many are on the disk; 0: made */
	char *(*fetch)(void *context, unsigned i,
		       size_t *len_r); /* NULL: not to be had */
	void *fetch_context;           /* foreign */
	struct rmt_pieces later;       /* own; records in the order they came */
	uint32_t *later_last;          /* own; by shard: its last one's place + 1 */
	uint32_t later_count;
};

void rmt_names_init(struct rmt_names *names, unsigned bits);
void rmt_names_finish(struct rmt_names *names);

/* All shards, being empty, are put off. */
void rmt_names_put_off(struct rmt_names *names);

/* Of shard i, put off, so many are to be fetched. */
void rmt_names_expect(struct rmt_names *names, unsigned i, uint32_t count);
const struct rmt_names_shard *rmt_names_shard_at(const struct rmt_names *names,
						 unsigned i);

/* About how many there are, with those put off. */
static inline size_t rmt_names_known(const struct rmt_names *names)
{
	return names->count + names->later_count;
}

bool rmt_names_has(const struct rmt_names *names, uint64_t key);

/* False: it had a name already. */
bool rmt_names_add(struct rmt_names *names, uint64_t key, struct rmt_span limit,
		   struct rmt_span value);

/* The same, but where the shard is put off, only kept until it is made. */
void rmt_names_add_later(struct rmt_names *names, uint64_t key, struct rmt_span limit,
			 struct rmt_span value);

/* The limit's number, made if need be; limits past 65,535 share the last one. */
uint16_t rmt_names_limit(struct rmt_names *names, struct rmt_span limit);

/* A record of a shard, from *offset on, which moves behind it. False: no more,
 * or the rest is broken. */
struct rmt_name {
	uint64_t key;
	uint16_t limit;
	struct rmt_span value;
};
bool rmt_names_next(const char *records, size_t len, size_t *offset,
		    struct rmt_name *name_r);
struct rmt_span rmt_names_limit_name(const struct rmt_names *names, uint16_t limit);

/* Makes shard i from records as they were; takes them (g_malloc). False: broken;
 * the shard is then empty. */
bool rmt_names_adopt(struct rmt_names *names, unsigned i, char *records, size_t len);

/* Drops the names keep() says false to. */
void rmt_names_prune(struct rmt_names *names, unsigned i,
		     bool (*keep)(void *context, uint64_t key), void *context);

#endif
