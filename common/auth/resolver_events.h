/* SPDX-License-Identifier: MIT */
/* resolver_events.h - libunbound's sockets and timers in a loop of one's own.
 *
 * The host watches descriptors; timers are kept here, by g_get_monotonic_time():
 *
 *	events = rmt_resolver_events_new(&host);
 *	settings.events = events;		// resolver.h
 *	...
 *	wait at most until rmt_resolver_events_next(events);
 *	rmt_resolver_event_ready(event, RMT_RESOLVER_READ);	// by the host's watch
 *	rmt_resolver_events_due(events, now_us, UINT_MAX);
 *
 * All of the resolver's work is done within these two calls.
 */
#ifndef RMT_RESOLVER_EVENTS_H
#define RMT_RESOLVER_EVENTS_H

#include <glib.h>
#include <stdint.h>

struct rmt_resolver_event;

enum { RMT_RESOLVER_READ = 1 << 0, RMT_RESOLVER_WRITE = 1 << 1 };

struct rmt_resolver_host {
	/* Until unwatched, calls rmt_resolver_event_ready(event) when fd is ready for
	 * one of what (RMT_RESOLVER_READ, _WRITE). Returns what unwatch is given;
	 * NULL: it cannot be watched. */
	void *(*watch)(struct rmt_resolver_host *host, int fd, unsigned what,
		       struct rmt_resolver_event *event);
	void (*unwatch)(struct rmt_resolver_host *host, void *watch);
};

struct rmt_resolver_events;

struct rmt_resolver_events *rmt_resolver_events_new(
	struct rmt_resolver_host *host /* foreign */);
/* After the resolver was closed. */
void rmt_resolver_events_free(struct rmt_resolver_events *events);

void rmt_resolver_event_ready(struct rmt_resolver_event *event, unsigned what);

/* When a timer is due next; INT64_MAX: none is set. */
int64_t rmt_resolver_events_next(const struct rmt_resolver_events *events);

/* Runs the timers that are due, at most so many: the rest stays due. */
void rmt_resolver_events_due(struct rmt_resolver_events *events, int64_t now_us,
			     unsigned most);

#endif
