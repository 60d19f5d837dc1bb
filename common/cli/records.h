/* SPDX-License-Identifier: MIT */
/* records.h - what commands about records share. */
#ifndef RMT_CLI_RECORDS_H
#define RMT_CLI_RECORDS_H

#include <jansson.h>

#include "common/cli/cli.h"
#include "common/message/addr.h"
#include "common/store/store.h"

/* Configuration and records, opened. NULL config: said so on standard error. */
struct rmt_cli_records {
	const struct rmt_command *command; /* foreign */
	struct rmt_config *config;         /* own */
	struct rmt_store *store;           /* own */
	int64_t now;                       /* Unix seconds */
};
bool rmt_cli_records_open(struct rmt_cli_records *records, const struct rmt_cli *cli,
			  const struct rmt_command *command, bool read_only);
void rmt_cli_records_close(struct rmt_cli_records *records);

/* "remite NAME: TEXT" of err, which is freed; returns RMT_EXIT_TROUBLE. */
int rmt_cli_trouble(const struct rmt_command *command, GError *err);

/* An address as records have it. False, and said so: it is none. */
bool rmt_cli_mailbox(const struct rmt_cli_records *records, const char *text,
		     struct rmt_addr *folded_r);

/* The options of a subcommand; what is left in *argv_r are its arguments, from
 * index 1 on, *argc_r of them and one. False: said so. Own: g_strfreev. */
bool rmt_cli_options(const struct rmt_command *command, const GOptionEntry *options,
		     int argc, char **argv, int *argc_r, char ***argv_r);

/* A subcommand `list [--json]` of a table: walk shows each row by listing->json and
 * counts it; nothing is said, not in JSON, where there was none. Returns the exit
 * status. */
struct rmt_cli_listing {
	int64_t now;
	bool json;
	unsigned count;
};
typedef bool rmt_cli_walk(struct rmt_store *store, struct rmt_cli_listing *listing,
			  GError **err);
int rmt_cli_list(const struct rmt_command *command, const struct rmt_cli *cli, int argc,
		 char **argv, rmt_cli_walk *walk, const char *nothing);

/* One line of JSON; consumes row. */
void rmt_cli_json_line(json_t *row);

/* text NULL: *when_r stays. Returns false where it is no time: said so. */
bool rmt_cli_when(const struct rmt_command *command, const char *option, const char *text,
		  int64_t now, int64_t *when_r);

/* Whether the configuration has such a stream; if not, says so, with what may
 * have been meant. */
bool rmt_cli_stream_known(const struct rmt_cli_records *records, const char *name);

/* Who types, behind sudo too. Own. */
char *rmt_cli_login_name(void);

/* Standard output reached its end; else says why not. */
bool rmt_cli_flush(const struct rmt_command *command);

/* Appends text from outside as it may be shown on a terminal. */
const char *rmt_cli_printable(GString *out, const char *text);

#endif
