/* SPDX-License-Identifier: MIT */
/* start.h - what remite-policyd and remite-milter begin with: command line, log,
 * configuration. */
#ifndef RMT_DAEMON_START_H
#define RMT_DAEMON_START_H

#include "common/config/config.h"

struct rmt_daemon {
	const char *name; /* "remite-policyd" */
	const char *help; /* usage, for --help and standard error */
	/* From the command line; foreign: */
	const char *config_file; /* -c; NULL: the default one, where it is there */
	const char *dns_file;    /* --dns-file; or NULL */
	bool foreground;         /* -F: the log goes to standard error */
};

/* Returns an exit status, or -1: go on. */
int rmt_daemon_options(struct rmt_daemon *daemon, int argc, char **argv);

void rmt_daemon_log(const struct rmt_daemon *daemon);

/* What is to be read, now and at reloads; NULL: the built-in default. */
const char *rmt_daemon_config_file(const struct rmt_daemon *daemon);

/* NULL with the complaints logged; warnings are logged in any case. */
struct rmt_config *rmt_daemon_read_config(const char *file);

#endif
