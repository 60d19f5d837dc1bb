/* SPDX-License-Identifier: MIT */
#include "postfix-policy/daemon/start.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <syslog.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/version.h"

static int refuse(const struct rmt_daemon *daemon)
{
	fputs(daemon->help, stderr);
	return 2;
}

static void print_version(const struct rmt_daemon *daemon)
{
	g_autofree char *text = rmt_version_text(daemon->name);

	puts(text);
}

/* -1: go on. */
static int take(struct rmt_daemon *daemon, int option)
{
	switch (option) {
	case 'c':
		daemon->config_file = optarg;
		return -1;
	case 'd':
		daemon->dns_file = optarg;
		return -1;
	case 'F':
		daemon->foreground = true;
		return -1;
	case 'h':
		fputs(daemon->help, stdout);
		return EXIT_SUCCESS;
	case 'V':
		print_version(daemon);
		return EXIT_SUCCESS;
	default:
		return refuse(daemon);
	}
}

int rmt_daemon_options(struct rmt_daemon *daemon, int argc, char **argv)
{
	static const struct option longs[] = { { "help", no_argument, NULL, 'h' },
					       { "version", no_argument, NULL, 'V' },
					       { "dns-file", required_argument, NULL,
						 'd' },
					       { 0 } };
	int option, status = -1;

	while (status < 0 && (option = getopt_long(argc, argv, "c:F", longs, NULL)) != -1)
		status = take(daemon, option);
	return status < 0 && optind < argc ? refuse(daemon) : status;
}

void rmt_daemon_log(const struct rmt_daemon *daemon)
{
	openlog(daemon->name, LOG_PID, LOG_MAIL);
	rmt_log_init(daemon->name, RMT_LOG_INFO,
		     daemon->foreground ? NULL : rmt_log_to_syslog, NULL);
}

const char *rmt_daemon_config_file(const struct rmt_daemon *daemon)
{
	if (daemon->config_file == NULL && access(RMT_CONFIG_DEFAULT_FILE, F_OK) == 0)
		return RMT_CONFIG_DEFAULT_FILE;
	return daemon->config_file;
}

struct rmt_config *rmt_daemon_read_config(const char *file)
{
	g_autoptr(GPtrArray) complaints = NULL;
	struct rmt_config *config = rmt_config_read(file, &complaints);
	guint i;

	for (i = 0; i < complaints->len; i++)
		rmt_log(config != NULL ? RMT_LOG_WARNING : RMT_LOG_ERROR, "%s",
			(const char *)complaints->pdata[i]);
	return config;
}
