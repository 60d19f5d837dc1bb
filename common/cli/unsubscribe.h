/* SPDX-License-Identifier: MIT */
/* unsubscribe.h - the parts of `remite unsubscribe`, a file each; a new one is a row
 * in unsubscribe.c. */
#ifndef RMT_CLI_UNSUBSCRIBE_H
#define RMT_CLI_UNSUBSCRIBE_H

#include "common/cli/records.h"

/* argv[0] is the subcommand. */
typedef int rmt_unsubscribe_run(const struct rmt_cli *cli, int argc, char **argv);
rmt_unsubscribe_run rmt_unsubscribe_run_log, rmt_unsubscribe_run_forget,
	rmt_unsubscribe_run_try;
rmt_unsubscribe_run rmt_unsubscribe_run_link, rmt_unsubscribe_run_test;

#endif
