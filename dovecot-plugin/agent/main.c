/* SPDX-License-Identifier: MIT */
/* remite-agent: Dovecot's service that takes jobs from the mail plugin, from
 * doveadm and from remite-http. This process decides and commits; its child
 * (sender.h) does what is to be done. */
#include "dovecot-plugin/compat.h"
#include "ioloop.h"
#include "restrict-access.h"
#include "master-service.h"
#include "master-service-settings.h"

#include <unistd.h>

#include "common/base/log.h"
#include "common/message/gmime.h"
#include "dovecot-plugin/agent/clients.h"
#include "dovecot-plugin/agent/log.h"
#include "dovecot-plugin/agent/sender.h"
#include "dovecot-plugin/usage.h"

/* What other processes write (the sender, the milter, commands) is seen so soon. */
enum { LOOK_MSECS = 500 };

static struct {
	struct rmt_agent *agent; /* own */
	struct timeout *look;
	uint64_t version; /* of the store, when looked at last */
} host;

static int64_t now_us(void *context)
{
	(void)context;
	return g_get_real_time();
}

static void wake(void *context)
{
	(void)context;
	if (!rmt_clients_hold_store())
		rmt_sender_wake();
}

static void look(void *context ATTR_UNUSED)
{
	uint64_t version = rmt_store_version(host.agent->store);

	rmt_agent_turn(host.agent);
	if (version != host.version)
		rmt_clients_push_answers();
	host.version = version;
	if (!rmt_sender_is_alive())
		i_fatal("the process that sends has ended: Dovecot starts both anew");
}

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

static void start_agent(struct rmt_config *config)
{
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
	host.look = timeout_add_short(LOOK_MSECS, look, NULL);
}

static void end(void)
{
	timeout_remove(&host.look);
	rmt_clients_deinit();
	rmt_sender_end();
	rmt_agent_free(host.agent);
}

int main(int argc, char *argv[])
{
	struct rmt_config *config;
	const char *error;

	if (rmt_usage_answer(argc, argv, "remite-agent",
			     "Decides about read receipts, asks users, sends; leaves "
			     "lists that they tag."))
		return 0;
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
	rmt_agent_log_init();
	rmt_gmime_start();
	config = read_config();
	if (!rmt_sender_fork(config))
		i_fatal("fork() failed: %m");
	start_agent(config);
	rmt_clients_init(host.agent);
	master_service_init_finish(master_service);
	master_service_run(master_service, rmt_clients_add);
	end();
	master_service_deinit(&master_service);
	return 0;
}
