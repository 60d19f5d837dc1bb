/* SPDX-License-Identifier: MIT */
#include "common/limits/reserve_private.h"

void rmt_reserve_log_attach(struct rmt_reservations *all)
{
	(void)all;
}

void rmt_reserve_log_amount(struct rmt_reservations *all, uint16_t number)
{
	(void)all;
	(void)number;
}

void rmt_reserve_log_reserve(struct rmt_reservations *all,
			     const struct rmt_reservation *reservation,
			     uint64_t recipient, const struct rmt_share *shares,
			     size_t count, uint64_t skip)
{
	(void)all;
	(void)reservation;
	(void)recipient;
	(void)shares;
	(void)count;
	(void)skip;
}

void rmt_reserve_log_confirm(struct rmt_reservations *all,
			     const struct rmt_reservation *reservation)
{
	(void)all;
	(void)reservation;
}

void rmt_reserve_log_state(struct rmt_reservations *all,
			   const struct rmt_reservation *reservation)
{
	(void)all;
	(void)reservation;
}

void rmt_reserve_log_end(struct rmt_reservations *all, uint64_t id)
{
	(void)all;
	(void)id;
}

void rmt_reserve_log_learned(struct rmt_reservations *all)
{
	(void)all;
}
