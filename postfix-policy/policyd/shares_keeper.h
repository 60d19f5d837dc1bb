/* SPDX-License-Identifier: MIT */
/* shares_keeper.h - what came back of each stream, for `remite status` and /metrics.
 *
 * A thread reads it from the records every few seconds, so that no request waits for
 * a disk; what is shown is as old.
 */
#ifndef RMT_SHARES_KEEPER_H
#define RMT_SHARES_KEEPER_H

#include <jansson.h>

#include "common/feedback/shares.h"

struct rmt_shares_keeper;
struct rmt_shares_keeper *rmt_shares_keeper_new(struct rmt_store *store /* foreign */);
/* Waits for the thread. NULL: nothing. */
void rmt_shares_keeper_free(struct rmt_shares_keeper *keeper);

/* struct rmt_shares_row; none where keeper is NULL. Own: g_ptr_array_unref. */
GPtrArray *rmt_shares_keeper_rows(struct rmt_shares_keeper *keeper);

/* For the answer of "status"; own. */
json_t *rmt_shares_json(const GPtrArray *rows);
/* Series of Prometheus. No series where there is no data. */
void rmt_shares_format(const GPtrArray *rows, GString *out);

#endif
