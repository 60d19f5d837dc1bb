/* SPDX-License-Identifier: MIT */
/* main.c - remite-policyd: a list of steps. */
#include <errno.h>
#include <linux/magic.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "common/base/background.h"
#include "common/base/log.h"
#include "postfix-policy/daemon/start.h"
#include "postfix-policy/policyd/control.h"
#include "postfix-policy/policyd/links.h"
#include "postfix-policy/policyd/metrics_http.h"
#include "postfix-policy/policyd/policyd.h"
#include "postfix-policy/policyd/reload.h"
#include "postfix-policy/policyd/sockets.h"

static const char help[] =
	"usage: remite-policyd [-F] [-c FILE] [--dns-file FILE]\n"
	"\n"
	"Answers Postfix's policy requests. Stays in the foreground.\n"
	"\n"
	"  -c FILE     the configuration, else " RMT_CONFIG_DEFAULT_FILE "\n"
	"  -F          log to standard error, not to syslog\n"
	"  --dns-file FILE\n"
	"              answers from FILE, one 'name TYPE data' a line, not from DNS\n"
	"  --help, --version\n"
	"\n"
	"SIGHUP reads the configuration again, SIGTERM ends. Manual: "
	"remite-policyd(8).\n";

enum { TURN_MS = 100, SPARE_FILES = 256 };

static bool read_config(struct rmt_policyd *policyd, const struct rmt_daemon *daemon)
{
	policyd->dns_file = daemon->dns_file;
	policyd->config_file = rmt_daemon_config_file(daemon);
	policyd->config = rmt_daemon_read_config(policyd->config_file);
	policyd->reload_ok = true;
	return policyd->config != NULL;
}

/* 10,000 connections need as many descriptors, and some to spare. */
static void raise_file_limit(const struct rmt_policyd *policyd)
{
	const rlim_t wanted = policyd->config->policyd.max_connections + SPARE_FILES;
	struct rlimit limit, more;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= wanted)
		return;
	more = (struct rlimit){ wanted, MAX(wanted, limit.rlim_max) };
	if (setrlimit(RLIMIT_NOFILE, &more) == 0)
		return;
	more = (struct rlimit){ MIN(wanted, limit.rlim_max), limit.rlim_max };
	if (setrlimit(RLIMIT_NOFILE, &more) < 0 || more.rlim_cur < wanted)
		rmt_log(RMT_LOG_WARNING,
			"only %lu descriptors for policyd.max_connections = %u: set "
			"LimitNOFILE",
			(unsigned long)more.rlim_cur,
			policyd->config->policyd.max_connections);
}

/* The log's last frames are kept beside the control socket, in /run: where a file is
 * memory. NULL: it is none there. */
static char *tail_path(const char *control)
{
	g_autofree char *directory = g_path_get_dirname(control);
	struct statfs files;

	if (statfs(directory, &files) < 0 || files.f_type != TMPFS_MAGIC)
		return NULL;
	return g_strconcat(control, ".tail", NULL);
}

static bool open_counters(struct rmt_policyd *policyd, GError **err)
{
	g_autofree char *directory =
		g_build_filename(policyd->config->state, "counters", NULL);
	g_autofree char *tail = tail_path(policyd->config->policyd.control);
	g_autofree char *boot_id = NULL;
	struct rmt_counters_options options = {
		.directory = directory,
		.tail = tail,
		.wall_secs = rmt_wall_ns() / RMT_NS_PER_SEC,
		.monotonic_ns = rmt_boot_ns(),
		.ends = rmt_reserve_ends,
	};

	if (g_file_get_contents("/proc/sys/kernel/random/boot_id", &boot_id, NULL, NULL))
		g_strchomp(boot_id);
	options.boot_id = boot_id != NULL ? boot_id : "";
	return rmt_counters_open(&policyd->counters, &options, err);
}

static bool open_state(struct rmt_policyd *policyd, GError **err)
{
	g_autofree char *records = NULL;

	if (g_mkdir_with_parents(policyd->config->state, 0770) < 0) {
		g_set_error(err, G_FILE_ERROR, (gint)g_file_error_from_errno(errno),
			    "state: cannot make %s: %s (make it, owned by the user this "
			    "runs as)",
			    policyd->config->state, g_strerror(errno));
		return false;
	}
	records = g_strdup_printf("lmdb:%s/records", policyd->config->state);
	return rmt_store_open(&policyd->store, records, false, err) &&
	       open_counters(policyd, err);
}

static bool make_parts(struct rmt_policyd *policyd, GError **err)
{
	struct rmt_sessions_parts parts;

	policyd->loop = rmt_loop_new(err);
	if (policyd->loop == NULL || !rmt_loop_pulse(policyd->loop, TURN_MS, err))
		return false;
	policyd->engine =
		rmt_engine_new(policyd->config, policyd->counters, policyd->store);
	rmt_policyd_read_links(policyd, policyd->config);
	policyd->metrics = rmt_metrics_new();
	policyd->senders =
		rmt_senders_new(policyd->loop, policyd->store, policyd->dns_file);
	rmt_policyd_configure_senders(policyd, policyd->config);
	rmt_engine_set_gate(policyd->engine, rmt_senders_gate(policyd->senders));
	policyd->bulk =
		rmt_bulk_keeper_new(policyd->store, rmt_senders_psl(policyd->senders));
	policyd->shares = rmt_shares_keeper_new(policyd->store);
	parts = (struct rmt_sessions_parts){ policyd->loop, policyd->engine,
					     policyd->counters, policyd->metrics,
					     policyd->bulk };
	policyd->sessions = rmt_sessions_new(&parts);
	policyd->control = rmt_control_new(policyd);
	policyd->http =
		rmt_metrics_http_new(policyd->loop, rmt_policyd_metrics_page, policyd);
	policyd->reload = rmt_reload_new(policyd, err);
	return policyd->reload != NULL;
}

static bool open_sockets(struct rmt_policyd *policyd, GError **err)
{
	const char *record = policyd->config->policyd.record;

	if (record != NULL) {
		policyd->record = rmt_record_open(record, err);
		if (policyd->record == NULL)
			return false;
	}
	rmt_sessions_configure(policyd->sessions, &policyd->config->policyd,
			       policyd->record);
	policyd->sockets = rmt_sockets_new(policyd);
	return rmt_sockets_configure(policyd->sockets, policyd->config, err);
}

/* --- signals: read like any other source --- */

struct signals {
	struct rmt_source source; /* first */
	struct rmt_policyd *policyd;
};

static void take_signal(struct rmt_source *source, uint32_t events)
{
	struct signals *signals = (struct signals *)(void *)source;
	struct signalfd_siginfo info;

	(void)events;
	if (read(source->fd, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGHUP)
		rmt_reload_begin(signals->policyd->reload);
	else
		signals->policyd->stopping = true;
}

/* Before any thread is made: they inherit it. */
static void block_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGHUP);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigprocmask(SIG_BLOCK, set, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static bool watch_signals(struct signals *signals, struct rmt_policyd *policyd,
			  const sigset_t *set, GError **err)
{
	signals->policyd = policyd;
	signals->source.ready = take_signal;
	signals->source.fd = signalfd(-1, set, SFD_CLOEXEC | SFD_NONBLOCK);
	return rmt_loop_add(policyd->loop, &signals->source, EPOLLIN, err);
}

/* --- the loop --- */

static void each_second(struct rmt_policyd *policyd)
{
	rmt_sessions_sweep(policyd->sessions);
	rmt_sockets_retry(policyd->sockets);
	rmt_reload_sweep(policyd->reload);
	rmt_bulk_keeper_turn(policyd->bulk, policyd->now.wall_secs);
}

/* Busy turns are shorter than upkeep is worth: once a millisecond is enough. */
static void upkeep(struct rmt_policyd *policyd)
{
	if (policyd->now.line_ns - policyd->upkept_ns < RMT_NS_PER_MS)
		return;
	policyd->upkept_ns = policyd->now.line_ns;
	rmt_engine_tick(policyd->engine, &policyd->now);
}

/* Until the pulse, or something is due before. */
static int sleep_ms(const struct rmt_policyd *policyd)
{
	const int ms = rmt_senders_sleep_ms(policyd->senders, TURN_MS);

	return ms < TURN_MS ? ms : -1;
}

static void run(struct rmt_policyd *policyd)
{
	int64_t next_second = 0;
	bool busy = false;
	int ready;

	while (!policyd->stopping) {
		ready = rmt_loop_wait(policyd->loop, busy ? 0 : sleep_ms(policyd));
		rmt_policyd_time(policyd);
		rmt_engine_follow(policyd->engine);
		rmt_loop_dispatch(policyd->loop, ready);
		rmt_sessions_answer(policyd->sessions);
		upkeep(policyd);
		rmt_counters_write(policyd->counters);
		rmt_senders_turn(policyd->senders, policyd->now.wall_secs);
		busy = rmt_talks_turn(rmt_control_talks(policyd->control),
				      policyd->monotonic_ns);
		rmt_talks_turn(rmt_metrics_http_talks(policyd->http),
			       policyd->monotonic_ns);
		if (policyd->monotonic_ns >= next_second) {
			each_second(policyd);
			next_second = policyd->monotonic_ns + RMT_NS_PER_SEC;
		}
	}
}

static void say_ready(struct rmt_policyd *policyd)
{
	g_autoptr(GString) names = g_string_new(NULL);

	rmt_sockets_format(policyd->sockets, names);
	rmt_log(RMT_LOG_INFO, "version " RMT_VERSION " answers at %s, %s mode, %s",
		names->str,
		policyd->config->mode == RMT_MODE_ENFORCE ? "enforce" : "report",
		policyd->config->file);
	sd_notify(0, "READY=1");
}

static bool start(struct rmt_policyd *policyd, GError **err)
{
	if (!open_state(policyd, err) || !make_parts(policyd, err))
		return false;
	rmt_policyd_time(policyd);
	policyd->started = policyd->config_loaded = policyd->now.wall_secs;
	rmt_engine_tick(policyd->engine, &policyd->now);
	return open_sockets(policyd, err);
}

/* Sockets first, so that nobody asks who gets no answer; counters last. */
static void stop(struct rmt_policyd *policyd)
{
	sd_notify(0, "STOPPING=1");
	rmt_sockets_free(policyd->sockets);
	rmt_reload_free(policyd->reload);
	rmt_metrics_http_free(policyd->http);
	rmt_control_free(policyd->control);
	rmt_sessions_free(policyd->sessions);
	rmt_record_close(policyd->record);
	rmt_metrics_free(policyd->metrics);
	rmt_engine_free(policyd->engine);
	rmt_bulk_keeper_free(policyd->bulk);
	rmt_shares_keeper_free(policyd->shares);
	rmt_senders_free(policyd->senders);
	if (policyd->counters != NULL)
		rmt_counters_close(&policyd->counters);
	rmt_store_close(&policyd->store);
	rmt_loop_free(policyd->loop);
	if (policyd->config != NULL)
		rmt_config_unref(policyd->config);
}

int main(int argc, char **argv)
{
	struct rmt_policyd policyd = { 0 };
	struct rmt_daemon daemon = { .name = "remite-policyd", .help = help };
	struct signals signals = { 0 };
	g_autoptr(GError) err = NULL;
	sigset_t set;
	bool ok;
	int status = rmt_daemon_options(&daemon, argc, argv);

	if (status >= 0)
		return status;
	setlocale(LC_CTYPE, "");
	umask(007);
	rmt_daemon_log(&daemon);
	if (!read_config(&policyd, &daemon))
		return EXIT_FAILURE;
	raise_file_limit(&policyd);
	block_signals(&set);
	ok = start(&policyd, &err) && watch_signals(&signals, &policyd, &set, &err);
	if (ok) {
		say_ready(&policyd);
		rmt_foreground();
		run(&policyd);
	} else {
		rmt_log(RMT_LOG_ERROR, "%s", err->message);
	}
	stop(&policyd);
	return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
