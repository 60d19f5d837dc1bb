/* SPDX-License-Identifier: MIT */
#include "common/limits/reservation.h"

enum { ID_BITS = 4, ID_SLACK = 100, LINKS_KEPT = 256 };

void rmt_reservation_pool_init(struct rmt_reservation_pool *pool)
{
	*pool = (struct rmt_reservation_pool){ 0 };
	rmt_table_init(&pool->by_id, ID_BITS, ID_SLACK);
	pool->all = g_ptr_array_new();
}

void rmt_reservation_pool_finish(struct rmt_reservation_pool *pool)
{
	struct rmt_reservation *reservation;
	guint i;

	for (i = 0; i < pool->all->len; i++) {
		reservation = pool->all->pdata[i];
		rmt_keyed_finish(&reservation->entries);
		rmt_keyed_finish(&reservation->asked);
		g_free(reservation->links);
		g_free(reservation);
	}
	g_ptr_array_unref(pool->all);
	g_free(pool->free);
	rmt_table_finish(&pool->by_id);
}

static struct rmt_reservation *at(const struct rmt_reservation_pool *pool,
				  uint64_t number)
{
	return number != 0 ? pool->all->pdata[number - 1] : NULL;
}

struct rmt_reservation *rmt_reservation_find(const struct rmt_reservation_pool *pool,
					     uint64_t id)
{
	const struct rmt_slot *slot = rmt_table_find(&pool->by_id, id);

	return slot != NULL ? at(pool, slot->value) : NULL;
}

/* --- lists ------------------------------------------------------------------- */

static struct rmt_reservation_list *list_of(struct rmt_reservation_pool *pool,
					    const struct rmt_reservation *reservation)
{
	return reservation->state == RMT_OPEN ? &pool->open : &pool->ended;
}

static void unlink_from_list(struct rmt_reservation_pool *pool, struct rmt_reservation *r)
{
	struct rmt_reservation_list *list = list_of(pool, r);

	if (r->older != 0)
		at(pool, r->older)->newer = r->newer;
	else
		list->oldest = r->newer;
	if (r->newer != 0)
		at(pool, r->newer)->older = r->older;
	else
		list->newest = r->older;
	r->older = r->newer = 0;
}

static void append_to_list(struct rmt_reservation_pool *pool, struct rmt_reservation *r)
{
	struct rmt_reservation_list *list = list_of(pool, r);

	r->older = list->newest;
	r->newer = 0;
	if (list->newest != 0)
		at(pool, list->newest)->newer = r->number;
	else
		list->oldest = r->number;
	list->newest = r->number;
}

struct rmt_reservation *rmt_reservation_oldest(const struct rmt_reservation_pool *pool,
					       const struct rmt_reservation_list *list)
{
	return at(pool, list->oldest);
}

struct rmt_reservation *rmt_reservation_newer(const struct rmt_reservation_pool *pool,
					      const struct rmt_reservation *reservation)
{
	return at(pool, reservation->newer);
}

void rmt_reservation_set_state(struct rmt_reservation_pool *pool,
			       struct rmt_reservation *reservation,
			       enum rmt_reservation_state state)
{
	unlink_from_list(pool, reservation);
	reservation->state = state;
	append_to_list(pool, reservation);
}

void rmt_reservation_touch(struct rmt_reservation_pool *pool,
			   struct rmt_reservation *reservation, int64_t line_ns)
{
	reservation->touched_ns = line_ns;
	if (list_of(pool, reservation)->newest != reservation->number) {
		unlink_from_list(pool, reservation);
		append_to_list(pool, reservation);
	}
}

/* --- making and dropping ------------------------------------------------------ */

static struct rmt_reservation *make(struct rmt_reservation_pool *pool)
{
	struct rmt_reservation *reservation = g_new0(struct rmt_reservation, 1);

	reservation->entries.stride = sizeof(struct rmt_entry);
	reservation->asked.stride = sizeof(struct rmt_asked);
	g_ptr_array_add(pool->all, reservation);
	reservation->number = pool->all->len;
	if (pool->free_room < pool->all->len) {
		pool->free_room = pool->all->len * 2;
		pool->free = g_renew(uint32_t, pool->free, pool->free_room);
	}
	return reservation;
}

struct rmt_reservation *rmt_reservation_new(struct rmt_reservation_pool *pool,
					    uint64_t id)
{
	struct rmt_reservation *reservation;

	reservation = pool->free_count > 0 ? at(pool, pool->free[--pool->free_count])
					   : make(pool);
	reservation->id = id;
	reservation->state = RMT_OPEN;
	reservation->recipients = reservation->link_count = 0;
	reservation->confirmed = reservation->adjusted = reservation->taken = false;
	reservation->size = reservation->envelope = 0;
	rmt_table_put(&pool->by_id, id, 0)->value = reservation->number;
	append_to_list(pool, reservation);
	pool->count++;
	return reservation;
}

void rmt_reservation_drop(struct rmt_reservation_pool *pool,
			  struct rmt_reservation *reservation)
{
	unlink_from_list(pool, reservation);
	rmt_table_remove(&pool->by_id, rmt_table_find(&pool->by_id, reservation->id));
	pool->links -= reservation->link_count;
	rmt_keyed_clear(&reservation->entries);
	rmt_keyed_clear(&reservation->asked);
	if (reservation->link_room > LINKS_KEPT) {
		g_clear_pointer(&reservation->links, g_free);
		reservation->link_room = 0;
	}
	pool->free[pool->free_count++] = reservation->number;
	pool->count--;
}

/* --- what a counter is due ----------------------------------------------------- */

static bool concerns(const struct rmt_reservation *reservation, uint32_t entry,
		     uint64_t named)
{
	uint32_t i = rmt_keyed_find(&reservation->asked, named), link;
	const struct rmt_asked *asked;

	if (i == RMT_KEYED_NONE)
		return false;
	asked = rmt_keyed_at(&reservation->asked, i);
	for (link = asked->first; link < asked->first + asked->count; link++)
		if (reservation->links[link] == entry)
			return true;
	return false;
}

uint64_t rmt_entry_accepted_of(const struct rmt_reservation *reservation, uint32_t number,
			       uint64_t count, uint64_t named, bool *candidates_r)
{
	const struct rmt_entry *entry = rmt_keyed_at(&reservation->entries, number);
	uint64_t all = reservation->recipients;
	bool forgot = reservation->asked.count < all;

	if (entry->concerned == all) /* every recipient's: no matter which was refused */
		return entry->per_recipient ? MIN(count, entry->concerned) : count;
	if (count >= all)
		return entry->concerned;
	if (count == 1 && named != 0 && !forgot)
		return concerns(reservation, number, named) ? 1 : 0;
	*candidates_r = true;
	return MIN(entry->concerned, count);
}
