/* SPDX-License-Identifier: MIT */
/* cli.c - what every command says alike; apart from main.c so that commands can
 * be tested without it. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/base/similar.h"
#include "common/cli/cli.h"

int rmt_cli_usage(const struct rmt_command *command, int status)
{
	fputs(command->usage, status == RMT_EXIT_OK ? stdout : stderr);
	return status;
}

int rmt_cli_fail(int status, const struct rmt_command *command, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "remite %s: ", command->name);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return status;
}

/* "no part 'pauze' (did you mean 'pause'?)" */
static void tell_no_part(const struct rmt_command *command,
			 const struct rmt_cli_part *parts, const char *name)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new();
	const char *similar;

	for (; parts->name != NULL; parts++)
		g_ptr_array_add(names, (void *)parts->name);
	g_ptr_array_add(names, NULL);
	similar = rmt_similar(name, (const char *const *)names->pdata);
	if (similar != NULL)
		rmt_cli_fail(RMT_EXIT_USAGE, command, "no part '%s' (did you mean '%s'?)",
			     name, similar);
	else
		rmt_cli_fail(RMT_EXIT_USAGE, command, "no part '%s'", name);
}

int rmt_cli_run_part(const struct rmt_command *command, const struct rmt_cli_part *parts,
		     const struct rmt_cli *cli, int argc, char **argv)
{
	const struct rmt_cli_part *part;

	if (argc < 2)
		return rmt_cli_usage(command, RMT_EXIT_USAGE);
	if (argc > 2 && strcmp(argv[2], "--help") == 0)
		return rmt_cli_usage(command, RMT_EXIT_OK);
	for (part = parts; part->name != NULL; part++)
		if (strcmp(argv[1], part->name) == 0)
			return part->run(cli, argc - 1, argv + 1);
	tell_no_part(command, parts, argv[1]);
	return rmt_cli_usage(command, RMT_EXIT_USAGE);
}
