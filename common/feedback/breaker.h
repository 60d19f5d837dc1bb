/* SPDX-License-Identifier: MIT */
/* breaker.h - is a share of complaints or bounces too high, or is it chance?
 *
 * Wald's sequential test (1945): after n mails with k of them bad, the evidence is
 * k ln(p1/p0) + (n - k) ln((1-p1)/(1-p0)). A stream pauses where it passes
 * ln((1-beta)/alpha): at 0.1 and 0.3 % with alpha 1.21 % and beta 5 % that is k >=
 * (4.363 + 0.0020 n) / 1.1006, 6 of 1,000 or 23 of 10,000. A fixed threshold would
 * stop on one complaint in 300 mails, and a plain running sum stops every good
 * stream some day.
 *
 * A good history must not hide a bad day, so a day is tested by itself too, with an
 * alpha as much smaller as there are more days.
 */
#ifndef RMT_FEEDBACK_BREAKER_H
#define RMT_FEEDBACK_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/config/config.h"

enum rmt_breaker_verdict { RMT_BREAKER_RUN, RMT_BREAKER_WARN, RMT_BREAKER_PAUSE };

struct rmt_tally {
	uint64_t n, k; /* mails that count, and the bad ones among them */
};

/* All since the stream was armed, and its worst day among them (may be all zero). */
enum rmt_breaker_verdict rmt_breaker_judge(const struct rmt_pause_test *test,
					   const struct rmt_tally *all,
					   const struct rmt_tally *day);

/* What is said of the same mails: n 0 where nothing is. */
struct rmt_evidence {
	struct rmt_tally complaints, bounces, unsubscribes;
};

/* All of it heard together. Each kind has its likelihood ratio, and the product of
 * (1 + ratio) / 2 is what a gambler has who stakes half on each: under the accepted
 * shares it passes 1/alpha with a chance of alpha at most (Ville, 1939). So a kind that
 * looks well takes back a factor of two at most, and hides nothing. Unsubscribes count
 * up to a factor of ten: alone they pause no stream. */
enum rmt_breaker_verdict rmt_breaker_judge_together(const struct rmt_pause *pause,
						    const struct rmt_evidence *evidence);

/* How many bad ones pause a stream after n mails; for plots and sentences. */
uint64_t rmt_breaker_limit(const struct rmt_pause_test *test, uint64_t n);

/* Wilson's interval of 95 %; both 0 and 1 where n is 0. */
void rmt_share_interval(struct rmt_tally tally, double *low_r, double *high_r);

const char *rmt_breaker_verdict_name(enum rmt_breaker_verdict verdict); /* "pause" */

#endif
