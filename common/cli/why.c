/* SPDX-License-Identifier: MIT */
/* why.c - `remite why ADDRESS`: what came back of mail to it, and what was done. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "common/base/when.h"
#include "common/cli/records.h"
#include "common/feedback/events.h"
#include "common/store/suppress.h"

static const struct rmt_command *const command = &rmt_command_why;

static gint by_time(gconstpointer a, gconstpointer b)
{
	const struct rmt_event *x = *(struct rmt_event *const *)a;
	const struct rmt_event *y = *(struct rmt_event *const *)b;

	return x->at < y->at ? -1 : x->at > y->at;
}

static void print_line(GString *text, const char *name, const char *value)
{
	if (value[0] != '\0')
		printf("    %-10s %s\n", name, rmt_cli_printable(text, value));
}

static void print_event(const struct rmt_event *event)
{
	g_autoptr(GString) text = g_string_new(NULL);
	char when[RMT_WHEN_SIZE];

	printf("  %s  %s%s%s, stream %s\n", rmt_when_format(event->at, when),
	       rmt_report_class_name(event->class), event->hard ? ", hard" : "",
	       event->alias ? ", at another address behind it" : "",
	       rmt_cli_printable(text, event->stream));
	print_line(text, "message", event->message_id);
	print_line(text, "key", event->message);
	print_line(text, "queue id", event->queue_id);
	if (event->sent_at != 0)
		print_line(text, "sent", rmt_when_format(event->sent_at, when));
	if (event->reply[0] != '\0' || event->status[0] != '\0')
		printf("    %-10s %s%s%s\n", "answer", event->reply,
		       event->reply[0] != '\0' && event->status[0] != '\0' ? " " : "",
		       event->status);
	print_line(text, "rule", event->rule);
	print_line(text, "evidence", event->evidence);
	printf("    %-10s %s, by %s\n", "believed", rmt_proof_name(event->proof),
	       event->source);
	print_line(text, "effect", event->effect);
}

static const char *barring(const struct rmt_cli_records *records,
			   const GPtrArray *entries, const struct rmt_stream *stream,
			   const struct rmt_suppression **entry_r)
{
	guint i;

	for (i = 0; i < entries->len; i++) {
		*entry_r = g_ptr_array_index(entries, i);
		if (rmt_suppress_judge(*entry_r, stream->name, stream->class,
				       stream->suppress,
				       records->now) == RMT_SUPPRESS_BARS)
			return "barred";
	}
	*entry_r = NULL;
	return "may be mailed";
}

static bool print_streams(const struct rmt_cli_records *records, const GPtrArray *entries)
{
	const struct rmt_suppression *entry;
	char when[RMT_WHEN_SIZE];
	bool barred = false;
	guint i;

	puts("streams:");
	for (i = 0; i < records->config->streams->len; i++) {
		const struct rmt_stream *stream = records->config->streams->pdata[i];

		printf("  %-16s %s", stream->name,
		       barring(records, entries, stream, &entry));
		if (entry != NULL)
			printf(" by %s, %s, until %s", entry->scope, entry->reason,
			       entry->until != 0 ? rmt_when_format(entry->until, when)
						 : "removed");
		putchar('\n');
		barred |= entry != NULL;
	}
	return barred;
}

static json_t *event_json(const struct rmt_event *e)
{
	char at[RMT_WHEN_SIZE], sent[RMT_WHEN_SIZE];
	g_autofree char *evidence = g_utf8_make_valid(e->evidence, -1);
	g_autofree char *message_id = g_utf8_make_valid(e->message_id, -1);

	return json_pack("{ss ss ss sb sb ss ss ss ss ss ss ss ss ss ss so}", "at",
			 rmt_when_format(e->at, at), "stream", e->stream, "class",
			 rmt_report_class_name(e->class), "hard", e->hard, "alias",
			 e->alias, "message", e->message, "message_id", message_id,
			 "queue_id", e->queue_id, "status", e->status, "reply", e->reply,
			 "rule", e->rule, "evidence", evidence, "proof",
			 rmt_proof_name(e->proof), "source", e->source, "effect",
			 e->effect, "sent",
			 e->sent_at != 0 ? json_string(rmt_when_format(e->sent_at, sent))
					 : json_null());
}

static json_t *entry_json(const struct rmt_suppression *entry)
{
	g_autofree char *source = g_utf8_make_valid(entry->source, -1);

	return json_pack("{ss ss ss sI sI}", "scope", entry->scope, "reason",
			 entry->reason, "source", source, "since",
			 (json_int_t)entry->since, "until", (json_int_t)entry->until);
}

static int print_json(const char *address, const GPtrArray *events,
		      const GPtrArray *entries)
{
	json_t *out = json_object(), *list = json_array(), *barred = json_array();
	guint i;

	for (i = 0; i < events->len; i++)
		json_array_append_new(list, event_json(g_ptr_array_index(events, i)));
	for (i = 0; i < entries->len; i++) {
		const struct rmt_suppression *entry = g_ptr_array_index(entries, i);

		json_array_append_new(barred, entry_json(entry));
	}
	json_object_set_new(out, "address", json_string(address));
	json_object_set_new(out, "events", list);
	json_object_set_new(out, "suppressions", barred);
	json_dumpf(out, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(out);
	return entries->len > 0 ? RMT_EXIT_NO : RMT_EXIT_OK;
}

static int explain(const struct rmt_cli_records *records, const char *address, bool json)
{
	g_autoptr(GPtrArray) entries = NULL, events = NULL;
	g_autoptr(GString) text = g_string_new(NULL);
	struct rmt_addr folded;
	GError *err = NULL;
	guint i;

	if (!rmt_cli_mailbox(records, address, &folded))
		return RMT_EXIT_USAGE;
	if (!rmt_suppress_find(records->store, folded.whole.p, &entries, &err) ||
	    !rmt_events_of(records->store, folded.whole.p, &events, &err))
		return rmt_cli_trouble(command, err);
	g_ptr_array_sort(events, by_time);
	if (json)
		return print_json(folded.whole.p, events, entries);
	printf("%s: %u came back\n", rmt_cli_printable(text, folded.whole.p),
	       events->len);
	for (i = 0; i < events->len; i++)
		print_event(g_ptr_array_index(events, i));
	return print_streams(records, entries) ? RMT_EXIT_NO : RMT_EXIT_OK;
}

static int run(const struct rmt_cli *cli, int argc, char **argv)
{
	bool json = argc == 3 && strcmp(argv[1], "--json") == 0;
	struct rmt_cli_records records;
	int status;

	if (argc != 2 && !json)
		return rmt_cli_usage(command, RMT_EXIT_USAGE);
	if (!rmt_cli_records_open(&records, cli, command, true))
		return RMT_EXIT_TROUBLE;
	status = explain(&records, argv[argc - 1], json);
	if (!rmt_cli_flush(command))
		status = RMT_EXIT_TROUBLE;
	rmt_cli_records_close(&records);
	return status;
}

const struct rmt_command rmt_command_why = {
	.name = "why",
	.summary = "say what came back of mail to an address, and what it did",
	.usage =
		"usage: remite why [--json] ADDRESS\n"
		"\n"
		"Every bounce and complaint that is remembered: which message of ours it "
		"was,\n"
		"what the other side said, by which rule it was understood, why it was\n"
		"believed, and what was done; then whether each stream may mail the "
		"address.\n"
		"\n"
		"Exit status 1: some stream may not.\n",
	.run = run,
};
