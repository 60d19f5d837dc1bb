/* SPDX-License-Identifier: MIT */
#include "common/limits/quota.h"

#include <string.h>

static uint64_t sub_of(uint64_t period_ns)
{
	/* Rounded up: 60 of them are never shorter than the period. */
	return MAX((period_ns + RMT_QUOTA_SUBWINDOWS - 1) / RMT_QUOTA_SUBWINDOWS, 1);
}

static uint64_t *count_at(struct rmt_quota *quota, uint64_t number)
{
	return &quota->counts[number % RMT_QUOTA_RING];
}

static void clear(struct rmt_quota *quota, uint64_t sub_ns, uint64_t newest)
{
	uint64_t logged_sub_ns = quota->logged_sub_ns;

	memset(quota, 0, sizeof(*quota));
	quota->logged_sub_ns = logged_sub_ns;
	quota->sub_ns = sub_ns;
	quota->newest = newest;
}

static void move_to(struct rmt_quota *quota, uint64_t number)
{
	if (number <= quota->newest)
		return;
	if (number - quota->newest >= RMT_QUOTA_RING) {
		clear(quota, quota->sub_ns, number);
		return;
	}
	while (quota->newest < number) {
		quota->newest++;
		quota->sum -= *count_at(quota, quota->newest);
		*count_at(quota, quota->newest) = 0;
	}
}

static void add_at(struct rmt_quota *quota, uint64_t number, uint64_t n)
{
	n = MIN(n, UINT64_MAX - quota->sum);
	*count_at(quota, number) += n;
	quota->sum += n;
}

/* The oldest number the ring has room for. */
static uint64_t oldest_of(const struct rmt_quota *quota)
{
	return quota->newest >= RMT_QUOTA_SUBWINDOWS
		       ? quota->newest - RMT_QUOTA_SUBWINDOWS
		       : 0;
}

static void rescale(struct rmt_quota *quota, uint64_t sub_ns, uint64_t now)
{
	struct rmt_quota old = *quota;
	uint64_t i, end, number;

	clear(quota, sub_ns, now / sub_ns);
	for (i = oldest_of(&old); i <= old.newest && old.sub_ns != 0; i++) {
		end = (i + 1) * old.sub_ns - 1;
		number = MIN(end / sub_ns, quota->newest);
		if (number >= oldest_of(quota))
			add_at(quota, number, *count_at(&old, i));
	}
}

void rmt_quota_advance(struct rmt_quota *quota, uint64_t period_ns, uint64_t now)
{
	uint64_t sub_ns = sub_of(period_ns);

	if (quota->sub_ns == sub_ns)
		move_to(quota, now / sub_ns);
	else if (quota->sum == 0)
		clear(quota, sub_ns, now / sub_ns);
	else
		rescale(quota, sub_ns, now);
}

/* When `needed` units are free again: the oldest sub-windows go first. */
static int64_t retry_of(struct rmt_quota *quota, uint64_t needed, uint64_t now)
{
	uint64_t i, freed = 0;

	for (i = oldest_of(quota); i < quota->newest; i++) {
		freed += *count_at(quota, i);
		if (freed >= needed)
			break;
	}
	return (int64_t)((i + RMT_QUOTA_RING) * quota->sub_ns - now);
}

static uint64_t add_capped(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

bool rmt_quota_fits(struct rmt_quota *quota, const struct rmt_amount *amount,
		    uint64_t held, uint64_t n, uint64_t now, struct rmt_usage *usage_r)
{
	uint64_t used;

	rmt_quota_advance(quota, amount->period_ns, now);
	used = add_capped(quota->sum, held);
	if (usage_r != NULL) {
		usage_r->used = used;
		usage_r->limit = amount->count;
		usage_r->retry_ns =
			used < amount->count
				? 0
				: retry_of(quota, used - amount->count + 1, now);
	}
	return n == 0 || (used <= amount->count && n <= amount->count - used);
}

void rmt_quota_charge(struct rmt_quota *quota, const struct rmt_amount *amount,
		      uint64_t n, uint64_t now)
{
	rmt_quota_advance(quota, amount->period_ns, now);
	add_at(quota, quota->newest, n);
}

uint64_t rmt_quota_refund(struct rmt_quota *quota, const struct rmt_amount *amount,
			  uint64_t n, uint64_t now)
{
	uint64_t i, back;

	rmt_quota_advance(quota, amount->period_ns, now);
	for (i = quota->newest;; i--) {
		back = MIN(n, *count_at(quota, i));
		*count_at(quota, i) -= back;
		quota->sum -= back;
		n -= back;
		if (n == 0 || i == oldest_of(quota))
			return i;
	}
}

void rmt_quota_set(struct rmt_quota *quota, uint64_t sub_ns, uint64_t number,
		   uint64_t count)
{
	if (quota->sub_ns != sub_ns)
		clear(quota, sub_ns, number);
	quota->logged_sub_ns = sub_ns;
	move_to(quota, number);
	if (number < oldest_of(quota))
		return;
	quota->sum -= *count_at(quota, number);
	*count_at(quota, number) = 0;
	add_at(quota, number, count);
}

bool rmt_quota_is_over(const struct rmt_quota *quota, uint64_t now)
{
	return quota->sum == 0 ||
	       now / MAX(quota->sub_ns, 1) >= quota->newest + RMT_QUOTA_RING;
}
