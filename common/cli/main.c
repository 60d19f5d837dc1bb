/* SPDX-License-Identifier: MIT */
/* main.c - `remite COMMAND ...`: the table of commands. */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/similar.h"
#include "common/base/version.h"
#include "common/cli/cli.h"

/* clang-format off */
static const struct rmt_command *const commands[] = {
	&rmt_command_check_config,
	&rmt_command_replay,
	&rmt_command_status,
	&rmt_command_limits,
	&rmt_command_explain,
	&rmt_command_reload,
	&rmt_command_setup,
	&rmt_command_doctor,
	&rmt_command_check,
	&rmt_command_predict,
	&rmt_command_batch,
	&rmt_command_spf,
	&rmt_command_dmarc,
	&rmt_command_dkim,
	&rmt_command_bounce,
	&rmt_command_receipts,
	&rmt_command_jobs,
	&rmt_command_feedback,
	&rmt_command_return_path,
	&rmt_command_why,
	&rmt_command_report,
	&rmt_command_suppress,
	&rmt_command_stream,
	&rmt_command_bulk,
	&rmt_command_selectors,
	&rmt_command_keys,
	&rmt_command_unsubscribe,
	NULL,
};
/* clang-format on */

static void print_help(FILE *out)
{
	size_t i;

	fputs("usage: remite [-c FILE] COMMAND [ARGUMENT ...]\n\n", out);
	for (i = 0; commands[i] != NULL; i++)
		fprintf(out, "  %-14s %s\n", commands[i]->name, commands[i]->summary);
	fputs("\n'remite COMMAND --help' tells more; manual: remite(1).\n"
	      "-c FILE: the configuration, else " RMT_CONFIG_DEFAULT_FILE ".\n"
	      "Exit status: 0 all is well, 1 the answer is no or something was found,\n"
	      "2 the command line is wrong, 3 it could not be done.\n",
	      out);
}

static const struct rmt_command *find_command(const char *name)
{
	size_t i;

	for (i = 0; commands[i] != NULL; i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	return NULL;
}

static int no_command(const char *name)
{
	const char *names[G_N_ELEMENTS(commands)] = { NULL }, *similar;
	size_t i;

	for (i = 0; commands[i] != NULL; i++)
		names[i] = commands[i]->name;
	similar = rmt_similar(name, names);
	if (similar != NULL)
		fprintf(stderr, "remite: no command '%s' (did you mean '%s'?)\n", name,
			similar);
	else
		fprintf(stderr, "remite: no command '%s' (remite --help lists them)\n",
			name);
	return RMT_EXIT_USAGE;
}

static int run_command(const struct rmt_cli *cli, int argc, char **argv)
{
	const struct rmt_command *command = find_command(argv[0]);

	if (command == NULL)
		return no_command(argv[0]);
	if (argc > 1 && strcmp(argv[1], "--help") == 0)
		return rmt_cli_usage(command, RMT_EXIT_OK);
	return command->run(cli, argc, argv);
}

int main(int argc, char **argv)
{
	struct rmt_cli cli = { NULL };
	int first = 1;

	setlocale(LC_CTYPE, "");
	if (argc > 2 && strcmp(argv[1], "-c") == 0) {
		cli.config_file = argv[2];
		first = 3;
	}
	if (first < argc && strcmp(argv[first], "--version") == 0) {
		g_autofree char *version = rmt_version_text("remite");

		puts(version);
		return RMT_EXIT_OK;
	}
	if (first < argc &&
	    (strcmp(argv[first], "--help") == 0 || strcmp(argv[first], "-h") == 0)) {
		print_help(stdout);
		return RMT_EXIT_OK;
	}
	if (first >= argc) {
		print_help(stderr);
		return RMT_EXIT_USAGE;
	}
	return run_command(&cli, argc - first, argv + first);
}
