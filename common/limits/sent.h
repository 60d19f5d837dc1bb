/* SPDX-License-Identifier: MIT */
/* sent.h - what messages were charged, for a few minutes, by their queue id: for who
 * learns only then that one is not sent after all, or belongs to another stream.
 *
 * Bounded: the oldest is forgotten after `keep_ns`, and beyond RMT_SENT_MESSAGES_MAX
 * messages or RMT_SENT_CHARGES_MAX charges (some 60 MB at the very worst). Not
 * written down: after a restart nothing is known, and nothing can be given back.
 */
#ifndef RMT_SENT_H
#define RMT_SENT_H

#include "common/config/config.h"

enum { RMT_SENT_MESSAGES_MAX = 200000, RMT_SENT_CHARGES_MAX = 1000000 };

/* What one counter got. */
struct rmt_charge {
	uint64_t key, units;
	struct rmt_amount amount;
};

struct rmt_sent_message {
	uint64_t queue; /* hash of the queue id; first: the key */
	int64_t at_ns;  /* line */
	const char *stream;
	GList link; /* in the order of their coming */
	size_t count, room;
	struct rmt_charge charges[];
};

struct rmt_sent;
struct rmt_sent *rmt_sent_new(int64_t keep_ns);
void rmt_sent_free(struct rmt_sent *sent);

/* A message with at most `room` charges, put into charges[count++]; it stays the
 * set's. One under the same queue id is forgotten. stream: of g_intern_string(). */
struct rmt_sent_message *rmt_sent_add(struct rmt_sent *sent, uint64_t queue,
				      const char *stream, size_t room, int64_t line_ns);

/* NULL: not known. */
struct rmt_sent_message *rmt_sent_find(const struct rmt_sent *sent, uint64_t queue);
void rmt_sent_forget(struct rmt_sent *sent, struct rmt_sent_message *message);

#endif
