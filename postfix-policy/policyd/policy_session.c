/* SPDX-License-Identifier: MIT */
#include "postfix-policy/policyd/policy_session.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/policy/policy_reply.h"
#include "common/policy/policy_request.h"

enum { BATCH = 64, READ_MAX = 4096, POOL_MAX = 64, COMPLAINTS_PER_SEC = 10 };

/* Bytes of a connection that wait for more, or for room in the batch. Most
 * connections never have one: a request comes whole and is answered at once. */
struct input {
	struct rmt_policy_request request; /* of the bytes at start */
	size_t start, len, size;
	struct input *next; /* in the pool */
	char bytes[];
};

struct connection {
	struct rmt_source source; /* first */
	struct rmt_sessions *sessions;
	struct input *input; /* own; or NULL */
	GString *output;     /* own; answers not taken yet; or NULL */
	char *from;          /* own; GRefString: listener, or client address */
	uint64_t peer;
	int64_t active_ns; /* last request, or last progress of an answer */
	int64_t began_ns;  /* of the request in input */
	unsigned id;       /* never used twice */
	guint index;       /* in sessions->connections */
	bool backlog, doomed;
};

/* One request on its way through the turn. */
struct slot {
	struct connection *connection;
	struct rmt_policy_request request;
	struct rmt_span raw;
	size_t reply_len;
	struct rmt_work work;
	struct rmt_decision decision;
	char reply[RMT_POLICY_REPLY_MAX];
	char bytes[READ_MAX];
};

struct rmt_sessions {
	struct rmt_sessions_parts parts;
	struct rmt_record *record; /* foreign; or NULL */
	int64_t request_timeout_ns, idle_timeout_ns;
	size_t max_request;
	unsigned max_connections;
	bool log_passed;

	struct rmt_now now;
	int64_t monotonic_ns;
	GPtrArray *connections; /* own */
	GPtrArray *backlog;     /* foreign: requests read, not yet in a batch */
	GPtrArray *doomed;      /* foreign: closed at the end of the turn */
	GString *line;          /* own; of the log, in the making */
	struct input *pool;
	unsigned pooled, last_id, complaints, complaints_dropped;
	unsigned count; /* of slots in use */
	struct slot slots[BATCH];
};

static int64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (int64_t)t.tv_sec * RMT_NS_PER_SEC + t.tv_nsec;
}

int64_t rmt_boot_ns(void)
{
	return clock_ns(CLOCK_BOOTTIME);
}

int64_t rmt_wall_ns(void)
{
	return clock_ns(CLOCK_REALTIME);
}

struct rmt_sessions *rmt_sessions_new(const struct rmt_sessions_parts *parts)
{
	struct rmt_sessions *sessions = g_new0(struct rmt_sessions, 1);

	sessions->parts = *parts;
	sessions->connections = g_ptr_array_new();
	sessions->backlog = g_ptr_array_new();
	sessions->doomed = g_ptr_array_new();
	sessions->line = g_string_new(NULL);
	return sessions;
}

void rmt_sessions_configure(struct rmt_sessions *sessions,
			    const struct rmt_policyd_config *config,
			    struct rmt_record *record)
{
	sessions->record = record;
	sessions->request_timeout_ns = (int64_t)config->request_timeout_ns;
	sessions->idle_timeout_ns = (int64_t)config->idle_timeout_ns;
	sessions->max_request = config->max_request;
	sessions->max_connections = config->max_connections;
	sessions->log_passed = config->log_passed;
}

void rmt_sessions_time(struct rmt_sessions *sessions, const struct rmt_now *now,
		       int64_t monotonic_ns)
{
	sessions->now = *now;
	sessions->monotonic_ns = monotonic_ns;
}

unsigned rmt_sessions_count(const struct rmt_sessions *sessions)
{
	return sessions->connections->len;
}

/* --- losing a connection --- */

static void complain(struct rmt_sessions *sessions, const char *from, unsigned id,
		     const char *what)
{
	if (sessions->complaints++ < COMPLAINTS_PER_SEC)
		rmt_log(RMT_LOG_WARNING, "connection %u from %s closed: %s", id, from,
			what);
	else
		sessions->complaints_dropped++;
}

/* Closed at the end of the turn, when nobody looks at it any more. why NULL:
 * nothing to tell. */
static void doom(struct connection *connection, const char *why)
{
	struct rmt_sessions *sessions = connection->sessions;

	if (connection->doomed)
		return;
	connection->doomed = true;
	g_ptr_array_add(sessions->doomed, connection);
	if (why != NULL)
		complain(sessions, connection->from, connection->id, why);
}

/* --- input --- */

static struct input *new_input(struct rmt_sessions *sessions)
{
	struct input *input = sessions->pool;

	if (input != NULL) {
		sessions->pool = input->next;
		sessions->pooled--;
	} else {
		input = g_malloc(sizeof(*input) + READ_MAX);
		input->size = READ_MAX;
	}
	input->start = input->len = 0;
	rmt_policy_request_init(&input->request);
	return input;
}

static void drop_input(struct connection *connection)
{
	struct rmt_sessions *sessions = connection->sessions;
	struct input *input = connection->input;

	connection->input = NULL;
	if (input == NULL)
		return;
	if (input->size > READ_MAX || sessions->pooled >= POOL_MAX) {
		g_free(input);
		return;
	}
	input->next = sessions->pool;
	sessions->pool = input;
	sessions->pooled++;
}

/* At most READ_MAX octets, as one read gives. */
static void keep_input(struct connection *connection, const char *bytes, size_t len,
		       const struct rmt_policy_request *request)
{
	struct input *input = connection->input = new_input(connection->sessions);

	memcpy(input->bytes, bytes, len);
	input->len = len;
	if (request != NULL)
		input->request = *request;
	connection->began_ns = connection->sessions->monotonic_ns;
}

static void put_off(struct connection *connection)
{
	connection->backlog = true;
	g_ptr_array_add(connection->sessions->backlog, connection);
}

/* The request in slot->request becomes part of the batch. */
static void take_request(struct connection *connection, struct slot *slot,
			 const char *bytes)
{
	struct rmt_sessions *sessions = connection->sessions;

	slot->connection = connection;
	slot->raw = rmt_span(bytes, slot->request.length);
	connection->active_ns = sessions->monotonic_ns;
	sessions->count++;
	rmt_engine_prepare(sessions->parts.engine, &slot->request.facts, connection->id,
			   connection->peer, &slot->work);
}

static void broken(struct connection *connection, const char *why)
{
	rmt_metrics_counts(connection->sessions->parts.metrics)->broken++;
	doom(connection, why);
}

/* What one read brought for a connection that had nothing waiting. */
static void take_fresh(struct connection *connection, const char *bytes, size_t len)
{
	struct rmt_sessions *sessions = connection->sessions;
	struct slot *slot;

	while (len > 0) {
		if (sessions->count == BATCH) {
			keep_input(connection, bytes, len, NULL);
			put_off(connection);
			return;
		}
		slot = &sessions->slots[sessions->count];
		rmt_policy_request_init(&slot->request);
		switch (rmt_policy_request_read(&slot->request, bytes, len,
						sessions->max_request)) {
		case RMT_REQUEST_DONE:
			take_request(connection, slot, bytes);
			break;
		case RMT_REQUEST_MORE:
			keep_input(connection, bytes, len, &slot->request);
			return;
		case RMT_REQUEST_BROKEN:
			broken(connection, slot->request.broken);
			return;
		}
		bytes += slot->request.length;
		len -= slot->request.length;
	}
}

/* What waits, and what came behind it. Its bytes stay until the batch is done. */
static void take_waiting(struct connection *connection)
{
	struct rmt_sessions *sessions = connection->sessions;
	struct input *input = connection->input;
	const char *bytes;

	while (input->start < input->len) {
		if (sessions->count == BATCH) {
			put_off(connection);
			return;
		}
		bytes = input->bytes + input->start;
		switch (rmt_policy_request_read(&input->request, bytes,
						input->len - input->start,
						sessions->max_request)) {
		case RMT_REQUEST_DONE:
			sessions->slots[sessions->count].request = input->request;
			take_request(connection, &sessions->slots[sessions->count],
				     bytes);
			input->start += input->request.length;
			rmt_policy_request_init(&input->request);
			connection->began_ns = sessions->monotonic_ns;
			break;
		case RMT_REQUEST_MORE:
			return;
		case RMT_REQUEST_BROKEN:
			broken(connection, input->request.broken);
			return;
		}
	}
}

/* The batch is done: room for what comes, or no buffer at all. */
static void settle_input(struct connection *connection)
{
	struct input *input = connection->input;

	if (input == NULL || input->start == 0)
		return;
	if (input->start == input->len) {
		drop_input(connection);
		return;
	}
	memmove(input->bytes, input->bytes + input->start, input->len - input->start);
	input->len -= input->start;
	input->start = 0;
}

static struct input *make_room(struct connection *connection)
{
	struct input *input = connection->input;

	if (input->len == input->size) {
		input->size = MIN(input->size * 2, connection->sessions->max_request);
		input->size = MAX(input->size, input->len + 1);
		input = g_realloc(input, sizeof(*input) + input->size);
		connection->input = input;
	}
	return input;
}

static void read_ended(struct connection *connection, ssize_t n)
{
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	doom(connection, n == 0 && connection->input != NULL
				 ? "it ended in the middle of a request"
				 : NULL);
}

static void read_some(struct connection *connection)
{
	struct rmt_sessions *sessions = connection->sessions;
	struct input *input;
	struct slot *slot;
	ssize_t n;

	if (connection->input == NULL) {
		slot = &sessions->slots[sessions->count];
		n = recv(connection->source.fd, slot->bytes, READ_MAX, 0);
		if (n > 0)
			take_fresh(connection, slot->bytes, (size_t)n);
		else
			read_ended(connection, n);
		return;
	}
	input = make_room(connection);
	n = recv(connection->source.fd, input->bytes + input->len,
		 input->size - input->len, 0);
	if (n <= 0) {
		read_ended(connection, n);
		return;
	}
	input->len += (size_t)n;
	take_waiting(connection);
}

/* --- output --- */

/* Answers that are not taken: nothing more is read until they are. */
static void keep_output(struct connection *connection, const char *bytes, size_t len)
{
	if (connection->output == NULL) {
		connection->output = g_string_new(NULL);
		rmt_loop_change(connection->sessions->parts.loop, &connection->source,
				EPOLLOUT);
	}
	g_string_append_len(connection->output, bytes, (gssize)len);
}

static void send_answer(struct connection *connection, const char *bytes, size_t len)
{
	ssize_t n = 0;

	if (connection->output == NULL) {
		n = send(connection->source.fd, bytes, len, MSG_NOSIGNAL);
		if (n == (ssize_t)len)
			return;
		if (n < 0 && errno != EAGAIN && errno != EINTR) {
			doom(connection, NULL);
			return;
		}
		n = MAX(n, 0);
	}
	keep_output(connection, bytes + n, len - (size_t)n);
}

static void send_rest(struct connection *connection)
{
	GString *output = connection->output;
	ssize_t n = send(connection->source.fd, output->str, output->len, MSG_NOSIGNAL);

	if (n < 0) {
		if (errno != EAGAIN && errno != EINTR)
			doom(connection, NULL);
		return;
	}
	g_string_erase(output, 0, n);
	connection->active_ns = connection->sessions->monotonic_ns;
	if (output->len > 0)
		return;
	g_string_free(output, TRUE);
	connection->output = NULL;
	rmt_loop_change(connection->sessions->parts.loop, &connection->source, EPOLLIN);
}

/* --- the batch --- */

static void decide_batch(struct rmt_sessions *sessions)
{
	unsigned i;

	for (i = 0; i < sessions->count; i++) {
		struct slot *slot = &sessions->slots[i];

		rmt_engine_decide(sessions->parts.engine, &slot->work, &sessions->now,
				  &slot->decision);
		slot->reply_len = rmt_policy_reply(&slot->decision,
						   slot->work.facts.stage, slot->reply);
	}
}

/* Answers to requests that came in one piece go out in one piece. */
static void send_batch(struct rmt_sessions *sessions)
{
	g_autoptr(GString) joined = NULL;
	unsigned i, end, j;

	for (i = 0; i < sessions->count; i = end) {
		struct connection *connection = sessions->slots[i].connection;

		end = i + 1;
		while (end < sessions->count &&
		       sessions->slots[end].connection == connection)
			end++;
		if (end == i + 1) {
			send_answer(connection, sessions->slots[i].reply,
				    sessions->slots[i].reply_len);
			continue;
		}
		if (joined == NULL)
			joined = g_string_new(NULL);
		g_string_truncate(joined, 0);
		for (j = i; j < end; j++)
			g_string_append_len(joined, sessions->slots[j].reply,
					    (gssize)sessions->slots[j].reply_len);
		send_answer(connection, joined->str, joined->len);
	}
}

static void log_decision(GString *line, const struct slot *slot)
{
	const struct rmt_facts *facts = &slot->work.facts;

	g_string_truncate(line, 0);
	if (facts->queue_id.len > 0) {
		rmt_log_printable(line, facts->queue_id, 32);
	} else {
		g_string_append(line, "NOQUEUE instance=");
		rmt_log_printable(line, facts->instance, 64);
	}
	g_string_append(line, ": ");
	rmt_decision_format(&slot->work, &slot->decision, line);
	rmt_log_line(RMT_LOG_INFO, line->str);
}

/* "action=X\n\n" without the name and the line ends. */
static struct rmt_span action_of(const struct slot *slot)
{
	const size_t head = strlen("action=");

	return rmt_span(slot->reply + head, slot->reply_len - head - 2);
}

/* DATA mostly only confirms what the lines of RCPT say; END-OF-MESSAGE tells of it. */
static bool is_worth_a_line(const struct rmt_sessions *sessions, const struct slot *slot)
{
	const struct rmt_decision *decision = &slot->decision;

	if (decision->stream == NULL)
		return false;
	if (decision->rule != RMT_RULE_NONE || decision->candidates_charged)
		return true;
	return sessions->log_passed &&
	       (slot->work.facts.stage != RMT_STAGE_DATA || decision->counted);
}

/* A recipient that was accepted, whose provider may count the sender. */
static void count_bulk(const struct rmt_sessions *sessions, const struct slot *slot)
{
	if (slot->work.facts.stage == RMT_STAGE_RCPT && sessions->parts.bulk != NULL &&
	    slot->decision.action == RMT_ACTION_DUNNO)
		rmt_bulk_keeper_sent(sessions->parts.bulk, slot->work.sender.domain,
				     slot->work.recipient.domain,
				     sessions->now.wall_secs);
}

/* Nobody waits for this part. */
static void tell_batch(struct rmt_sessions *sessions)
{
	const int64_t wall_ns = sessions->record != NULL ? rmt_wall_ns() : 0;
	unsigned i;

	for (i = 0; i < sessions->count; i++) {
		struct slot *slot = &sessions->slots[i];

		rmt_metrics_decision(sessions->parts.metrics, &slot->work,
				     &slot->decision);
		count_bulk(sessions, slot);
		if (is_worth_a_line(sessions, slot))
			log_decision(sessions->line, slot);
		if (sessions->record != NULL)
			rmt_record_add(sessions->record, slot->raw, wall_ns,
				       action_of(slot));
	}
	if (sessions->record != NULL && !rmt_record_write(sessions->record))
		rmt_metrics_counts(sessions->parts.metrics)->record_errors++;
}

static void answer_batch(struct rmt_sessions *sessions)
{
	unsigned i;

	if (sessions->count == 0)
		return;
	decide_batch(sessions);
	/* A disk that refuses is logged there; what was decided stands. */
	rmt_counters_write(sessions->parts.counters);
	send_batch(sessions);
	rmt_metrics_answered(sessions->parts.metrics, sessions->count,
			     rmt_boot_ns() - sessions->monotonic_ns);
	tell_batch(sessions);
	for (i = 0; i < sessions->count; i++)
		settle_input(sessions->slots[i].connection);
	sessions->count = 0;
}

static void take_backlog(struct rmt_sessions *sessions)
{
	g_autoptr(GPtrArray) backlog = NULL;
	guint i;

	if (sessions->backlog->len == 0)
		return;
	backlog = g_steal_pointer(&sessions->backlog);
	sessions->backlog = g_ptr_array_new();
	for (i = 0; i < backlog->len; i++) {
		struct connection *connection = backlog->pdata[i];

		connection->backlog = false;
		if (!connection->doomed)
			take_waiting(connection);
	}
}

/* --- connections --- */

static void connection_ready(struct rmt_source *source, uint32_t events)
{
	struct connection *connection = (struct connection *)(void *)source;
	struct rmt_sessions *sessions = connection->sessions;

	(void)events;
	if (connection->doomed || connection->backlog)
		return;
	if (connection->output != NULL) {
		send_rest(connection);
		return;
	}
	if (sessions->count == BATCH)
		answer_batch(sessions);
	read_some(connection);
}

static void close_connection(struct connection *connection)
{
	struct rmt_sessions *sessions = connection->sessions;

	rmt_loop_remove(sessions->parts.loop, &connection->source);
	close(connection->source.fd);
	drop_input(connection);
	if (connection->output != NULL)
		g_string_free(connection->output, TRUE);
	g_ref_string_release(connection->from);
	g_ptr_array_remove_index_fast(sessions->connections, connection->index);
	if (connection->index < sessions->connections->len)
		((struct connection *)sessions->connections->pdata[connection->index])
			->index = connection->index;
	g_free(connection);
}

static void close_doomed(struct rmt_sessions *sessions)
{
	guint i;

	if (sessions->doomed->len == 0)
		return;
	for (i = 0; i < sessions->doomed->len; i++) {
		struct connection *connection = sessions->doomed->pdata[i];

		rmt_engine_closed(sessions->parts.engine, connection->id, &sessions->now);
		close_connection(connection);
	}
	g_ptr_array_set_size(sessions->doomed, 0);
	rmt_counters_write(sessions->parts.counters);
}

void rmt_sessions_answer(struct rmt_sessions *sessions)
{
	do {
		answer_batch(sessions);
		take_backlog(sessions);
	} while (sessions->count > 0);
	close_doomed(sessions);
}

/* Who a reservation belongs to: a message's requests come from one smtpd, but
 * not by one connection; an instance is unique per host. */
static char *name_peer(const char *listener, const struct sockaddr_storage *address)
{
	char text[INET6_ADDRSTRLEN] = "?";

	switch (address->ss_family) {
	case AF_INET:
		inet_ntop(AF_INET,
			  &((const struct sockaddr_in *)(const void *)address)->sin_addr,
			  text, sizeof(text));
		return g_ref_string_new_intern(text);
	case AF_INET6:
		inet_ntop(
			AF_INET6,
			&((const struct sockaddr_in6 *)(const void *)address)->sin6_addr,
			text, sizeof(text));
		return g_ref_string_new_intern(text);
	default:
		return g_ref_string_new_intern(listener);
	}
}

/* The newest is refused: those who are served stay served. */
static bool is_full(struct rmt_sessions *sessions, const char *from)
{
	g_autofree char *why = NULL;

	if (sessions->connections->len < sessions->max_connections)
		return false;
	why = g_strdup_printf("policyd.max_connections (%u) are open",
			      sessions->max_connections);
	rmt_metrics_counts(sessions->parts.metrics)->refused_full++;
	complain(sessions, from, ++sessions->last_id, why);
	return true;
}

void rmt_sessions_accept(void *context, int fd, const char *listener,
			 const struct sockaddr_storage *address)
{
	struct rmt_sessions *sessions = context;
	char *from = name_peer(listener, address);
	g_autoptr(GError) err = NULL;
	struct connection *connection;

	if (is_full(sessions, from)) {
		g_ref_string_release(from);
		close(fd);
		return;
	}
	connection = g_new0(struct connection, 1);
	connection->source.fd = fd;
	connection->source.ready = connection_ready;
	connection->sessions = sessions;
	connection->from = from;
	connection->id = ++sessions->last_id;
	connection->peer =
		rmt_counters_hash(sessions->parts.counters, from, strlen(from));
	connection->active_ns = sessions->monotonic_ns;
	connection->index = sessions->connections->len;
	g_ptr_array_add(sessions->connections, connection);
	rmt_metrics_counts(sessions->parts.metrics)->accepted++;
	if (!rmt_loop_add(sessions->parts.loop, &connection->source, EPOLLIN, &err))
		doom(connection, err->message);
}

static void check_timeouts(struct rmt_sessions *sessions, struct connection *connection)
{
	const int64_t now = sessions->monotonic_ns;
	const char *why = NULL;

	if (connection->output != NULL) {
		if (now - connection->active_ns > sessions->request_timeout_ns)
			why = "it does not take its answers";
	} else if (connection->input != NULL && !connection->backlog) {
		if (now - connection->began_ns > sessions->request_timeout_ns)
			why = "no end of its request within policyd.request_timeout";
	} else if (now - connection->active_ns > sessions->idle_timeout_ns) {
		doom(connection, NULL);
	}
	if (why != NULL) {
		rmt_metrics_counts(sessions->parts.metrics)->timed_out++;
		doom(connection, why);
	}
}

void rmt_sessions_sweep(struct rmt_sessions *sessions)
{
	guint i;

	for (i = 0; i < sessions->connections->len; i++)
		check_timeouts(sessions, sessions->connections->pdata[i]);
	close_doomed(sessions);
	if (sessions->complaints_dropped > 0)
		rmt_log(RMT_LOG_WARNING, "%u more connections closed in this second",
			sessions->complaints_dropped);
	sessions->complaints = sessions->complaints_dropped = 0;
}

void rmt_sessions_free(struct rmt_sessions *sessions)
{
	struct input *input;

	if (sessions == NULL)
		return;
	while (sessions->connections->len > 0)
		close_connection(sessions->connections->pdata[0]);
	while ((input = sessions->pool) != NULL) {
		sessions->pool = input->next;
		g_free(input);
	}
	g_ptr_array_unref(sessions->connections);
	g_ptr_array_unref(sessions->backlog);
	g_ptr_array_unref(sessions->doomed);
	g_string_free(sessions->line, TRUE);
	g_free(sessions);
}
