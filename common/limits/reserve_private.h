/* SPDX-License-Identifier: MIT */
/* reserve_private.h - what reserve.c, reserve_end.c and reserve_log.c share. */
#ifndef RMT_RESERVE_PRIVATE_H
#define RMT_RESERVE_PRIVATE_H

#include "common/limits/gcra.h"
#include "common/limits/reservation.h"
#include "common/limits/sent.h"

/* As 1 << enum rmt_stage, which stands above this folder. */
enum {
	RMT_STAGE_BIT_RCPT = 1 << 2,
	RMT_STAGE_BIT_DATA = 1 << 3,
	RMT_STAGE_BIT_END = 1 << 4
};

enum { RMT_AMOUNT_CACHE = 64, RMT_CONNECTION_BITS = 2 };

struct rmt_amount_cached {
	const struct rmt_amount
		*amount; /* foreign; compared, looked into when given again */
	uint16_t number;
};

/* What is learned about the stages the server asks at; logged as it is. */
struct rmt_learned {
	uint32_t seen;       /* RMT_STAGE_BIT_... */
	uint32_t unfinished; /* messages in a row ended by another instance */
	uint32_t rcpt_alone; /* it is asked at RCPT alone, we believe */
};

struct rmt_reservations {
	struct rmt_counters *counters; /* foreign */
	uint64_t timeout_ns;
	struct rmt_reservation_pool pool;
	struct rmt_table connections; /* connection -> id of its instance */
	GArray *amounts;              /* own; struct rmt_measure */
	struct rmt_amount_cached cache[RMT_AMOUNT_CACHE];
	unsigned stages; /* as the administrator says; 0: learned */
	struct rmt_learned learned;
	struct rmt_sent *sent; /* own; NULL: nothing is remembered */
	bool replaying;        /* nothing is logged meanwhile */
};

static inline const struct rmt_measure *rmt_reserve_measure(
	const struct rmt_reservations *all, uint16_t number)
{
	return &g_array_index(all->amounts, struct rmt_measure, number);
}

static inline const struct rmt_amount *rmt_reserve_amount(
	const struct rmt_reservations *all, uint16_t number)
{
	return &rmt_reserve_measure(all, number)->amount;
}
void rmt_reserve_add_amount(struct rmt_reservations *all,
			    const struct rmt_amount *amount);

/* What a share was found to be. */
struct rmt_share_place {
	uint64_t units; /* it needs beside what the message holds already */
	uint32_t place; /* a hint */
	uint16_t amount;
};

/* Steps that the log repeats. places may be NULL: to be found out. */
void rmt_reserve_hold(struct rmt_reservations *all, struct rmt_reservation *reservation,
		      uint64_t recipient, const struct rmt_share *shares,
		      const struct rmt_share_place *places, size_t count, uint64_t skip);
struct rmt_entry *rmt_reserve_entry(struct rmt_reservations *all,
				    struct rmt_reservation *reservation,
				    const struct rmt_share *share);
/* Whether anything was given back. */
bool rmt_reserve_apply_confirm(struct rmt_reservations *all,
			       struct rmt_reservation *reservation, uint64_t count,
			       uint64_t named, bool *candidates_r);

/* Releases what is held; entries then say what the commit (0: what is known) is
 * to charge. */
void rmt_reserve_settle(struct rmt_reservations *all, struct rmt_reservation *reservation,
			struct rmt_commit *commit);

/* What is taken is held again: the server asks at a later stage after all. */
void rmt_reserve_untake(struct rmt_reservations *all, struct rmt_reservation *reservation,
			int64_t line_ns);
void rmt_reserve_hold_again(struct rmt_reservations *all,
			    struct rmt_reservation *reservation);

/* Ends: drop releases what is held, forget (and logs it) drops it as it stands, undo
 * gives back what it holds or was charged, charge commits all that stands (and keeps it).
 */
void rmt_reserve_drop(struct rmt_reservations *all, struct rmt_reservation *reservation);
void rmt_reserve_forget(struct rmt_reservations *all,
			struct rmt_reservation *reservation);
void rmt_reserve_undo(struct rmt_reservations *all, struct rmt_reservation *reservation,
		      int64_t line_ns);
void rmt_reserve_charge(struct rmt_reservations *all, struct rmt_reservation *reservation,
			int64_t line_ns);

/* Nothing is asked after RCPT: what is reserved there is taken at once. */
bool rmt_reserve_takes(const struct rmt_reservations *all);
/* Each message is asked about at END-OF-MESSAGE. */
bool rmt_reserve_end_follows(const struct rmt_reservations *all);
/* The message ended without its last stage; what then: reserve_end.c. */
void rmt_reserve_end(struct rmt_reservations *all, struct rmt_reservation *reservation,
		     bool by_instance, int64_t line_ns);
void rmt_reserve_time_out(struct rmt_reservations *all,
			  struct rmt_reservation *reservation, int64_t line_ns);
void rmt_reserve_set_state(struct rmt_reservations *all,
			   struct rmt_reservation *reservation,
			   enum rmt_reservation_state state);
void rmt_reserve_stage_seen(struct rmt_reservations *all, unsigned bit, int64_t line_ns);

/* reserve_sent.c; where all->sent */
void rmt_reserve_remember(struct rmt_reservations *all, const struct rmt_message *message,
			  const struct rmt_reservation *reservation);
void rmt_reserve_remember_shares(struct rmt_reservations *all,
				 const struct rmt_message *message,
				 const struct rmt_share *shares,
				 const struct rmt_share_place *places, size_t count,
				 uint64_t skip);

/* reserve_log.c */
void rmt_reserve_log_attach(struct rmt_reservations *all);
void rmt_reserve_log_amount(struct rmt_reservations *all, uint16_t number);
void rmt_reserve_log_reserve(struct rmt_reservations *all,
			     const struct rmt_reservation *reservation, bool remembered,
			     const struct rmt_share *shares, size_t count);
void rmt_reserve_log_confirm(struct rmt_reservations *all,
			     const struct rmt_reservation *reservation);
void rmt_reserve_log_state(struct rmt_reservations *all,
			   const struct rmt_reservation *reservation);
void rmt_reserve_log_end(struct rmt_reservations *all, uint64_t id);
void rmt_reserve_log_learned(struct rmt_reservations *all);

#endif
