/* SPDX-License-Identifier: MIT */
#include "dovecot-plugin/compat.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/log.h"
#include "dovecot-plugin/agent/agent.h"
#include "dovecot-plugin/agent/log.h"
#include "dovecot-plugin/agent/sender.h"

enum { LOOK_MSECS = 1000, LOCK_MSECS = 50 };

/* The parent's. */
static struct {
	pid_t pid;
	int pipe; /* to the child; its end is the child's */
} sender = { 0, -1 };

/* The child's. */
static struct {
	int pipe;   /* from the parent */
	int worker; /* eventfd: a worker is done */
} own = { -1, -1 };

/* --- the child --- */

static int64_t now_us(void *context)
{
	(void)context;
	return g_get_real_time();
}

static void worker_done(void *context)
{
	const uint64_t one = 1;

	(void)context;
	if (write(own.worker, &one, sizeof(one)) < 0)
		return; /* full: it is awake */
}

/* False: the parent is gone. */
static bool drain_pipe(void)
{
	char octets[512];
	ssize_t got;

	while ((got = read(own.pipe, octets, sizeof(octets))) > 0)
		;
	return got != 0;
}

static bool wait_for_work(int msecs)
{
	struct pollfd fds[2] = { { .fd = own.pipe, .events = POLLIN },
				 { .fd = own.worker, .events = POLLIN } };
	uint64_t count;

	poll(fds, G_N_ELEMENTS(fds), msecs);
	if (read(own.worker, &count, sizeof(count)) < 0)
		count = 0;
	return drain_pipe();
}

/* Held as long as the process lives. False: the parent is gone. */
static bool lock(const char *state)
{
	g_autofree char *path = g_build_filename(state, "sender.lock", NULL);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0660);

	if (fd < 0)
		i_fatal("%s: %m (%s and what is in it must be this service's user's)",
			path, state);
	while (flock(fd, LOCK_EX | LOCK_NB) < 0)
		if (!wait_for_work(LOCK_MSECS))
			return FALSE;
	return TRUE;
}

/* Signals are for the parent; what ends it ends this process by the pipe. */
static void leave_parent(void)
{
	static const int signals[] = { SIGTERM, SIGINT,  SIGHUP, SIGUSR1,
				       SIGUSR2, SIGALRM, SIGPIPE };
	size_t i;
	int fd, max = (int)sysconf(_SC_OPEN_MAX);

	for (i = 0; i < G_N_ELEMENTS(signals); i++)
		signal(signals[i], SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
	/* Sockets of the service: nobody listens here. */
	for (fd = STDERR_FILENO + 1; fd < max; fd++)
		if (fd != own.pipe)
			close(fd);
	prctl(PR_SET_NAME, "remite-sender");
}

static struct rmt_agent *open_agent(struct rmt_config *config)
{
	g_autofree char *uri = g_strdup_printf("lmdb:%s/records", config->state);
	struct rmt_store *store = NULL;
	struct rmt_agent *agent = NULL;
	g_autoptr(GError) err = NULL;

	if (!rmt_store_open(&store, uri, FALSE, &err) ||
	    !rmt_agent_new(&agent, rmt_config_ref(config), store, &err))
		i_fatal("%s", err->message);
	agent->now_us = now_us;
	agent->wake = worker_done;
	return agent;
}

static void work(struct rmt_config *config)
{
	struct rmt_agent *agent;

	own.worker = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (own.worker < 0)
		i_fatal("eventfd() failed: %m");
	if (!lock(config->state))
		return;
	curl_global_init(CURL_GLOBAL_DEFAULT);
	agent = open_agent(config);
	rmt_agent_start_queue(agent);
	do {
		rmt_agent_log_flush();
		rmt_agent_turn(agent);
	} while (wait_for_work(LOOK_MSECS));
	rmt_agent_free(agent);
	rmt_agent_log_flush();
}

/* --- the parent --- */

bool rmt_sender_fork(struct rmt_config *config)
{
	int fds[2];

	if (pipe2(fds, O_NONBLOCK | O_CLOEXEC) < 0)
		return FALSE;
	sender.pid = fork();
	if (sender.pid < 0)
		return FALSE;
	if (sender.pid == 0) {
		close(fds[1]);
		own.pipe = fds[0];
		leave_parent();
		work(config);
		_exit(0);
	}
	close(fds[0]);
	sender.pipe = fds[1];
	return TRUE;
}

void rmt_sender_wake(void)
{
	if (write(sender.pipe, "w", 1) < 0)
		return; /* full: it is awake; gone: seen elsewhere */
}

bool rmt_sender_is_alive(void)
{
	return waitpid(sender.pid, NULL, WNOHANG) == 0;
}

void rmt_sender_end(void)
{
	i_close_fd(&sender.pipe);
}
