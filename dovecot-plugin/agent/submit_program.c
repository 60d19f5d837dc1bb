/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <signal.h>
#include <string.h>
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

/* sendmail wants LF. SIGPIPE is ignored by the process. */
static bool write_text(int fd, struct rmt_span text)
{
	g_autoptr(GString) lines = g_string_sized_new(text.len);
	size_t i, at = 0;
	ssize_t wrote;

	for (i = 0; i < text.len; i++)
		if (text.p[i] != '\r')
			g_string_append_c(lines, text.p[i]);
	while (at < lines->len) {
		wrote = write(fd, lines->str + at, lines->len - at);
		if (wrote < 0 && errno == EINTR)
			continue;
		if (wrote <= 0)
			return false;
		at += (size_t)wrote;
	}
	return true;
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
static enum rmt_submitted judge(int status, bool ended)
{
	switch (status) {
	case 0:
		return RMT_SUBMITTED_TAKEN;
	case -1:
		return ended ? RMT_SUBMITTED_UNKNOWN : RMT_SUBMITTED_LATER;
	case EX_DATAERR:
	case EX_NOUSER:
	case EX_NOHOST:
		return RMT_SUBMITTED_REFUSED;
	default:
		return RMT_SUBMITTED_LATER;
	}
}

static enum rmt_submitted feed(const struct rmt_submission_config *config, GPid child,
			       int input, const struct rmt_mail *mail, char **reply_r)
{
	bool ended = false;
	int status;

	if (write_text(input, mail->text))
		ended = mail->last == NULL || mail->last(mail->context);
	if (!ended)
		kill(child, SIGKILL); /* before it has seen the end */
	close(input);
	status = wait_for(child, config->timeout_ns);
	g_spawn_close_pid(child);
	*reply_r = status >= 0 ? g_strdup_printf("%s: exit status %d", config->sendmail,
						 status)
			       : g_strdup_printf("%s: was ended", config->sendmail);
	return judge(status, ended);
}

enum rmt_submitted rmt_submit_to_program(const struct rmt_submission_config *config,
					 const struct rmt_mail *mail, char **reply_r)
{
	g_auto(GStrv) args = arguments(config->sendmail, mail);
	g_autoptr(GError) err = NULL;
	GPid child;
	int input;

	if (g_spawn_async_with_pipes("/", args, NULL,
				     G_SPAWN_DO_NOT_REAP_CHILD |
					     G_SPAWN_STDOUT_TO_DEV_NULL,
				     NULL, NULL, &child, &input, NULL, NULL, &err))
		return feed(config, child, input, mail, reply_r);
	rmt_log(RMT_LOG_ERROR, "submission.sendmail: %s", err->message);
	*reply_r = g_strdup(err->message);
	return RMT_SUBMITTED_LATER;
}
