/* SPDX-License-Identifier: MIT */
#include "dovecot-plugin/compat.h"
#include "istream.h"
#include "ostream.h"
#include "connection.h"
#include "master-service.h"

#include <sys/socket.h>

#include "common/base/log.h"
#include "common/store/answers.h"
#include "dovecot-plugin/agent/clients.h"
#include "dovecot-plugin/agent/peer.h"

enum {
	USERS_MAX = 100,      /* a connection has mailboxes of */
	OUTPUT_MAX = 1 << 20, /* a client that does not read has no more answers */
	TURN_USECS = 5000,    /* other writers of the store wait so long, and a commit */
};

/* Under its number in this connection. */
struct told {
	char *user, *id; /* own */
	uint64_t number; /* of the answer, in the store */
};

struct agent_client {
	struct connection conn;
	struct rmt_wire_in *in; /* own */
	GHashTable *users;      /* own; char *: mailboxes of these are open */
	GPtrArray *told;        /* own; struct told, or NULL when done */
	GHashTable *sent;       /* own; "number user id" of what was told */
	GString *unsaid;        /* own; until what it is about is committed */
	char *role;             /* own; NULL: not greeted */
	uid_t uid;
};

static struct connection_list *clients;
static struct rmt_agent *the_agent;

/* What came in one turn of the loop is committed together, and told then. */
static struct {
	struct timeout *end; /* NULL: the store is not held */
	int64_t since_us;
} turn;

static void free_told(void *data)
{
	struct told *told = data;

	if (told == NULL)
		return;
	g_free(told->user);
	g_free(told->id);
	g_free(told);
}

static void reply(struct agent_client *client, struct rmt_wire_out *out)
{
	if (turn.end != NULL)
		g_string_append_len(client->unsaid, (const char *)out->data,
				    (gssize)out->len);
	else if (out->len > 0)
		o_stream_nsend(client->conn.output, out->data, out->len);
	rmt_wire_out_free(out);
}

/* --- turns --- */

bool rmt_clients_hold_store(void)
{
	return turn.end != NULL;
}

/* After a failure who waits for an answer is hung up on: he says it all again. */
static void say_the_unsaid(bool good)
{
	struct connection *conn, *next;

	for (conn = clients->connections; conn != NULL; conn = next) {
		struct agent_client *client =
			container_of(conn, struct agent_client, conn);

		next = conn->next;
		if (client->unsaid->len == 0)
			continue;
		if (good)
			o_stream_nsend(conn->output, client->unsaid->str,
				       client->unsaid->len);
		g_string_truncate(client->unsaid, 0);
		if (!good)
			conn->v.destroy(conn);
	}
}

static void end_turn(void *context ATTR_UNUSED)
{
	g_autoptr(GError) err = NULL;

	timeout_remove(&turn.end);
	if (!rmt_store_release(the_agent->store, &err))
		rmt_log(RMT_LOG_ERROR, "records: %s: jobs come again", err->message);
	say_the_unsaid(err == NULL);
	the_agent->wake(the_agent->context);
	rmt_clients_push_answers();
}

/* Where the store cannot be held, each job is committed by itself, or fails so. */
static void begin_turn(void)
{
	g_autoptr(GError) err = NULL;

	if (turn.end != NULL)
		return;
	if (!rmt_store_hold(the_agent->store, &err)) {
		rmt_log(RMT_LOG_ERROR, "records: %s", err->message);
		return;
	}
	turn.since_us = g_get_monotonic_time();
	turn.end = timeout_add_short(0, end_turn, NULL);
}

static bool is_turn_long(void)
{
	return turn.end != NULL && g_get_monotonic_time() - turn.since_us > TURN_USECS;
}

static bool greet(struct agent_client *client, const struct rmt_wire_record *record)
{
	const char *role = rmt_wire_get(record, "role");
	struct rmt_wire_out out = { 0 };

	if (strcmp(record->type, "VERSION") != 0 ||
	    strcmp(record->kind, RMT_WIRE_SERVICE) != 0 ||
	    record->major != RMT_WIRE_MAJOR) {
		rmt_log(RMT_LOG_WARNING, "a client speaks another protocol or version "
					 "(restart Dovecot after an upgrade)");
		return false;
	}
	client->role = g_strdup(role != NULL ? role : "mail");
	rmt_wire_version(&out, NULL);
	reply(client, &out);
	return true;
}

/* --- answers --- */

static void add_fields(struct rmt_wire_out *out, const char *fields)
{
	g_auto(GStrv) parts = g_strsplit(fields, "\t", -1);
	char **part, *value;

	for (part = parts; *part != NULL; part++) {
		value = strchr(*part, '=');
		if (value == NULL)
			continue;
		*value++ = '\0';
		rmt_wire_add(out, *part, value);
	}
}

static void tell(struct agent_client *client, const struct rmt_answer *answer)
{
	struct told *told = g_new0(struct told, 1);
	struct rmt_wire_out out = { 0 };

	told->user = g_strdup(answer->user);
	told->id = g_strdup(answer->id);
	told->number = answer->number;
	g_ptr_array_add(client->told, told);
	rmt_wire_begin(&out, "ANSWER", client->told->len, NULL);
	rmt_wire_add(&out, "user", answer->user);
	add_fields(&out, answer->fields);
	rmt_wire_end(&out, NULL, 0);
	reply(client, &out);
}

static bool tell_once(void *context, const struct rmt_answer *answer)
{
	struct agent_client *client = context;
	char *key = g_strdup_printf("%" G_GUINT64_FORMAT " %s %s",
				    (guint64)answer->number, answer->user, answer->id);

	if (g_hash_table_add(client->sent, key))
		tell(client, answer);
	return o_stream_get_buffer_used_size(client->conn.output) < OUTPUT_MAX;
}

static void tell_about(struct agent_client *client, const char *user)
{
	g_autoptr(GError) err = NULL;

	if (!rmt_answers_walk(the_agent->store, user, tell_once, client, &err))
		rmt_log(RMT_LOG_ERROR, "answers: %s", err->message);
}

void rmt_clients_push_answers(void)
{
	struct connection *conn;

	for (conn = clients->connections; conn != NULL; conn = conn->next) {
		struct agent_client *client =
			container_of(conn, struct agent_client, conn);
		GHashTableIter each;
		gpointer user;

		g_hash_table_iter_init(&each, client->users);
		while (g_hash_table_iter_next(&each, &user, NULL))
			tell_about(client, user);
	}
}

/* An answer that is in the mailbox. What was replaced meanwhile stays. */
static void forget_answer(struct agent_client *client, uint64_t id)
{
	g_autoptr(GError) err = NULL;
	struct told *told;

	if (id == 0 || id > client->told->len)
		return;
	told = g_ptr_array_index(client->told, id - 1);
	if (told == NULL)
		return;
	if (!rmt_answer_done(the_agent->store, told->user, told->id, told->number, &err))
		rmt_log(RMT_LOG_ERROR, "answers: %s", err->message);
	free_told(told);
	client->told->pdata[id - 1] = NULL;
}

/* --- jobs --- */

static void acknowledge(struct agent_client *client, uint64_t id, const GPtrArray *fields,
			struct rmt_wire_out *rows)
{
	struct rmt_wire_out out = { 0 };
	guint i;

	reply(client, rows);
	rmt_wire_begin(&out, "ACK", id, NULL);
	for (i = 0; i + 1 < fields->len; i += 2)
		rmt_wire_add(&out, fields->pdata[i], fields->pdata[i + 1]);
	rmt_wire_end(&out, NULL, 0);
	reply(client, &out);
}

static void refuse(struct agent_client *client, uint64_t id, const char *reason)
{
	struct rmt_wire_out out = { 0 };

	rmt_wire_begin(&out, "NAK", id, NULL);
	rmt_wire_add(&out, "reason", reason);
	rmt_wire_end(&out, NULL, 0);
	reply(client, &out);
}

static void open_user(struct agent_client *client, const struct rmt_wire_record *record,
		      const char *user)
{
	g_autoptr(GPtrArray) none = g_ptr_array_new();
	struct rmt_wire_out rows = { 0 };

	if (g_hash_table_size(client->users) >= USERS_MAX) {
		refuse(client, record->id, "too many users on one connection");
		return;
	}
	g_hash_table_add(client->users, g_strdup(user));
	/* Said anew, they are told anew. */
	g_hash_table_remove_all(client->sent);
	acknowledge(client, record->id, none, &rows);
	tell_about(client, user);
}

static void do_job(struct agent_client *client, const struct rmt_wire_record *record,
		   const char *user)
{
	g_autoptr(GPtrArray) fields = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GString) reason = g_string_new(NULL);
	struct rmt_wire_out rows = { 0 };
	const struct rmt_agent_job job = { .record = record,
					   .user = user,
					   .role = client->role,
					   .rows = &rows,
					   .reason = reason,
					   .fields = fields };

	switch (rmt_agent_take(the_agent, &job)) {
	case RMT_TAKEN_ACK:
		acknowledge(client, record->id, fields, &rows);
		break;
	case RMT_TAKEN_NAK:
		refuse(client, record->id, reason->str);
		break;
	case RMT_TAKEN_LATER:
		break;
	}
	rmt_wire_out_free(&rows);
}

static void handle_job(struct agent_client *client, const struct rmt_wire_record *record)
{
	const char *user = rmt_wire_get(record, "user");
	g_autoptr(GError) err = NULL;

	if (user == NULL || *user == '\0' || strlen(user) > RMT_CLAIM_USER_MAX) {
		refuse(client, record->id, "a job needs a user");
	} else if (!rmt_peer_may_speak(client->uid, user,
				       the_agent->config->agent.accounts, &err)) {
		rmt_log(RMT_LOG_ERROR, "a job is refused: %s", err->message);
		refuse(client, record->id, err->message);
	} else if (strcmp(record->kind, "open") == 0) {
		open_user(client, record, user);
	} else {
		do_job(client, record, user);
	}
}

/* A question changes nothing: its answer waits for no commit. */
static bool is_query(const struct rmt_wire_record *record)
{
	return strcmp(record->type, "JOB") == 0 && strcmp(record->kind, "query") == 0;
}

static bool handle_record(struct agent_client *client,
			  const struct rmt_wire_record *record)
{
	if (client->role == NULL)
		return greet(client, record);
	if (!is_query(record))
		begin_turn();
	if (strcmp(record->type, "JOB") == 0)
		handle_job(client, record);
	else if (strcmp(record->type, "DONE") == 0)
		forget_answer(client, record->id);
	return true;
}

static bool handle_records(struct agent_client *client)
{
	struct rmt_wire_record record;
	enum rmt_wire_result result;

	while ((result = rmt_wire_in_next(client->in, &record)) == RMT_WIRE_RECORD)
		if (!handle_record(client, &record))
			return false;
	if (result == RMT_WIRE_BAD)
		rmt_log(RMT_LOG_WARNING, "a client of uid %u: %s", (unsigned)client->uid,
			rmt_wire_in_error(client->in));
	return result == RMT_WIRE_MORE;
}

static void client_input(struct connection *conn)
{
	struct agent_client *client = container_of(conn, struct agent_client, conn);
	const unsigned char *data;
	size_t size;
	ssize_t got = 0;
	bool good = true;

	o_stream_cork(conn->output);
	while (good && !is_turn_long() &&
	       (got = i_stream_read_more(conn->input, &data, &size)) > 0) {
		rmt_wire_in_feed(client->in, data, size);
		i_stream_skip(conn->input, size);
		good = handle_records(client);
	}
	o_stream_uncork(conn->output);
	if (!good || got < 0)
		conn->v.destroy(conn);
	if (is_turn_long())
		end_turn(NULL); /* may hang up on this client too */
}

static void client_destroy(struct connection *conn)
{
	struct agent_client *client = container_of(conn, struct agent_client, conn);

	rmt_wire_in_destroy(&client->in);
	connection_deinit(conn);
	g_hash_table_unref(client->users);
	g_hash_table_unref(client->sent);
	g_ptr_array_unref(client->told);
	g_string_free(client->unsaid, TRUE);
	g_free(client->role);
	i_free(client);
	master_service_client_connection_destroyed(master_service);
}

/* Nobody is trusted whose uid is not known. */
static uid_t uid_of(int fd)
{
	struct ucred peer = { .uid = (uid_t)-1 };
	socklen_t len = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return (uid_t)-1;
	return peer.uid;
}

void rmt_clients_add(struct master_service_connection *conn)
{
	struct agent_client *client = i_new(struct agent_client, 1);

	master_service_client_connection_accept(conn);
	client->in = rmt_wire_in_create();
	client->uid = uid_of(conn->fd);
	client->users = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	client->sent = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	client->told = g_ptr_array_new_with_free_func(free_told);
	client->unsaid = g_string_new(NULL);
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

void rmt_clients_init(struct rmt_agent *agent)
{
	the_agent = agent;
	clients = connection_list_init(&settings, &vfuncs);
}

void rmt_clients_deinit(void)
{
	if (turn.end != NULL)
		end_turn(NULL);
	connection_list_deinit(&clients);
	the_agent = NULL;
}
