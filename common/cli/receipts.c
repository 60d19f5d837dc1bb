/* SPDX-License-Identifier: MIT */
/* receipts.c - `remite receipts VERB ...`. */
#include <string.h>

#include "common/cli/receipts.h"

static const struct {
	const char *name;
	rmt_receipts_verb *run;
} verbs[] = {
	{ "test", rmt_receipts_test },   { "explain", rmt_receipts_explain },
	{ "log", rmt_receipts_log },     { "export", rmt_receipts_export },
	{ "erase", rmt_receipts_erase },
};

static int run(const struct rmt_cli *cli, int argc, char **argv)
{
	size_t i;

	for (i = 0; argc > 1 && i < G_N_ELEMENTS(verbs); i++)
		if (strcmp(verbs[i].name, argv[1]) == 0)
			return verbs[i].run(cli, argc - 1, argv + 1);
	return rmt_cli_usage(&rmt_command_receipts, RMT_EXIT_USAGE);
}

const struct rmt_command rmt_command_receipts = {
	.name = "receipts",
	.summary = "read receipts: what would be done with a message, and why",
	.usage = "usage: remite receipts test    --user NAME [OPTION ...] FILE\n"
		 "       remite receipts explain --user NAME [OPTION ...] FILE\n"
		 "       remite receipts log [--user NAME] [--since TIME] [--json]\n"
		 "       remite receipts export NAME\n"
		 "       remite receipts erase NAME\n"
		 "\n"
		 "test and explain tell their options when there is no file. log tells\n"
		 "who asked, what was decided by which rule, and what was sent; export\n"
		 "writes all that is known of a user as JSON; erase removes it, but for\n"
		 "the bare fact that a message was answered. Manual: remite(1).\n",
	.run = run,
};
