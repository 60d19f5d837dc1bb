/* SPDX-License-Identifier: MIT */
#include "common/limits/gcra.h"

__extension__ typedef unsigned __int128 wide;

static struct rmt_grid grid_of(const struct rmt_amount *amount)
{
	uint64_t period = MAX(amount->period_ns, 1), count = MAX(amount->count, 1);
	struct rmt_grid grid = { period, count, 1, 1 };

	if (count <= period) {
		grid.steps_per_unit = period / count;
		grid.den = count * grid.steps_per_unit;
	} else {
		grid.units_per_step = count / period + (count % period != 0);
		grid.num = period * grid.units_per_step;
	}
	return grid;
}

static uint64_t step_of(const struct rmt_grid *grid, uint64_t ns)
{
	return grid->num == grid->den ? ns : (uint64_t)((wide)ns * grid->den / grid->num);
}

/* step_of(ns_of(step)) == step: the first nanosecond at or after the step. */
static uint64_t ns_of(const struct rmt_grid *grid, wide step)
{
	wide ns;

	if (step >= RMT_GCRA_TAT_MAX)
		return RMT_GCRA_TAT_MAX;
	if (grid->num == grid->den)
		return (uint64_t)step;
	ns = (step * grid->num + grid->den - 1) / grid->den;
	return ns > RMT_GCRA_TAT_MAX ? RMT_GCRA_TAT_MAX : (uint64_t)ns;
}

static wide steps_up(const struct rmt_grid *grid, uint64_t units)
{
	if (grid->units_per_step == 1)
		return (wide)units * grid->steps_per_unit;
	return units / grid->units_per_step + (units % grid->units_per_step != 0);
}

static wide steps_down(const struct rmt_grid *grid, uint64_t units)
{
	if (grid->units_per_step == 1)
		return (wide)units * grid->steps_per_unit;
	return units / grid->units_per_step;
}

static uint64_t units_up(const struct rmt_grid *grid, uint64_t steps)
{
	wide units;

	if (grid->units_per_step == 1)
		return steps / grid->steps_per_unit + (steps % grid->steps_per_unit != 0);
	units = (wide)steps * grid->units_per_step;
	return units > UINT64_MAX ? UINT64_MAX : (uint64_t)units;
}

static uint64_t level_of(const struct rmt_grid *grid, uint64_t tat, uint64_t now)
{
	return tat <= now ? 0 : step_of(grid, tat) - step_of(grid, now);
}

void rmt_measure_init(struct rmt_measure *measure, const struct rmt_amount *amount)
{
	measure->amount = *amount;
	measure->grid = grid_of(amount);
	measure->unit_ns = measure->grid.num == measure->grid.den &&
					   measure->grid.units_per_step == 1
				   ? measure->grid.steps_per_unit
				   : 0;
	measure->burst = amount->count > 0 ? amount->burst : 0;
}

uint64_t rmt_measure_charge_on_grid(const struct rmt_measure *measure, uint64_t tat,
				    uint64_t n, uint64_t now)
{
	const struct rmt_grid *grid = &measure->grid;

	return n == 0 ? tat
		      : ns_of(grid, step_of(grid, MAX(tat, now)) + steps_up(grid, n));
}

uint64_t rmt_gcra_charge(const struct rmt_amount *amount, uint64_t tat, uint64_t n,
			 uint64_t now)
{
	struct rmt_measure measure;

	rmt_measure_init(&measure, amount);
	return rmt_measure_charge(&measure, tat, n, now);
}

uint64_t rmt_gcra_refund(const struct rmt_amount *amount, uint64_t tat, uint64_t n,
			 uint64_t now)
{
	struct rmt_grid grid = grid_of(amount);
	wide back = steps_up(&grid, n);
	uint64_t level = level_of(&grid, tat, now);

	if (n == 0)
		return tat;
	return back >= level ? now : ns_of(&grid, step_of(&grid, tat) - back);
}

static int64_t retry_of(const struct rmt_grid *grid, wide needed, wide capacity,
			uint64_t now)
{
	if (needed <= capacity)
		return 0;
	return (int64_t)(ns_of(grid, step_of(grid, now) + (needed - capacity)) - now);
}

static void set_usage(const struct rmt_measure *measure, uint64_t level, uint64_t held,
		      wide capacity, uint64_t now, struct rmt_usage *usage_r)
{
	const struct rmt_grid *grid = &measure->grid;
	wide taken = level + steps_up(grid, held);

	usage_r->used = units_up(grid, level);
	usage_r->used += MIN(held, UINT64_MAX - usage_r->used);
	usage_r->limit = measure->amount.burst;
	usage_r->retry_ns = retry_of(grid, taken + steps_up(grid, 1), capacity, now);
}

bool rmt_measure_fits_on_grid(const struct rmt_measure *measure, uint64_t tat,
			      uint64_t held, uint64_t n, uint64_t now,
			      struct rmt_usage *usage_r)
{
	const struct rmt_grid *grid = &measure->grid;
	const struct rmt_amount *amount = &measure->amount;
	wide capacity = amount->count == 0 ? 0 : steps_down(grid, amount->burst);
	uint64_t level = level_of(grid, tat, now);

	if (usage_r != NULL)
		set_usage(measure, level, held, capacity, now, usage_r);
	return n == 0 || level + steps_up(grid, held) + steps_up(grid, n) <= capacity;
}

bool rmt_gcra_fits(const struct rmt_amount *amount, uint64_t tat, uint64_t held,
		   uint64_t n, uint64_t now, struct rmt_usage *usage_r)
{
	struct rmt_measure measure;

	rmt_measure_init(&measure, amount);
	return rmt_measure_fits(&measure, tat, held, n, now, usage_r);
}
