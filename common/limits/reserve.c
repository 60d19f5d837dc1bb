/* SPDX-License-Identifier: MIT */
#include "common/limits/counters_place.h"
#include "common/limits/reserve_private.h"

struct rmt_reservations *rmt_reservations_new(struct rmt_counters *counters,
					      uint64_t timeout_ns)
{
	struct rmt_reservations *all = g_new0(struct rmt_reservations, 1);

	all->counters = counters;
	all->timeout_ns = timeout_ns;
	rmt_reservation_pool_init(&all->pool);
	rmt_table_init(&all->connections, RMT_CONNECTION_BITS, 100);
	all->amounts = g_array_new(false, false, sizeof(struct rmt_measure));
	rmt_reserve_log_attach(all);
	return all;
}

void rmt_reservations_free(struct rmt_reservations *all)
{
	if (all == NULL)
		return;
	rmt_sent_free(all->sent);
	rmt_reservation_pool_finish(&all->pool);
	rmt_table_finish(&all->connections);
	g_array_unref(all->amounts);
	g_free(all);
}

void rmt_reservations_set_timeout(struct rmt_reservations *all, uint64_t timeout_ns)
{
	all->timeout_ns = timeout_ns;
}

size_t rmt_reservations_open(const struct rmt_reservations *all)
{
	return all->pool.count;
}

int64_t rmt_reserve_began(const struct rmt_reservations *all, uint64_t id)
{
	const struct rmt_reservation *reservation = rmt_reservation_find(&all->pool, id);

	return reservation != NULL ? reservation->began_ns : 0;
}

/* --- amounts ------------------------------------------------------------------ */

static bool amount_eq(const struct rmt_amount *a, const struct rmt_amount *b)
{
	return a->count == b->count && a->period_ns == b->period_ns &&
	       a->burst == b->burst && a->is_quota == b->is_quota;
}

void rmt_reserve_add_amount(struct rmt_reservations *all, const struct rmt_amount *amount)
{
	struct rmt_measure measure;

	rmt_measure_init(&measure, amount);
	g_array_append_val(all->amounts, measure);
}

/* Amounts are few (an administrator writes them): kept for good, by content.
 * The cache goes by address, and believes only equal content. */
static uint16_t find_amount(struct rmt_reservations *all, const struct rmt_amount *amount,
			    struct rmt_amount_cached *cached)
{
	uint16_t i;

	for (i = 0; i < all->amounts->len; i++)
		if (amount_eq(rmt_reserve_amount(all, i), amount))
			break;
	if (i == all->amounts->len && i < UINT16_MAX) {
		rmt_reserve_add_amount(all, amount);
		rmt_reserve_log_amount(all, i);
	}
	i = MIN(i, UINT16_MAX - 1);
	*cached = (struct rmt_amount_cached){ amount, i };
	return i;
}

static inline uint16_t amount_number(struct rmt_reservations *all,
				     const struct rmt_amount *amount)
{
	struct rmt_amount_cached *cached =
		&all->cache[((uintptr_t)amount >> 4) % RMT_AMOUNT_CACHE];

	if (cached->amount == amount &&
	    amount_eq(rmt_reserve_amount(all, cached->number), amount))
		return cached->number;
	return find_amount(all, amount, cached);
}

/* --- ending one ----------------------------------------------------------------- */

static void unhold(struct rmt_reservations *all, struct rmt_entry *entry, uint64_t n)
{
	rmt_counters_unhold(all->counters, entry->key, n);
}

static void unhold_all(struct rmt_reservations *all, struct rmt_reservation *reservation)
{
	struct rmt_entry *entry;
	uint32_t i;

	for (i = 0; i < reservation->entries.count; i++) {
		entry = rmt_keyed_at(&reservation->entries, i);
		unhold(all, entry, entry->held);
		entry->held = 0;
	}
}

void rmt_reserve_drop(struct rmt_reservations *all, struct rmt_reservation *reservation)
{
	if (!reservation->taken)
		unhold_all(all, reservation);
	rmt_reservation_drop(&all->pool, reservation);
}

void rmt_reserve_forget(struct rmt_reservations *all, struct rmt_reservation *reservation)
{
	rmt_reserve_log_end(all, reservation->id);
	rmt_reservation_drop(&all->pool, reservation);
}

static void refund_all(struct rmt_reservations *all, struct rmt_reservation *reservation,
		       int64_t line_ns)
{
	const struct rmt_entry *entry;
	uint32_t i;

	for (i = 0; i < reservation->entries.count; i++) {
		entry = rmt_keyed_at(&reservation->entries, i);
		rmt_counters_refund(all->counters, entry->key,
				    rmt_reserve_amount(all, entry->amount), entry->held,
				    line_ns);
	}
}

void rmt_reserve_undo(struct rmt_reservations *all, struct rmt_reservation *reservation,
		      int64_t line_ns)
{
	if (reservation->taken)
		refund_all(all, reservation, line_ns);
	else
		unhold_all(all, reservation);
	rmt_reserve_forget(all, reservation);
}

void rmt_reserve_hold_again(struct rmt_reservations *all,
			    struct rmt_reservation *reservation)
{
	struct rmt_entry *entry;
	uint32_t i;

	reservation->taken = false;
	for (i = 0; i < reservation->entries.count; i++) {
		entry = rmt_keyed_at(&reservation->entries, i);
		rmt_counters_hold(all->counters, entry->key, entry->held);
	}
}

void rmt_reserve_untake(struct rmt_reservations *all, struct rmt_reservation *reservation,
			int64_t line_ns)
{
	if (!reservation->taken)
		return;
	refund_all(all, reservation, line_ns);
	rmt_reserve_hold_again(all, reservation);
	rmt_reserve_log_state(all, reservation);
}

/* What is known of the message where the server says nothing more. */
static void fill_from(const struct rmt_reservation *reservation,
		      struct rmt_commit *commit)
{
	commit->reserved = reservation->recipients;
	commit->candidates_charged = false;
	if (commit->recipient_count == 0 && reservation->confirmed) {
		commit->recipient_count = reservation->confirmed_count;
		commit->recipient = reservation->confirmed_recipient;
	}
	if (commit->size == 0)
		commit->size = reservation->size;
}

void rmt_reserve_settle(struct rmt_reservations *all, struct rmt_reservation *reservation,
			struct rmt_commit *commit)
{
	struct rmt_entry *entry;
	uint64_t accepted;
	uint32_t i;

	fill_from(reservation, commit);
	for (i = 0; i < reservation->entries.count; i++) {
		entry = rmt_keyed_at(&reservation->entries, i);
		accepted = rmt_entry_accepted(reservation, i, commit->recipient_count,
					      commit->recipient,
					      &commit->candidates_charged);
		unhold(all, entry, entry->held);
		entry->held = rmt_entry_units(entry->unit, accepted, commit->size);
	}
}

static void charge_all(struct rmt_reservations *all, struct rmt_reservation *reservation,
		       struct rmt_commit *commit, int64_t line_ns)
{
	struct rmt_entry *entry;
	uint64_t accepted;
	uint32_t i;

	fill_from(reservation, commit);
	for (i = 0; i < reservation->entries.count; i++) {
		entry = rmt_keyed_at(&reservation->entries, i);
		accepted = rmt_entry_accepted(reservation, i, commit->recipient_count,
					      commit->recipient,
					      &commit->candidates_charged);
		unhold(all, entry, entry->held);
		entry->held = rmt_entry_units(entry->unit, accepted, commit->size);
		rmt_counters_charge_in(all->counters, entry->key,
				       rmt_reserve_measure(all, entry->amount),
				       entry->held, line_ns, &entry->place);
	}
}

void rmt_reserve_charge(struct rmt_reservations *all, struct rmt_reservation *reservation,
			int64_t line_ns)
{
	struct rmt_commit commit = { 0 };

	if (reservation->taken)
		return;
	charge_all(all, reservation, &commit, line_ns);
	reservation->taken = true;
}

/* --- reserving ------------------------------------------------------------------- */

/* The message's reservation as it stands; another message's under the same id
 * is released, one that ended and goes on after all is opened again. */
static struct rmt_reservation *current(struct rmt_reservations *all,
				       const struct rmt_message *message, bool dry)
{
	struct rmt_reservation *reservation =
		rmt_reservation_find(&all->pool, message->id);

	if (reservation == NULL)
		return NULL;
	if (reservation->envelope != message->envelope ||
	    reservation->state == RMT_CHARGED) {
		if (!dry)
			rmt_reserve_time_out(all, reservation, message->line_ns);
		return NULL;
	}
	if (reservation->state == RMT_ENDED && !dry)
		rmt_reserve_set_state(all, reservation, RMT_OPEN);
	return reservation;
}

/* How many units the share needs beside what the message holds already (entry; or
 * NULL). */
static uint64_t units_more(const struct rmt_entry *entry, const struct rmt_share *share,
			   uint64_t size)
{
	if (share->unit == RMT_UNIT_RECIPIENTS)
		return 1;
	if (entry == NULL)
		return rmt_entry_units(share->unit, 1, size);
	if (share->unit == RMT_UNIT_BYTES)
		return size > entry->held ? size - entry->held : 0;
	return entry->held > 0 ? 0 : 1;
}

static struct rmt_entry *entry_of(const struct rmt_reservation *reservation,
				  const struct rmt_share *share)
{
	uint32_t i = rmt_keyed_find(&reservation->entries, share->key);

	return i != RMT_KEYED_NONE ? rmt_keyed_at(&reservation->entries, i) : NULL;
}

struct fullest {
	size_t at;
	struct rmt_usage usage;
};

static bool is_fuller(const struct rmt_usage *a, const struct rmt_usage *b)
{
	return (rmt_table_wide)a->used * b->limit > (rmt_table_wide)b->used * a->limit;
}

/* Asks one counter for place->units. */
static inline bool ask(struct rmt_reservations *all, const struct rmt_share *share,
		       struct rmt_share_place *place, int64_t line_ns,
		       struct rmt_usage *usage)
{
	const struct rmt_measure *measure;

	place->place = UINT32_MAX;
	place->amount = amount_number(all, share->amount);
	measure = rmt_reserve_measure(all, place->amount);
	if (usage != NULL || measure->amount.is_quota)
		return rmt_counters_fits_in(all->counters, share->key, measure,
					    place->units, line_ns, usage, &place->place);
	return rmt_rate_fits(all->counters, share->key, measure, place->units,
			     rmt_counters_now(all->counters, line_ns), &place->place);
}

/* The same; keeps the fullest. */
static bool ask_usage(struct rmt_reservations *all, const struct rmt_share *share,
		      struct rmt_share_place *place, size_t i, int64_t line_ns,
		      struct fullest *fullest)
{
	struct rmt_usage usage = { 0 };
	bool fits = ask(all, share, place, line_ns, &usage);

	if ((!fits && !share->report) || i == 0 || is_fuller(&usage, &fullest->usage))
		*fullest = (struct fullest){ i, usage };
	return fits;
}

enum { SHARES_MAX = 256, WOULD_MAX = 64 };

/* What is to be done for a recipient, or a message. */
struct plan {
	struct rmt_reservation *reservation; /* NULL: there is none yet */
	bool known; /* the recipient was asked for before: nothing is taken */
	uint64_t size;
	struct rmt_share_place places[SHARES_MAX];
};

/* Asks all; skip_r gets the report shares that do not fit. */
static enum rmt_reserve_result ask_all(struct rmt_reservations *all,
				       const struct rmt_share *shares, struct plan *plan,
				       size_t count, int64_t line_ns, size_t *at_r,
				       struct rmt_usage *usage_r, uint64_t *skip_r)
{
	struct fullest fullest = { count, { 0 } };
	enum rmt_reserve_result result = RMT_RESERVED;
	size_t i;

	*skip_r = 0;
	for (i = 0; i < count && result == RMT_RESERVED; i++) {
		if (usage_r == NULL
			    ? ask(all, &shares[i], &plan->places[i], line_ns, NULL)
			    : ask_usage(all, &shares[i], &plan->places[i], i, line_ns,
					&fullest))
			continue;
		if (shares[i].report && i < WOULD_MAX)
			*skip_r |= UINT64_C(1) << i;
		else if (!shares[i].report)
			result = RMT_RESERVE_EXCEEDED;
	}
	*at_r = result == RMT_RESERVED ? fullest.at : i - 1;
	if (usage_r != NULL)
		*usage_r = fullest.usage;
	return result;
}

static struct rmt_entry *add_entry(struct rmt_reservation *reservation,
				   const struct rmt_share *share, uint32_t place,
				   uint16_t amount)
{
	struct rmt_entry *entry = rmt_keyed_add(&reservation->entries, share->key);

	entry->held = 0;
	entry->concerned = 0;
	entry->place = place;
	entry->amount = amount;
	entry->unit = (uint8_t)share->unit;
	entry->per_recipient = share->per_recipient;
	return entry;
}

struct rmt_entry *rmt_reserve_entry(struct rmt_reservations *all,
				    struct rmt_reservation *reservation,
				    const struct rmt_share *share)
{
	struct rmt_entry *entry = entry_of(reservation, share);

	return entry != NULL ? entry
			     : add_entry(reservation, share, UINT32_MAX,
					 amount_number(all, share->amount));
}

static void add_link(struct rmt_reservations *all, struct rmt_reservation *reservation,
		     uint32_t entry)
{
	if (reservation->link_count == reservation->link_room) {
		reservation->link_room = MAX(reservation->link_room * 2, 16);
		reservation->links =
			g_renew(uint32_t, reservation->links, reservation->link_room);
	}
	reservation->links[reservation->link_count++] = entry;
	all->pool.links++;
}

/* Of a message that is charged at once. */
static inline void charge_entry(struct rmt_reservations *all, struct rmt_entry *entry,
				uint64_t units, int64_t line_ns)
{
	const struct rmt_measure *measure = rmt_reserve_measure(all, entry->amount);
	struct rmt_slot *slot;

	if (!measure->amount.is_quota && units > 0) {
		slot = rmt_counters_slot(all->counters, entry->key, &entry->place);
		if (slot != NULL && (slot->value & RMT_SLOT_QUOTA) == 0) {
			rmt_rate_charge(all->counters, slot, measure, units,
					rmt_counters_now(all->counters, line_ns));
			return;
		}
	}
	rmt_counters_charge_in(all->counters, entry->key, measure, units, line_ns,
			       &entry->place);
}

static inline void hold_share(struct rmt_reservations *all,
			      struct rmt_reservation *reservation,
			      struct rmt_entry *entry, uint64_t more,
			      struct rmt_asked *asked)
{
	entry->held += more;
	entry->concerned++;
	if (!reservation->taken)
		rmt_counters_hold(all->counters, entry->key, more);
	else if (!all->replaying) /* the log has what was charged */
		charge_entry(all, entry, more, reservation->touched_ns);
	if (asked == NULL)
		return;
	asked->count++;
	add_link(all, reservation,
		 (uint32_t)(entry -
			    (struct rmt_entry *)(void *)reservation->entries.items));
}

/* Of a record: what it needs was not worked out before. */
static void hold_again(struct rmt_reservations *all, struct rmt_reservation *reservation,
		       const struct rmt_share *share, struct rmt_asked *asked)
{
	const struct rmt_entry *before = entry_of(reservation, share);
	const uint64_t more = units_more(before, share, reservation->size);

	hold_share(all, reservation, rmt_reserve_entry(all, reservation, share), more,
		   asked);
}

static inline void hold_planned(struct rmt_reservations *all,
				struct rmt_reservation *reservation,
				const struct rmt_share *share,
				const struct rmt_share_place *place,
				struct rmt_asked *asked, bool is_first)
{
	struct rmt_entry *entry = is_first ? NULL : entry_of(reservation, share);

	if (entry == NULL)
		entry = add_entry(reservation, share, place->place, place->amount);
	hold_share(all, reservation, entry, place->units, asked);
}

void rmt_reserve_hold(struct rmt_reservations *all, struct rmt_reservation *reservation,
		      uint64_t recipient, const struct rmt_share *shares,
		      const struct rmt_share_place *places, size_t count, uint64_t skip)
{
	const bool is_first = reservation->recipients == 0;
	struct rmt_asked *asked = NULL;
	size_t i;

	if (reservation->asked.count < RMT_RECIPIENTS_MAX &&
	    all->pool.links < RMT_LINKS_MAX && recipient != 0) {
		asked = rmt_keyed_add(&reservation->asked, recipient);
		asked->first = reservation->link_count;
		asked->count = 0;
	}
	reservation->recipients++;
	reservation->confirmed = false;
	for (i = 0; i < count; i++) {
		if (i < WOULD_MAX && (skip >> i & 1) != 0)
			continue;
		if (places != NULL)
			hold_planned(all, reservation, &shares[i], &places[i], asked,
				     is_first);
		else
			hold_again(all, reservation, &shares[i], asked);
	}
}

/* The one untouched for longest gives way, but not to itself (keep). */
static void make_room(struct rmt_reservations *all, const struct rmt_reservation *keep,
		      int64_t line_ns)
{
	struct rmt_reservation_pool *pool = &all->pool;
	struct rmt_reservation *oldest;

	while (pool->count > RMT_OPEN_MAX - (keep == NULL) ||
	       pool->links >= RMT_LINKS_MAX) {
		oldest = rmt_reservation_oldest(pool, &pool->ended);
		if (oldest == NULL)
			oldest = rmt_reservation_oldest(pool, &pool->open);
		if (oldest == keep)
			return;
		rmt_reserve_time_out(all, oldest, line_ns);
	}
}

static struct rmt_reservation *begin(struct rmt_reservations *all,
				     const struct rmt_message *message)
{
	struct rmt_reservation *reservation;

	make_room(all, NULL, message->line_ns);
	reservation = rmt_reservation_new(&all->pool, message->id);
	reservation->envelope = message->envelope;
	reservation->began_ns = reservation->touched_ns = message->line_ns;
	reservation->taken = rmt_reserve_takes(all);
	return reservation;
}

/* A size that was not declared is at least an octet: a full limit refuses it. */
static void make_plan(struct rmt_reservations *all, const struct rmt_message *message,
		      uint64_t recipient, const struct rmt_share *shares, size_t count,
		      bool dry, struct plan *plan)
{
	struct rmt_reservation *reservation = current(all, message, dry);
	const struct rmt_entry *entry;
	size_t i;

	g_assert(count <= SHARES_MAX);
	plan->reservation = reservation;
	plan->known = reservation != NULL &&
		      rmt_keyed_find(&reservation->asked, recipient) != RMT_KEYED_NONE;
	plan->size = MAX(message->size, 1);
	if (reservation != NULL)
		plan->size = MAX(plan->size, reservation->size);
	for (i = 0; i < count; i++) {
		entry = reservation != NULL ? entry_of(reservation, &shares[i]) : NULL;
		plan->places[i].units =
			plan->known ? 0 : units_more(entry, &shares[i], plan->size);
	}
}

static void carry_out(struct rmt_reservations *all, const struct rmt_message *message,
		      uint64_t recipient, const struct rmt_share *shares, size_t count,
		      uint64_t would, const struct plan *plan)
{
	struct rmt_reservation *reservation = plan->reservation;
	uint32_t asked = reservation->asked.count;

	reservation->size = plan->size;
	make_room(all, reservation, message->line_ns);
	rmt_reserve_hold(all, reservation, recipient, shares, plan->places, count, would);
	rmt_reserve_log_reserve(all, reservation, reservation->asked.count > asked,
				shares, count);
}

enum rmt_reserve_result rmt_reserve(struct rmt_reservations *all,
				    const struct rmt_message *message, uint64_t recipient,
				    const struct rmt_share *shares, size_t count,
				    bool dry, size_t *at_r, struct rmt_usage *usage_r,
				    uint64_t *would_r)
{
	enum rmt_reserve_result result;
	struct plan plan;

	make_plan(all, message, recipient, shares, count, dry, &plan);
	if (!dry)
		rmt_reserve_stage_seen(all, RMT_STAGE_BIT_RCPT, message->line_ns);
	result = ask_all(all, shares, &plan, count, message->line_ns, at_r, usage_r,
			 would_r);
	if (dry)
		return result;
	if (plan.reservation != NULL)
		rmt_reservation_touch(&all->pool, plan.reservation, message->line_ns);
	else if (result == RMT_RESERVED)
		plan.reservation = begin(all, message);
	if (result == RMT_RESERVED && !plan.known)
		carry_out(all, message, recipient, shares, count, *would_r, &plan);
	return result;
}

/* --- later stages ------------------------------------------------------------------ */

bool rmt_reserve_apply_confirm(struct rmt_reservations *all,
			       struct rmt_reservation *reservation, uint64_t count,
			       uint64_t named, bool *candidates_r)
{
	struct rmt_entry *entry;
	bool given_back = false;
	uint64_t units;
	uint32_t i;

	reservation->confirmed = reservation->adjusted = true;
	reservation->confirmed_count = count;
	reservation->confirmed_recipient = named;
	for (i = 0; i < reservation->entries.count; i++) {
		entry = rmt_keyed_at(&reservation->entries, i);
		units = rmt_entry_units(
			entry->unit,
			rmt_entry_accepted(reservation, i, count, named, candidates_r),
			entry->held);
		if (units < entry->held) {
			unhold(all, entry, entry->held - units);
			entry->held = units;
			given_back = true;
		}
	}
	return given_back;
}

/* The message's reservation, holding what it reserved; NULL: it has none. */
static struct rmt_reservation *at_later_stage(struct rmt_reservations *all, unsigned bit,
					      const struct rmt_message *message,
					      struct rmt_commit *commit)
{
	struct rmt_reservation *reservation;

	rmt_reserve_stage_seen(all, bit, message->line_ns);
	reservation = current(all, message, false);
	commit->reserved = 0;
	commit->candidates_charged = false;
	if (reservation == NULL)
		return NULL;
	commit->reserved = reservation->recipients;
	rmt_reserve_untake(all, reservation, message->line_ns);
	return reservation;
}

enum rmt_commit_result rmt_reserve_confirm(struct rmt_reservations *all,
					   const struct rmt_message *message,
					   struct rmt_commit *commit)
{
	struct rmt_reservation *reservation =
		at_later_stage(all, RMT_STAGE_BIT_DATA, message, commit);
	bool given_back;

	if (reservation == NULL)
		return RMT_COMMIT_UNKNOWN;
	rmt_reservation_touch(&all->pool, reservation, message->line_ns);
	given_back =
		rmt_reserve_apply_confirm(all, reservation, commit->recipient_count,
					  commit->recipient, &commit->candidates_charged);
	/* Where nothing changed, what DATA says is of use only if it is the last word. */
	if (given_back || !rmt_reserve_end_follows(all))
		rmt_reserve_log_confirm(all, reservation);
	return RMT_COMMITTED;
}

enum rmt_commit_result rmt_reserve_commit(struct rmt_reservations *all,
					  const struct rmt_message *message,
					  struct rmt_commit *commit)
{
	struct rmt_reservation *reservation =
		at_later_stage(all, RMT_STAGE_BIT_END, message, commit);

	if (reservation == NULL)
		return RMT_COMMIT_UNKNOWN;
	charge_all(all, reservation, commit, message->line_ns);
	if (all->sent != NULL && message->queue != 0)
		rmt_reserve_remember(all, message, reservation);
	rmt_reserve_forget(all, reservation);
	return RMT_COMMITTED;
}

bool rmt_reserve_release(struct rmt_reservations *all, uint64_t id)
{
	struct rmt_reservation *reservation = rmt_reservation_find(&all->pool, id);

	if (reservation == NULL)
		return false;
	rmt_reserve_undo(all, reservation, reservation->touched_ns);
	return true;
}

enum rmt_reserve_result rmt_reserve_direct(struct rmt_reservations *all,
					   const struct rmt_message *message,
					   uint64_t recipient_count,
					   const struct rmt_share *shares, size_t count,
					   bool dry, size_t *at_r,
					   struct rmt_usage *usage_r, uint64_t *would_r)
{
	struct plan plan;
	enum rmt_reserve_result result;
	size_t i;

	g_assert(count <= SHARES_MAX);
	for (i = 0; i < count; i++)
		plan.places[i].units =
			rmt_entry_units(shares[i].unit, recipient_count, message->size);
	result = ask_all(all, shares, &plan, count, message->line_ns, at_r, usage_r,
			 would_r);
	for (i = 0; i < count && result == RMT_RESERVED && !dry; i++)
		if (i >= WOULD_MAX || (*would_r >> i & 1) == 0)
			rmt_counters_charge_in(
				all->counters, shares[i].key,
				rmt_reserve_measure(all, plan.places[i].amount),
				plan.places[i].units, message->line_ns,
				&plan.places[i].place);
	if (result == RMT_RESERVED && !dry && all->sent != NULL && message->queue != 0)
		rmt_reserve_remember_shares(all, message, shares, plan.places, count,
					    *would_r);
	return result;
}
