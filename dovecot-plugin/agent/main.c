/* SPDX-License-Identifier: MIT */
/* remite-agent: Dovecot's service that takes jobs from the mail plugin, from
 * doveadm and from remite-http. libdovecot is used in this thread alone; workers
 * leave their log lines here. */
#include "dovecot-plugin/compat.h"
#include "ioloop.h"
#include "restrict-access.h"
#include "master-service.h"
#include "master-service-settings.h"

#include <curl/curl.h>
#include <gmime/gmime.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/base/log.h"
#include "dovecot-plugin/agent/clients.h"

/* What other processes write (the milter, commands) is seen so soon. */
enum { LOOK_MSECS = 1000 };

struct line {
	enum rmt_log_level level;
	char *text; /* own */
};

static struct host {
	struct rmt_agent *agent; /* own */
	GThread *thread;         /* foreign; Dovecot's */
	GAsyncQueue *lines;      /* own; struct line, of other threads */
	int wake;                /* eventfd */
	struct io *io;
	struct timeout *look;
	uint64_t version; /* of the store, when looked at last */
} host = { .wake = -1 };

/* --- the log --- */

static void say(enum rmt_log_level level, const char *text)
{
	switch (level) {
	case RMT_LOG_ERROR:
		i_error("%s", text);
		break;
	case RMT_LOG_WARNING:
		i_warning("%s", text);
		break;
	case RMT_LOG_INFO:
		i_info("%s", text);
		break;
	case RMT_LOG_DEBUG:
		i_debug("%s", text);
		break;
	}
}

static void wake(void *context)
{
	const uint64_t one = 1;

	(void)context;
	if (write(host.wake, &one, sizeof(one)) < 0)
		return; /* full: it is awake */
}

static void log_line(void *context, enum rmt_log_level level, const char *text)
{
	struct line *line;

	(void)context;
	if (g_thread_self() == host.thread) {
		say(level, text);
		return;
	}
	line = g_new0(struct line, 1);
	line->level = level;
	line->text = g_strdup(text);
	g_async_queue_push(host.lines, line);
	wake(NULL);
}

static void say_lines(void)
{
	struct line *line;

	while ((line = g_async_queue_try_pop(host.lines)) != NULL) {
		say(line->level, line->text);
		g_free(line->text);
		g_free(line);
	}
}

/* --- turns --- */

static void turn(void)
{
	say_lines();
	host.version = rmt_store_version(host.agent->store);
	rmt_agent_turn(host.agent);
	rmt_clients_push_answers();
}

static void woken(void *context ATTR_UNUSED)
{
	uint64_t count;

	if (read(host.wake, &count, sizeof(count)) > 0)
		turn();
}

/* Times of jobs are whole seconds: a look each second finds those that are due. */
static void look(void *context ATTR_UNUSED)
{
	turn();
}

static int64_t now_us(void *context)
{
	(void)context;
	return g_get_real_time();
}

/* --- from start to end --- */

static struct rmt_config *read_config(void)
{
	const char *path = getenv("REMITE_CONFIG");
	g_autoptr(GPtrArray) complaints = NULL;
	struct rmt_config *config;
	guint i;

	if (path == NULL && access(RMT_CONFIG_DEFAULT_FILE, F_OK) == 0)
		path = RMT_CONFIG_DEFAULT_FILE;
	config = rmt_config_read(path, &complaints);
	for (i = 0; i < complaints->len; i++)
		rmt_log(config != NULL ? RMT_LOG_WARNING : RMT_LOG_ERROR, "%s",
			(const char *)complaints->pdata[i]);
	if (config == NULL)
		i_fatal("the configuration is wrong (see the lines before)");
	return config;
}

static void start_agent(void)
{
	struct rmt_config *config = read_config();
	g_autofree char *uri = g_strdup_printf("lmdb:%s/records", config->state);
	struct rmt_store *store = NULL;
	g_autoptr(GError) err = NULL;

	if (!rmt_store_open(&store, uri, false, &err) ||
	    !rmt_agent_new(&host.agent, config, store, &err))
		i_fatal("%s", err->message);
	host.agent->now_us = now_us;
	host.agent->wake = wake;
	if (!rmt_agent_start(host.agent, &err))
		i_fatal("%s", err->message);
}

static void start_loop(void)
{
	host.wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (host.wake < 0)
		i_fatal("eventfd() failed: %m");
	host.io = io_add(host.wake, IO_READ, woken, NULL);
	host.look = timeout_add(LOOK_MSECS, look, NULL);
}

static void start_libraries(void)
{
	host.thread = g_thread_self();
	host.lines = g_async_queue_new();
	rmt_log_init("remite-agent", RMT_LOG_INFO, log_line, NULL);
	g_mime_init();
	curl_global_init(CURL_GLOBAL_DEFAULT);
}

static void end(void)
{
	timeout_remove(&host.look);
	io_remove(&host.io);
	rmt_clients_deinit();
	rmt_agent_free(host.agent);
	say_lines();
	curl_global_cleanup();
}

int main(int argc, char *argv[])
{
	const char *error;

	master_service = master_service_init(
		"remite-agent", MASTER_SERVICE_FLAG_UPDATE_PROCTITLE, &argc, &argv, "");
	if (master_getopt(master_service) > 0)
		return FATAL_DEFAULT;
	if (rmt_read_service_settings(master_service, &error) < 0)
		i_fatal("remite-agent: %s", error);
	master_service_init_log(master_service);
	/* Without it the process stays root, whatever `user` says. */
	restrict_access_by_env(0, NULL);
	restrict_access_allow_coredumps(TRUE);
	start_libraries();
	start_loop();
	start_agent();
	rmt_clients_init(host.agent);
	master_service_init_finish(master_service);
	turn();
	master_service_run(master_service, rmt_clients_add);
	end();
	master_service_deinit(&master_service);
	return 0;
}
