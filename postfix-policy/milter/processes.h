/* SPDX-License-Identifier: MIT */
/* processes.h - a process for each place, since libmilter serves one socket in a
 * process's life. The first process starts them, hands signals on, and starts again
 * what ended by itself; it serves nothing, so it has no threads. */
#ifndef RMT_MILTER_PROCESSES_H
#define RMT_MILTER_PROCESSES_H

#include "postfix-policy/milter/place.h"

/* In the new process; returns only where it cannot start. ready: call when the socket
 * is open. */
typedef void rmt_process_serve(void *context, enum rmt_place place, bool again,
			       void (*ready)(void *ready_context), void *ready_context);

struct rmt_processes {
	bool wanted[RMT_PLACE_COUNT];
	rmt_process_serve *serve;
	void (*started)(void *context);        /* all are ready; once */
	bool (*reload_is_good)(void *context); /* before SIGUSR1 is handed on */
	void (*stopping)(void *context);
	void *context; /* foreign */
};

/* Blocks the signals it waits for. Returns the exit status, after SIGTERM or SIGINT,
 * or where one of them does not start at all. */
int rmt_processes_run(const struct rmt_processes *processes);

#endif
