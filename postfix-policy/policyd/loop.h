/* SPDX-License-Identifier: MIT */
/* loop.h - who is ready: plain epoll, one thread.
 *
 * A source is the first member of whatever waits for a descriptor.
 *
 *	n = rmt_loop_wait(loop, -1);
 *	... read the clock once for all of them ...
 *	rmt_loop_dispatch(loop, n);
 */
#ifndef RMT_LOOP_H
#define RMT_LOOP_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

struct rmt_loop;

struct rmt_source {
	int fd;
	/* events: EPOLLIN, EPOLLOUT, EPOLLERR, EPOLLHUP, and what was asked for */
	void (*ready)(struct rmt_source *source, uint32_t events);
};

struct rmt_loop *rmt_loop_new(GError **err);
void rmt_loop_free(struct rmt_loop *loop);

/* source is foreign and stays where it is until removed. */
bool rmt_loop_add(struct rmt_loop *loop, struct rmt_source *source, uint32_t events,
		  GError **err);
/* events 0: not for now. With EPOLLET what is ready already is told of again. */
void rmt_loop_change(struct rmt_loop *loop, struct rmt_source *source, uint32_t events);

/* Before the descriptor is closed; also from within any ready(): what else was
 * reported for it in this turn is dropped. */
void rmt_loop_remove(struct rmt_loop *loop, struct rmt_source *source);

/* From now on no wait is longer than so much: a clock of its own, since a time-out is set
 * and cleared at each wait. */
bool rmt_loop_pulse(struct rmt_loop *loop, int every_ms, GError **err);

/* Waits at most timeout_ms (-1: for the pulse); returns how many sources are ready. */
int rmt_loop_wait(struct rmt_loop *loop, int timeout_ms);
void rmt_loop_dispatch(struct rmt_loop *loop, int count);

#endif
