/* SPDX-License-Identifier: MIT */
/* Reservations in the counters' log. What a commit charges the counters log
 * themselves; here is only which reservations are open and what they hold.
 * A list of them all (rmt_reserve_log_attach's snapshot) starts with RESET. */
#include <string.h>

#include "common/limits/reserve_private.h"

enum kind { RESET, AMOUNT, RESERVE, TOTALS, CONFIRM, STATE, END, LEARNED };

struct head {
	uint8_t kind, flag;  /* AMOUNT: is quota; STATE: which; RESERVE: is taken */
	uint16_t number;     /* AMOUNT: which; RESERVE: shares that follow; STATE: is
				taken */
	uint32_t recipients; /* TOTALS */
	uint64_t id;
};

struct amount_record {
	struct head head;
	uint64_t count, period_ns, burst;
};

struct share_record {
	uint64_t key;
	uint16_t amount;
	uint8_t unit, per_recipient;
	uint32_t concerned; /* TOTALS; else 0 */
};

struct reserve_record {
	struct head head;
	uint64_t envelope, size, recipient;
	int64_t line_ns;
};

/* Of a message with more recipients than are remembered one by one. */
struct totals_record {
	struct head head;
	struct share_record share;
	uint64_t held;
};

struct confirm_record {
	struct head head;
	uint64_t count, recipient;
};

struct state_record {
	struct head head;
	int64_t touched_ns;
};

struct learned_record {
	struct head head;
	struct rmt_learned learned;
};

enum { SHARES_MAX = 256 };

static struct head head_of(enum kind kind, uint64_t id)
{
	return (struct head){ .kind = (uint8_t)kind, .id = id };
}

static void put(struct rmt_reservations *all, const void *record, size_t len)
{
	if (!all->replaying)
		rmt_counters_log(all->counters, record, len);
}

/* --- writing --------------------------------------------------------------------- */

void rmt_reserve_log_amount(struct rmt_reservations *all, uint16_t number)
{
	const struct rmt_amount *amount = rmt_reserve_amount(all, number);
	struct amount_record record = { head_of(AMOUNT, 0), amount->count,
					amount->period_ns, amount->burst };

	record.head.flag = amount->is_quota;
	record.head.number = number;
	put(all, &record, sizeof(record));
}

static struct share_record share_of(const struct rmt_entry *entry)
{
	return (struct share_record){ .key = entry->key,
				      .amount = entry->amount,
				      .unit = entry->unit,
				      .per_recipient = entry->per_recipient };
}

static struct reserve_record reserve_of(const struct rmt_reservation *reservation,
					const struct rmt_asked *asked, int64_t line_ns)
{
	return (struct reserve_record){ .head = { .kind = RESERVE,
						  .flag = reservation->taken,
						  .number = (uint16_t)asked->count,
						  .id = reservation->id },
					.envelope = reservation->envelope,
					.size = reservation->size,
					.recipient = asked->recipient,
					.line_ns = line_ns };
}

/* Of every recipient: written where it is to stand. */
static void put_asked(struct rmt_reservations *all,
		      const struct rmt_reservation *reservation,
		      const struct rmt_asked *asked, int64_t line_ns)
{
	const struct reserve_record record = reserve_of(reservation, asked, line_ns);
	const uint32_t *link = reservation->links + asked->first;
	struct share_record share;
	uint32_t i;
	char *at;

	if (all->replaying)
		return;
	at = rmt_counters_log_room(all->counters,
				   sizeof(record) + asked->count * sizeof(share));
	if (at == NULL)
		return;
	memcpy(at, &record, sizeof(record));
	at += sizeof(record);
	for (i = 0; i < asked->count; i++, at += sizeof(share)) {
		share = share_of(rmt_keyed_at(&reservation->entries, link[i]));
		memcpy(at, &share, sizeof(share));
	}
}

static void put_total(struct rmt_reservations *all,
		      const struct rmt_reservation *reservation, uint32_t i)
{
	const struct rmt_entry *entry = rmt_keyed_at(&reservation->entries, i);
	struct totals_record record = { .head = head_of(TOTALS, reservation->id),
					.share = share_of(entry),
					.held = entry->held };

	record.head.recipients = reservation->recipients;
	record.share.concerned = entry->concerned;
	put(all, &record, sizeof(record));
}

void rmt_reserve_log_reserve(struct rmt_reservations *all,
			     const struct rmt_reservation *reservation, bool remembered,
			     const struct rmt_share *shares, size_t count)
{
	uint32_t i;
	size_t share;

	if (remembered) {
		i = reservation->asked.count - 1;
		put_asked(all, reservation, rmt_keyed_at(&reservation->asked, i),
			  reservation->touched_ns);
		return;
	}
	for (share = 0; share < count; share++) {
		i = rmt_keyed_find(&reservation->entries, shares[share].key);
		if (i != RMT_KEYED_NONE)
			put_total(all, reservation, i);
	}
}

void rmt_reserve_log_confirm(struct rmt_reservations *all,
			     const struct rmt_reservation *reservation)
{
	struct confirm_record record = { head_of(CONFIRM, reservation->id),
					 reservation->confirmed_count,
					 reservation->confirmed_recipient };

	put(all, &record, sizeof(record));
}

void rmt_reserve_log_state(struct rmt_reservations *all,
			   const struct rmt_reservation *reservation)
{
	struct state_record record = { head_of(STATE, reservation->id),
				       reservation->touched_ns };

	record.head.flag = (uint8_t)reservation->state;
	record.head.number = reservation->taken;
	put(all, &record, sizeof(record));
}

void rmt_reserve_log_end(struct rmt_reservations *all, uint64_t id)
{
	struct head head = head_of(END, id);

	put(all, &head, sizeof(head));
}

void rmt_reserve_log_learned(struct rmt_reservations *all)
{
	struct learned_record record = { head_of(LEARNED, 0), all->learned };

	put(all, &record, sizeof(record));
}

static void put_whole(struct rmt_reservations *all,
		      const struct rmt_reservation *reservation)
{
	uint32_t i;

	for (i = 0; i < reservation->asked.count; i++)
		put_asked(all, reservation, rmt_keyed_at(&reservation->asked, i),
			  reservation->began_ns);
	if (reservation->confirmed)
		rmt_reserve_log_confirm(all, reservation);
	if (reservation->adjusted || reservation->asked.count < reservation->recipients)
		for (i = 0; i < reservation->entries.count; i++)
			put_total(all, reservation, i);
	rmt_reserve_log_state(all, reservation);
}

static void put_all(void *context)
{
	struct rmt_reservations *all = context;
	const struct rmt_reservation_list *lists[] = { &all->pool.open,
						       &all->pool.ended };
	const struct rmt_reservation *reservation;
	struct head head = head_of(RESET, 0);
	guint i;

	put(all, &head, sizeof(head));
	for (i = 0; i < all->amounts->len; i++)
		rmt_reserve_log_amount(all, (uint16_t)i);
	rmt_reserve_log_learned(all);
	for (i = 0; i < G_N_ELEMENTS(lists); i++)
		for (reservation = rmt_reservation_oldest(&all->pool, lists[i]);
		     reservation != NULL;
		     reservation = rmt_reservation_newer(&all->pool, reservation))
			put_whole(all, reservation);
}

/* --- replay: records are checked, a log may have been written by anybody ------------ */

static void replay_reset(struct rmt_reservations *all)
{
	const struct rmt_reservation_list *lists[] = { &all->pool.open,
						       &all->pool.ended };
	struct rmt_reservation *reservation;
	guint i;

	for (i = 0; i < G_N_ELEMENTS(lists); i++)
		while ((reservation = rmt_reservation_oldest(&all->pool, lists[i])) !=
		       NULL)
			rmt_reserve_drop(all, reservation);
	g_array_set_size(all->amounts, 0);
	memset(all->cache, 0, sizeof(all->cache));
	all->learned = (struct rmt_learned){ 0 };
}

static void replay_amount(struct rmt_reservations *all,
			  const struct amount_record *record)
{
	struct rmt_amount amount = { record->head.flag != 0, record->count,
				     record->period_ns, record->burst };

	if (record->head.number == all->amounts->len)
		rmt_reserve_add_amount(all, &amount);
}

static bool share_from(struct rmt_reservations *all, const struct share_record *record,
		       struct rmt_share *share_r)
{
	if (record->amount >= all->amounts->len || record->unit > RMT_UNIT_BYTES ||
	    record->key == 0)
		return false;
	*share_r =
		(struct rmt_share){ record->key, rmt_reserve_amount(all, record->amount),
				    record->unit, record->per_recipient != 0, false };
	return true;
}

/* The record's shares and its reservation, made if need be; NULL: no sense. */
static struct rmt_reservation *replay_begin(struct rmt_reservations *all,
					    const struct reserve_record *record)
{
	struct rmt_reservation *reservation =
		rmt_reservation_find(&all->pool, record->head.id);

	if (record->head.id == 0)
		return NULL;
	if (reservation == NULL) {
		reservation = rmt_reservation_new(&all->pool, record->head.id);
		reservation->began_ns = record->line_ns;
		reservation->taken = record->head.flag != 0;
	}
	return reservation;
}

struct reserve_buffer {
	struct reserve_record record;
	struct share_record shares[SHARES_MAX];
};

static void replay_reserve(struct rmt_reservations *all, const void *bytes, size_t len)
{
	struct reserve_buffer buffer;
	struct rmt_share shares[SHARES_MAX];
	struct rmt_reservation *reservation;
	uint16_t i;

	if (len < sizeof(buffer.record) || len > sizeof(buffer))
		return;
	memcpy(&buffer, bytes, len);
	if (len !=
	    sizeof(buffer.record) + buffer.record.head.number * sizeof(buffer.shares[0]))
		return;
	for (i = 0; i < buffer.record.head.number; i++)
		if (!share_from(all, &buffer.shares[i], &shares[i]))
			return;
	reservation = replay_begin(all, &buffer.record);
	if (reservation == NULL ||
	    rmt_keyed_find(&reservation->asked, buffer.record.recipient) !=
		    RMT_KEYED_NONE)
		return;
	reservation->envelope = buffer.record.envelope;
	reservation->size = buffer.record.size;
	rmt_reservation_touch(&all->pool, reservation, buffer.record.line_ns);
	rmt_reserve_hold(all, reservation, buffer.record.recipient, shares, NULL,
			 buffer.record.head.number, 0);
}

static void replay_totals(struct rmt_reservations *all,
			  struct rmt_reservation *reservation,
			  const struct totals_record *record)
{
	struct rmt_share share;
	struct rmt_entry *entry;

	if (!share_from(all, &record->share, &share))
		return;
	entry = rmt_reserve_entry(all, reservation, &share);
	if (!reservation->taken)
		rmt_counters_unhold(all->counters, entry->key, entry->held);
	reservation->adjusted = true;
	entry->held = record->held;
	entry->concerned = record->share.concerned;
	reservation->recipients = record->head.recipients;
	if (!reservation->taken)
		rmt_counters_hold(all->counters, entry->key, entry->held);
}

static void replay_state(struct rmt_reservations *all,
			 struct rmt_reservation *reservation,
			 const struct state_record *record)
{
	struct rmt_commit commit = { 0 };
	bool taken = record->head.flag == RMT_CHARGED || record->head.number != 0;

	if (record->head.flag > RMT_CHARGED)
		return;
	if (taken && !reservation->taken)
		rmt_reserve_settle(all, reservation, &commit);
	else if (!taken && reservation->taken)
		rmt_reserve_hold_again(all, reservation);
	reservation->taken = taken;
	rmt_reservation_set_state(&all->pool, reservation, record->head.flag);
	reservation->touched_ns = record->touched_ns;
}

union record {
	struct head head;
	struct amount_record amount;
	struct totals_record totals;
	struct confirm_record confirm;
	struct state_record state;
	struct learned_record learned;
};

static void replay_known(struct rmt_reservations *all, const union record *record,
			 size_t len)
{
	struct rmt_reservation *reservation =
		rmt_reservation_find(&all->pool, record->head.id);
	bool candidates;

	if (reservation == NULL)
		return;
	if (record->head.kind == TOTALS && len == sizeof(record->totals))
		replay_totals(all, reservation, &record->totals);
	else if (record->head.kind == CONFIRM && len == sizeof(record->confirm))
		rmt_reserve_apply_confirm(all, reservation, record->confirm.count,
					  record->confirm.recipient, &candidates);
	else if (record->head.kind == STATE && len == sizeof(record->state))
		replay_state(all, reservation, &record->state);
	else if (record->head.kind == END)
		rmt_reserve_drop(all, reservation);
}

bool rmt_reserve_ends(const void *record, size_t len, uint64_t *about_r)
{
	struct head head;

	if (len < sizeof(head))
		return false;
	memcpy(&head, record, sizeof(head));
	if (head.kind != RESET && head.kind != AMOUNT && head.kind != LEARNED)
		*about_r = head.id;
	return head.kind == END && head.id != 0;
}

static void replay(void *context, const void *bytes, size_t len)
{
	struct rmt_reservations *all = context;
	union record record = { 0 };

	if (len < sizeof(record.head))
		return;
	memcpy(&record, bytes, MIN(len, sizeof(record)));
	all->replaying = true;
	if (record.head.kind == RESERVE)
		replay_reserve(all, bytes, len);
	else if (record.head.kind == RESET)
		replay_reset(all);
	else if (record.head.kind == AMOUNT && len == sizeof(record.amount))
		replay_amount(all, &record.amount);
	else if (record.head.kind == LEARNED && len == sizeof(record.learned))
		all->learned = record.learned.learned;
	else
		replay_known(all, &record, len);
	all->replaying = false;
}

void rmt_reserve_log_attach(struct rmt_reservations *all)
{
	const struct rmt_counters_client client = { all, replay, put_all };

	rmt_counters_attach(all->counters, &client);
}
