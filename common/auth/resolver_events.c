/* SPDX-License-Identifier: MIT */
/* resolver_events.c - what libunbound calls a pluggable event base. */
#include <stdbool.h>
#include <sys/time.h>
#include <unbound-event.h>

#include "common/auth/resolver_events_base.h"

typedef void callback(int fd, short bits, void *arg);

struct rmt_resolver_event {
	struct ub_event ub;                 /* first: libunbound has a pointer to it */
	struct rmt_resolver_events *events; /* foreign */
	int fd;
	short bits;
	callback *call;
	void *arg;
	void *watch;             /* the host's; NULL: not watched */
	int64_t timeout_us;      /* of the last add; 0: none */
	int64_t due_us;          /* 0: no timer is set */
	GSequenceIter *position; /* among the timers */
};

struct rmt_resolver_events {
	struct ub_event_base ub;        /* first */
	struct rmt_resolver_host *host; /* foreign */
	GSequence *timers;              /* own; foreign events, by due_us */
};

static struct rmt_resolver_event *event_of(struct ub_event *ub)
{
	return (struct rmt_resolver_event *)(void *)ub;
}

/* --- timers --------------------------------------------------------------------------
 */

static gint compare_due(gconstpointer a, gconstpointer b, gpointer context)
{
	const struct rmt_resolver_event *one = a, *other = b;

	(void)context;
	return one->due_us < other->due_us ? -1 : one->due_us > other->due_us;
}

static void unset_timer(struct rmt_resolver_event *event)
{
	if (event->due_us == 0)
		return;
	g_sequence_remove(event->position);
	event->due_us = 0;
}

static void set_timer(struct rmt_resolver_event *event)
{
	unset_timer(event);
	if (event->timeout_us == 0)
		return;
	event->due_us = g_get_monotonic_time() + event->timeout_us;
	event->position =
		g_sequence_insert_sorted(event->events->timers, event, compare_due, NULL);
}

/* A timer of no time is due at once, not never. */
static int64_t to_us(const struct timeval *time)
{
	return time != NULL
		       ? MAX((int64_t)time->tv_sec * G_USEC_PER_SEC + time->tv_usec, 1)
		       : 0;
}

/* --- what libunbound calls ------------------------------------------------------------
 */

static void add_bits(struct ub_event *ub, short bits)
{
	event_of(ub)->bits |= bits;
}

static void del_bits(struct ub_event *ub, short bits)
{
	event_of(ub)->bits = (short)(event_of(ub)->bits & ~bits);
}

static void set_fd(struct ub_event *ub, int fd)
{
	event_of(ub)->fd = fd;
}

static void unwatch(struct rmt_resolver_event *event)
{
	struct rmt_resolver_host *host = event->events->host;
	void *watch = event->watch;

	event->watch = NULL;
	if (watch != NULL)
		host->unwatch(host, watch);
}

static int del(struct ub_event *ub)
{
	unwatch(event_of(ub));
	unset_timer(event_of(ub));
	return 0;
}

static void free_event(struct ub_event *ub)
{
	del(ub);
	g_free(event_of(ub));
}

static int add(struct ub_event *ub, struct timeval *time)
{
	struct rmt_resolver_event *event = event_of(ub);
	struct rmt_resolver_host *host = event->events->host;
	const unsigned what = ((event->bits & UB_EV_READ) != 0 ? RMT_RESOLVER_READ : 0) |
			      ((event->bits & UB_EV_WRITE) != 0 ? RMT_RESOLVER_WRITE : 0);

	unwatch(event);
	if (event->fd >= 0 && what != 0) {
		event->watch = host->watch(host, event->fd, what, event);
		if (event->watch == NULL)
			return -1;
	}
	event->timeout_us = to_us(time);
	set_timer(event);
	return 0;
}

static int add_timer(struct ub_event *ub, struct ub_event_base *base, callback *call,
		     void *arg, struct timeval *time)
{
	struct rmt_resolver_event *event = event_of(ub);

	(void)base;
	event->call = call;
	event->arg = arg;
	event->timeout_us = to_us(time);
	set_timer(event);
	return 0;
}

static int del_timer(struct ub_event *ub)
{
	unset_timer(event_of(ub));
	return 0;
}

/* Signals and Windows are never asked of a resolver. */
static struct ub_event_vmt event_table = {
	.add_bits = add_bits,
	.del_bits = del_bits,
	.set_fd = set_fd,
	.free = free_event,
	.add = add,
	.del = del,
	.add_timer = add_timer,
	.del_timer = del_timer,
};

static struct ub_event *new_event(struct ub_event_base *base, int fd, short bits,
				  callback *call, void *arg)
{
	struct rmt_resolver_event *event = g_new0(struct rmt_resolver_event, 1);

	event->ub.magic = UB_EVENT_MAGIC;
	event->ub.vmt = &event_table;
	event->events = (struct rmt_resolver_events *)(void *)base;
	event->fd = fd;
	event->bits = bits;
	event->call = call;
	event->arg = arg;
	return &event->ub;
}

static struct ub_event_base_vmt base_table = { .new_event = new_event };

/* --- the host's side ------------------------------------------------------------------
 */

/* As libevent does: what does not persist is deleted before it is called; what
 * does begins its time-out anew. The call may free the event. */
static void fire(struct rmt_resolver_event *event, short bits)
{
	if ((event->bits & UB_EV_PERSIST) == 0)
		del(&event->ub);
	else
		set_timer(event);
	event->call(event->fd, bits, event->arg);
}

void rmt_resolver_event_ready(struct rmt_resolver_event *event, unsigned what)
{
	short bits = 0;

	if ((what & RMT_RESOLVER_READ) != 0)
		bits |= UB_EV_READ;
	if ((what & RMT_RESOLVER_WRITE) != 0)
		bits |= UB_EV_WRITE;
	bits &= event->bits;
	if (event->watch != NULL && bits != 0)
		fire(event, bits);
}

static struct rmt_resolver_event *first_timer(const struct rmt_resolver_events *events)
{
	GSequenceIter *first = g_sequence_get_begin_iter(events->timers);

	return g_sequence_iter_is_end(first) ? NULL : g_sequence_get(first);
}

int64_t rmt_resolver_events_next(const struct rmt_resolver_events *events)
{
	const struct rmt_resolver_event *event = first_timer(events);

	return event != NULL ? event->due_us : INT64_MAX;
}

void rmt_resolver_events_due(struct rmt_resolver_events *events, int64_t now_us,
			     unsigned most)
{
	struct rmt_resolver_event *event;

	while (most-- > 0 && (event = first_timer(events)) != NULL &&
	       event->due_us <= now_us) {
		unset_timer(event);
		fire(event, UB_EV_TIMEOUT);
	}
}

struct rmt_resolver_events *rmt_resolver_events_new(struct rmt_resolver_host *host)
{
	struct rmt_resolver_events *events = g_new0(struct rmt_resolver_events, 1);

	events->ub.magic = UB_EVENT_MAGIC;
	events->ub.vmt = &base_table;
	events->host = host;
	events->timers = g_sequence_new(NULL);
	return events;
}

void rmt_resolver_events_free(struct rmt_resolver_events *events)
{
	if (events == NULL)
		return;
	g_sequence_free(events->timers);
	g_free(events);
}

struct ub_event_base *rmt_resolver_events_base(struct rmt_resolver_events *events)
{
	return &events->ub;
}
