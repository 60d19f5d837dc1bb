/* SPDX-License-Identifier: MIT */
/* remite-http: Dovecot's service for the pages of unsubscribing and consent. */
#include "dovecot-plugin/compat.h"
#include "restrict-access.h"
#include "master-service.h"
#include "master-service-settings.h"
#include "http-server.h"

static struct http_server *server;

static void handle_request(void *context ATTR_UNUSED, struct http_server_request *request)
{
	http_server_request_fail(request, 404, "Not Found");
}

static void connection_destroyed(void *context ATTR_UNUSED,
				 const char *reason ATTR_UNUSED)
{
	master_service_client_connection_destroyed(master_service);
}

static const struct http_server_callbacks callbacks = {
	.handle_request = handle_request,
	.connection_destroy = connection_destroyed,
};

static void client_connected(struct master_service_connection *conn)
{
	master_service_client_connection_accept(conn);
	(void)http_server_connection_create(server, conn->fd, conn->fd, conn->ssl,
					    &callbacks, NULL);
}

int main(int argc, char *argv[])
{
	const char *error;

	master_service = master_service_init(
		"remite-http", MASTER_SERVICE_FLAG_UPDATE_PROCTITLE, &argc, &argv, "");
	if (master_getopt(master_service) > 0)
		return FATAL_DEFAULT;
	if (rmt_read_service_settings(master_service, &error) < 0)
		i_fatal("remite-http: %s", error);
	master_service_init_log(master_service);
	if (rmt_http_server_init(master_service, &server, &error) < 0)
		i_fatal("remite-http: %s", error);
	/* Without it the process stays root, whatever `user` says. */
	restrict_access_by_env(0, NULL);
	restrict_access_allow_coredumps(TRUE);
	master_service_init_finish(master_service);
	master_service_run(master_service, client_connected);
	http_server_deinit(&server);
	master_service_deinit(&master_service);
	return 0;
}
