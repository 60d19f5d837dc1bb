/* SPDX-License-Identifier: MIT */
/* gcra.h - rates: the generic cell rate algorithm in exact integers.
 *
 * A rate's whole state is its theoretical arrival time (TAT): the moment on the
 * time line at which all that was committed has drained. "10/minute" with burst
 * 5 and a TAT 18 s ahead has 3 of its 5 units used.
 *
 * A unit takes T = period / count nanoseconds, mostly no whole number. To
 * neither drift nor give anything away, a TAT always stands on a grid that
 * divides T evenly: steps of T / floor(T) ns (1 ns where T is whole), or, for
 * more than one unit a nanosecond, of as many whole units as make one. A unit
 * is then a whole number of steps, and one period gives back exactly `count`.
 * What rounding is left: the moment "now" is read on the grid (less than one
 * step, so about a nanosecond), and units beyond 1/ns are rounded up to steps.
 *
 * Pure arithmetic. tat and now: nanoseconds of the time line, 0 < x < 2^62.
 */
#ifndef RMT_GCRA_H
#define RMT_GCRA_H

#include "common/limits/counters.h"

/* No TAT goes past this: a counter charged beyond it is full for decades. */
#define RMT_GCRA_TAT_MAX ((UINT64_C(1) << 62) - 1)

/* A step is num/den ns, num >= den, so that every step has a nanosecond of its
 * own and a TAT can be stored in nanoseconds. */
struct rmt_grid {
	uint64_t num, den;
	uint64_t steps_per_unit; /* 1 where units_per_step is not */
	uint64_t units_per_step;
};

/* An amount and its grid: who asks often works it out but once. */
struct rmt_measure {
	struct rmt_amount amount;
	struct rmt_grid grid; /* of a rate */
	uint64_t unit_ns;     /* what a unit takes, if that is whole; 0: see the grid */
	uint64_t burst;       /* 0 where nothing is granted */
};

void rmt_measure_init(struct rmt_measure *measure, const struct rmt_amount *amount);
uint64_t rmt_measure_charge_on_grid(const struct rmt_measure *measure, uint64_t tat,
				    uint64_t n, uint64_t now);
bool rmt_measure_fits_on_grid(const struct rmt_measure *measure, uint64_t tat,
			      uint64_t held, uint64_t n, uint64_t now,
			      struct rmt_usage *usage_r);

__extension__ typedef unsigned __int128 rmt_gcra_wide;

static inline uint64_t rmt_measure_charge(const struct rmt_measure *measure, uint64_t tat,
					  uint64_t n, uint64_t now)
{
	uint64_t start = tat > now ? tat : now;
	rmt_gcra_wide ns = (rmt_gcra_wide)n * measure->unit_ns;

	if (measure->unit_ns == 0 || start > RMT_GCRA_TAT_MAX)
		return rmt_measure_charge_on_grid(measure, tat, n, now);
	return n == 0                          ? tat
	       : ns < RMT_GCRA_TAT_MAX - start ? start + (uint64_t)ns
					       : RMT_GCRA_TAT_MAX;
}

static inline bool rmt_measure_fits(const struct rmt_measure *measure, uint64_t tat,
				    uint64_t held, uint64_t n, uint64_t now,
				    struct rmt_usage *usage_r)
{
	uint64_t taken;

	if (measure->unit_ns == 0 || usage_r != NULL)
		return rmt_measure_fits_on_grid(measure, tat, held, n, now, usage_r);
	if (n == 0)
		return true;
	if (__builtin_add_overflow(held, n, &taken) || taken > measure->burst)
		return false;
	return tat <= now ||
	       (rmt_gcra_wide)(measure->burst - taken) * measure->unit_ns >= tat - now;
}

/* The same, worked out each time. */
/* The TAT after n more units. */
uint64_t rmt_gcra_charge(const struct rmt_amount *amount, uint64_t tat, uint64_t n,
			 uint64_t now);

/* The TAT after giving n units back; what has drained meanwhile is not given twice. */
uint64_t rmt_gcra_refund(const struct rmt_amount *amount, uint64_t tat, uint64_t n,
			 uint64_t now);

/* Whether n units fit beside what is committed (tat) and held. n = 0 always
 * does. usage_r may be NULL. */
bool rmt_gcra_fits(const struct rmt_amount *amount, uint64_t tat, uint64_t held,
		   uint64_t n, uint64_t now, struct rmt_usage *usage_r);

#endif
