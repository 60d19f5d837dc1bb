/* SPDX-License-Identifier: MIT */
/* selectors.c - `remite selectors`: which DKIM selectors sign for our domains. */
#include <stdio.h>

#include "common/base/when.h"
#include "common/cli/records.h"
#include "common/store/selectors.h"

static const struct rmt_command *const command = &rmt_command_selectors;

static bool list_one(void *context, const char *domain, const char *selector,
		     int64_t seen)
{
	struct rmt_cli_listing *listing = context;
	char when[RMT_WHEN_SIZE];

	listing->count++;
	if (listing->json)
		rmt_cli_json_line(json_pack("{s:s,s:s,s:I}", "domain", domain, "selector",
					    selector, "seen", (json_int_t)seen));
	else
		printf("%s  %s  last seen %s\n", domain, selector,
		       rmt_when_format(seen, when));
	return true;
}

static bool walk(struct rmt_store *store, struct rmt_cli_listing *listing, GError **err)
{
	return rmt_selectors_walk(store, list_one, listing, err);
}

static int run_list(const struct rmt_cli *cli, int argc, char **argv)
{
	return rmt_cli_list(
		command, cli, argc, argv, walk,
		"no signature has been seen yet (remite-milter, milter.after)");
}

static int run_forget(const struct rmt_cli *cli, int argc, char **argv)
{
	struct rmt_cli_records records;
	char domain[RMT_DOMAIN_MAX + 1];
	GError *err = NULL;
	size_t count;

	if (argc != 2)
		return rmt_cli_usage(command, RMT_EXIT_USAGE);
	if (!rmt_cli_records_open(&records, cli, command, false))
		return RMT_EXIT_TROUBLE;
	rmt_domain_fold(rmt_span_of(argv[1]), domain);
	rmt_selectors_forget(records.store, domain, &count, &err);
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
	static const struct rmt_cli_part parts[] = {
		{ "list", run_list },
		{ "forget", run_forget },
		{ NULL, NULL },
	};

	return rmt_cli_run_part(command, parts, cli, argc, argv);
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
