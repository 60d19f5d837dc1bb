/* SPDX-License-Identifier: MIT */
#include "dovecot-plugin/compat.h"
#include "array.h"
#include "buffer.h"
#include "hostpid.h"
#include "ioloop.h"
#include "istream.h"
#include "net.h"
#include "str.h"
#include "time-util.h"
#include "http-server.h"

#include <time.h>

#include "dovecot-plugin/http/agent_link.h"
#include "dovecot-plugin/http/exchange.h"
#include "dovecot-plugin/http/site.h"

#define BODY_MSECS (30 * 1000)
/* Behind the first unsubscribe: the others of the second are judged with it. */
#define JUDGE_MSECS 1000

struct exchange {
	struct rmt_site *site;               /* foreign */
	struct http_server_request *request; /* a reference; NULL: gone */
	struct timeout *to_body;             /* the body must be here by then */
	struct istream *input;               /* while it is read; in spent afterwards */
	buffer_t *body;                      /* own */
	char *target, *forwarded, *content_type, *accept_language; /* own */
	char peer[MAX_IP_LEN];
	struct rmt_http_request said;
	struct rmt_http_reply reply;
	struct rmt_agent_link *link; /* own; while the agent is asked */
	bool waits;                  /* for a commit: the reply must stay */
	bool close;                  /* the connection, behind the answer */
};

static struct timeout *to_turn, *to_judge;
static struct io *io_kept; /* while the site is served */
/* References to bodies that were read or refused. Dovecot looks at the stream again
 * behind the callback that reads it (2.3.19, 2.4.1), so it must outlive that. */
static ARRAY(struct istream *) spent;

static void exchange_free(struct exchange *exchange)
{
	timeout_remove(&exchange->to_body);
	rmt_agent_link_free(&exchange->link);
	i_stream_unref(&exchange->input);
	buffer_free(&exchange->body);
	i_free(exchange->target);
	i_free(exchange->forwarded);
	i_free(exchange->content_type);
	i_free(exchange->accept_language);
	rmt_http_reply_clear(&exchange->reply);
	i_free(exchange);
}

/* The request is over: answered, or its client is gone. */
static void request_destroyed(struct exchange *exchange)
{
	http_server_request_unref(&exchange->request);
	exchange->request = NULL;
	if (!exchange->waits)
		exchange_free(exchange);
}

/* --- the answer ------------------------------------------------------------------- */

static void add_headers(struct http_server_response *response,
			const struct rmt_http_reply *reply)
{
	const char *const *header;

	http_server_response_add_header(response, "Content-Type", reply->type);
	for (header = rmt_page_headers(); *header != NULL; header += 2)
		http_server_response_add_header(response, header[0], header[1]);
	if (reply->language != NULL) {
		http_server_response_add_header(response, "Content-Language",
						reply->language);
		http_server_response_add_header(response, "Vary", "Accept-Language");
	}
	if (reply->allow != NULL)
		http_server_response_add_header(response, "Allow", reply->allow);
	if (reply->retry_after_secs > 0)
		http_server_response_add_header(response, "Retry-After",
						dec2str(reply->retry_after_secs));
}

/* What comes behind a refused request may be its body, as another reader has it. */
static bool is_suspect(const struct exchange *exchange)
{
	return exchange->reply.status >= 400 && exchange->said.method != RMT_METHOD_GET &&
	       exchange->said.method != RMT_METHOD_HEAD;
}

/* The exchange may be gone afterwards. */
static void submit(struct exchange *exchange)
{
	const struct rmt_http_reply *reply = &exchange->reply;
	struct http_server_response *response;

	timeout_remove(&exchange->to_body);
	if (exchange->request == NULL) {
		exchange_free(exchange);
		return;
	}
	response = http_server_response_create(exchange->request, reply->status,
					       reply->reason);
	add_headers(response, reply);
	if (exchange->said.method != RMT_METHOD_HEAD)
		http_server_response_set_payload_data(
			response, (const unsigned char *)reply->body->str,
			reply->body->len);
	if (exchange->close || is_suspect(exchange))
		http_server_response_submit_close(response);
	else
		http_server_response_submit(response);
}

static void drop_spent(void)
{
	struct istream *input;
	unsigned int i;

	for (i = 0; i < array_count(&spent); i++) {
		input = *array_idx(&spent, i);
		i_stream_unref(&input);
	}
	array_clear(&spent);
}

static void turn(struct rmt_site *site)
{
	timeout_remove(&to_turn);
	drop_spent();
	rmt_site_turn(site);
}

/* All requests that are ready are read before the commit that answers them. */
static void want_turn(struct rmt_site *site)
{
	if (to_turn == NULL)
		to_turn = timeout_add_short(0, turn, site);
}

static void judge(struct rmt_site *site)
{
	timeout_remove(&to_judge);
	rmt_site_judge(site, ioloop_time);
}

static void kept(struct rmt_site *site)
{
	rmt_site_kept(site);
	if (to_judge == NULL)
		to_judge = timeout_add(JUDGE_MSECS, judge, site);
}

void rmt_exchange_init(struct rmt_site *site)
{
	i_array_init(&spent, 16);
	io_kept = io_add(rmt_site_fd(site), IO_READ, kept, site);
}

void rmt_exchange_deinit(struct rmt_site *site)
{
	io_remove(&io_kept);
	timeout_remove(&to_turn);
	if (to_judge != NULL)
		judge(site);
	drop_spent();
	array_free(&spent);
	rmt_agent_link_deinit();
}

static void answered(void *context)
{
	struct exchange *exchange = context;

	exchange->waits = FALSE;
	submit(exchange);
}

/* --- the agent -------------------------------------------------------------------- */

static const char *get_field(void *context, const char *name)
{
	return rmt_agent_link_get(context, name);
}

static void agent_answered(void *context, enum rmt_agent_link_result result)
{
	struct exchange *exchange = context;

	rmt_site_answer(&exchange->said, &exchange->reply,
			result != RMT_AGENT_LINK_TROUBLE, result == RMT_AGENT_LINK_TAKEN,
			get_field, exchange->link);
	rmt_agent_link_free(&exchange->link);
	submit(exchange);
}

/* --- the request ------------------------------------------------------------------ */

static void handle(struct exchange *exchange)
{
	/* May be answered, and gone, before the call returns. */
	struct rmt_site *site = exchange->site;

	timeout_remove(&exchange->to_body);
	exchange->waits = TRUE;
	switch (rmt_site_handle(site, &exchange->said, &exchange->reply, answered,
				exchange)) {
	case RMT_SITE_LATER:
		want_turn(site);
		return;
	case RMT_SITE_AGENT:
		exchange->waits = FALSE;
		exchange->link = rmt_agent_link_ask(&exchange->reply.ask, agent_answered,
						    exchange);
		return;
	case RMT_SITE_NOW:
		exchange->waits = FALSE;
		submit(exchange);
	}
}

/* Nothing more of the body is read. */
static void leave_body(struct exchange *exchange)
{
	array_push_back(&spent, &exchange->input);
	exchange->input = NULL;
	timeout_remove(&exchange->to_body);
	want_turn(exchange->site);
}

static void refuse_body(struct exchange *exchange, unsigned int status,
			const char *reason)
{
	leave_body(exchange);
	http_server_request_fail_close(exchange->request, status, reason);
}

static void body_too_slow(struct exchange *exchange)
{
	refuse_body(exchange, 408, "Request Timeout");
}

static void handle_body(struct exchange *exchange)
{
	exchange->said.body = rmt_span(exchange->body->data, exchange->body->used);
	handle(exchange);
}

/* Returns 1: more than we take; 0: more is to come; -1: nothing more comes. */
static int append_input(struct exchange *exchange)
{
	const size_t max = rmt_site_config(exchange->site)->http.max_body;
	const unsigned char *data;
	size_t size;
	int ret;

	while ((ret = i_stream_read_more(exchange->input, &data, &size)) > 0) {
		if (size > max - exchange->body->used)
			return 1;
		buffer_append(exchange->body, data, size);
		i_stream_skip(exchange->input, size);
	}
	return ret;
}

/* Not http_server_request_buffer_payload(): a client that goes away in the middle of
 * its body, or sends it in bad chunks, would end the process (2.3.19). */
static void read_more(struct exchange *exchange)
{
	int ret;

	if (exchange->input == NULL) /* what comes behind a refused part */
		return;
	ret = append_input(exchange);
	if (ret == 0)
		return;
	/* EMSGSIZE: Dovecot counted first. */
	if (ret > 0 || exchange->input->stream_errno == EMSGSIZE) {
		refuse_body(exchange, 413, "Payload Too Large");
	} else if (exchange->input->stream_errno != 0) {
		refuse_body(exchange, 400, "Bad Request");
	} else {
		leave_body(exchange);
		handle_body(exchange);
	}
}

/* Most bodies come with their heads: then nothing is waited for. Dovecot keeps a
 * reference of its own to the stream while it calls us with the head. */
static bool is_body_here(struct exchange *exchange)
{
	if (append_input(exchange) >= 0 || exchange->input->stream_errno != 0)
		return FALSE;
	i_stream_unref(&exchange->input);
	return TRUE;
}

static int64_t clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static char *copy_header(const struct http_request *head, const char *name)
{
	const char *value = http_request_header_get(head, name);

	return i_strdup(value != NULL ? value : "");
}

/* A proxy may add a field of its own behind those that its client sent: together they
 * are one list (RFC 9110, 5.3). */
static char *copy_list(const struct http_request *head, const char *name)
{
	const struct http_header_field *field;
	string_t *list = t_str_new(64);

	if (name == NULL)
		return i_strdup("");
	array_foreach(http_request_header_get_fields(head), field)
	{
		if (!http_header_field_is(field, name))
			continue;
		if (str_len(list) > 0)
			str_append(list, ", ");
		str_append(list, field->value);
	}
	return i_strdup(str_c(list));
}

static void take_head(struct exchange *exchange, const struct http_request *head)
{
	const struct rmt_config *config = rmt_site_config(exchange->site);
	struct rmt_http_request *said = &exchange->said;

	exchange->target = i_strdup(head->target_raw != NULL ? head->target_raw : "");
	exchange->forwarded = copy_list(head, config->http.forwarded);
	exchange->content_type = copy_header(head, "Content-Type");
	exchange->accept_language = copy_header(head, "Accept-Language");
	said->method = rmt_method_of(head->method);
	said->target = rmt_span_of(exchange->target);
	said->forwarded = rmt_span_of(exchange->forwarded);
	said->content_type = rmt_span_of(exchange->content_type);
	said->accept_language = rmt_span_of(exchange->accept_language);
	said->peer = rmt_span_of(exchange->peer);
	said->now = ioloop_time;
	said->now_ns = clock_ns();
}

/* Also of what is refused by its head: an answer that is sent before the body was read
 * is lost where the connection is closed behind it. */
static void read_body(struct exchange *exchange, const struct http_request *head)
{
	const size_t max = rmt_site_config(exchange->site)->http.max_body;
	uoff_t size;
	int ret = http_request_get_payload_size(head, &size);

	if (ret > 0 && size == 0) { /* nothing would ever come to be read */
		handle(exchange);
		return;
	}
	if (ret > 0 && size > max) {
		http_server_request_fail_close(exchange->request, 413,
					       "Payload Too Large");
		return;
	}
	exchange->body = buffer_create_dynamic(default_pool, 256);
	exchange->input = head->payload;
	i_stream_ref(exchange->input);
	if (!head->expect_100_continue && is_body_here(exchange)) {
		handle_body(exchange);
		return;
	}
	exchange->to_body = timeout_add(BODY_MSECS, body_too_slow, exchange);
	/* Not http_server_request_get_payload_input(): it never says "100 Continue". */
	http_server_request_handle_payload(exchange->request, read_more, exchange);
}

void rmt_exchange_begin(struct rmt_site *site, struct http_server_request *request,
			const struct ip_addr *peer)
{
	const struct http_request *head = http_server_request_get(request);
	struct exchange *exchange = i_new(struct exchange, 1);

	exchange->site = site;
	exchange->request = request;
	rmt_http_reply_init(&exchange->reply);
	if (peer->family != 0)
		i_strocpy(exchange->peer, net_ip2addr(peer), sizeof(exchange->peer));
	http_server_request_ref(request); /* until it is destroyed */
	http_server_request_set_destroy_callback(request, request_destroyed, exchange);
	take_head(exchange, head);
	/* Beside a Content-Length, which Dovecot hides then, it may be an attempt to
	 * smuggle a second request past a proxy (RFC 9112, 6.3). */
	exchange->close = http_request_header_get(head, "Transfer-Encoding") != NULL;
	read_body(exchange, head);
}
