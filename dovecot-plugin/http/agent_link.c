/* SPDX-License-Identifier: MIT */
#include "dovecot-plugin/compat.h"
#include "array.h"
#include "ioloop.h"
#include "llist.h"
#include "net.h"
#include "ostream.h"
#include "master-service.h"

#include <unistd.h>

#include "dovecot-plugin/http/agent_link.h"
#include "dovecot-plugin/http/site.h"
#include "dovecot-plugin/wire.h"

enum {
	ANSWER_MSECS = 5 * 1000,
	TRIES = 4, /* an agent that is killed by the question is not asked for ever */
	/* While Dovecot is reloaded the old agent hangs up, and nobody listens. */
	RETRY_MSECS = 100,
};

struct rmt_agent_link {
	struct rmt_agent_link *prev, *next;
	uint64_t id;
	struct rmt_wire_out question; /* own */
	unsigned int tries;           /* connections it was said to */
	struct timeout *to;
	pool_t pool;
	ARRAY_TYPE(const_string) fields; /* names and values in turn */
	void (*answered)(void *context, enum rmt_agent_link_result result);
	void *context;
};

static struct {
	int fd; /* open while `io` is there */
	struct io *io;
	struct ostream *output;
	struct rmt_wire_in *in;
	struct timeout *to_retry;                  /* no connection till then */
	int error;                                 /* why there is none */
	struct rmt_agent_link *links, *links_tail; /* not answered, oldest first */
	uint64_t last_id;
} agent;

static void hang_up(void)
{
	if (agent.io == NULL)
		return;
	io_remove(&agent.io);
	o_stream_destroy(&agent.output);
	rmt_wire_in_destroy(&agent.in);
	i_close_fd(&agent.fd);
}

static void stop(struct rmt_agent_link *link)
{
	if (link->to == NULL)
		return;
	timeout_remove(&link->to);
	DLLIST2_REMOVE(&agent.links, &agent.links_tail, link);
}

/* The link is freed by who asked, who may also ask anew. */
static void end(struct rmt_agent_link *link, enum rmt_agent_link_result result)
{
	stop(link);
	link->answered(link->context, result);
}

static void trouble(struct rmt_agent_link *link, const char *why)
{
	i_error("remite-agent: %s", why);
	end(link, RMT_AGENT_LINK_TROUBLE);
}

/* --- connecting ------------------------------------------------------------------- */

static void input(void *context);

static void say(struct rmt_agent_link *link)
{
	link->tries++;
	array_clear(&link->fields); /* of an answer that was broken off */
	o_stream_nsend(agent.output, link->question.data, link->question.len);
}

static void say_all(void)
{
	struct rmt_wire_out out = { 0 };
	struct rmt_agent_link *link;

	o_stream_cork(agent.output);
	rmt_wire_version(&out, "http");
	o_stream_nsend(agent.output, out.data, out.len);
	rmt_wire_out_free(&out);
	for (link = agent.links; link != NULL; link = link->next)
		say(link);
	o_stream_uncork(agent.output);
}

static void retry(void *context);

static void connect_and_say_all(void)
{
	const char *path = getenv("REMITE_AGENT_SOCKET");

	/* Services run in base_dir, where the socket is. */
	agent.fd = net_connect_unix(path != NULL ? path : RMT_WIRE_SOCKET);
	if (agent.fd < 0) {
		agent.error = errno;
		agent.to_retry = timeout_add_short(RETRY_MSECS, retry, NULL);
		return;
	}
	net_set_nonblock(agent.fd, TRUE);
	agent.in = rmt_wire_in_create();
	agent.io = io_add(agent.fd, IO_READ, input, NULL);
	agent.output = o_stream_create_fd(agent.fd, SIZE_MAX);
	/* What cannot be written is noticed in reading. */
	o_stream_set_no_error_handling(agent.output, TRUE);
	say_all();
}

static void retry(void *context ATTR_UNUSED)
{
	timeout_remove(&agent.to_retry);
	if (agent.links != NULL)
		connect_and_say_all();
}

static struct rmt_agent_link *find_hopeless(void)
{
	struct rmt_agent_link *link = agent.links;

	while (link != NULL && link->tries < TRIES)
		link = link->next;
	return link;
}

static void lost(const char *why)
{
	struct rmt_agent_link *link;

	hang_up();
	agent.error = ECONNRESET;
	while (agent.io == NULL && (link = find_hopeless()) != NULL)
		trouble(link, why);
	if (agent.io == NULL && agent.to_retry == NULL && agent.links != NULL)
		agent.to_retry = timeout_add_short(RETRY_MSECS, retry, NULL);
}

/* --- what the agent says ---------------------------------------------------------- */

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

/* Who waits no longer is not found. */
static struct rmt_agent_link *find_link(uint64_t id)
{
	struct rmt_agent_link *link = agent.links;

	while (link != NULL && link->id != id)
		link = link->next;
	return link;
}

static void take_record(const struct rmt_wire_record *record)
{
	struct rmt_agent_link *link = find_link(record->id);

	if (link == NULL)
		return;
	if (strcmp(record->type, "ROW") == 0 || strcmp(record->type, "ACK") == 0)
		keep_fields(link, record);
	if (strcmp(record->type, "ACK") == 0)
		end(link, RMT_AGENT_LINK_TAKEN);
	else if (strcmp(record->type, "NAK") == 0)
		end(link, RMT_AGENT_LINK_REFUSED);
}

static void input(void *context ATTR_UNUSED)
{
	enum rmt_wire_result result;
	struct rmt_wire_record record;
	char chunk[16 * 1024];
	ssize_t got = read(agent.fd, chunk, sizeof(chunk));

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0) {
		lost("it hung up");
		return;
	}
	rmt_wire_in_feed(agent.in, chunk, (size_t)got);
	while ((result = rmt_wire_in_next(agent.in, &record)) == RMT_WIRE_RECORD)
		take_record(&record);
	if (result == RMT_WIRE_BAD)
		lost(rmt_wire_in_error(agent.in));
}

/* --- a question ------------------------------------------------------------------- */

/* Whoever does not answer is not waited for by others: they ask anew. */
static void silent(struct rmt_agent_link *link)
{
	if (agent.io == NULL) {
		trouble(link, t_strdup_printf("its socket cannot be reached: %s",
					      strerror(agent.error)));
		return;
	}
	trouble(link, "it does not answer");
	lost("it does not answer");
}

static void write_question(struct rmt_agent_link *link, const struct rmt_site_ask *ask)
{
	const bool chooses = ask->choice != NULL;

	rmt_wire_begin(&link->question, "JOB", link->id, chooses ? "choice" : "query");
	rmt_wire_add(&link->question, "user", ask->user);
	rmt_wire_add(&link->question, "key", ask->key);
	rmt_wire_add(&link->question, "choice", ask->choice);
	rmt_wire_add(&link->question, "what", chooses ? NULL : "prompt");
	rmt_wire_end(&link->question, NULL, 0);
}

struct rmt_agent_link *rmt_agent_link_ask(const struct rmt_site_ask *ask,
					  void (*answered)(void *context,
							   enum rmt_agent_link_result),
					  void *context)
{
	struct rmt_agent_link *link = i_new(struct rmt_agent_link, 1);

	link->id = ++agent.last_id;
	link->answered = answered;
	link->context = context;
	link->pool = pool_alloconly_create("agent link", 512);
	p_array_init(&link->fields, link->pool, 16);
	write_question(link, ask);
	link->to = timeout_add(ANSWER_MSECS, silent, link);
	DLLIST2_APPEND(&agent.links, &agent.links_tail, link);
	if (agent.io != NULL)
		say(link);
	else if (agent.to_retry == NULL)
		connect_and_say_all();
	return link;
}

void rmt_agent_link_free(struct rmt_agent_link **_link)
{
	struct rmt_agent_link *link = *_link;

	if (link == NULL)
		return;
	*_link = NULL;
	stop(link);
	rmt_wire_out_free(&link->question);
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

void rmt_agent_link_deinit(void)
{
	timeout_remove(&agent.to_retry);
	hang_up();
}
