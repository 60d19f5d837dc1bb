/* SPDX-License-Identifier: MIT */
/* feedback.c - `remite feedback`: takes in what comes back. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/when.h"
#include "common/cli/feedback.h"
#include "common/message/header.h"

static const struct rmt_command *const command = &rmt_command_feedback;

/* --- maildir -------------------------------------------------------------------------
 */

static struct rmt_span first_address(struct rmt_span message)
{
	static const char *const names[] = { "Delivered-To", "X-Original-To",
					     "Envelope-To" };
	struct rmt_header_field field;
	struct rmt_header_reader reader;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(names); i++) {
		reader = rmt_header_read(message);
		while (rmt_header_next(&reader, &field))
			if (rmt_span_eq_nocase(field.name, rmt_span_of(names[i])))
				return rmt_span_trim(field.value);
	}
	return rmt_span("", 0);
}

static bool take_file(struct rmt_feedback_cli *cli, const char *path, GError **err)
{
	g_autoptr(GString) message = g_string_new(NULL);
	struct rmt_feedback_item item = { "maildir", "", "", "", { NULL, 0 } };
	g_autofree char *recipient = NULL;
	struct rmt_span address;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	bool ok;

	if (fd < 0) {
		g_set_error(err, G_FILE_ERROR, g_file_error_from_errno(errno), "'%s': %s",
			    path, g_strerror(errno));
		return false;
	}
	ok = rmt_feedback_cli_read(fd, message, err);
	close(fd);
	if (!ok)
		return false;
	item.message = rmt_span(message->str, message->len);
	address = first_address(item.message);
	recipient = g_strndup(address.p, address.len);
	item.recipient = recipient;
	return rmt_feedback_cli_take(cli, &item, err);
}

/* Nothing is deleted: what was taken moves from new to cur, seen. */
static bool take_and_move(struct rmt_feedback_cli *cli, const char *maildir,
			  const char *name, GError **err)
{
	g_autofree char *from = g_build_filename(maildir, "new", name, NULL);
	g_autofree char *base = g_strndup(name, strcspn(name, ":"));
	g_autofree char *seen = g_strconcat(base, ":2,S", NULL);
	g_autofree char *to = g_build_filename(maildir, "cur", seen, NULL);

	if (!take_file(cli, from, err))
		return false;
	if (rename(from, to) == 0 || errno == ENOENT)
		return true;
	g_set_error(err, G_FILE_ERROR, g_file_error_from_errno(errno),
		    "'%s' cannot be moved to cur: %s", from, g_strerror(errno));
	return false;
}

static int run_maildir(const struct rmt_cli *from, const char *maildir)
{
	g_autofree char *new = g_build_filename(maildir, "new", NULL);
	struct rmt_feedback_cli cli = { 0 };
	g_autoptr(GError) err = NULL;
	GDir *dir = g_dir_open(new, 0, &err);
	unsigned taken = 0, failed = 0;
	const char *name;

	if (dir == NULL)
		return rmt_cli_fail(RMT_EXIT_TROUBLE, command, "%s", err->message);
	if (!rmt_feedback_cli_open(&cli, from)) {
		g_dir_close(dir);
		return RMT_EXIT_TROUBLE;
	}
	while ((name = g_dir_read_name(dir)) != NULL) {
		if (name[0] == '.')
			continue;
		if (take_and_move(&cli, maildir, name, &err)) {
			taken++;
			continue;
		}
		failed++;
		rmt_cli_fail(RMT_EXIT_TROUBLE, command, "%s", err->message);
		g_clear_error(&err);
	}
	g_dir_close(dir);
	rmt_feedback_cli_close(&cli);
	printf("%u taken in, %u not\n", taken, failed);
	return failed > 0 ? RMT_EXIT_TROUBLE : RMT_EXIT_OK;
}

/* --- what lies there -----------------------------------------------------------------
 */

static char *id_text(const struct rmt_inbox_id *id)
{
	GString *out = g_string_new(NULL);
	int i;

	for (i = 0; i < RMT_INBOX_ID; i++)
		g_string_append_printf(out, "%02x", (guchar)id->key[i]);
	return g_string_free(out, FALSE);
}

static bool id_read(const char *text, struct rmt_inbox_id *id_r)
{
	int i, high, low;

	if (strlen(text) != RMT_INBOX_ID * 2)
		return false;
	for (i = 0; i < RMT_INBOX_ID; i++) {
		high = g_ascii_xdigit_value(text[2 * i]);
		low = g_ascii_xdigit_value(text[2 * i + 1]);
		if (high < 0 || low < 0)
			return false;
		id_r->key[i] = (char)(high * 16 + low);
	}
	return true;
}

static bool list_row(void *context, const struct rmt_inbox_row *row)
{
	g_autofree char *id = id_text(&row->id);
	g_autoptr(GString) text = g_string_new(NULL);
	char when[RMT_WHEN_SIZE];

	printf("%s  %s  %-14s %7zu octets  <%s>\n", id, rmt_when_format(row->at, when),
	       row->unread ? "waits" : "not understood", row->message.len,
	       rmt_cli_printable(text, row->recipient));
	++*(unsigned *)context;
	return true;
}

static int run_list(struct rmt_feedback_cli *cli)
{
	GError *err = NULL;
	unsigned count = 0;

	if (!rmt_inbox_walk(cli->records.store, list_row, &count, &err))
		return rmt_cli_trouble(command, err);
	return rmt_cli_flush(command) ? RMT_EXIT_OK : RMT_EXIT_TROUBLE;
}

struct show {
	struct rmt_inbox_id id;
	bool found;
};

static bool show_row(void *context, const struct rmt_inbox_row *row)
{
	struct show *show = context;

	if (memcmp(row->id.key, show->id.key, RMT_INBOX_ID) != 0)
		return true;
	fwrite(row->message.p, 1, row->message.len, stdout);
	show->found = true;
	return false;
}

static int run_on_row(struct rmt_feedback_cli *cli, const char *verb, const char *id)
{
	struct show show = { .found = false };
	GError *err = NULL;
	bool ok;

	if (!id_read(id, &show.id))
		return rmt_cli_fail(RMT_EXIT_USAGE, command,
				    "'%s' is no id (remite feedback list tells them)",
				    id);
	if (strcmp(verb, "remove") == 0)
		ok = rmt_inbox_remove(cli->records.store, &show.id, &show.found, &err);
	else
		ok = rmt_inbox_walk(cli->records.store, show_row, &show, &err);
	if (!ok)
		return rmt_cli_trouble(command, err);
	if (!show.found)
		return rmt_cli_fail(RMT_EXIT_NO, command, "there is no '%s'", id);
	return rmt_cli_flush(command) ? RMT_EXIT_OK : RMT_EXIT_TROUBLE;
}

static int run_retry(struct rmt_feedback_cli *cli)
{
	GError *err = NULL;
	unsigned count;

	if (!rmt_feedback_work_rest(cli->feedback, cli->records.now, &count, &err))
		return rmt_cli_trouble(command, err);
	printf("%u read\n", count);
	return RMT_EXIT_OK;
}

static int run_expire(struct rmt_feedback_cli *cli)
{
	GError *err = NULL;
	uint64_t removed;

	if (!rmt_feedback_expire(cli->feedback, cli->records.now, &removed, &err))
		return rmt_cli_trouble(command, err);
	printf("%" G_GUINT64_FORMAT " rows removed\n", (guint64)removed);
	return RMT_EXIT_OK;
}

static int run_verb(const struct rmt_cli *from, int argc, char **argv)
{
	struct rmt_feedback_cli cli = { 0 };
	const char *verb = argv[1];
	int status;

	if (!rmt_feedback_cli_open(&cli, from))
		return RMT_EXIT_TROUBLE;
	if (strcmp(verb, "list") == 0 && argc == 2)
		status = run_list(&cli);
	else if (strcmp(verb, "retry") == 0 && argc == 2)
		status = run_retry(&cli);
	else if (strcmp(verb, "expire") == 0 && argc == 2)
		status = run_expire(&cli);
	else if ((strcmp(verb, "show") == 0 || strcmp(verb, "remove") == 0) && argc == 3)
		status = run_on_row(&cli, verb, argv[2]);
	else
		status = rmt_cli_usage(command, RMT_EXIT_USAGE);
	rmt_feedback_cli_close(&cli);
	return status;
}

/* --- the command ---------------------------------------------------------------------
 */

struct options {
	char *recipient, *sender, *queue_id, *maildir, *log; /* own */
	gboolean follow;
};

static void free_options(struct options *options)
{
	g_free(options->recipient);
	g_free(options->sender);
	g_free(options->queue_id);
	g_free(options->maildir);
	g_free(options->log);
}

static const char *or_empty(const char *text)
{
	return text != NULL ? text : "";
}

static int run_options(const struct rmt_cli *from, int argc, char **argv)
{
	struct options options = { NULL };
	const GOptionEntry entries[] = {
		{ "to", 0, 0, G_OPTION_ARG_FILENAME, &options.recipient, NULL, NULL },
		{ "from", 0, 0, G_OPTION_ARG_FILENAME, &options.sender, NULL, NULL },
		{ "queue-id", 0, 0, G_OPTION_ARG_FILENAME, &options.queue_id, NULL,
		  NULL },
		{ "maildir", 0, 0, G_OPTION_ARG_FILENAME, &options.maildir, NULL, NULL },
		{ "log", 0, 0, G_OPTION_ARG_FILENAME, &options.log, NULL, NULL },
		{ "follow", 0, 0, G_OPTION_ARG_NONE, &options.follow, NULL, NULL },
		{ NULL },
	};
	g_auto(GStrv) args = NULL;
	int count, status = RMT_EXIT_USAGE;

	if (rmt_cli_options(command, entries, argc, argv, &count, &args)) {
		if (count != 1)
			rmt_cli_usage(command, RMT_EXIT_USAGE);
		else if (options.maildir != NULL)
			status = run_maildir(from, options.maildir);
		else if (options.log != NULL)
			status = rmt_feedback_run_log(from, options.log, options.follow);
		else
			status = rmt_feedback_run_pipe(from, or_empty(options.recipient),
						       or_empty(options.sender),
						       or_empty(options.queue_id));
	}
	free_options(&options);
	return status;
}

static int run(const struct rmt_cli *cli, int argc, char **argv)
{
	rmt_log_init("remite-feedback", RMT_LOG_INFO,
		     isatty(STDERR_FILENO) || g_getenv("REMITE_LOG_STDERR") != NULL
			     ? NULL
			     : rmt_log_to_syslog,
		     NULL);
	if (argc > 1 && argv[1][0] != '-')
		return run_verb(cli, argc, argv);
	return run_options(cli, argc, argv);
}

const struct rmt_command rmt_command_feedback = {
	.name = "feedback",
	.summary = "take in bounces, complaints and Postfix's log",
	.usage =
		"usage: remite feedback [--to ADDRESS] [--from ADDRESS] [--queue-id ID]\n"
		"                       < MESSAGE\n"
		"       remite feedback --maildir DIRECTORY\n"
		"       remite feedback --log FILE|journal [--follow]\n"
		"       remite feedback list | show ID | remove ID | retry | expire\n"
		"\n"
		"Writes a message that came to a bounce address down, then reads it and "
		"does\n"
		"what it says: dead addresses, complaints and unsubscribes suppress, the "
		"rest\n"
		"is counted. In Postfix's master.cf:\n"
		"\n"
		"  remite-feedback unix - n n - 8 pipe flags=Rq user=remite\n"
		"    argv=/usr/bin/remite feedback --to ${recipient} --from ${sender}\n"
		"    --queue-id ${queue_id}\n"
		"\n"
		"--maildir takes in what lies in new and moves it to cur; nothing is "
		"deleted.\n"
		"--log reads Postfix's log from where it ended last time; journal: "
		"systemd's.\n"
		"list shows what waits or was not understood; retry reads what waits; "
		"expire\n"
		"forgets what is older than the setting feedback.keep.\n"
		"\n"
		"Exit status as pipe: 0, or 75 (try again later).\n",
	.run = run,
};
