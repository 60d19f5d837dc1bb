/* SPDX-License-Identifier: MIT */
/* selectors.c - `remite selectors`: which DKIM selectors sign for our domains. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "common/base/when.h"
#include "common/cli/records.h"
#include "common/store/selectors.h"

static const struct rmt_command *const command = &rmt_command_selectors;

struct listing {
	bool json;
	unsigned count;
};

static bool list_one(void *context, const char *domain, const char *selector,
		     int64_t seen)
{
	struct listing *listing = context;
	char when[RMT_WHEN_SIZE];
	g_autofree char *text = NULL;
	json_t *row;

	listing->count++;
	if (!listing->json) {
		printf("%s  %s  last seen %s\n", domain, selector,
		       rmt_when_format(seen, when));
		return true;
	}
	row = json_pack("{s:s,s:s,s:I}", "domain", domain, "selector", selector, "seen",
			(json_int_t)seen);
	text = json_dumps(row, JSON_COMPACT | JSON_PRESERVE_ORDER);
	puts(text != NULL ? text : "{}");
	json_decref(row);
	return true;
}

static int run_list(const struct rmt_cli *cli, int argc, char **argv)
{
	gboolean json = FALSE;
	const GOptionEntry entries[] = {
		{ "json", 0, 0, G_OPTION_ARG_NONE, &json, NULL, NULL },
		{ NULL },
	};
	struct rmt_cli_records records;
	g_auto(GStrv) args = NULL;
	struct listing listing = { 0 };
	GError *err = NULL;
	int count;

	if (!rmt_cli_options(command, entries, argc, argv, &count, &args))
		return RMT_EXIT_USAGE;
	if (count != 1)
		return rmt_cli_usage(command, RMT_EXIT_USAGE);
	if (!rmt_cli_records_open(&records, cli, command, true))
		return RMT_EXIT_TROUBLE;
	listing.json = json;
	rmt_selectors_walk(records.store, list_one, &listing, &err);
	rmt_cli_records_close(&records);
	if (err != NULL)
		return rmt_cli_trouble(command, err);
	if (listing.count == 0 && !json)
		puts("no signature has been seen yet (remite-milter, milter.after)");
	return rmt_cli_flush(command) ? RMT_EXIT_OK : RMT_EXIT_TROUBLE;
}

static int run_forget(const struct rmt_cli *cli, int argc, char **argv)
{
	struct rmt_cli_records records;
	GError *err = NULL;
	size_t count;

	if (argc != 2)
		return rmt_cli_usage(command, RMT_EXIT_USAGE);
	if (!rmt_cli_records_open(&records, cli, command, false))
		return RMT_EXIT_TROUBLE;
	rmt_selectors_forget(records.store, argv[1], &count, &err);
	rmt_cli_records_close(&records);
	if (err != NULL)
		return rmt_cli_trouble(command, err);
	if (count > 0)
		printf("%s: forgotten\n", argv[1]);
	else
		printf("%s: there is no such record\n", argv[1]);
	return count > 0 ? RMT_EXIT_OK : RMT_EXIT_NO;
}

static int run(const struct rmt_cli *cli, int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "list") == 0)
		return run_list(cli, argc - 1, argv + 1);
	if (argc > 1 && strcmp(argv[1], "forget") == 0)
		return run_forget(cli, argc - 1, argv + 1);
	return rmt_cli_usage(command, RMT_EXIT_USAGE);
}

const struct rmt_command rmt_command_selectors = {
	.name = "selectors",
	.summary = "which DKIM selectors sign for our domains, as was seen",
	.usage =
		"usage: remite selectors list [--json]\n"
		"       remite selectors forget DOMAIN\n"
		"\n"
		"DNS does not list the names under which a domain's keys are published.\n"
		"remite-milter, behind the signer, sees them in signatures that hold;\n"
		"remite check and streams with dkim.learn look for keys there.\n",
	.run = run,
};
