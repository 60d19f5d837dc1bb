/* SPDX-License-Identifier: MIT */
/* What becomes of messages that end without END-OF-MESSAGE: see
 * rmt_reservations_set_stages in reserve.h. */
#include "common/limits/reserve_private.h"

enum { UNFINISHED_ENOUGH = 3 };

enum verdict {
	RELEASE,
	COMMIT,
	WAIT, /* whether the server asks again at all is not known yet */
};

static unsigned stages_of(const struct rmt_reservations *all)
{
	return all->stages != 0 ? all->stages : all->learned.seen;
}

bool rmt_reserve_end_follows(const struct rmt_reservations *all)
{
	return (stages_of(all) & RMT_STAGE_BIT_END) != 0;
}

static enum verdict judge(const struct rmt_reservations *all,
			  const struct rmt_reservation *reservation)
{
	if (rmt_reserve_end_follows(all))
		return RELEASE;
	if ((stages_of(all) & RMT_STAGE_BIT_DATA) != 0)
		return reservation->confirmed ? COMMIT : RELEASE;
	return all->stages != 0 || all->learned.rcpt_alone ? COMMIT : WAIT;
}

bool rmt_reserve_takes(const struct rmt_reservations *all)
{
	const unsigned later = RMT_STAGE_BIT_DATA | RMT_STAGE_BIT_END;

	if (all->stages != 0)
		return (all->stages & later) == 0;
	return (all->learned.seen & later) == 0 && all->learned.rcpt_alone != 0;
}

void rmt_reserve_set_state(struct rmt_reservations *all,
			   struct rmt_reservation *reservation,
			   enum rmt_reservation_state state)
{
	rmt_reservation_set_state(&all->pool, reservation, state);
	rmt_reserve_log_state(all, reservation);
}

/* Three in a row: asked at RCPT alone. Those that waited are committed, and
 * known until they time out, should we be wrong. */
static void believe_rcpt_alone(struct rmt_reservations *all, int64_t line_ns)
{
	struct rmt_reservation *reservation;

	all->learned.rcpt_alone = 1;
	reservation = rmt_reservation_oldest(&all->pool, &all->pool.ended);
	while (reservation != NULL && reservation->state == RMT_ENDED) {
		rmt_reserve_charge(all, reservation, line_ns);
		rmt_reserve_set_state(all, reservation, RMT_CHARGED);
		reservation = rmt_reservation_oldest(&all->pool, &all->pool.ended);
	}
}

static void wait_and_learn(struct rmt_reservations *all,
			   struct rmt_reservation *reservation, bool by_instance,
			   int64_t line_ns)
{
	rmt_reserve_set_state(all, reservation, RMT_ENDED);
	if (!by_instance)
		return;
	all->learned.unfinished++;
	if (all->learned.unfinished >= UNFINISHED_ENOUGH)
		believe_rcpt_alone(all, line_ns);
	rmt_reserve_log_learned(all);
}

void rmt_reserve_end(struct rmt_reservations *all, struct rmt_reservation *reservation,
		     bool by_instance, int64_t line_ns)
{
	enum verdict verdict = judge(all, reservation);

	if (reservation->state == RMT_CHARGED) {
		rmt_reserve_forget(all, reservation);
	} else if (verdict == RELEASE) {
		rmt_reserve_undo(all, reservation, line_ns);
	} else if (verdict == COMMIT) {
		rmt_reserve_charge(all, reservation, line_ns);
		rmt_reserve_forget(all, reservation);
	} else if (reservation->state == RMT_OPEN) {
		wait_and_learn(all, reservation, by_instance, line_ns);
	}
}

void rmt_reserve_time_out(struct rmt_reservations *all,
			  struct rmt_reservation *reservation, int64_t line_ns)
{
	if (reservation->state != RMT_CHARGED && judge(all, reservation) != COMMIT) {
		rmt_reserve_undo(all, reservation, line_ns);
		return;
	}
	if (reservation->state != RMT_CHARGED)
		rmt_reserve_charge(all, reservation, line_ns);
	rmt_reserve_forget(all, reservation);
}

void rmt_reservations_set_stages(struct rmt_reservations *all, unsigned stages)
{
	all->stages = stages;
}

unsigned rmt_reservations_stages_seen(const struct rmt_reservations *all)
{
	return all->learned.seen;
}

/* The server does ask later: messages that ended without were aborted. */
static void unlearn(struct rmt_reservations *all, int64_t line_ns)
{
	struct rmt_reservation *reservation;

	all->learned.unfinished = all->learned.rcpt_alone = 0;
	while ((reservation = rmt_reservation_oldest(&all->pool, &all->pool.ended)) !=
	       NULL)
		rmt_reserve_undo(all, reservation, line_ns);
}

void rmt_reserve_stage_seen(struct rmt_reservations *all, unsigned bit, int64_t line_ns)
{
	const unsigned later = RMT_STAGE_BIT_DATA | RMT_STAGE_BIT_END;
	bool first = (all->learned.seen & later) == 0 && (bit & later) != 0;

	if ((all->learned.seen & bit) != 0)
		return;
	all->learned.seen |= bit;
	if (first)
		unlearn(all, line_ns);
	rmt_reserve_log_learned(all);
}

/* --- connections ------------------------------------------------------------------ */

/* Spreads small numbers over the table's shards; never 0, since odd times a
 * number from 1 to 2^32. */
static uint64_t connection_key(unsigned connection)
{
	return ((uint64_t)connection + 1) * UINT64_C(0x9e3779b97f4a7c15);
}

static void end_instance(struct rmt_reservations *all, uint64_t id, bool by_instance,
			 int64_t line_ns)
{
	struct rmt_reservation *reservation = rmt_reservation_find(&all->pool, id);

	if (reservation != NULL && reservation->state == RMT_OPEN)
		rmt_reserve_end(all, reservation, by_instance, line_ns);
}

void rmt_reserve_instance(struct rmt_reservations *all, unsigned connection, uint64_t id,
			  int64_t line_ns)
{
	struct rmt_slot *slot =
		rmt_table_put(&all->connections, connection_key(connection), 0);
	uint64_t before = slot->value;

	if (before == id)
		return;
	slot->value = id;
	if (before != 0)
		end_instance(all, before, true, line_ns);
}

void rmt_reserve_closed(struct rmt_reservations *all, unsigned connection,
			int64_t line_ns)
{
	struct rmt_slot *slot =
		rmt_table_find(&all->connections, connection_key(connection));
	uint64_t id;

	if (slot == NULL)
		return;
	id = slot->value;
	rmt_table_remove(&all->connections, slot);
	end_instance(all, id, false, line_ns);
}

/* --- time-outs ---------------------------------------------------------------------- */

static size_t expire_list(struct rmt_reservations *all,
			  const struct rmt_reservation_list *list, int64_t line_ns)
{
	struct rmt_reservation *oldest;
	size_t n = 0;

	while ((oldest = rmt_reservation_oldest(&all->pool, list)) != NULL) {
		/* A damaged log may have it touched at any time. */
		if (oldest->touched_ns > line_ns - (int64_t)all->timeout_ns)
			break;
		rmt_reserve_time_out(all, oldest, line_ns);
		n++;
	}
	return n;
}

size_t rmt_reservations_expire(struct rmt_reservations *all, int64_t line_ns)
{
	return expire_list(all, &all->pool.open, line_ns) +
	       expire_list(all, &all->pool.ended, line_ns);
}
