/* SPDX-License-Identifier: MIT */
/* http_plain - a service of Dovecot that reads a POST's body and answers the octets
 * that remite-http answers, and does nothing else: as fast as http_server goes here. */
#include "dovecot-plugin/compat.h"
#include "buffer.h"
#include "restrict-access.h"
#include "master-service.h"
#include "master-service-settings.h"
#include "http-server.h"

#include "dovecot-plugin/http/page.h"

enum { BODY_MAX = 64 * 1024 };

static struct http_server *server;

static void body_read(struct http_server_request *request)
{
	static const char body[] = "unsubscribed\n";
	struct http_server_response *response =
		http_server_response_create(request, 200, "OK");
	const char *const *header;

	http_server_response_add_header(response, "Content-Type",
					"text/plain; charset=utf-8");
	for (header = rmt_page_headers(); *header != NULL; header += 2)
		http_server_response_add_header(response, header[0], header[1]);
	http_server_response_set_payload_data(response, (const unsigned char *)body,
					      sizeof(body) - 1);
	http_server_response_submit(response);
}

static void handle_request(void *context ATTR_UNUSED, struct http_server_request *request)
{
	buffer_t *body =
		buffer_create_dynamic(http_server_request_get_pool(request), 256);

	http_server_request_buffer_payload(request, body, BODY_MAX, body_read, request);
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
		"http-plain", MASTER_SERVICE_FLAG_UPDATE_PROCTITLE, &argc, &argv, "");
	if (master_getopt(master_service) > 0)
		return FATAL_DEFAULT;
	if (rmt_read_service_settings(master_service, &error) < 0)
		i_fatal("http-plain: %s", error);
	master_service_init_log(master_service);
	if (rmt_http_server_init(master_service, &server, &error) < 0)
		i_fatal("http-plain: %s", error);
	restrict_access_by_env(0, NULL);
	master_service_init_finish(master_service);
	master_service_run(master_service, client_connected);
	http_server_deinit(&server);
	master_service_deinit(&master_service);
	return 0;
}
