/* SPDX-License-Identifier: MIT */
/* policy_session.h - the connections of Postfix: requests in, answers out.
 *
 * In one turn of the loop, what is ready is read and parsed, each request is
 * prepared, then all are decided, then the counters are written once, then all
 * answers go out: two system calls a request beside that.
 *
 *	rmt_sessions_time(sessions, &now, monotonic_ns);   after the wake-up
 *	rmt_loop_dispatch(loop, n);			   reads
 *	rmt_sessions_answer(sessions);			   decides and answers
 *
 * Who sends what is no request, does not end one in time or does not take its
 * answers loses its connection, with one line in the log.
 */
#ifndef RMT_POLICY_SESSION_H
#define RMT_POLICY_SESSION_H

#include "common/policy/engine.h"
#include "postfix-policy/policyd/bulk_keeper.h"
#include "postfix-policy/policyd/listener.h"
#include "postfix-policy/policyd/loop.h"
#include "postfix-policy/policyd/metrics.h"
#include "postfix-policy/policyd/record.h"

struct rmt_sessions;

/* All foreign. */
struct rmt_sessions_parts {
	struct rmt_loop *loop;
	struct rmt_engine *engine;
	struct rmt_counters *counters;
	struct rmt_metrics *metrics;
	struct rmt_bulk_keeper *bulk; /* or NULL */
};

struct rmt_sessions *rmt_sessions_new(const struct rmt_sessions_parts *parts);

/* Closes every connection; what messages have reserved stands, for the next
 * process. */
void rmt_sessions_free(struct rmt_sessions *sessions);

/* Takes over the time-outs and bounds, and record (foreign; may be NULL). */
void rmt_sessions_configure(struct rmt_sessions *sessions,
			    const struct rmt_policyd_config *config,
			    struct rmt_record *record);

void rmt_sessions_time(struct rmt_sessions *sessions, const struct rmt_now *now,
		       int64_t monotonic_ns);

/* A rmt_listener_accept; context is the sessions. */
void rmt_sessions_accept(void *context, int fd, const char *listener,
			 const struct sockaddr_storage *address);

void rmt_sessions_answer(struct rmt_sessions *sessions);

/* Once a second: closes what timed out. */
void rmt_sessions_sweep(struct rmt_sessions *sessions);

unsigned rmt_sessions_count(const struct rmt_sessions *sessions);

/* Nanoseconds of CLOCK_BOOTTIME and CLOCK_REALTIME. */
int64_t rmt_boot_ns(void);
int64_t rmt_wall_ns(void);

#endif
