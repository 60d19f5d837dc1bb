/* SPDX-License-Identifier: MIT */
/* unsubscribe_log.c - `remite unsubscribe log` and `forget`. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "common/base/when.h"
#include "common/cli/unsubscribe.h"
#include "common/store/left.h"

static const struct rmt_command *const command = &rmt_command_unsubscribe;

struct list {
	char *user, *since_text; /* own; or NULL */
	gboolean still, json;
	int64_t since;
	uint64_t written;
	GString *text; /* own */
};

static bool is_wanted(const struct list *list, const struct rmt_left *left)
{
	return (list->user == NULL || strcmp(list->user, left->user) == 0) &&
	       left->changed >= list->since && (!list->still || left->still > 0);
}

static void write_words(const struct list *list, const struct rmt_left *left)
{
	char when[RMT_WHEN_SIZE];

	printf("%s %-8s ", rmt_when_format(left->changed, when),
	       rmt_left_state_name(left->state));
	printf("%s ", rmt_cli_printable(list->text, left->address));
	printf("%s", rmt_cli_printable(list->text, left->list));
	if (*left->by != '\0')
		printf(" by %s to %s", left->by,
		       rmt_cli_printable(list->text, left->host));
	if (*left->note != '\0')
		printf(" (%s)", rmt_cli_printable(list->text, left->note));
	if (left->still > 0)
		printf(", STILL SENDING: %" G_GUINT64_FORMAT " since, last %s",
		       left->still, rmt_when_format(left->still_at, when));
	putchar('\n');
}

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

static void write_json(const struct list *list, const struct rmt_left *left)
{
	json_t *object = json_pack(
		"{so so so ss so so so so so sI sI so}", "address",
		json_text(left->address), "list", json_text(left->list), "user",
		json_text(left->user), "state", rmt_left_state_name(left->state), "by",
		json_text(left->by), "host", json_text(left->host), "note",
		json_text(left->note), "since", json_when(left->since), "changed",
		json_when(left->changed), "posts", (json_int_t)left->posts, "still",
		(json_int_t)left->still, "still_at", json_when(left->still_at));

	fputs(list->written > 0 ? ",\n" : "\n", stdout);
	json_dumpf(object, stdout, JSON_COMPACT);
	json_decref(object);
}

static bool write_wanted(void *context, const struct rmt_left *left)
{
	struct list *list = context;

	if (!is_wanted(list, left))
		return true;
	if (list->json)
		write_json(list, left);
	else
		write_words(list, left);
	list->written++;
	return !ferror(stdout);
}

static int write_list(const struct rmt_cli *cli, struct list *list, const char *address)
{
	struct rmt_cli_records records;
	GError *err = NULL;
	int status = RMT_EXIT_OK;

	if (!rmt_cli_records_open(&records, cli, command, true))
		return RMT_EXIT_TROUBLE;
	if (!rmt_cli_when(command, "--since", list->since_text, records.now,
			  &list->since)) {
		rmt_cli_records_close(&records);
		return RMT_EXIT_USAGE;
	}
	if (list->json)
		putchar('[');
	if (!rmt_left_walk(records.store, address, write_wanted, list, &err))
		status = rmt_cli_trouble(command, err);
	if (list->json)
		puts("\n]");
	if (!rmt_cli_flush(command))
		status = RMT_EXIT_TROUBLE;
	rmt_cli_records_close(&records);
	return status == RMT_EXIT_OK && list->still && list->written > 0 ? RMT_EXIT_NO
									 : status;
}

int rmt_unsubscribe_run_log(const struct rmt_cli *cli, int argc, char **argv)
{
	struct list list = { NULL };
	const GOptionEntry rows[] = {
		{ "user", 0, 0, G_OPTION_ARG_FILENAME, &list.user, NULL, NULL },
		{ "since", 0, 0, G_OPTION_ARG_FILENAME, &list.since_text, NULL, NULL },
		{ "still", 0, 0, G_OPTION_ARG_NONE, &list.still, NULL, NULL },
		{ "json", 0, 0, G_OPTION_ARG_NONE, &list.json, NULL, NULL },
		{ NULL },
	};
	g_auto(GStrv) args = NULL;
	int count, status = RMT_EXIT_USAGE;

	if (rmt_cli_options(command, rows, argc, argv, &count, &args)) {
		list.text = g_string_new(NULL);
		status = count > 2 ? rmt_cli_usage(command, RMT_EXIT_USAGE)
				   : write_list(cli, &list, args[1]);
		g_string_free(list.text, TRUE);
	}
	g_free(list.user);
	g_free(list.since_text);
	return status;
}

/* --- forget --------------------------------------------------------------------------
 */

static int forget(const struct rmt_cli *cli, const char *user, const char *before_text)
{
	int64_t before = INT64_MAX;
	struct rmt_cli_records records;
	uint64_t removed = 0;
	GError *err = NULL;
	int status = RMT_EXIT_OK;

	if (!rmt_cli_records_open(&records, cli, command, false))
		return RMT_EXIT_TROUBLE;
	if (!rmt_cli_when(command, "--before", before_text, records.now, &before))
		status = RMT_EXIT_USAGE;
	else if (rmt_left_remove(records.store, user, before, &removed, &err))
		printf("%" G_GUINT64_FORMAT " removed\n", removed);
	else
		status = rmt_cli_trouble(command, err);
	rmt_cli_records_close(&records);
	return status;
}

int rmt_unsubscribe_run_forget(const struct rmt_cli *cli, int argc, char **argv)
{
	g_autofree char *user = NULL, *before = NULL;
	const GOptionEntry rows[] = {
		{ "user", 0, 0, G_OPTION_ARG_FILENAME, &user, NULL, NULL },
		{ "before", 0, 0, G_OPTION_ARG_FILENAME, &before, NULL, NULL },
		{ NULL },
	};
	g_auto(GStrv) args = NULL;
	int count;

	if (!rmt_cli_options(command, rows, argc, argv, &count, &args))
		return RMT_EXIT_USAGE;
	if (count > 1 || (user == NULL && before == NULL))
		return rmt_cli_usage(command, RMT_EXIT_USAGE);
	return forget(cli, user, before);
}
