/* SPDX-License-Identifier: MIT */
#include "postfix-policy/milter/processes.h"

#include <errno.h>
#include <glib.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/base/log.h"

enum { AGAIN_AFTER_SECS = 1 };

struct children {
	const struct rmt_processes *processes; /* foreign */
	pid_t pids[RMT_PLACE_COUNT];           /* 0: none */
	bool stopping;
};

static void signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGUSR1);
	sigaddset(set, SIGHUP);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGCHLD);
}

static void say_ready(void *context)
{
	const int *fd = context;

	if (write(*fd, "", 1) != 1)
		rmt_log(RMT_LOG_ERROR, "nobody waits for us: %s", g_strerror(errno));
	close(*fd);
}

static void serve(const struct children *children, enum rmt_place place, bool again,
		  pid_t parent, int ready_fd)
{
	/* Not to outlive who hands on the signals, however that one ends. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(EXIT_FAILURE);
	children->processes->serve(children->processes->context, place, again, say_ready,
				   &ready_fd);
	_exit(EXIT_FAILURE);
}

/* Waits for its word. */
static bool start(struct children *children, enum rmt_place place, bool again)
{
	const pid_t self = getpid();
	bool is_ready = false;
	char octet;
	int fds[2];
	pid_t pid;

	if (pipe(fds) < 0) {
		rmt_log(RMT_LOG_ERROR, "pipe: %s", g_strerror(errno));
		return false;
	}
	pid = fork();
	if (pid == 0) {
		close(fds[0]);
		serve(children, place, again, self, fds[1]);
	}
	close(fds[1]);
	if (pid > 0) {
		children->pids[place] = pid;
		is_ready = read(fds[0], &octet, 1) == 1;
	} else {
		rmt_log(RMT_LOG_ERROR, "fork: %s", g_strerror(errno));
	}
	close(fds[0]);
	return is_ready;
}

static bool start_all(struct children *children)
{
	int place;

	for (place = 0; place < RMT_PLACE_COUNT; place++)
		if (children->processes->wanted[place] &&
		    !start(children, (enum rmt_place)place, false))
			return false;
	return true;
}

static void tell_all(const struct children *children, int number)
{
	int place;

	for (place = 0; place < RMT_PLACE_COUNT; place++)
		if (children->pids[place] > 0)
			kill(children->pids[place], number);
}

static void forget(struct children *children, pid_t pid, int status)
{
	int place;

	for (place = 0; place < RMT_PLACE_COUNT; place++)
		if (children->pids[place] == pid) {
			children->pids[place] = 0;
			if (!children->stopping)
				rmt_log(RMT_LOG_ERROR, "%s: ended by %s %d",
					rmt_place_name((enum rmt_place)place),
					WIFSIGNALED(status) ? "signal" : "itself with",
					WIFSIGNALED(status) ? WTERMSIG(status)
							    : WEXITSTATUS(status));
		}
}

static void collect(struct children *children)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		forget(children, pid, status);
}

static bool is_any_missing(const struct children *children)
{
	int place;

	for (place = 0; place < RMT_PLACE_COUNT; place++)
		if (children->processes->wanted[place] && children->pids[place] == 0)
			return true;
	return false;
}

static void start_missing(struct children *children)
{
	int place;

	for (place = 0; place < RMT_PLACE_COUNT; place++)
		if (children->processes->wanted[place] && children->pids[place] == 0)
			start(children, (enum rmt_place)place, true);
}

/* False: stop. */
static bool take_signal(struct children *children, int number)
{
	const struct rmt_processes *processes = children->processes;

	switch (number) {
	case SIGTERM:
	case SIGINT:
		return false;
	case SIGUSR1:
	case SIGHUP:
		if (processes->reload_is_good(processes->context))
			tell_all(children, SIGUSR1);
		return true;
	default:
		collect(children);
		return true;
	}
}

static void watch(struct children *children, const sigset_t *set)
{
	const struct timespec a_while = { AGAIN_AFTER_SECS, 0 };
	int number;

	do {
		bool missing = is_any_missing(children);

		number = sigtimedwait(set, NULL, missing ? &a_while : NULL);
		if (number < 0 && errno == EAGAIN)
			start_missing(children);
	} while (number < 0 || take_signal(children, number));
}

static void stop_all(struct children *children)
{
	int place, status;

	children->stopping = true;
	tell_all(children, SIGTERM);
	for (place = 0; place < RMT_PLACE_COUNT; place++)
		if (children->pids[place] > 0)
			waitpid(children->pids[place], &status, 0);
}

int rmt_processes_run(const struct rmt_processes *processes)
{
	struct children children = { .processes = processes };
	bool started;
	sigset_t set;

	signals(&set);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	started = start_all(&children);
	if (started) {
		processes->started(processes->context);
		watch(&children, &set);
		processes->stopping(processes->context);
	}
	stop_all(&children);
	return started ? EXIT_SUCCESS : EXIT_FAILURE;
}
