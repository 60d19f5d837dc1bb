/* SPDX-License-Identifier: MIT */
#include "postfix-policy/policyd/policy_session.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "common/base/log.h"
#include "postfix-policy/policyd/batch.h"

/* Told of once: what is not read at once is asked for anew by watch_input(). Otherwise
 * every connection is looked at twice a request, the second time in vain. */
#define INPUT_EVENTS (EPOLLIN | EPOLLRDHUP | EPOLLET)
enum { READ_MAX = 4096, POOL_MAX = 64, COMPLAINTS_PER_SEC = 10 };
/* Whole pages apart, all buffers would meet in the same few lines of the processor's
 * cache. */
enum { READ_APART = READ_MAX + 832 };

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

/* What was read of a connection that had nothing waiting. */
struct arrival {
	struct connection *connection; /* foreign */
	size_t len;                    /* in the buffer of its number */
};

struct rmt_sessions {
	struct rmt_sessions_parts parts;
	struct rmt_batch *batch; /* own */
	int64_t request_timeout_ns, idle_timeout_ns;
	size_t max_request;
	unsigned max_connections;

	struct rmt_now now;
	int64_t monotonic_ns;
	GPtrArray *connections; /* own */
	GPtrArray *backlog;     /* foreign: requests read, not yet in a batch */
	GPtrArray *doomed;      /* foreign: closed at the end of the turn */
	struct input *pool;
	unsigned pooled, last_id, complaints, complaints_dropped;
	/* Read one after the other, then taken and decided one after the other: between
	 * two reads the processor forgets what it knew of the way requests go here. */
	unsigned arrived;
	struct arrival arrivals[RMT_BATCH_GROUP];
	char buffers[RMT_BATCH_GROUP][READ_APART];
};

/* The C library's own are points where a thread may be cancelled: in a process of several
 * threads each call then takes four locked instructions, to say that it may and that it
 * may not any more. Here no thread ever is. */
static ssize_t read_octets(int fd, char *bytes, size_t len)
{
	return syscall(SYS_recvfrom, fd, bytes, len, 0, NULL, NULL);
}

static ssize_t write_octets(int fd, const char *bytes, size_t len)
{
	return syscall(SYS_sendto, fd, bytes, len, MSG_NOSIGNAL, NULL, 0);
}

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
	const struct rmt_batch_parts batch = { parts->engine, parts->counters,
					       parts->metrics, parts->bulk };

	sessions->parts = *parts;
	sessions->batch = rmt_batch_new(&batch);
	sessions->connections = g_ptr_array_new();
	sessions->backlog = g_ptr_array_new();
	sessions->doomed = g_ptr_array_new();
	return sessions;
}

void rmt_sessions_configure(struct rmt_sessions *sessions,
			    const struct rmt_policyd_config *config,
			    struct rmt_record *record)
{
	sessions->request_timeout_ns = (int64_t)config->request_timeout_ns;
	sessions->idle_timeout_ns = (int64_t)config->idle_timeout_ns;
	sessions->max_request = config->max_request;
	sessions->max_connections = config->max_connections;
	rmt_batch_configure(sessions->batch, config->log_passed, record);
}

void rmt_sessions_time(struct rmt_sessions *sessions, const struct rmt_now *now,
		       int64_t monotonic_ns)
{
	sessions->now = *now;
	sessions->monotonic_ns = monotonic_ns;
	rmt_batch_time(sessions->batch, now, monotonic_ns);
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

/* What rmt_batch_request() holds becomes part of the batch. */
static void take_request(struct connection *connection, const char *bytes)
{
	struct rmt_sessions *sessions = connection->sessions;

	connection->active_ns = sessions->monotonic_ns;
	rmt_batch_take(sessions->batch, connection, connection->id, connection->peer,
		       bytes);
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
	struct rmt_policy_request *request;
	size_t length = 0;

	while (len > 0) {
		if (rmt_batch_is_full(sessions->batch)) {
			keep_input(connection, bytes, len, NULL);
			put_off(connection);
			return;
		}
		request = rmt_batch_request(sessions->batch);
		rmt_policy_request_init(request);
		switch (rmt_policy_request_read(request, bytes, len,
						sessions->max_request)) {
		case RMT_REQUEST_DONE:
			length = request->length;
			take_request(connection, bytes);
			break;
		case RMT_REQUEST_MORE:
			keep_input(connection, bytes, len, request);
			return;
		case RMT_REQUEST_BROKEN:
			broken(connection, request->broken);
			return;
		}
		bytes += length;
		len -= length;
	}
}

/* What waits, and what came behind it. Its bytes stay until the batch is done. */
static void take_waiting(struct connection *connection)
{
	struct rmt_sessions *sessions = connection->sessions;
	struct input *input = connection->input;
	const char *bytes;

	while (input->start < input->len) {
		if (rmt_batch_is_full(sessions->batch)) {
			put_off(connection);
			return;
		}
		bytes = input->bytes + input->start;
		switch (rmt_policy_request_read(&input->request, bytes,
						input->len - input->start,
						sessions->max_request)) {
		case RMT_REQUEST_DONE:
			*rmt_batch_request(sessions->batch) = input->request;
			take_request(connection, bytes);
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

/* Also what came before is told of. */
static void watch_input(struct connection *connection)
{
	rmt_loop_change(connection->sessions->parts.loop, &connection->source,
			INPUT_EVENTS);
}

/* False: there may be more to read. */
static bool read_ended(struct connection *connection, ssize_t n)
{
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return errno == EAGAIN;
	doom(connection, n == 0 && connection->input != NULL
				 ? "it ended in the middle of a request"
				 : NULL);
	return true;
}

static void take_arrivals(struct rmt_sessions *sessions)
{
	unsigned i;

	for (i = 0; i < sessions->arrived; i++)
		take_fresh(sessions->arrivals[i].connection, sessions->buffers[i],
			   sessions->arrivals[i].len);
	sessions->arrived = 0;
	rmt_batch_decide(sessions->batch); /* nothing looks into the buffers any more */
}

static bool read_fresh(struct connection *connection)
{
	struct rmt_sessions *sessions = connection->sessions;
	ssize_t n;

	if (sessions->arrived == RMT_BATCH_GROUP)
		take_arrivals(sessions);
	n = read_octets(connection->source.fd, sessions->buffers[sessions->arrived],
			READ_MAX);
	if (n <= 0)
		return read_ended(connection, n);
	sessions->arrivals[sessions->arrived++] =
		(struct arrival){ connection, (size_t)n };
	return n < READ_MAX;
}

/* False: there may be more to read; a stream gives less than was asked for only when
 * there is no more. */
static bool read_some(struct connection *connection)
{
	struct input *input;
	size_t room;
	ssize_t n;

	if (connection->input == NULL)
		return read_fresh(connection);
	input = make_room(connection);
	room = input->size - input->len;
	n = read_octets(connection->source.fd, input->bytes + input->len, room);
	if (n <= 0)
		return read_ended(connection, n);
	input->len += (size_t)n;
	take_waiting(connection);
	return (size_t)n < room;
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
		n = write_octets(connection->source.fd, bytes, len);
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
	ssize_t n = write_octets(connection->source.fd, output->str, output->len);

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
	watch_input(connection);
}

/* --- the batch --- */

static void send_and_settle(void *context, const char *bytes, size_t len)
{
	struct connection *connection = context;

	send_answer(connection, bytes, len);
	settle_input(connection);
}

static void take_backlog(struct rmt_sessions *sessions)
{
	g_autoptr(GPtrArray) backlog = NULL;
	guint i;

	backlog = g_steal_pointer(&sessions->backlog);
	sessions->backlog = g_ptr_array_new();
	for (i = 0; i < backlog->len; i++) {
		struct connection *connection = backlog->pdata[i];

		connection->backlog = false;
		if (connection->doomed)
			continue;
		take_waiting(connection);
		if (!connection->backlog && connection->output == NULL)
			watch_input(connection);
	}
}

/* --- connections --- */

static void connection_ready(struct rmt_source *source, uint32_t events)
{
	struct connection *connection = (struct connection *)(void *)source;
	struct rmt_sessions *sessions = connection->sessions;
	bool ended;

	if (connection->doomed || connection->backlog)
		return;
	if (connection->output != NULL) {
		send_rest(connection);
		return;
	}
	if (rmt_batch_is_full(sessions->batch))
		rmt_batch_answer(sessions->batch, send_and_settle);
	ended = (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
	if ((!read_some(connection) || ended) && !connection->doomed)
		watch_input(connection);
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
	take_arrivals(sessions);
	rmt_batch_answer(sessions->batch, send_and_settle);
	while (sessions->backlog->len > 0) {
		take_backlog(sessions);
		rmt_batch_answer(sessions->batch, send_and_settle);
	}
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
	if (!rmt_loop_add(sessions->parts.loop, &connection->source, INPUT_EVENTS, &err))
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
	rmt_batch_free(sessions->batch);
	g_free(sessions);
}
