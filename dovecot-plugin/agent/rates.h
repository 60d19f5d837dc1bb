/* SPDX-License-Identifier: MIT */
/* rates.h - how many receipts went out of late, by user, target and sender.
 *
 * In memory, each with its second; counted again from the audit trail at start.
 * What is older than the longest limit's period is forgotten.
 */
#ifndef RMT_RATES_H
#define RMT_RATES_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

struct rmt_rates;
struct rmt_rates *rmt_rates_new(int64_t keep_secs);
void rmt_rates_free(struct rmt_rates *rates);

/* kind tells one sort of name from another: 'u', 't', 's', ... */
void rmt_rates_add(struct rmt_rates *rates, char kind, const char *name, int64_t now);
/* Those within the last period_secs. */
uint64_t rmt_rates_count(struct rmt_rates *rates, char kind, const char *name,
			 int64_t period_secs, int64_t now);
/* Forgets what nobody will ask for; cheap to call each minute. */
void rmt_rates_sweep(struct rmt_rates *rates, int64_t now);

#endif
