/* SPDX-License-Identifier: MIT */
/* run.c - runs a program and collects what it prints. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/cli/run.h"

extern char **environ;

#define WAIT_MS    20000
#define OUTPUT_MAX (64u << 20)

struct child {
	pid_t pid;
	int out[2], errors[2];
};

static void close_pair(int pair[2])
{
	int i;

	for (i = 0; i < 2; i++) {
		if (pair[i] >= 0)
			close(pair[i]);
		pair[i] = -1;
	}
}

/* Sendmail's relatives live in /usr/sbin, which is not in everybody's PATH. */
static char *find_program(const char *name)
{
	char *path = g_find_program_in_path(name);

	if (path == NULL && strchr(name, '/') == NULL) {
		path = g_build_filename("/usr/sbin", name, NULL);
		if (!g_file_test(path, G_FILE_TEST_IS_EXECUTABLE))
			g_clear_pointer(&path, g_free);
	}
	return path;
}

static int spawn(struct child *child, const char *path, const char *const *argv)
{
	posix_spawn_file_actions_t actions;
	int error;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, child->out[1], 1);
	posix_spawn_file_actions_adddup2(&actions, child->errors[1], 2);
	error = posix_spawn(&child->pid, path, &actions, NULL, (char *const *)argv,
			    environ);
	posix_spawn_file_actions_destroy(&actions);
	return error;
}

/* False at the end of the stream. */
static bool take_some(int fd, GString *into)
{
	char bytes[8192];
	ssize_t n = read(fd, bytes, sizeof(bytes));

	if (n < 0)
		return errno == EINTR;
	if (n > 0 && into != NULL && into->len < OUTPUT_MAX)
		g_string_append_len(into, bytes, n);
	return n > 0;
}

/* False when time is up. */
static bool collect(struct child *child, GString *out, GString *errors)
{
	struct pollfd fds[2] = { { child->out[0], POLLIN, 0 },
				 { child->errors[0], POLLIN, 0 } };
	gint64 until = g_get_monotonic_time() + WAIT_MS * 1000;

	while (fds[0].fd >= 0 || fds[1].fd >= 0) {
		gint64 left = (until - g_get_monotonic_time()) / 1000;
		int n = left > 0 ? poll(fds, 2, (int)left) : 0;

		if (n == 0)
			return false;
		if (n < 0 && errno != EINTR)
			return false;
		if (n > 0 && fds[0].revents != 0 && !take_some(fds[0].fd, out))
			fds[0].fd = -1;
		if (n > 0 && fds[1].revents != 0 && !take_some(fds[1].fd, errors))
			fds[1].fd = -1;
	}
	return true;
}

static void wait_for(const struct child *child, int *status_r)
{
	int status = 0;

	while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
		;
	*status_r = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static bool start(struct child *child, const char *const *argv, GError **err)
{
	g_autofree char *path = find_program(argv[0]);
	int error;

	if (path == NULL) {
		g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_NOENT,
			    "the program '%s' is not installed (package %s)", argv[0],
			    g_str_has_prefix(argv[0], "dove") ? "dovecot-core"
							      : "postfix");
		return false;
	}
	if (pipe2(child->out, O_CLOEXEC) < 0 || pipe2(child->errors, O_CLOEXEC) < 0)
		error = errno;
	else
		error = spawn(child, path, argv);
	if (error != 0)
		g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_FAILED, "cannot run %s: %s",
			    path, g_strerror(error));
	return error == 0;
}

bool rmt_run(const char *const *argv, GString *out, GString *errors, int *status_r,
	     GError **err)
{
	struct child child = { -1, { -1, -1 }, { -1, -1 } };
	bool in_time = false, started = start(&child, argv, err);

	if (started) {
		close(child.out[1]);
		close(child.errors[1]);
		child.out[1] = child.errors[1] = -1;
		in_time = collect(&child, out, errors);
		if (!in_time)
			kill(child.pid, SIGKILL);
		wait_for(&child, status_r);
	}
	close_pair(child.out);
	close_pair(child.errors);
	if (started && !in_time)
		g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_FAILED,
			    "'%s' did not end within %d seconds", argv[0],
			    WAIT_MS / 1000);
	return started && in_time;
}

bool rmt_run_well(const char *const *argv, GString *out, const char *silent, GError **err)
{
	g_autoptr(GString) errors = g_string_new(NULL);
	int status;

	if (!rmt_run(argv, out, errors, &status, err))
		return false;
	if (status == 0)
		return true;
	g_strstrip(errors->str);
	g_set_error_literal(err, G_FILE_ERROR, G_FILE_ERROR_FAILED,
			    *errors->str != '\0' ? errors->str : silent);
	return false;
}
