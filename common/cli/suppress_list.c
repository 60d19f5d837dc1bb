/* SPDX-License-Identifier: MIT */
/* suppress_list.c - `remite suppress list` and `export`. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "common/base/when.h"
#include "common/cli/suppress.h"
#include "common/store/suppress_line.h"

static const struct rmt_command *const command = &rmt_command_suppress;

/* Which entries are wanted, and how each is written. */
struct list {
	const struct rmt_cli_records *records;
	char *scope, *reason, *since_text; /* own; or NULL: any */
	int64_t since;
	gboolean expired, json;
	const char *address, *domain; /* folded; or NULL: any */
	void (*write)(struct list *list, const struct rmt_suppression *entry);
	uint64_t written;
	GString *text; /* own */
};

static bool is_domain(const char *address, const char *domain)
{
	const char *at = strrchr(address, '@');

	return at != NULL && strcmp(at + 1, domain) == 0;
}

static bool is_wanted(const struct list *list, const struct rmt_suppression *entry)
{
	if (!list->expired && entry->until != 0 && entry->until <= list->records->now)
		return false;
	return (list->scope == NULL || strcmp(entry->scope, list->scope) == 0) &&
	       (list->reason == NULL || strcmp(entry->reason, list->reason) == 0) &&
	       entry->since >= list->since &&
	       (list->address == NULL || strcmp(entry->address, list->address) == 0) &&
	       (list->domain == NULL || is_domain(entry->address, list->domain));
}

static bool write_wanted(void *context, const struct rmt_suppression *entry)
{
	struct list *list = context;

	if (is_wanted(list, entry)) {
		list->write(list, entry);
		list->written++;
	}
	return !ferror(stdout);
}

/* --- one entry --- */

static void write_words(struct list *list, const struct rmt_suppression *entry)
{
	char when[RMT_WHEN_SIZE];

	printf("%-40s ", rmt_cli_printable(list->text, entry->address));
	printf("%-20s %-12s since %s", entry->scope, entry->reason,
	       rmt_when_format(entry->since, when));
	if (entry->until != 0)
		printf(" until %s", rmt_when_format(entry->until, when));
	if (*entry->source != '\0')
		printf(" by %s", rmt_cli_printable(list->text, entry->source));
	if (*entry->note != '\0')
		printf(" (%s)", rmt_cli_printable(list->text, entry->note));
	putchar('\n');
}

static void write_line(struct list *list, const struct rmt_suppression *entry)
{
	g_string_truncate(list->text, 0);
	rmt_suppress_line_write(list->text, entry);
	fwrite(list->text->str, 1, list->text->len, stdout);
}

/* jansson takes UTF-8 alone; an address need not be. */
static json_t *json_text(const char *text)
{
	g_autofree char *valid = g_utf8_make_valid(text, -1);

	return json_string(valid);
}

static json_t *json_when(int64_t when)
{
	char text[RMT_WHEN_SIZE];

	return when != 0 ? json_string(rmt_when_format(when, text)) : json_null();
}

static void write_json(struct list *list, const struct rmt_suppression *entry)
{
	json_t *object = json_pack(
		"{so so so so so so so}", "address", json_text(entry->address), "scope",
		json_text(entry->scope), "reason", json_text(entry->reason), "source",
		json_text(entry->source), "note", json_text(entry->note), "since",
		json_when(entry->since), "until", json_when(entry->until));

	fputs(list->written > 0 ? ",\n" : "\n", stdout);
	json_dumpf(object, stdout, JSON_COMPACT);
	json_decref(object);
}

/* --- all of them --- */

static bool each_of_address(struct list *list, GError **err)
{
	g_autoptr(GPtrArray) entries = NULL;
	guint i;

	if (!rmt_suppress_find(list->records->store, list->address, &entries, err))
		return false;
	for (i = 0; i < entries->len; i++)
		write_wanted(list, entries->pdata[i]);
	return true;
}

static int write_all(struct list *list)
{
	GError *err = NULL;
	bool ok;

	if (list->json)
		putchar('[');
	ok = list->address != NULL
		     ? each_of_address(list, &err)
		     : rmt_suppress_walk(list->records->store, write_wanted, list, &err);
	if (list->json)
		fputs("\n]\n", stdout);
	if (!ok)
		return rmt_cli_trouble(command, err);
	return rmt_cli_flush(command) ? RMT_EXIT_OK : RMT_EXIT_TROUBLE;
}

static int check_and_write(struct list *list)
{
	g_autoptr(GError) err = NULL;

	if (list->scope != NULL && !rmt_suppress_scope_check(list->scope, &err))
		return rmt_cli_fail(RMT_EXIT_USAGE, command, "%s", err->message);
	if (!rmt_cli_when(command, "--since", list->since_text, list->records->now,
			  &list->since))
		return RMT_EXIT_USAGE;
	return write_all(list);
}

static int open_and_write(struct list *list, const struct rmt_cli *cli, const char *which)
{
	struct rmt_cli_records records;
	struct rmt_addr folded;
	int status;

	if (!rmt_cli_records_open(&records, cli, command, true))
		return RMT_EXIT_TROUBLE;
	rmt_addr_fold(records.config->fold, rmt_span_of(which), &folded);
	if (which != NULL && which[0] == '@')
		list->domain = folded.domain.p;
	else if (which != NULL)
		list->address = folded.whole.p;
	list->records = &records;
	list->text = g_string_new(NULL);
	status = check_and_write(list);
	g_string_free(list->text, TRUE);
	list->records = NULL;
	rmt_cli_records_close(&records);
	return status;
}

static void free_options(struct list *list)
{
	g_free(list->scope);
	g_free(list->reason);
	g_free(list->since_text);
}

/* Words or JSON for people and programs, the lines of import for export. */
static int run(const struct rmt_cli *cli, int argc, char **argv, bool lines)
{
	struct list list = { NULL };
	const GOptionEntry rows[] = {
		{ "scope", 0, 0, G_OPTION_ARG_FILENAME, &list.scope, NULL, NULL },
		{ "reason", 0, 0, G_OPTION_ARG_FILENAME, &list.reason, NULL, NULL },
		{ "since", 0, 0, G_OPTION_ARG_FILENAME, &list.since_text, NULL, NULL },
		{ lines ? NULL : "expired", 0, 0, G_OPTION_ARG_NONE, &list.expired, NULL,
		  NULL },
		{ "json", 0, 0, G_OPTION_ARG_NONE, &list.json, NULL, NULL },
		{ NULL },
	};
	g_auto(GStrv) args = NULL;
	int count, status = RMT_EXIT_USAGE;

	if (rmt_cli_options(command, rows, argc, argv, &count, &args)) {
		list.write = lines ? write_line : list.json ? write_json : write_words;
		if (count > (lines ? 1 : 2))
			rmt_cli_usage(command, RMT_EXIT_USAGE);
		else
			status = open_and_write(&list, cli, args[1]);
	}
	free_options(&list);
	return status;
}

int rmt_suppress_run_list(const struct rmt_cli *cli, int argc, char **argv)
{
	return run(cli, argc, argv, false);
}

int rmt_suppress_run_export(const struct rmt_cli *cli, int argc, char **argv)
{
	return run(cli, argc, argv, true);
}
