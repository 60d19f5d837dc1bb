/* SPDX-License-Identifier: MIT */
/* shares.h - the rates of rates.h summed up for people and for Prometheus: what share
 * of a stream's mail was complained about or met dead addresses, at each provider.
 */
#ifndef RMT_FEEDBACK_SHARES_H
#define RMT_FEEDBACK_SHARES_H

#include "common/feedback/breaker.h"
#include "common/feedback/rates.h"

struct rmt_shares_row {
	char *stream, *provider; /* own; provider "": all of them */
	uint64_t sent, accepted, deferred;
	/* n 0: no data. Complaints are counted where the provider tells of them. */
	struct rmt_tally complaints, dead;
	uint64_t events[RMT_CLASSES];
};

/* Of the last days, this one included: a row for each stream that sent, and behind it
 * one for each of its providers. Own: g_ptr_array_unref. */
bool rmt_shares_read(struct rmt_store *store, int64_t now, unsigned days,
		     GPtrArray **rows_r, GError **err);

#endif
