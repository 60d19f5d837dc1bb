/* SPDX-License-Identifier: MIT */
#include "common/cli/unsubscribe.h"

static int run(const struct rmt_cli *cli, int argc, char **argv)
{
	static const struct rmt_cli_part parts[] = {
		{ "link", rmt_unsubscribe_run_link },
		{ "test", rmt_unsubscribe_run_test },
		{ "log", rmt_unsubscribe_run_log },
		{ "forget", rmt_unsubscribe_run_forget },
		{ "try", rmt_unsubscribe_run_try },
		{ NULL, NULL },
	};

	return rmt_cli_run_part(&rmt_command_unsubscribe, parts, cli, argc, argv);
}

const struct rmt_command rmt_command_unsubscribe = {
	.name = "unsubscribe",
	.summary = "lists that users left, and how a message may be left",
	.usage = "usage: remite unsubscribe link STREAM ADDRESS | - [--list ID ...]\n"
		 "                               [--mailto | --fields]\n"
		 "       remite unsubscribe test URL [--ca FILE] [--timeout SECONDS] "
		 "[--json]\n"
		 "       remite unsubscribe log [ADDRESS] [--user USER] [--since TIME]\n"
		 "                              [--still] [--json]\n"
		 "       remite unsubscribe forget --user USER | --before TIME\n"
		 "       remite unsubscribe try [--post] [--dns-file FILE] FILE\n"
		 "\n"
		 "link prints the link of a recipient, or one for each line of standard\n"
		 "input; --fields: both header fields, for applications that bring "
		 "their own.\n"
		 "test asks an endpoint as scanners and mailbox providers do, and names "
		 "what is\n"
		 "wrong (status 1). It uses the link up: make one for it.\n"
		 "log lists what users asked for and what came of it; --still: lists "
		 "that went\n"
		 "on sending long after (status 1 where there are any).\n"
		 "forget removes rows of a user, or old ones.\n"
		 "try tells which way out a message offers (FILE, - for standard "
		 "input);\n"
		 "with --post takes it, from this process.\n",
	.run = run,
};
