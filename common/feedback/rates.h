/* SPDX-License-Identifier: MIT */
/* rates.h - how many left and what came of them: a row for each stream, provider
 * and day of *sending*, since what comes back comes days later.
 *
 * Beside the counts stands what counts for the breaker: since the stream was armed,
 * which is when it was last resumed.
 */
#ifndef RMT_FEEDBACK_RATES_H
#define RMT_FEEDBACK_RATES_H

#include "common/report/report.h"
#include "common/store/deal.h"

enum rmt_rate {
	RMT_RATE_SENT,       /* recipients that left */
	RMT_RATE_ACCEPTED,   /* by the next server, as Postfix's log says */
	RMT_RATE_DEFERRED,   /* tries that ended so */
	RMT_RATE_COMPLAINTS, /* less those taken back ("not-spam") */
	RMT_RATE_RETRACTED,
	RMT_RATE_STRANGERS, /* came to us and was not ours: stream "" */
	RMT_RATE_ARMED_SENT,
	RMT_RATE_ARMED_COMPLAINTS,
	RMT_RATE_ARMED_DEAD,
	RMT_RATE_CLASSES, /* from here on, by enum rmt_report_class */
	RMT_RATES = RMT_RATE_CLASSES + RMT_CLASSES,
};

struct rmt_rates {
	char *stream, *provider; /* own */
	int64_t day;             /* Unix time / 86400 */
	int64_t armed;           /* Unix seconds: counted for the breaker since then */
	uint64_t counts[RMT_RATES];
};
void rmt_rates_clear(struct rmt_rates *rates);

/* Recipients whose provider took the mail: who can complain. As Postfix's log says,
 * where it was read for this day; else those that left and did not come back. */
uint64_t rmt_rates_accepted(const struct rmt_rates *rates);
/* The same of those that left since the stream was armed. */
uint64_t rmt_rates_armed_accepted(const struct rmt_rates *rates);

/* Unsubscribes of those that left since then, as their share of the day: of a day on
 * which nothing left all, or where the stream was armed since, none. */
uint64_t rmt_rates_armed_unsubscribes(const struct rmt_rates *rates);

/* A change of one row: the memory of a change in a commit. */
struct rmt_rates_change {
	char key[200];
	size_t key_len;
	int64_t delta[RMT_RATES];
	/* When what is counted was sent: what left before the stream was armed does
	 * not count for the breaker. */
	int64_t sent_at;
};
/* stream and provider are cut where they are too long. */
void rmt_rates_change(struct rmt_rates_change *change, const char *stream,
		      const char *provider, int64_t sent_at);
/* In a commit, and in a deal; change must stay until it is made. */
struct rmt_store_change rmt_rates_store_change(struct rmt_rates_change *change);
void rmt_deal_put_rates(struct rmt_deal *deal, struct rmt_rates_change *change);

/* Rows of a stream (NULL: of all) from a day on. */
typedef bool rmt_rates_each(void *context, const struct rmt_rates *rates);
bool rmt_rates_walk(struct rmt_store *store, const char *stream, int64_t from_day,
		    rmt_rates_each *each, void *context, GError **err);

/* The breaker counts from zero: for who resumes a stream. */
bool rmt_rates_arm(struct rmt_store *store, const char *stream, int64_t now,
		   GError **err);

bool rmt_rates_expire(struct rmt_store *store, int64_t before_day, uint64_t *removed_r,
		      GError **err);

/* Stored key and value: for tests and fuzzers. */
bool rmt_rates_read(struct rmt_span key, struct rmt_span value,
		    struct rmt_rates *rates_r);

#endif
