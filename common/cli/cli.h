/* SPDX-License-Identifier: MIT */
/* cli.h - the command `remite`: main.c is a table, one file per command.
 *
 * Exit status of every command: 0 all is well; 1 the answer is no, or
 * something was found; 2 the command line is wrong; 3 it could not be done
 * (configuration, state or server).
 */
#ifndef RMT_CLI_H
#define RMT_CLI_H

#include <glib.h>
#include <stdbool.h>

#include "common/config/config.h"

enum { RMT_EXIT_OK, RMT_EXIT_NO, RMT_EXIT_USAGE, RMT_EXIT_TROUBLE };

struct rmt_cli {
	const char *config_file; /* -c FILE; NULL: the default file if it is there, else
				    the built-in default */
};

struct rmt_command {
	const char *name;
	const char *summary; /* one line, for `remite --help` */
	const char *usage;   /* for `remite NAME --help`: whole text, at most a screen */
	int (*run)(const struct rmt_cli *cli, int argc,
		   char **argv); /* argv[0] is the name */
};

/* One per command file. */
extern const struct rmt_command rmt_command_feedback, rmt_command_return_path,
	rmt_command_why, rmt_command_report;
extern const struct rmt_command rmt_command_check_config, rmt_command_suppress,
	rmt_command_stream, rmt_command_setup, rmt_command_doctor, rmt_command_status,
	rmt_command_limits, rmt_command_explain, rmt_command_replay, rmt_command_reload,
	rmt_command_batch, rmt_command_spf, rmt_command_dmarc, rmt_command_dkim,
	rmt_command_bounce, rmt_command_check, rmt_command_predict, rmt_command_keys,
	rmt_command_receipts, rmt_command_bulk, rmt_command_selectors,
	rmt_command_unsubscribe, rmt_command_jobs;

/* A command of several parts: `remite stream list`. */
struct rmt_cli_part {
	const char *name;
	int (*run)(const struct rmt_cli *cli, int argc,
		   char **argv); /* argv[0] is the part's name */
};

/* Runs the part that argv[1] names; --help behind it shows the command's usage.
 * parts end with a name of NULL. */
int rmt_cli_run_part(const struct rmt_command *command, const struct rmt_cli_part *parts,
		     const struct rmt_cli *cli, int argc, char **argv);

/* Reads the configuration, printing complaints to standard error; NULL: said so. */
struct rmt_config *rmt_cli_config(const struct rmt_cli *cli);

/* The control socket of a running policyd, which is asked even while the file has errors:
 * they are printed to standard error. Own. */
char *rmt_cli_control(const struct rmt_cli *cli);

/* "remite suppress: TEXT" to standard error; returns status. */
int rmt_cli_fail(int status, const struct rmt_command *command, const char *format, ...)
	G_GNUC_PRINTF(3, 4);

/* The usage to standard output (status 0) or standard error. Returns status. */
int rmt_cli_usage(const struct rmt_command *command, int status);

#endif
