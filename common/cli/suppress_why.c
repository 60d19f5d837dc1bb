/* SPDX-License-Identifier: MIT */
/* suppress_why.c - `remite suppress why ADDRESS`: every entry, and what each
 * configured stream makes of it. */
#include <stdio.h>
#include <string.h>

#include "common/base/when.h"
#include "common/cli/suppress.h"

static const struct rmt_command *const command = &rmt_command_suppress;

struct why {
	const struct rmt_cli_records *records;
	const GPtrArray *entries; /* struct rmt_suppression */
	GString *text;
};

static void print_text(const struct why *why, const char *name, const char *text)
{
	if (*text != '\0')
		printf("  %-8s%s\n", name, rmt_cli_printable(why->text, text));
}

static void print_entry(const struct why *why, const struct rmt_suppression *entry)
{
	char when[RMT_WHEN_SIZE];
	bool over = entry->until != 0 && entry->until <= why->records->now;

	printf("%s, %s%s\n", entry->scope, entry->reason, over ? " (expired)" : "");
	printf("  %-8s%s\n", "since", rmt_when_format(entry->since, when));
	printf("  %-8s%s\n", "until",
	       entry->until != 0 ? rmt_when_format(entry->until, when) : "never");
	print_text(why, "source", entry->source);
	print_text(why, "note", entry->note);
}

static void print_judgement(const struct rmt_suppression *entry,
			    const struct rmt_stream *stream,
			    enum rmt_suppress_judgement judgement)
{
	static const char *const sentences[] = {
		[RMT_SUPPRESS_EXPIRED] = "has expired",
		[RMT_SUPPRESS_OTHER_SCOPE] = "is another scope",
	};
	g_autofree char *reasons = NULL;

	printf("    not by %s, %s: ", entry->scope, entry->reason);
	if (judgement != RMT_SUPPRESS_OTHER_REASON) {
		puts(sentences[judgement]);
		return;
	}
	reasons = g_strjoinv(", ", stream->suppress);
	printf("its setting suppress does not name '%s' (it is [%s])\n", entry->reason,
	       reasons);
}

static enum rmt_suppress_judgement judge(const struct why *why, guint i,
					 const struct rmt_stream *stream)
{
	return rmt_suppress_judge(why->entries->pdata[i], stream->name, stream->class,
				  stream->suppress, why->records->now);
}

/* The first entry that bars it, or NULL. */
static const struct rmt_suppression *barring(const struct why *why,
					     const struct rmt_stream *stream)
{
	guint i;

	for (i = 0; i < why->entries->len; i++)
		if (judge(why, i, stream) == RMT_SUPPRESS_BARS)
			return why->entries->pdata[i];
	return NULL;
}

static void print_stream(const struct why *why, const struct rmt_stream *stream)
{
	const struct rmt_suppression *entry = barring(why, stream);
	guint i;

	printf("  %s (class %s): ", stream->name, stream->class);
	if (entry != NULL) {
		printf("barred by %s, %s%s\n", entry->scope, entry->reason,
		       stream->mode == RMT_MODE_REPORT ? " (report mode: only said)"
						       : "");
		return;
	}
	puts("not barred");
	for (i = 0; i < why->entries->len; i++)
		print_judgement(why->entries->pdata[i], stream, judge(why, i, stream));
}

static int print_all(const struct why *why)
{
	const GPtrArray *streams = why->records->config->streams;
	bool stands = false;
	guint i;

	for (i = 0; i < why->entries->len; i++) {
		const struct rmt_suppression *entry = why->entries->pdata[i];

		print_entry(why, entry);
		stands |= entry->until == 0 || entry->until > why->records->now;
	}
	puts("streams:");
	for (i = 0; i < streams->len; i++)
		print_stream(why, streams->pdata[i]);
	if (!rmt_cli_flush(command))
		return RMT_EXIT_TROUBLE;
	return stands ? RMT_EXIT_NO : RMT_EXIT_OK;
}

static int explain(const struct rmt_cli_records *records, const char *address)
{
	g_autoptr(GPtrArray) entries = NULL;
	g_autoptr(GString) text = g_string_new(NULL);
	struct why why = { records, NULL, text };
	struct rmt_addr folded;
	GError *err = NULL;

	if (!rmt_cli_mailbox(records, address, &folded))
		return RMT_EXIT_USAGE;
	if (!rmt_suppress_find(records->store, folded.whole.p, &entries, &err))
		return rmt_cli_trouble(command, err);
	printf("%s: %u entr%s\n", rmt_cli_printable(text, folded.whole.p), entries->len,
	       entries->len == 1 ? "y" : "ies");
	why.entries = entries;
	return print_all(&why);
}

int rmt_suppress_run_why(const struct rmt_cli *cli, int argc, char **argv)
{
	struct rmt_cli_records records;
	int status;

	if (argc != 2)
		return rmt_cli_usage(command, RMT_EXIT_USAGE);
	if (!rmt_cli_records_open(&records, cli, command, true))
		return RMT_EXIT_TROUBLE;
	status = explain(&records, argv[1]);
	rmt_cli_records_close(&records);
	return status;
}
