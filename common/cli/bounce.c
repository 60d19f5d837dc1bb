/* SPDX-License-Identifier: MIT */
/* bounce.c - `remite bounce`, and the verb of `remite batch`. */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/cli/batch.h"
#include "common/cli/cli.h"
#include "common/report/report.h"

/* One more than is looked at, so that the reader can tell that there was more. */
enum { READ_MAX = RMT_REPORT_OCTETS_MAX + 1 };

static bool read_message(int fd, GString *message, GError **err)
{
	char buffer[65536];
	ssize_t got = 1;

	while (got > 0 && message->len < READ_MAX) {
		got = read(fd, buffer, MIN(sizeof(buffer), READ_MAX - message->len));
		if (got < 0 && errno == EINTR)
			got = 1;
		else if (got < 0)
			g_set_error(err, G_FILE_ERROR, g_file_error_from_errno(errno),
				    "the message cannot be read: %s", g_strerror(errno));
		else
			g_string_append_len(message, buffer, got);
	}
	return got >= 0;
}

static bool read_file(const char *name, GString *message, GError **err)
{
	int fd = open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	bool ok;

	if (fd < 0) {
		g_set_error(err, G_FILE_ERROR, g_file_error_from_errno(errno),
			    "'%s' cannot be opened: %s", name, g_strerror(errno));
		return false;
	}
	ok = read_message(fd, message, err);
	if (!ok)
		g_prefix_error(err, "'%s': ", name);
	close(fd);
	return ok;
}

static json_t *text(const char *string)
{
	return rmt_batch_text(rmt_span_of(string));
}

static json_t *event_json(const struct rmt_report_event *event)
{
	json_t *out = json_object();

	json_object_set_new(out, "recipient", text(event->recipient));
	json_object_set_new(out, "action", text(rmt_report_action_name(event->action)));
	json_object_set_new(out, "status", text(event->status));
	json_object_set_new(out, "reply", text(event->reply));
	json_object_set_new(out, "class", text(rmt_report_class_name(event->class)));
	json_object_set_new(out, "hard", json_boolean(event->hard));
	json_object_set_new(out, "feedback_type", text(event->feedback_type));
	json_object_set_new(out, "evidence", text(event->evidence));
	json_object_set_new(out, "rule", text(event->rule));
	return out;
}

static void put_report(json_t *out, const struct rmt_report *report)
{
	json_t *events = json_array();
	guint i;

	for (i = 0; i < report->events->len; i++)
		json_array_append_new(events,
				      event_json(g_ptr_array_index(report->events, i)));
	json_object_set_new(out, "kind", text(rmt_report_kind_name(report->kind)));
	json_object_set_new(out, "events", events);
	if (report->cut)
		json_object_set_new(out, "cut", json_true());
}

/* --- batch ------------------------------------------------------------------------- */

static void free_reader(gpointer reader)
{
	rmt_report_reader_free(reader);
}

/* Compiled once for all cases of a run. */
static const struct rmt_report_reader *shared_reader(void)
{
	static GPrivate own = G_PRIVATE_INIT(free_reader);

	if (g_private_get(&own) == NULL)
		g_private_set(&own, rmt_report_reader_new());
	return g_private_get(&own);
}

bool rmt_batch_bounce(struct rmt_batch_case *c, GError **err)
{
	g_autoptr(GString) message = g_string_new(NULL);
	g_autoptr(rmt_report) report = NULL;
	g_autofree char *name = NULL;
	struct rmt_span file;

	if (!rmt_batch_string(c, "file", NULL, &file, err))
		return false;
	name = g_strndup(file.p, file.len);
	if (!read_file(name, message, err))
		return false;
	report = rmt_report_read(shared_reader(), rmt_span(message->str, message->len));
	put_report(c->out, report);
	return true;
}

/* --- the command -------------------------------------------------------------------- */

static void print_event(const struct rmt_report_event *event)
{
	g_autoptr(GString) recipient = g_string_new(NULL);

	rmt_log_printable(recipient, rmt_span_of(event->recipient), 320);
	printf("  <%s> %s%s%s\n", recipient->str, rmt_report_class_name(event->class),
	       event->hard ? ", hard" : "",
	       event->source == RMT_SOURCE_ORIGINAL ? ", address of the returned message"
						    : "");
	if (event->action != RMT_ACTION_NONE)
		printf("    %-10s %s %s%s%s\n", "action",
		       rmt_report_action_name(event->action), event->status,
		       event->reply[0] != '\0' ? " " : "", event->reply);
	if (event->feedback_type[0] != '\0')
		printf("    %-10s %s\n", "feedback", event->feedback_type);
	printf("    %-10s %s\n    %-10s %s\n", "rule", event->rule, "evidence",
	       event->evidence);
}

static void print_text(const struct rmt_report *report)
{
	guint i;

	puts(rmt_report_kind_name(report->kind));
	for (i = 0; i < report->events->len; i++)
		print_event(g_ptr_array_index(report->events, i));
	if (report->cut)
		puts("  only the beginning was read");
}

static void print_json(const struct rmt_report *report)
{
	json_t *out = json_object();

	put_report(out, report);
	json_dumpf(out, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(out);
}

static int run(const struct rmt_cli *cli, int argc, char **argv)
{
	bool json = argc == 2 && strcmp(argv[1], "--json") == 0;
	g_autoptr(GString) message = g_string_new(NULL);
	g_autoptr(rmt_report) report = NULL;
	g_autoptr(GError) err = NULL;

	(void)cli;
	if (argc > 1 && !json)
		return rmt_cli_usage(&rmt_command_bounce, RMT_EXIT_USAGE);
	if (!read_message(STDIN_FILENO, message, &err))
		return rmt_cli_fail(RMT_EXIT_TROUBLE, &rmt_command_bounce, "%s",
				    err->message);
	report = rmt_report_read(shared_reader(), rmt_span(message->str, message->len));
	if (json)
		print_json(report);
	else
		print_text(report);
	return report->kind == RMT_REPORT_OTHER ? RMT_EXIT_NO : RMT_EXIT_OK;
}

const struct rmt_command rmt_command_bounce = {
	.name = "bounce",
	.summary = "say what a returned message means",
	.usage =
		"usage: remite bounce [--json] < MESSAGE\n"
		"\n"
		"Reads a bounce, a complaint, an automatic answer or a receipt, and says "
		"for\n"
		"each recipient what became of the message, and by which rule. Nothing "
		"is\n"
		"stored.\n"
		"Exit status: 0 a report, 1 something else.\n",
	.run = run,
};
