/* SPDX-License-Identifier: MIT */
#include "dovecot-plugin/compat.h"
#include "buffer.h"
#include "hostpid.h"
#include "ioloop.h"
#include "net.h"
#include "time-util.h"
#include "http-server.h"

#include <time.h>

#include "dovecot-plugin/http/agent_link.h"
#include "dovecot-plugin/http/exchange.h"
#include "dovecot-plugin/http/site.h"

#define BODY_MSECS (30 * 1000)

struct exchange {
	struct rmt_site *site;               /* foreign */
	struct http_server_request *request; /* a reference; NULL: gone */
	struct timeout *to_body;             /* the body must be here by then */
	buffer_t *body;                      /* own */
	char *target, *forwarded, *content_type, *accept_language; /* own */
	char peer[MAX_IP_LEN];
	struct rmt_http_request said;
	struct rmt_http_reply reply;
	struct rmt_agent_link *link; /* own; while the agent is asked */
	bool waits;                  /* for a commit: the reply must stay */
};

static struct timeout *to_turn;

static void exchange_free(struct exchange *exchange)
{
	timeout_remove(&exchange->to_body);
	rmt_agent_link_free(&exchange->link);
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

/* close: the body was not read. The exchange may be gone afterwards. */
static void submit(struct exchange *exchange, bool close)
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
	if (close)
		http_server_response_submit_close(response);
	else
		http_server_response_submit(response);
}

static void turn(struct rmt_site *site)
{
	timeout_remove(&to_turn);
	rmt_site_turn(site);
	if (rmt_site_waits(site))
		to_turn = timeout_add_short(0, turn, site);
}

/* All requests that are ready are read before the commit that answers them. */
static void want_turn(struct rmt_site *site)
{
	if (to_turn == NULL)
		to_turn = timeout_add_short(0, turn, site);
}

void rmt_exchange_deinit(void)
{
	timeout_remove(&to_turn);
}

static void answered(void *context)
{
	struct exchange *exchange = context;

	exchange->waits = FALSE;
	submit(exchange, FALSE);
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
	submit(exchange, FALSE);
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
		submit(exchange, FALSE);
	}
}

static void body_read(struct exchange *exchange)
{
	exchange->said.body = rmt_span(exchange->body->data, exchange->body->used);
	handle(exchange);
}

static void body_too_slow(struct exchange *exchange)
{
	timeout_remove(&exchange->to_body);
	http_server_request_fail_close(exchange->request, 408, "Request Timeout");
}

static int64_t clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static char *copy_header(const struct http_request *head, const char *name)
{
	const char *value = name != NULL ? http_request_header_get(head, name) : NULL;

	return i_strdup(value != NULL ? value : "");
}

static void take_head(struct exchange *exchange, const struct http_request *head)
{
	const struct rmt_config *config = rmt_site_config(exchange->site);
	struct rmt_http_request *said = &exchange->said;

	exchange->target = i_strdup(head->target_raw != NULL ? head->target_raw : "");
	exchange->forwarded = copy_header(head, config->http.forwarded);
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

static bool is_empty(const struct http_request *head)
{
	const char *length = http_request_header_get(head, "Content-Length");

	return head->payload == NULL || null_strcmp(length, "0") == 0;
}

static void read_body(struct exchange *exchange, const struct http_request *head)
{
	const size_t max = rmt_site_config(exchange->site)->http.max_body;

	if (is_empty(head)) { /* nothing would ever come to be read */
		handle(exchange);
		return;
	}
	exchange->body = buffer_create_dynamic(default_pool, 256);
	exchange->to_body = timeout_add(BODY_MSECS, body_too_slow, exchange);
	http_server_request_buffer_payload(exchange->request, exchange->body, max,
					   body_read, exchange);
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
	if (exchange->said.method != RMT_METHOD_POST)
		handle(exchange);
	else if (rmt_site_wants_body(site, &exchange->said, &exchange->reply))
		read_body(exchange, head);
	else
		submit(exchange, TRUE);
}
