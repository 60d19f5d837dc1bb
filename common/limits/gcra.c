/* SPDX-License-Identifier: MIT */
#include "common/limits/gcra.h"

__extension__ typedef unsigned __int128 wide;

/* A step is num/den ns, num >= den, so that every step has a nanosecond of its
 * own and a TAT can be stored in nanoseconds. */
struct grid {
	uint64_t num, den;
	uint64_t steps_per_unit; /* 1 where units_per_step is not */
	uint64_t units_per_step;
};

static struct grid grid_of(const struct rmt_amount *amount)
{
	uint64_t period = MAX(amount->period_ns, 1), count = MAX(amount->count, 1);
	struct grid grid = { period, count, 1, 1 };

	if (count <= period) {
		grid.steps_per_unit = period / count;
		grid.den = count * grid.steps_per_unit;
	} else {
		grid.units_per_step = count / period + (count % period != 0);
		grid.num = period * grid.units_per_step;
	}
	return grid;
}

static uint64_t step_of(const struct grid *grid, uint64_t ns)
{
	return grid->num == grid->den ? ns : (uint64_t)((wide)ns * grid->den / grid->num);
}

/* step_of(ns_of(step)) == step: the first nanosecond at or after the step. */
static uint64_t ns_of(const struct grid *grid, wide step)
{
	wide ns;

	if (step >= RMT_GCRA_TAT_MAX)
		return RMT_GCRA_TAT_MAX;
	if (grid->num == grid->den)
		return (uint64_t)step;
	ns = (step * grid->num + grid->den - 1) / grid->den;
	return ns > RMT_GCRA_TAT_MAX ? RMT_GCRA_TAT_MAX : (uint64_t)ns;
}

static wide steps_up(const struct grid *grid, uint64_t units)
{
	if (grid->units_per_step == 1)
		return (wide)units * grid->steps_per_unit;
	return units / grid->units_per_step + (units % grid->units_per_step != 0);
}

static wide steps_down(const struct grid *grid, uint64_t units)
{
	if (grid->units_per_step == 1)
		return (wide)units * grid->steps_per_unit;
	return units / grid->units_per_step;
}

static uint64_t units_up(const struct grid *grid, uint64_t steps)
{
	wide units;

	if (grid->units_per_step == 1)
		return steps / grid->steps_per_unit + (steps % grid->steps_per_unit != 0);
	units = (wide)steps * grid->units_per_step;
	return units > UINT64_MAX ? UINT64_MAX : (uint64_t)units;
}

static uint64_t level_of(const struct grid *grid, uint64_t tat, uint64_t now)
{
	return tat <= now ? 0 : step_of(grid, tat) - step_of(grid, now);
}

uint64_t rmt_gcra_charge(const struct rmt_amount *amount, uint64_t tat, uint64_t n,
			 uint64_t now)
{
	struct grid grid = grid_of(amount);
	uint64_t start = step_of(&grid, MAX(tat, now));

	return n == 0 ? tat : ns_of(&grid, start + steps_up(&grid, n));
}

uint64_t rmt_gcra_refund(const struct rmt_amount *amount, uint64_t tat, uint64_t n,
			 uint64_t now)
{
	struct grid grid = grid_of(amount);
	wide back = steps_up(&grid, n);
	uint64_t level = level_of(&grid, tat, now);

	if (n == 0)
		return tat;
	return back >= level ? now : ns_of(&grid, step_of(&grid, tat) - back);
}

static int64_t retry_of(const struct grid *grid, wide needed, wide capacity, uint64_t now)
{
	if (needed <= capacity)
		return 0;
	return (int64_t)(ns_of(grid, step_of(grid, now) + (needed - capacity)) - now);
}

bool rmt_gcra_fits(const struct rmt_amount *amount, uint64_t tat, uint64_t held,
		   uint64_t n, uint64_t now, struct rmt_usage *usage_r)
{
	struct grid grid = grid_of(amount);
	wide capacity = amount->count == 0 ? 0 : steps_down(&grid, amount->burst);
	uint64_t level = level_of(&grid, tat, now);
	wide taken = level + steps_up(&grid, held);

	if (usage_r != NULL) {
		usage_r->used = units_up(&grid, level);
		usage_r->used += MIN(held, UINT64_MAX - usage_r->used);
		usage_r->limit = amount->burst;
		usage_r->retry_ns =
			retry_of(&grid, taken + steps_up(&grid, 1), capacity, now);
	}
	return n == 0 || taken + steps_up(&grid, n) <= capacity;
}
