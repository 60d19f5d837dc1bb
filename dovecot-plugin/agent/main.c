/* SPDX-License-Identifier: MIT */
/* remite-agent: Dovecot's service that takes jobs from the mail plugin, from
 * doveadm and from remite-http. */
#include "dovecot-plugin/compat.h"
#include "istream.h"
#include "ostream.h"
#include "connection.h"
#include "restrict-access.h"
#include "master-service.h"
#include "master-service-settings.h"

#include "dovecot-plugin/wire.h"

struct agent_client {
	struct connection conn;
	struct rmt_wire_in *in; /* own */
	bool greeted;
};

static struct connection_list *clients;

static void reply(struct agent_client *client, struct rmt_wire_out *out)
{
	o_stream_nsend(client->conn.output, out->data, out->len);
	rmt_wire_out_free(out);
}

static bool greet(struct agent_client *client, const struct rmt_wire_record *record)
{
	struct rmt_wire_out out = { 0 };

	if (strcmp(record->type, "VERSION") != 0 ||
	    strcmp(record->kind, RMT_WIRE_SERVICE) != 0 ||
	    record->major != RMT_WIRE_MAJOR)
		return FALSE;
	client->greeted = TRUE;
	rmt_wire_version(&out, NULL);
	reply(client, &out);
	return TRUE;
}

static bool handle_record(struct agent_client *client,
			  const struct rmt_wire_record *record)
{
	struct rmt_wire_out out = { 0 };

	if (!client->greeted)
		return greet(client, record);
	if (strcmp(record->type, "JOB") != 0)
		return TRUE;
	rmt_wire_begin(&out, "NAK", record->id, NULL);
	rmt_wire_add(&out, "reason", "this agent knows no such job");
	rmt_wire_end(&out, NULL, 0);
	reply(client, &out);
	return TRUE;
}

static bool handle_records(struct agent_client *client)
{
	struct rmt_wire_record record;
	enum rmt_wire_result result;

	while ((result = rmt_wire_in_next(client->in, &record)) == RMT_WIRE_RECORD)
		if (!handle_record(client, &record))
			return FALSE;
	return result == RMT_WIRE_MORE;
}

static void client_input(struct connection *conn)
{
	struct agent_client *client = container_of(conn, struct agent_client, conn);
	const unsigned char *data;
	size_t size;
	ssize_t got;
	bool good = TRUE;

	while (good && (got = i_stream_read_more(conn->input, &data, &size)) > 0) {
		rmt_wire_in_feed(client->in, data, size);
		i_stream_skip(conn->input, size);
		good = handle_records(client);
	}
	if (!good || got < 0)
		conn->v.destroy(conn);
}

static void client_destroy(struct connection *conn)
{
	struct agent_client *client = container_of(conn, struct agent_client, conn);

	rmt_wire_in_destroy(&client->in);
	connection_deinit(conn);
	i_free(client);
	master_service_client_connection_destroyed(master_service);
}

static void client_connected(struct master_service_connection *conn)
{
	struct agent_client *client = i_new(struct agent_client, 1);

	master_service_client_connection_accept(conn);
	client->in = rmt_wire_in_create();
	connection_init_server(clients, &client->conn, conn->name, conn->fd, conn->fd);
}

static const struct connection_settings settings = {
	.dont_send_version = TRUE,
	.input_max_size = 64 * 1024,
	.output_max_size = SIZE_MAX,
	.client = FALSE,
};

static const struct connection_vfuncs vfuncs = {
	.destroy = client_destroy,
	.input = client_input,
};

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
	clients = connection_list_init(&settings, &vfuncs);
	master_service_init_finish(master_service);
	master_service_run(master_service, client_connected);
	connection_list_deinit(&clients);
	master_service_deinit(&master_service);
	return 0;
}
