/* SPDX-License-Identifier: MIT */
#include "common/feedback/breaker.h"

#include <math.h>

/* Of 100,000 simulated streams at 0.1 % (test_breaker.c) this alpha, with that of all
 * evidence together, pauses less than 1 % within 20,000 mails. */
static const double alpha = 0.0121, beta = 0.05;
static const double alpha_day = 0.0002; /* about alpha in 50 days */
static const double alpha_warn = 0.1;
static const double beta_day = 0.05;
static const double alpha_together = 0.0009, alpha_together_warn = 0.03;
static const double unsubscribes_max = 10, no_max = 1e9;

/* How much one bad mail counts for, and one good mail against. */
static double weight_bad(const struct rmt_pause_test *test)
{
	return log(test->pause / test->accept);
}

static double weight_good(const struct rmt_pause_test *test)
{
	return log((1 - test->pause) / (1 - test->accept));
}

static double evidence(const struct rmt_pause_test *test, const struct rmt_tally *tally)
{
	uint64_t good = tally->n > tally->k ? tally->n - tally->k : 0;

	return (double)tally->k * weight_bad(test) + (double)good * weight_good(test);
}

enum rmt_breaker_verdict rmt_breaker_judge(const struct rmt_pause_test *test,
					   const struct rmt_tally *all,
					   const struct rmt_tally *day)
{
	double sum = evidence(test, all), of_day = evidence(test, day);

	if (sum >= log((1 - beta) / alpha) || of_day >= log((1 - beta_day) / alpha_day))
		return RMT_BREAKER_PAUSE;
	if (sum >= log((1 - beta) / alpha_warn) || of_day >= log((1 - beta_day) / alpha))
		return RMT_BREAKER_WARN;
	return RMT_BREAKER_RUN;
}

/* ln((1 + ratio) / 2), and at most ln(max). */
static double stake(const struct rmt_pause_test *test, const struct rmt_tally *tally,
		    double max)
{
	double sum = tally->n >= tally->k ? evidence(test, tally) : 0;

	if (sum >= log(2 * max - 1))
		return log(max);
	return log1p(expm1(sum) / 2);
}

enum rmt_breaker_verdict rmt_breaker_judge_together(const struct rmt_pause *pause,
						    const struct rmt_evidence *evidence)
{
	double sum =
		stake(&pause->complaints, &evidence->complaints, no_max) +
		stake(&pause->bounces, &evidence->bounces, no_max) +
		stake(&pause->unsubscribes, &evidence->unsubscribes, unsubscribes_max);

	if (sum >= log(1 / alpha_together))
		return RMT_BREAKER_PAUSE;
	return sum >= log(1 / alpha_together_warn) ? RMT_BREAKER_WARN : RMT_BREAKER_RUN;
}

uint64_t rmt_breaker_limit(const struct rmt_pause_test *test, uint64_t n)
{
	/* k a + (n - k) b >= c, solved for k; b is below zero */
	double a = weight_bad(test), b = weight_good(test);

	return (uint64_t)ceil((log((1 - beta) / alpha) - (double)n * b) / (a - b));
}

void rmt_share_interval(struct rmt_tally tally, double *low_r, double *high_r)
{
	const double z = 1.959964;
	double n = (double)tally.n, p, middle, half;

	*low_r = 0;
	*high_r = 1;
	if (tally.n == 0)
		return;
	p = (double)MIN(tally.k, tally.n) / n;
	middle = p + z * z / (2 * n);
	half = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n));
	*low_r = tally.k == 0 ? 0 : MAX((middle - half) / (1 + z * z / n), 0);
	*high_r = MIN((middle + half) / (1 + z * z / n), 1);
}

const char *rmt_breaker_verdict_name(enum rmt_breaker_verdict verdict)
{
	static const char *const names[] = { "run", "warn", "pause" };

	return names[verdict];
}
