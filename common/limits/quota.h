/* SPDX-License-Identifier: MIT */
/* quota.h - at most n units in any window of the period: a ring of sub-windows.
 *
 * The time line is cut into sub-windows of period / 60, counted from its start
 * (so those of a day begin at full UTC minutes times 24). A unit stands in the
 * sub-window it was committed in and is given back, with all of it, when 60
 * whole ones have followed: never before the period is over, at most 1/60 of
 * the period late.
 */
#ifndef RMT_QUOTA_H
#define RMT_QUOTA_H

#include "common/limits/counters.h"

enum { RMT_QUOTA_SUBWINDOWS = 60, RMT_QUOTA_RING = RMT_QUOTA_SUBWINDOWS + 1 };

struct rmt_quota {
	uint64_t sub_ns; /* of one sub-window; 0: never used */
	uint64_t newest; /* number of the newest one, since the time line's start */
	uint64_t sum;    /* of counts */
	uint64_t counts[RMT_QUOTA_RING]; /* at number % RMT_QUOTA_RING */
	uint64_t logged_sub_ns;          /* the sub_ns the log knows this ring by */
};

/* Forgets what is older than the window that ends now. Called by all below. If
 * the period was changed by the administrator, what is known moves over, each
 * sub-window counted from its end. */
void rmt_quota_advance(struct rmt_quota *quota, uint64_t period_ns, uint64_t now);

bool rmt_quota_fits(struct rmt_quota *quota, const struct rmt_amount *amount,
		    uint64_t held, uint64_t n, uint64_t now, struct rmt_usage *usage_r);
void rmt_quota_charge(struct rmt_quota *quota, const struct rmt_amount *amount,
		      uint64_t n, uint64_t now);
/* The newest units go first. Returns the number of the oldest sub-window changed. */
uint64_t rmt_quota_refund(struct rmt_quota *quota, const struct rmt_amount *amount,
			  uint64_t n, uint64_t now);

/* Sets one sub-window to a count (replay of the log). */
void rmt_quota_set(struct rmt_quota *quota, uint64_t sub_ns, uint64_t number,
		   uint64_t count);

/* Nothing in it counts any more. */
bool rmt_quota_is_over(const struct rmt_quota *quota, uint64_t now);

#endif
