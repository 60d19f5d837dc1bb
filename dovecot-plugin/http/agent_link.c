/* SPDX-License-Identifier: MIT */
#include "dovecot-plugin/compat.h"
#include "array.h"
#include "ioloop.h"
#include "net.h"
#include "write-full.h"
#include "master-service.h"

#include <unistd.h>

#include "dovecot-plugin/http/agent_link.h"
#include "dovecot-plugin/http/site.h"
#include "dovecot-plugin/wire.h"

#define ANSWER_MSECS (5 * 1000)

struct rmt_agent_link {
	int fd;
	struct io *io;
	struct timeout *to;
	struct rmt_wire_in *in; /* own */
	pool_t pool;
	ARRAY_TYPE(const_string) fields; /* names and values in turn */
	void (*answered)(void *context, enum rmt_agent_link_result result);
	void *context;
};

static void stop(struct rmt_agent_link *link)
{
	io_remove(&link->io);
	timeout_remove(&link->to);
	i_close_fd(&link->fd);
}

/* The link is freed by who asked. */
static void end(struct rmt_agent_link *link, enum rmt_agent_link_result result)
{
	stop(link);
	link->answered(link->context, result);
}

static void keep_fields(struct rmt_agent_link *link, const struct rmt_wire_record *record)
{
	size_t i;

	for (i = 0; i < record->field_count; i++) {
		const char *name = p_strdup(link->pool, record->fields[i].name);
		const char *value = p_strdup(link->pool, record->fields[i].value);

		array_push_back(&link->fields, &name);
		array_push_back(&link->fields, &value);
	}
}

/* True: go on. */
static bool take_record(struct rmt_agent_link *link, const struct rmt_wire_record *record)
{
	if (strcmp(record->type, "ROW") == 0 || strcmp(record->type, "ACK") == 0)
		keep_fields(link, record);
	if (strcmp(record->type, "ACK") == 0)
		end(link, RMT_AGENT_LINK_TAKEN);
	else if (strcmp(record->type, "NAK") == 0)
		end(link, RMT_AGENT_LINK_REFUSED);
	else
		return TRUE;
	return FALSE;
}

static void trouble(struct rmt_agent_link *link, const char *why)
{
	i_error("remite-agent: %s", why);
	end(link, RMT_AGENT_LINK_TROUBLE);
}

static void input(struct rmt_agent_link *link)
{
	struct rmt_wire_record record;
	enum rmt_wire_result result;
	char chunk[4096];
	ssize_t got = read(link->fd, chunk, sizeof(chunk));

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0) {
		trouble(link, "it hung up");
		return;
	}
	rmt_wire_in_feed(link->in, chunk, (size_t)got);
	while ((result = rmt_wire_in_next(link->in, &record)) == RMT_WIRE_RECORD)
		if (!take_record(link, &record))
			return;
	if (result == RMT_WIRE_BAD)
		trouble(link, rmt_wire_in_error(link->in));
}

static void silent(struct rmt_agent_link *link)
{
	trouble(link, "it does not answer");
}

static void unreachable(struct rmt_agent_link *link)
{
	trouble(link, "its socket cannot be reached");
}

static bool send_question(struct rmt_agent_link *link, const struct rmt_site_ask *ask)
{
	struct rmt_wire_out out = { 0 };
	bool ok;

	rmt_wire_version(&out, "http");
	rmt_wire_begin(&out, "JOB", 1, ask->choice != NULL ? "choice" : "query");
	rmt_wire_add(&out, "user", ask->user);
	rmt_wire_add(&out, "key", ask->key);
	rmt_wire_add(&out, "choice", ask->choice);
	rmt_wire_add(&out, "what", ask->choice == NULL ? "prompt" : NULL);
	rmt_wire_end(&out, NULL, 0);
	/* Less than any socket's buffer. */
	ok = write(link->fd, out.data, out.len) == (ssize_t)out.len;
	rmt_wire_out_free(&out);
	return ok;
}

struct rmt_agent_link *rmt_agent_link_ask(const struct rmt_site_ask *ask,
					  void (*answered)(void *context,
							   enum rmt_agent_link_result),
					  void *context)
{
	struct rmt_agent_link *link = i_new(struct rmt_agent_link, 1);
	const char *path = getenv("REMITE_AGENT_SOCKET");

	link->answered = answered;
	link->context = context;
	link->pool = pool_alloconly_create("agent link", 512);
	p_array_init(&link->fields, link->pool, 16);
	link->in = rmt_wire_in_create();
	/* Services run in base_dir, where the socket is. */
	link->fd = net_connect_unix(path != NULL ? path : RMT_WIRE_SOCKET);
	if (link->fd >= 0 && send_question(link, ask)) {
		net_set_nonblock(link->fd, TRUE);
		link->io = io_add(link->fd, IO_READ, input, link);
		link->to = timeout_add(ANSWER_MSECS, silent, link);
	} else {
		link->to = timeout_add_short(0, unreachable, link);
	}
	return link;
}

void rmt_agent_link_free(struct rmt_agent_link **_link)
{
	struct rmt_agent_link *link = *_link;

	if (link == NULL)
		return;
	*_link = NULL;
	stop(link);
	rmt_wire_in_destroy(&link->in);
	pool_unref(&link->pool);
	i_free(link);
}

const char *rmt_agent_link_get(const struct rmt_agent_link *link, const char *name)
{
	const char *const *fields;
	unsigned int i, count;

	fields = array_get(&link->fields, &count);
	for (i = 0; i + 1 < count; i += 2)
		if (strcmp(fields[i], name) == 0)
			return fields[i + 1];
	return NULL;
}
