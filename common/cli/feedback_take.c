/* SPDX-License-Identifier: MIT */
/* feedback_take.c - one message of pipe(8): all that remite-feedback needs, which is
 * started for each bounce and must not load what it does not use. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/cli/feedback.h"

/* For what is said in its name. */
static const struct rmt_command rmt_command_feedback_take = { .name = "feedback" };

bool rmt_feedback_cli_open(struct rmt_feedback_cli *cli, const struct rmt_cli *from)
{
	if (!rmt_cli_records_open(&cli->records, from, &rmt_command_feedback_take, false))
		return false;
	cli->feedback = rmt_feedback_new(cli->records.config, cli->records.store,
					 cli->records.now);
	if (cli->feedback->key_trouble != NULL)
		rmt_log(RMT_LOG_WARNING, "feedback: no return path can be believed: %s",
			cli->feedback->key_trouble);
	return true;
}

void rmt_feedback_cli_close(struct rmt_feedback_cli *cli)
{
	g_clear_pointer(&cli->feedback, rmt_feedback_free);
	rmt_cli_records_close(&cli->records);
}

/* --- one message ---------------------------------------------------------------------
 */

bool rmt_feedback_cli_read(int fd, GString *message, GError **err)
{
	char buffer[65536];
	ssize_t got;

	while ((got = read(fd, buffer, sizeof(buffer))) != 0) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			g_set_error(err, G_FILE_ERROR, g_file_error_from_errno(errno),
				    "the message cannot be read: %s", g_strerror(errno));
			return false;
		}
		/* To the end all the same: who writes must not meet a closed pipe. */
		if (message->len < RMT_REPORT_OCTETS_MAX)
			g_string_append_len(message, buffer, got);
	}
	return true;
}

/* What one report does is one commit, not one for each of its effects. */
static bool work(struct rmt_feedback_cli *cli, const struct rmt_inbox_id *id, int64_t now,
		 struct rmt_feedback_done *done, GError **err)
{
	struct rmt_store *store = cli->records.store;
	g_autoptr(GError) why = NULL;
	bool held = rmt_store_hold(store, &why);
	bool ok = rmt_feedback_work(cli->feedback, id, now, done, err);

	if (!held)
		return ok;
	return rmt_store_release(store, ok ? err : NULL) && ok;
}

bool rmt_feedback_cli_take(struct rmt_feedback_cli *cli,
			   const struct rmt_feedback_item *item, GError **err)
{
	int64_t now = time(NULL);
	struct rmt_feedback_done done;
	struct rmt_inbox_id id;
	g_autoptr(GError) why = NULL;

	if (!rmt_feedback_take(cli->feedback, item, now, &id, err))
		return false;
	/* It is safe: what goes wrong from here on is tried again later. */
	if (work(cli, &id, now, &done, &why))
		rmt_log(RMT_LOG_INFO, "feedback: %s", done.line->str);
	else
		rmt_log(RMT_LOG_ERROR, "feedback: kept, not yet acted upon: %s",
			why->message);
	rmt_feedback_done_clear(&done);
	return true;
}

static int take_one(struct rmt_feedback_cli *cli, const char *recipient,
		    const char *sender, const char *queue_id)
{
	g_autoptr(GString) message = g_string_new(NULL);
	struct rmt_feedback_item item = {
		"pipe", recipient, sender, queue_id, { NULL, 0 }
	};
	g_autoptr(GError) err = NULL;

	if (!rmt_feedback_cli_read(STDIN_FILENO, message, &err))
		goto failed;
	item.message = rmt_span(message->str, message->len);
	if (rmt_feedback_cli_take(cli, &item, &err))
		return EX_OK;
failed:
	rmt_log(RMT_LOG_ERROR, "feedback: %s", err->message);
	fprintf(stderr, "remite feedback: %s\n", err->message);
	return EX_TEMPFAIL;
}

/* pipe(8) returns mail for most other codes: all that we cannot do is "later". */
int rmt_feedback_run_pipe(const struct rmt_cli *from, const char *recipient,
			  const char *sender, const char *queue_id)
{
	struct rmt_feedback_cli cli = { 0 };
	int status;

	if (!rmt_feedback_cli_open(&cli, from))
		return EX_TEMPFAIL;
	status = take_one(&cli, recipient, sender, queue_id);
	rmt_feedback_cli_close(&cli);
	return status;
}
