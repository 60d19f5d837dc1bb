/* SPDX-License-Identifier: MIT */
/* records.h - the state's LMDB environment, opened once in a process by whichever
 * step asks first (a second time in a process is refused). */
#ifndef RMT_MILTER_RECORDS_H
#define RMT_MILTER_RECORDS_H

#include "common/store/store.h"
#include "postfix-policy/milter/milter.h"

/* Foreign; of any thread. NULL: it cannot be opened (the log says so, and err where it
 * is not NULL); it is tried again a minute later. */
struct rmt_store *rmt_milter_records(struct rmt_milter *milter, GError **err);

#endif
