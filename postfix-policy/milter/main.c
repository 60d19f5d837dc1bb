/* SPDX-License-Identifier: MIT */
/* main.c - remite-milter: a list of steps. */
#include <getopt.h>
#include <libmilter/mfapi.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <syslog.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "common/auth/dkim.h"
#include "common/auth/orgdomain.h"
#include "common/base/log.h"
#include "postfix-policy/milter/events.h"
#include "postfix-policy/milter/milter.h"
#include "postfix-policy/milter/socket.h"

static const char help[] =
	"usage: remite-milter [-F] [-c FILE] [--dns-file FILE]\n"
	"\n"
	"Judges outgoing messages for Postfix, behind the signer. Stays in the\n"
	"foreground.\n"
	"\n"
	"  -c FILE           the configuration, else " RMT_CONFIG_DEFAULT_FILE "\n"
	"  -F                log to standard error, not to syslog\n"
	"  --dns-file FILE   takes records from FILE instead of DNS\n"
	"  --help, --version\n"
	"\n"
	"SIGUSR1 reads the configuration again, SIGTERM ends. Manual: "
	"remite-milter(8).\n";

enum { KEYS_MAX = 4096 };

struct options {
	const char *config_file, *dns_file;
	bool foreground;
};

/* Returns an exit status, or -1: go on. */
static int read_options(struct options *options, int argc, char **argv)
{
	static const struct option longs[] = { { "help", no_argument, NULL, 'h' },
					       { "version", no_argument, NULL, 'V' },
					       { "dns-file", required_argument, NULL,
						 'd' },
					       { 0 } };
	int option;

	while ((option = getopt_long(argc, argv, "c:F", longs, NULL)) != -1) {
		switch (option) {
		case 'c':
			options->config_file = optarg;
			break;
		case 'd':
			options->dns_file = optarg;
			break;
		case 'F':
			options->foreground = true;
			break;
		case 'h':
			fputs(help, stdout);
			return EXIT_SUCCESS;
		case 'V':
			puts("remite-milter " RMT_VERSION);
			return EXIT_SUCCESS;
		default:
			fputs(help, stderr);
			return 2;
		}
	}
	if (optind == argc)
		return -1;
	fputs(help, stderr);
	return 2;
}

static void start_log(const struct options *options)
{
	openlog("remite-milter", LOG_PID, LOG_MAIL);
	rmt_log_init("remite-milter", RMT_LOG_INFO,
		     options->foreground ? NULL : rmt_log_to_syslog, NULL);
}

static bool read_config(struct rmt_milter *milter, const struct options *options)
{
	struct rmt_config *config;

	milter->config_file = options->config_file;
	if (milter->config_file == NULL && access(RMT_CONFIG_DEFAULT_FILE, F_OK) == 0)
		milter->config_file = RMT_CONFIG_DEFAULT_FILE;
	config = rmt_milter_read_config(milter->config_file);
	if (config != NULL)
		rmt_milter_set_config(milter, config);
	return config != NULL;
}

static bool open_parts(struct rmt_milter *milter, const struct options *options,
		       GError **err)
{
	const struct rmt_resolver_settings settings = RMT_RESOLVER_SETTINGS_INIT;

	milter->psl = rmt_psl_open();
	if (milter->psl == NULL)
		rmt_log(RMT_LOG_WARNING,
			"there is no list of public suffixes: alignment is judged by "
			"RFC 9989 alone (install publicsuffix)");
	milter->keys = rmt_dkim_keys_new(KEYS_MAX);
	return rmt_names_open(&milter->names, options->dns_file, &settings, err);
}

/* --- SIGUSR1: libmilter keeps HUP, TERM and INT for itself --- */

static void *wait_for_signals(void *data)
{
	struct rmt_milter *milter = data;
	sigset_t set;
	int number;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	while (sigwait(&set, &number) == 0) {
		rmt_milter_log_counts(milter);
		rmt_milter_reload(milter);
	}
	return NULL;
}

/* Blocked before the first thread is made: all inherit it. */
static void block_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static void say_ready(struct rmt_milter *milter)
{
	const struct rmt_config *config = milter->in_force->config;

	rmt_log(RMT_LOG_INFO, "version " RMT_VERSION " judges at %s, %s mode, %s",
		config->milter.after,
		config->mode == RMT_MODE_ENFORCE ? "enforce" : "report",
		milter->config_file != NULL ? milter->config_file : "no configuration");
	sd_notify(0, "READY=1");
}

static bool start(struct rmt_milter *milter, const struct options *options, GError **err)
{
	if (!open_parts(milter, options, err))
		return false;
	if (!rmt_events_register(milter)) {
		g_set_error_literal(err, G_FILE_ERROR, G_FILE_ERROR_FAILED,
				    "libmilter does not take our events");
		return false;
	}
	return rmt_socket_open(&milter->in_force->config->milter, err);
}

/* Threads of connections may still be at work: what they share is the process's. */
static int run(struct rmt_milter *milter)
{
	g_autoptr(GThread) signals = g_thread_new("signals", wait_for_signals, milter);
	g_autofree char *path = g_strdup(milter->in_force->config->milter.after);
	const struct rmt_milter_config opened = { .after = path };
	int status;

	say_ready(milter);
	status = smfi_main();
	sd_notify(0, "STOPPING=1");
	rmt_socket_remove(&opened);
	rmt_milter_log_counts(milter);
	return status == MI_SUCCESS ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	static struct rmt_milter milter;
	struct options options = { NULL, NULL, false };
	g_autoptr(GError) err = NULL;
	int status = read_options(&options, argc, argv);

	if (status >= 0)
		return status;
	setlocale(LC_CTYPE, "");
	umask(007);
	start_log(&options);
	if (!read_config(&milter, &options))
		return EXIT_FAILURE;
	block_signals();
	if (!start(&milter, &options, &err)) {
		rmt_log(RMT_LOG_ERROR, "%s", err->message);
		return EXIT_FAILURE;
	}
	return run(&milter);
}
