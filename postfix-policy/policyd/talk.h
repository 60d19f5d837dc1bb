/* SPDX-License-Identifier: MIT */
/* talk.h - few and short conversations beside Postfix's: control and metrics.
 *
 * Bounded in number, octets and time; buffered both ways.
 */
#ifndef RMT_TALK_H
#define RMT_TALK_H

#include <glib.h>
#include <sys/socket.h>

#include "postfix-policy/policyd/loop.h"

struct rmt_talks;

struct rmt_talk {
	struct rmt_source source; /* first */
	struct rmt_talks *talks;
	GString *in, *out;   /* own */
	int64_t deadline_ns; /* of CLOCK_BOOTTIME */
	bool ending;         /* closed once out is sent */
	bool dead;
	gpointer job; /* own, by the kind's free_job; or NULL */
};

struct rmt_talk_kind {
	unsigned talks_max;
	size_t in_max;      /* octets that may wait in talk->in */
	int64_t timeout_ns; /* without progress */
	void (*got)(void *context, struct rmt_talk *talk); /* talk->in has grown */
	/* A part of talk->job, once per turn while out is small; or NULL. True: do
	 * not sleep before the next part. */
	bool (*step)(void *context, struct rmt_talk *talk);
	GDestroyNotify free_job;
};

struct rmt_talks *rmt_talks_new(struct rmt_loop *loop, const struct rmt_talk_kind *kind,
				void *context);
void rmt_talks_free(struct rmt_talks *talks);

/* A rmt_listener_accept; context is the talks. */
void rmt_talks_accept(void *context, int fd, const char *listener,
		      const struct sockaddr_storage *address);

/* After talk->out was added to. */
void rmt_talk_send(struct rmt_talk *talk);

/* Frees talk->job. */
void rmt_talk_end_job(struct rmt_talk *talk);

/* Once per turn. True: there are jobs, do not sleep. */
bool rmt_talks_turn(struct rmt_talks *talks, int64_t monotonic_ns);

#endif
