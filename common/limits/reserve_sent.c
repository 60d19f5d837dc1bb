/* SPDX-License-Identifier: MIT */
/* reserve_sent.c - what becomes of a message after its commit. */
#include "common/limits/reserve_private.h"

/* The milter's end of a message follows the policy's at once; only a slow body or
 * another milter comes between. */
static const int64_t keep_ns = 600LL * RMT_NS_PER_SEC;

void rmt_reservations_remember(struct rmt_reservations *all, bool remember)
{
	if (remember && all->sent == NULL)
		all->sent = rmt_sent_new(keep_ns);
	else if (!remember)
		g_clear_pointer(&all->sent, rmt_sent_free);
}

bool rmt_reservations_remembers(const struct rmt_reservations *all)
{
	return all->sent != NULL;
}

static void add(struct rmt_sent_message *sent, uint64_t key,
		const struct rmt_amount *amount, uint64_t units)
{
	if (units > 0)
		sent->charges[sent->count++] = (struct rmt_charge){ key, units, *amount };
}

void rmt_reserve_remember(struct rmt_reservations *all, const struct rmt_message *message,
			  const struct rmt_reservation *reservation)
{
	const uint32_t count = reservation->entries.count;
	struct rmt_sent_message *sent = rmt_sent_add(
		all->sent, message->queue, message->stream, count, message->line_ns);
	uint32_t i;

	for (i = 0; i < count; i++) {
		const struct rmt_entry *entry = rmt_keyed_at(&reservation->entries, i);

		add(sent, entry->key, rmt_reserve_amount(all, entry->amount),
		    entry->held);
	}
}

void rmt_reserve_remember_shares(struct rmt_reservations *all,
				 const struct rmt_message *message,
				 const struct rmt_share *shares,
				 const struct rmt_share_place *places, size_t count,
				 uint64_t skip)
{
	struct rmt_sent_message *sent = rmt_sent_add(
		all->sent, message->queue, message->stream, count, message->line_ns);
	size_t i;

	for (i = 0; i < count; i++)
		if (i >= 64 || (skip >> i & 1) == 0)
			add(sent, shares[i].key, shares[i].amount, places[i].units);
}

const char *rmt_reserve_sent_to(const struct rmt_reservations *all, uint64_t queue)
{
	const struct rmt_sent_message *sent =
		all->sent != NULL ? rmt_sent_find(all->sent, queue) : NULL;

	return sent != NULL ? sent->stream : NULL;
}

bool rmt_reserve_give_back(struct rmt_reservations *all, uint64_t queue, int64_t line_ns)
{
	struct rmt_sent_message *sent =
		all->sent != NULL ? rmt_sent_find(all->sent, queue) : NULL;
	size_t i;

	if (sent == NULL)
		return false;
	for (i = 0; i < sent->count; i++)
		rmt_counters_refund(all->counters, sent->charges[i].key,
				    &sent->charges[i].amount, sent->charges[i].units,
				    line_ns);
	rmt_sent_forget(all->sent, sent);
	return true;
}

static bool ask(struct rmt_reservations *all, struct rmt_bill *bills, size_t count,
		int64_t line_ns, size_t *at_r, struct rmt_usage *usage_r)
{
	size_t i;

	for (i = 0; i < count; i++) {
		bills[i].fits =
			rmt_counters_fits(all->counters, bills[i].key, bills[i].amount,
					  bills[i].units, line_ns, usage_r);
		*at_r = i;
		if (!bills[i].fits && !bills[i].report)
			return false;
	}
	return true;
}

bool rmt_reserve_whole(struct rmt_reservations *all, const struct rmt_message *message,
		       struct rmt_bill *bills, size_t count, size_t *at_r,
		       struct rmt_usage *usage_r)
{
	struct rmt_sent_message *sent = NULL;
	size_t i;

	if (!ask(all, bills, count, message->line_ns, at_r, usage_r))
		return false;
	if (all->sent != NULL && message->queue != 0)
		sent = rmt_sent_add(all->sent, message->queue, message->stream, count,
				    message->line_ns);
	for (i = 0; i < count; i++) {
		if (!bills[i].fits)
			continue;
		rmt_counters_charge(all->counters, bills[i].key, bills[i].amount,
				    bills[i].units, message->line_ns);
		if (sent != NULL)
			add(sent, bills[i].key, bills[i].amount, bills[i].units);
	}
	return true;
}
