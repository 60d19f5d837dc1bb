/* SPDX-License-Identifier: MIT */
#include "postfix-policy/policyd/loop.h"

#include <errno.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum { EVENTS_MAX = 128 };

struct rmt_loop {
	struct rmt_source pulse; /* first; fd -1: none */
	int epoll;
	int count, at; /* of the events being dispatched */
	struct epoll_event events[EVENTS_MAX];
};

struct rmt_loop *rmt_loop_new(GError **err)
{
	struct rmt_loop *loop = g_new0(struct rmt_loop, 1);

	loop->pulse.fd = -1;
	loop->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll < 0) {
		g_set_error(err, G_FILE_ERROR, (gint)g_file_error_from_errno(errno),
			    "epoll_create1: %s", g_strerror(errno));
		g_free(loop);
		return NULL;
	}
	return loop;
}

void rmt_loop_free(struct rmt_loop *loop)
{
	if (loop == NULL)
		return;
	if (loop->pulse.fd >= 0)
		close(loop->pulse.fd);
	close(loop->epoll);
	g_free(loop);
}

static void pulse_ready(struct rmt_source *source, uint32_t events)
{
	uint64_t times;

	(void)events;
	if (read(source->fd, &times, sizeof(times)) < 0)
		errno = 0;
}

bool rmt_loop_pulse(struct rmt_loop *loop, int every_ms, GError **err)
{
	const struct timespec every = { .tv_nsec = every_ms * 1000000L };
	const struct itimerspec timer = { every, every };

	loop->pulse.ready = pulse_ready;
	loop->pulse.fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (loop->pulse.fd >= 0 && timerfd_settime(loop->pulse.fd, 0, &timer, NULL) == 0)
		return rmt_loop_add(loop, &loop->pulse, EPOLLIN, err);
	g_set_error(err, G_FILE_ERROR, (gint)g_file_error_from_errno(errno),
		    "timerfd: %s", g_strerror(errno));
	return false;
}

bool rmt_loop_add(struct rmt_loop *loop, struct rmt_source *source, uint32_t events,
		  GError **err)
{
	struct epoll_event event = { .events = events, .data.ptr = source };

	if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, source->fd, &event) == 0)
		return true;
	g_set_error(err, G_FILE_ERROR, (gint)g_file_error_from_errno(errno),
		    "epoll_ctl: %s", g_strerror(errno));
	return false;
}

void rmt_loop_change(struct rmt_loop *loop, struct rmt_source *source, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = source };

	epoll_ctl(loop->epoll, EPOLL_CTL_MOD, source->fd, &event);
}

void rmt_loop_remove(struct rmt_loop *loop, struct rmt_source *source)
{
	int i;

	epoll_ctl(loop->epoll, EPOLL_CTL_DEL, source->fd, NULL);
	for (i = loop->at; i < loop->count; i++)
		if (loop->events[i].data.ptr == source)
			loop->events[i].data.ptr = NULL;
}

int rmt_loop_wait(struct rmt_loop *loop, int timeout_ms)
{
	int n = epoll_wait(loop->epoll, loop->events, EVENTS_MAX, timeout_ms);

	return MAX(n, 0); /* EINTR: nobody is ready */
}

void rmt_loop_dispatch(struct rmt_loop *loop, int count)
{
	struct rmt_source *source;

	loop->count = count;
	for (loop->at = 0; loop->at < loop->count; loop->at++) {
		source = loop->events[loop->at].data.ptr;
		if (source != NULL)
			source->ready(source, loop->events[loop->at].events);
	}
	loop->count = loop->at = 0;
}
