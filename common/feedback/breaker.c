/* SPDX-License-Identifier: MIT */
#include "common/feedback/breaker.h"

#include <math.h>

/* Of 100,000 simulated streams at 0.1 % (test_breaker.c) this alpha pauses less than
 * 1 % within 20,000 mails, and finds those at 0.3 % 300 mails sooner than 0.01 does. */
static const double alpha = 0.0128, beta = 0.05;
static const double alpha_day = 0.0002; /* about alpha in 50 days */
static const double alpha_warn = 0.1;
static const double beta_day = 0.05;

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
