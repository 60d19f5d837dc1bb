/* SPDX-License-Identifier: MIT */
/* remite-http: Dovecot's service for the pages of unsubscribing and consent. */
#include "dovecot-plugin/compat.h"
#include "restrict-access.h"
#include "master-service.h"
#include "master-service-settings.h"
#include "http-server.h"

#include "common/base/background.h"
#include "common/base/log.h"
#include "dovecot-plugin/http/exchange.h"
#include "dovecot-plugin/http/site.h"
#include "dovecot-plugin/usage.h"

struct client {
	struct ip_addr peer;
};

static struct http_server *server;
static struct rmt_site *site;

/* --- log, configuration, records -------------------------------------------------- */

static void log_line(void *context ATTR_UNUSED, enum rmt_log_level level,
		     const char *line)
{
	switch (level) {
	case RMT_LOG_ERROR:
		i_error("%s", line);
		break;
	case RMT_LOG_WARNING:
		i_warning("%s", line);
		break;
	default:
		i_info("%s", line);
	}
}

static struct rmt_config *read_config(void)
{
	const char *path = getenv("REMITE_CONFIG");
	GPtrArray *complaints = NULL;
	struct rmt_config *config;
	guint i;

	config = rmt_config_read(path != NULL ? path : RMT_CONFIG_DEFAULT_FILE,
				 &complaints);
	for (i = 0; complaints != NULL && i < complaints->len; i++)
		i_error("%s", (const char *)complaints->pdata[i]);
	if (complaints != NULL)
		g_ptr_array_unref(complaints);
	if (config == NULL)
		i_fatal("remite-http: no configuration");
	return config;
}

static struct rmt_store *open_records(const struct rmt_config *config)
{
	char *uri = g_strdup_printf("lmdb:%s/records", config->state);
	struct rmt_store *store = NULL;
	GError *err = NULL;

	if (!rmt_store_open(&store, uri, FALSE, &err))
		i_fatal("remite-http: %s%s", err->message,
			strstr(err->message, "memory") != NULL
				? " (vsz_limit counts the records' map: raise it)"
				: "");
	g_free(uri);
	return store;
}

/* --- connections ------------------------------------------------------------------ */

static void handle_request(void *context, struct http_server_request *request)
{
	struct client *client = context;

	rmt_exchange_begin(site, request, &client->peer);
}

static void connection_destroyed(void *context, const char *reason ATTR_UNUSED)
{
	struct client *client = context;

	i_free(client);
	master_service_client_connection_destroyed(master_service);
}

static const struct http_server_callbacks callbacks = {
	.handle_request = handle_request,
	.connection_destroy = connection_destroyed,
};

static void client_connected(struct master_service_connection *conn)
{
	struct client *client = i_new(struct client, 1);

	master_service_client_connection_accept(conn);
	client->peer = conn->remote_ip;
	(void)http_server_connection_create(server, conn->fd, conn->fd, conn->ssl,
					    &callbacks, client);
}

int main(int argc, char *argv[])
{
	struct rmt_config *config;
	const char *error;

	if (rmt_usage_answer(argc, argv, "remite-http",
			     "Serves the pages of unsubscribing (RFC 8058) and of "
			     "consent to receipts."))
		return 0;
	master_service = master_service_init(
		"remite-http", MASTER_SERVICE_FLAG_UPDATE_PROCTITLE, &argc, &argv, "");
	if (master_getopt(master_service) > 0)
		return FATAL_DEFAULT;
	if (rmt_read_service_settings(master_service, &error) < 0)
		i_fatal("remite-http: %s", error);
	master_service_init_log(master_service);
	rmt_log_init("remite-http", RMT_LOG_INFO, log_line, NULL);
	if (rmt_http_server_init(master_service, &server, &error) < 0)
		i_fatal("remite-http: %s", error);
	config = read_config();
	/* Without it the process stays root, whatever `user` says. */
	restrict_access_by_env(0, NULL);
	restrict_access_allow_coredumps(TRUE);
	rmt_foreground(); /* the thread that commits as well */
	site = rmt_site_new(config, open_records(config));
	rmt_exchange_init(site);
	/* Who is being served when Dovecot is reloaded has his answer. */
	master_service_set_die_with_master(master_service, FALSE);
	master_service_init_finish(master_service);
	master_service_run(master_service, client_connected);
	http_server_deinit(&server);
	rmt_exchange_deinit(site);
	rmt_site_free(site);
	master_service_deinit(&master_service);
	return 0;
}
