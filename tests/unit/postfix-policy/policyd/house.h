/* SPDX-License-Identifier: MIT */
/* house.h - a policyd without sockets, disk and clock, for the tests beside it. */
#ifndef HOUSE_H
#define HOUSE_H

#include <sys/socket.h>
#include <unistd.h>

#include "common/base/log.h"
#include "postfix-policy/policyd/control.h"
#include "postfix-policy/policyd/policyd.h"
#include "postfix-policy/policyd/reload.h"

/* Three recipients an hour for a user, in enforce mode. */
static const char house_config[] =
	"mode = \"enforce\"\n"
	"policyd: { request_timeout = \"10s\" idle_timeout = \"100s\" "
	"max_connections = 4 max_request = \"8k\" log_passed = false }\n"
	"streams: { news: { limits: {\n"
	"hour: { per = \"sasl_user\" rate = \"3/hour\" of = \"recipients\" } } } }\n";

struct house {
	struct rmt_policyd policyd;
	GString *log; /* every line */
};

static void house_log(void *context, enum rmt_log_level level, const char *line)
{
	(void)level;
	g_string_append_printf(context, "%s\n", line);
}

static struct house *house_open(void)
{
	struct house *house = g_new0(struct house, 1);
	struct rmt_policyd *policyd = &house->policyd;
	const struct rmt_counters_options options = { .wall_secs = 1700000000,
						      .boot_id = "" };
	g_autoptr(GPtrArray) complaints = NULL;
	struct rmt_sessions_parts parts;

	house->log = g_string_new(NULL);
	rmt_log_init("test", RMT_LOG_INFO, house_log, house->log);
	policyd->config = rmt_config_read_text("test.conf", house_config, &complaints);
	if (policyd->config == NULL)
		g_error("%s", (const char *)complaints->pdata[0]);
	policyd->loop = rmt_loop_new(NULL);
	rmt_counters_open(&policyd->counters, &options, NULL);
	rmt_store_open(&policyd->store, "mem:", false, NULL);
	policyd->engine =
		rmt_engine_new(policyd->config, policyd->counters, policyd->store);
	policyd->metrics = rmt_metrics_new();
	policyd->senders = rmt_senders_new(policyd->loop, policyd->store, NULL);
	rmt_policyd_configure_senders(policyd, policyd->config);
	policyd->bulk = rmt_bulk_keeper_new(policyd->store, NULL);
	parts = (struct rmt_sessions_parts){ policyd->loop, policyd->engine,
					     policyd->counters, policyd->metrics,
					     policyd->bulk };
	policyd->sessions = rmt_sessions_new(&parts);
	policyd->control = rmt_control_new(policyd);
	policyd->reload = rmt_reload_new(policyd, NULL);
	rmt_sessions_configure(policyd->sessions, &policyd->config->policyd, NULL);
	policyd->monotonic_ns = RMT_NS_PER_SEC;
	return house;
}

static void house_close(struct house *house)
{
	struct rmt_policyd *policyd = &house->policyd;

	rmt_log_init("test", RMT_LOG_INFO, NULL, NULL);
	rmt_reload_free(policyd->reload);
	rmt_control_free(policyd->control);
	rmt_sessions_free(policyd->sessions);
	rmt_metrics_free(policyd->metrics);
	rmt_engine_free(policyd->engine);
	rmt_bulk_keeper_free(policyd->bulk);
	rmt_senders_free(policyd->senders);
	rmt_counters_close(&policyd->counters);
	rmt_store_close(&policyd->store);
	rmt_loop_free(policyd->loop);
	rmt_config_unref(policyd->config);
	g_string_free(house->log, TRUE);
	g_free(house);
}

/* One turn of the loop, `secs` after the last one. */
static void house_turn(struct house *house, int secs)
{
	struct rmt_policyd *policyd = &house->policyd;
	int ready = rmt_loop_wait(policyd->loop, 0);

	policyd->monotonic_ns += (int64_t)secs * RMT_NS_PER_SEC;
	policyd->now.line_ns =
		rmt_counters_line(policyd->counters, policyd->monotonic_ns);
	policyd->now.wall_secs = 1700000000;
	rmt_sessions_time(policyd->sessions, &policyd->now, policyd->monotonic_ns);
	rmt_loop_dispatch(policyd->loop, ready);
	rmt_sessions_answer(policyd->sessions);
	rmt_engine_tick(policyd->engine, &policyd->now);
	rmt_talks_turn(rmt_control_talks(policyd->control), policyd->monotonic_ns);
}

static const struct sockaddr_storage house_unix = { .ss_family = AF_UNIX };

/* A connection of Postfix: the client's end. */
static int house_connect(struct house *house)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) < 0)
		return -1;
	rmt_sessions_accept(house->policyd.sessions, ends[0], "unix:/test", &house_unix);
	return ends[1];
}

#endif
