/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "dovecot-plugin/agent/submit_program.h"

/* "program -i -f SENDER -- RECIPIENT ...". Own. */
static char **arguments(const char *program, const struct rmt_mail *mail)
{
	const char *const first[] = { program, "-i", "-f", mail->sender, "--" };
	GPtrArray *args = g_ptr_array_new();
	const char *const *one;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(first); i++)
		g_ptr_array_add(args, g_strdup(first[i]));
	for (one = mail->recipients; *one != NULL; one++)
		g_ptr_array_add(args, g_strdup(*one));
	g_ptr_array_add(args, NULL);
	return (char **)g_ptr_array_free(args, FALSE);
}

static bool write_all(int fd, const GString *text)
{
	size_t at = 0;
	ssize_t wrote;

	while (at < text->len) {
		wrote = write(fd, text->str + at, text->len - at);
		if (wrote < 0 && errno == EINTR)
			continue;
		if (wrote <= 0)
			return false;
		at += (size_t)wrote;
	}
	return lseek(fd, 0, SEEK_SET) == 0;
}

/* What the program reads, whole before it starts: at the end of a pipe it could not
 * tell an agent that was killed from the end of the message. sendmail wants LF.
 * -1: errno. */
static int file_of(struct rmt_span text)
{
	g_autoptr(GString) lines = g_string_sized_new(text.len);
	int fd = memfd_create("message", MFD_CLOEXEC);
	size_t i;

	for (i = 0; i < text.len; i++)
		if (text.p[i] != '\r')
			g_string_append_c(lines, text.p[i]);
	if (fd >= 0 && !write_all(fd, lines)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* The exit status, or -1 where it did not end in time and was ended. */
static int wait_for(GPid child, uint64_t timeout_ns)
{
	int64_t until_us = g_get_monotonic_time() + (int64_t)(timeout_ns / 1000);
	int status = 0;
	pid_t done;

	while ((done = waitpid(child, &status, WNOHANG)) == 0 &&
	       g_get_monotonic_time() < until_us)
		g_usleep(5000);
	if (done == child)
		return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	return -1;
}

/* sysexits(3): what another attempt will not mend is about the message. */
static enum rmt_submitted judge(int status)
{
	switch (status) {
	case 0:
		return RMT_SUBMITTED_TAKEN;
	case -1:
		return RMT_SUBMITTED_UNKNOWN;
	case EX_DATAERR:
	case EX_NOUSER:
	case EX_NOHOST:
		return RMT_SUBMITTED_REFUSED;
	default:
		return RMT_SUBMITTED_LATER;
	}
}

static enum rmt_submitted run(const struct rmt_submission_config *config, int input,
			      const struct rmt_mail *mail, char **reply_r, GError **err)
{
	g_auto(GStrv) args = arguments(config->sendmail, mail);
	GPid child;
	int status;

	if (!g_spawn_async_with_fds("/", args, NULL,
				    G_SPAWN_DO_NOT_REAP_CHILD |
					    G_SPAWN_STDOUT_TO_DEV_NULL,
				    NULL, NULL, &child, input, -1, -1, err))
		return RMT_SUBMITTED_LATER;
	status = wait_for(child, config->timeout_ns);
	g_spawn_close_pid(child);
	*reply_r = status >= 0 ? g_strdup_printf("%s: exit status %d", config->sendmail,
						 status)
			       : g_strdup_printf("%s: was ended", config->sendmail);
	return judge(status);
}

enum rmt_submitted rmt_submit_to_program(const struct rmt_submission_config *config,
					 const struct rmt_mail *mail, char **reply_r)
{
	enum rmt_submitted result = RMT_SUBMITTED_LATER;
	g_autoptr(GError) err = NULL;
	int input = file_of(mail->text);

	if (input < 0) {
		*reply_r =
			g_strdup_printf("no memory for a message: %s", g_strerror(errno));
		return RMT_SUBMITTED_LATER;
	}
	if (mail->last == NULL || mail->last(mail->context))
		result = run(config, input, mail, reply_r, &err);
	else
		*reply_r = g_strdup("broken off before it was handed over");
	close(input);
	if (err == NULL)
		return result;
	rmt_log(RMT_LOG_ERROR, "submission.sendmail: %s", err->message);
	*reply_r = g_strdup(err->message);
	return RMT_SUBMITTED_LATER;
}
