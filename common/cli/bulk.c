/* SPDX-License-Identifier: MIT */
/* bulk.c - `remite bulk`: who is a bulk sender at which provider, for good. */
#include <stdio.h>

#include "common/base/when.h"
#include "common/cli/control_client.h"
#include "common/cli/records.h"
#include "common/store/bulk.h"

static const struct rmt_command *const command = &rmt_command_bulk;

/* --- list --- */

static bool list_one(void *context, const char *org, const char *provider,
		     const struct rmt_bulk_count *count)
{
	struct rmt_cli_listing *listing = context;
	const uint64_t day = rmt_bulk_count_day(count, listing->now);
	char when[RMT_WHEN_SIZE];

	listing->count++;
	if (listing->json)
		rmt_cli_json_line(json_pack("{s:s,s:s,s:I,s:I}", "organization", org,
					    "provider", provider, "day", (json_int_t)day,
					    "since", (json_int_t)count->since));
	else if (count->since != 0)
		printf("%s  %s  bulk sender since %s, %" G_GUINT64_FORMAT " today\n", org,
		       provider, rmt_when_format(count->since, when), (guint64)day);
	else
		printf("%s  %s  %" G_GUINT64_FORMAT " of %d today\n", org, provider,
		       (guint64)day, RMT_BULK_LIMIT);
	return true;
}

static bool walk(struct rmt_store *store, struct rmt_cli_listing *listing, GError **err)
{
	return rmt_bulk_walk(store, list_one, listing, err);
}

static int run_list(const struct rmt_cli *cli, int argc, char **argv)
{
	return rmt_cli_list(command, cli, argc, argv, walk,
			    "nothing has been sent to the big providers yet");
}

/* --- forget --- */

/* policyd would write it again. False: it is away. */
static bool told_policyd(const struct rmt_config *config, const char *org,
			 const char *provider)
{
	g_autoptr(GError) err = NULL;
	json_t *answer =
		rmt_control_ask(config->policyd.control,
				json_pack("{s:s,s:s,s:s}", "command", "bulk-forget",
					  "organization", org, "provider", provider),
				NULL, NULL, &err);

	if (answer == NULL)
		return !g_error_matches(err, RMT_CONTROL_ERROR, RMT_CONTROL_AWAY);
	json_decref(answer);
	return true;
}

static int run_forget(const struct rmt_cli *cli, int argc, char **argv)
{
	struct rmt_cli_records records;
	bool found = false, told;
	GError *err = NULL;

	if (argc != 3)
		return rmt_cli_usage(command, RMT_EXIT_USAGE);
	if (!rmt_cli_records_open(&records, cli, command, false))
		return RMT_EXIT_TROUBLE;
	told = told_policyd(records.config, argv[1], argv[2]);
	rmt_bulk_forget(records.store, argv[1], argv[2], &found, &err);
	rmt_cli_records_close(&records);
	if (err != NULL)
		return rmt_cli_trouble(command, err);
	printf("%s %s: %s%s\n", argv[1], argv[2],
	       found ? "forgotten" : "there is no such record",
	       told ? "" : " (policyd is away)");
	return found ? RMT_EXIT_OK : RMT_EXIT_NO;
}

static int run(const struct rmt_cli *cli, int argc, char **argv)
{
	static const struct rmt_cli_part parts[] = {
		{ "list", run_list },
		{ "forget", run_forget },
		{ NULL, NULL },
	};

	return rmt_cli_run_part(command, parts, cli, argc, argv);
}

const struct rmt_command rmt_command_bulk = {
	.name = "bulk",
	.summary = "who is a bulk sender at which provider, for good",
	.usage =
		"usage: remite bulk list [--json]\n"
		"       remite bulk forget ORGANIZATION PROVIDER\n"
		"\n"
		"Who sends to some 5,000 mailboxes of one provider within a day is a "
		"bulk\n"
		"sender there for ever, all domains of the organisation together, and "
		"has\n"
		"to keep more rules (remite check). policyd counts, and warns from 4,000 "
		"on.\n"
		"Providers: google, yahoo, microsoft, apple.\n",
	.run = run,
};
