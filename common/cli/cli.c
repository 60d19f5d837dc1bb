/* SPDX-License-Identifier: MIT */
/* cli.c - what every command says alike; apart from main.c so that commands can
 * be tested without it. */
#include <stdarg.h>
#include <stdio.h>

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
