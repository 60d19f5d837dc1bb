/* SPDX-License-Identifier: MIT */
/* main.c - remite-milter: a list of steps. */
#include <libmilter/mfapi.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "common/auth/dkim.h"
#include "common/auth/orgdomain.h"
#include "common/base/log.h"
#include "postfix-policy/daemon/start.h"
#include "postfix-policy/milter/counts_http.h"
#include "postfix-policy/milter/events.h"
#include "postfix-policy/milter/milter.h"
#include "postfix-policy/milter/processes.h"
#include "postfix-policy/milter/socket.h"

static const char help[] =
	"usage: remite-milter [-F] [-c FILE] [--dns-file FILE]\n"
	"\n"
	"Works on messages at their end, for Postfix: in front of the signer, behind\n"
	"it, and on an MX. Stays in the foreground.\n"
	"\n"
	"  -c FILE           the configuration, else " RMT_CONFIG_DEFAULT_FILE "\n"
	"  -F                log to standard error, not to syslog\n"
	"  --dns-file FILE   takes records from FILE instead of DNS\n"
	"  --help, --version\n"
	"\n"
	"SIGUSR1 reads the configuration again, SIGTERM ends. Manual: "
	"remite-milter(8).\n";

enum { KEYS_MAX = 4096, STOP_MAX_MS = 3000 };

static bool read_config(struct rmt_milter *milter, const struct rmt_daemon *daemon)
{
	struct rmt_config *config;

	milter->config_file = rmt_daemon_config_file(daemon);
	config = rmt_daemon_read_config(milter->config_file);
	if (config != NULL)
		rmt_milter_set_config(milter, config);
	return config != NULL;
}

static void reloaded(void *context, int64_t began_us)
{
	rmt_milter_reload_since(context, began_us);
}

static bool open_parts(struct rmt_milter *milter, const struct rmt_daemon *daemon,
		       GError **err)
{
	struct rmt_resolver_settings settings = RMT_RESOLVER_SETTINGS_INIT;

	rmt_resolver_settings_from(&settings, &milter->in_force->config->dns);
	milter->psl = rmt_psl_open();
	if (milter->psl == NULL)
		rmt_log(RMT_LOG_WARNING,
			"there is no list of public suffixes: alignment is judged by "
			"RFC 9989 alone (install publicsuffix)");
	milter->keys = rmt_dkim_keys_new(KEYS_MAX);
	if (milter->place != RMT_PLACE_INBOUND)
		milter->policyd = rmt_policyd_client_new(
			milter->in_force->config->policyd.control, reloaded, milter);
	return rmt_names_open(&milter->names, daemon->dns_file, &settings, err);
}

/* --- one process: libmilter ---
 *
 * libmilter has a thread that takes HUP, TERM and INT, and five seconds to end then.
 * The kernel offers a signal to the main thread first, so that one waits for them and
 * libmilter runs in another. HUP may still end us: users are told of USR1. */

static void add_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGUSR1);
	sigaddset(set, SIGHUP);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
}

static void *serve_libmilter(void *unused)
{
	(void)unused;
	if (smfi_main() != MI_SUCCESS)
		rmt_log(RMT_LOG_ERROR, "libmilter has given up");
	kill(getpid(), SIGTERM);
	return NULL;
}

static void wait_for_end(struct rmt_milter *milter)
{
	sigset_t set;
	int number;

	add_signals(&set);
	while (sigwait(&set, &number) == 0 && number != SIGTERM && number != SIGINT) {
		rmt_milter_log_counts(milter);
		rmt_milter_reload(milter);
	}
}

/* Messages at their end get their answer. */
static void wait_for_messages(struct rmt_milter *milter)
{
	const int64_t until =
		g_get_monotonic_time() + STOP_MAX_MS * G_TIME_SPAN_MILLISECOND;

	while (g_atomic_int_get(&milter->ending) > 0 && g_get_monotonic_time() < until)
		g_usleep(10 * G_TIME_SPAN_MILLISECOND);
}

/* One of the processes tells for all. */
static bool start_metrics(const struct rmt_milter *milter, GError **err)
{
	const struct rmt_milter_config *config = &milter->in_force->config->milter;
	int first = 0;

	while (first < RMT_PLACE_COUNT - 1 &&
	       rmt_place_socket(config, (enum rmt_place)first) == NULL)
		first++;
	return config->metrics == NULL || first != (int)milter->place ||
	       rmt_counts_http_start(config->metrics, milter->counts, err);
}

static bool start(struct rmt_milter *milter, const struct rmt_daemon *daemon,
		  GError **err)
{
	if (!open_parts(milter, daemon, err) || !rmt_steps_open(milter, err) ||
	    !start_metrics(milter, err))
		return false;
	if (!rmt_events_register(milter)) {
		g_set_error_literal(err, G_FILE_ERROR, G_FILE_ERROR_FAILED,
				    "libmilter does not take our events");
		return false;
	}
	return rmt_socket_open(&milter->in_force->config->milter, milter->place, err);
}

static void say_place(const struct rmt_milter *milter, const char *socket)
{
	const struct rmt_config *config = milter->in_force->config;

	rmt_log(RMT_LOG_INFO, "version " RMT_VERSION " serves %s at %s, %s mode, %s",
		rmt_place_name(milter->place), socket,
		config->mode == RMT_MODE_ENFORCE ? "enforce" : "report",
		milter->config_file != NULL ? milter->config_file : "no configuration");
}

static void run(struct rmt_milter *milter, void (*ready)(void *), void *ready_context)
{
	g_autofree char *socket = g_strdup(
		rmt_place_socket(&milter->in_force->config->milter, milter->place));

	g_thread_unref(g_thread_new("libmilter", serve_libmilter, NULL));
	say_place(milter, socket);
	ready(ready_context);
	wait_for_end(milter);
	rmt_socket_remove(socket); /* smfi_stop() would wait for the listener's turn */
	wait_for_messages(milter);
	rmt_milter_log_counts(milter);
	/* Threads of connections go on until the process ends, with all it holds: no
	 * destructor may take that from them. */
	_exit(EXIT_SUCCESS);
}

/* --- all processes --- */

struct whole {
	struct rmt_milter *milter;
	const struct rmt_daemon *daemon;
};

/* The configuration of the first process may be an old one by now. */
static void serve(void *context, enum rmt_place place, bool again,
		  void (*ready)(void *ready_context), void *ready_context)
{
	struct whole *whole = context;
	g_autoptr(GError) err = NULL;

	whole->milter->place = place;
	if (again)
		rmt_milter_reload(whole->milter);
	if (!start(whole->milter, whole->daemon, &err))
		rmt_log(RMT_LOG_ERROR, "%s: %s", rmt_place_name(place), err->message);
	else
		run(whole->milter, ready, ready_context);
}

static void started(void *context)
{
	(void)context;
	sd_notify(0, "READY=1");
}

static void stopping(void *context)
{
	(void)context;
	sd_notify(0, "STOPPING=1");
}

/* Each process reads it again by itself. */
static bool reload_is_good(void *context)
{
	const struct whole *whole = context;
	struct rmt_config *config = rmt_daemon_read_config(whole->milter->config_file);

	if (config == NULL)
		rmt_log(RMT_LOG_ERROR,
			"reload: the configuration in force stays as it was");
	rmt_config_unref(config);
	return config != NULL;
}

static void choose_places(const struct rmt_milter *milter,
			  struct rmt_processes *processes)
{
	int place;

	for (place = 0; place < RMT_PLACE_COUNT; place++)
		processes->wanted[place] =
			rmt_place_socket(&milter->in_force->config->milter,
					 (enum rmt_place)place) != NULL;
}

int main(int argc, char **argv)
{
	static struct rmt_milter milter;
	struct rmt_daemon daemon = { .name = "remite-milter", .help = help };
	struct whole whole = { &milter, &daemon };
	struct rmt_processes processes = {
		.serve = serve,
		.started = started,
		.reload_is_good = reload_is_good,
		.stopping = stopping,
		.context = &whole,
	};
	int status = rmt_daemon_options(&daemon, argc, argv);

	if (status >= 0)
		return status;
	setlocale(LC_CTYPE, "");
	umask(007);
	rmt_daemon_log(&daemon);
	if (!read_config(&milter, &daemon))
		return EXIT_FAILURE;
	signal(SIGPIPE, SIG_IGN);
	milter.counts = rmt_counts_new();
	g_assert(milter.counts != NULL);
	choose_places(&milter, &processes);
	return rmt_processes_run(&processes);
}
