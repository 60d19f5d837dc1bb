/* SPDX-License-Identifier: MIT */
/* reservation.h - one message's reservation, and the pool of all of them.
 *
 * Private to reserve.c and its neighbours. A reservation has one entry per
 * counter it concerns, one item per recipient, and links from recipients to
 * the entries that concern them, so that later, with only a count or one name
 * in hand, each counter gets what it is due.
 *
 * Bounded: a message remembers RMT_RECIPIENTS_MAX recipients (those after are
 * held each time they are asked for); there are at most RMT_OPEN_MAX
 * reservations and RMT_LINKS_MAX links (some 350 MB at the very worst), the
 * one untouched for longest gives way.
 */
#ifndef RMT_RESERVATION_H
#define RMT_RESERVATION_H

#include "common/limits/keyed.h"
#include "common/limits/reserve.h"
#include "common/limits/table.h"

enum {
	RMT_RECIPIENTS_MAX = 100000,
	RMT_OPEN_MAX = 1000000,
	RMT_LINKS_MAX = 4000000,
};

/* What one counter holds for one message. */
struct rmt_entry {
	uint64_t key;
	uint64_t held;      /* units; of a taken reservation: committed ones */
	uint32_t concerned; /* recipients it is about */
	uint32_t place;     /* of the counter; a hint */
	uint16_t amount;    /* number in the pool's list */
	uint8_t unit;
	bool per_recipient;
};

struct rmt_asked {
	uint64_t recipient;
	uint32_t first, count; /* in links */
};

enum rmt_reservation_state {
	RMT_OPEN,
	RMT_ENDED,   /* by its connection, and whether it was sent is not known yet */
	RMT_CHARGED, /* and committed on the belief that the server asks at RCPT alone */
};

struct rmt_reservation {
	uint64_t id, envelope, size;
	int64_t began_ns, touched_ns;
	uint32_t number;       /* in the pool, from 1 */
	uint32_t older, newer; /* in its state's list; 0: end */
	uint32_t recipients;
	uint32_t link_room, link_count;
	enum rmt_reservation_state state;
	bool confirmed; /* DATA was asked, and no recipient since */
	bool adjusted;  /* entries hold something else than what was asked for */
	bool taken;     /* what entries hold is committed already */
	uint64_t confirmed_count, confirmed_recipient;
	struct rmt_keyed entries; /* struct rmt_entry */
	struct rmt_keyed asked;   /* struct rmt_asked */
	uint32_t *links;          /* own; positions in entries */
};

/* Oldest first. RMT_OPEN has one of its own, the other two states share one. */
struct rmt_reservation_list {
	uint32_t oldest, newest;
};

struct rmt_reservation_pool {
	struct rmt_table by_id; /* id -> number */
	GPtrArray *all;         /* own; struct rmt_reservation, by number - 1 */
	uint32_t *free;         /* own; numbers, a stack */
	uint32_t free_count, free_room;
	uint32_t count;
	uint64_t links;
	struct rmt_reservation_list open, ended;
};

void rmt_reservation_pool_init(struct rmt_reservation_pool *pool);
void rmt_reservation_pool_finish(struct rmt_reservation_pool *pool);

struct rmt_reservation *rmt_reservation_find(const struct rmt_reservation_pool *pool,
					     uint64_t id);
struct rmt_reservation *rmt_reservation_new(struct rmt_reservation_pool *pool,
					    uint64_t id);
void rmt_reservation_drop(struct rmt_reservation_pool *pool,
			  struct rmt_reservation *reservation);

struct rmt_reservation *rmt_reservation_oldest(const struct rmt_reservation_pool *pool,
					       const struct rmt_reservation_list *list);
struct rmt_reservation *rmt_reservation_newer(const struct rmt_reservation_pool *pool,
					      const struct rmt_reservation *reservation);
/* Also back to RMT_OPEN. To the end of the state's list. */
void rmt_reservation_set_state(struct rmt_reservation_pool *pool,
			       struct rmt_reservation *reservation,
			       enum rmt_reservation_state state);
/* A request came: to the end of the list. */
void rmt_reservation_touch(struct rmt_reservation_pool *pool,
			   struct rmt_reservation *reservation, int64_t line_ns);

/* Units a counter takes for `recipients` of its recipients. */
static inline uint64_t rmt_entry_units(enum rmt_unit unit, uint64_t recipients,
				       uint64_t size)
{
	if (unit == RMT_UNIT_RECIPIENTS)
		return recipients;
	if (recipients == 0)
		return 0;
	return unit == RMT_UNIT_BYTES ? size : 1;
}

/* count > 0 */
uint64_t rmt_entry_accepted_of(const struct rmt_reservation *reservation, uint32_t entry,
			       uint64_t count, uint64_t named, bool *candidates_r);

/* How many of the entry's recipients stand, when the server counts `count` of
 * all (0: not known) and names one of them, or not (0). *candidates_r is set
 * if that is only the most there can be. */
static inline uint64_t rmt_entry_accepted(const struct rmt_reservation *reservation,
					  uint32_t number, uint64_t count, uint64_t named,
					  bool *candidates_r)
{
	const struct rmt_entry *entry = rmt_keyed_at(&reservation->entries, number);

	if (count == 0)
		return entry->concerned;
	return rmt_entry_accepted_of(reservation, number, count, named, candidates_r);
}

#endif
