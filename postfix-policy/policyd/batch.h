/* SPDX-License-Identifier: MIT */
/* batch.h - requests on their way through a turn of the loop.
 *
 * A request is prepared as it comes, which calls for what its counters need from
 * memory. A few are decided together, while what is known of them is still in the
 * processor's first cache; of each its answer is left. When all are decided, the
 * counters are written once, and then the answers go out.
 *
 *	while (...)
 *		rmt_policy_request_read(rmt_batch_request(batch), bytes, ...);
 *		rmt_batch_take(batch, connection, id, peer, bytes);
 *	rmt_batch_answer(batch, send);
 *
 * A request's bytes must stay where they are until it is decided.
 */
#ifndef RMT_BATCH_H
#define RMT_BATCH_H

#include "common/policy/engine.h"
#include "common/policy/policy_request.h"
#include "postfix-policy/policyd/bulk_keeper.h"
#include "postfix-policy/policyd/metrics.h"
#include "postfix-policy/policyd/record.h"

enum { RMT_BATCH_GROUP = 16 }; /* decided together */

struct rmt_batch;

/* All foreign. */
struct rmt_batch_parts {
	struct rmt_engine *engine;
	struct rmt_counters *counters;
	struct rmt_metrics *metrics;
	struct rmt_bulk_keeper *bulk; /* or NULL */
};

struct rmt_batch *rmt_batch_new(const struct rmt_batch_parts *parts);
void rmt_batch_free(struct rmt_batch *batch); /* takes NULL */

/* record: foreign; may be NULL. */
void rmt_batch_configure(struct rmt_batch *batch, bool log_passed,
			 struct rmt_record *record);
void rmt_batch_time(struct rmt_batch *batch, const struct rmt_now *now,
		    int64_t monotonic_ns);

/* No more until it is answered. */
bool rmt_batch_is_full(const struct rmt_batch *batch);

/* Where the next request is read into. */
struct rmt_policy_request *rmt_batch_request(struct rmt_batch *batch);

/* The request read there is `connection`'s; bytes: its first octet. */
void rmt_batch_take(struct rmt_batch *batch, void *connection, unsigned id, uint64_t peer,
		    const char *bytes);

/* Decides what was taken: its bytes are needed no more. */
void rmt_batch_decide(struct rmt_batch *batch);

/* Answers of one connection that follow each other come together. */
typedef void rmt_batch_send(void *connection, const char *bytes, size_t len);

/* Decides the rest, answers all, and logs. */
void rmt_batch_answer(struct rmt_batch *batch, rmt_batch_send *send);

#endif
