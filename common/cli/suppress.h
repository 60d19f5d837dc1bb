/* SPDX-License-Identifier: MIT */
/* suppress.h - the parts of `remite suppress`, a file each. */
#ifndef RMT_CLI_SUPPRESS_H
#define RMT_CLI_SUPPRESS_H

#include "common/cli/records.h"
#include "common/store/suppress.h"

/* argv[0] is the subcommand. */
typedef int rmt_suppress_run(const struct rmt_cli *cli, int argc, char **argv);
rmt_suppress_run rmt_suppress_run_list, rmt_suppress_run_export, rmt_suppress_run_import,
	rmt_suppress_run_why;

/* --scope --reason --source --until --note of add and import. */
struct rmt_suppress_options {
	char *scope, *reason, *source, *until, *note; /* own; or NULL */
	gboolean dry_run;
};
void rmt_suppress_options_clear(struct rmt_suppress_options *options);
enum { RMT_SUPPRESS_OPTIONS = 5 };
void rmt_suppress_option_rows(struct rmt_suppress_options *options,
			      GOptionEntry rows[RMT_SUPPRESS_OPTIONS]);

/* The entry they describe, without address; its strings look into options. A
 * scope that no stream bears is a warning: it may be configured later. */
bool rmt_suppress_options_entry(const struct rmt_suppress_options *options,
				const struct rmt_cli_records *records, const char *source,
				struct rmt_suppression *entry_r);

#endif
