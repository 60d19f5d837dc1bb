/* SPDX-License-Identifier: MIT */
/* exchange.h - one HTTP request within Dovecot: from its head to the answer. */
#ifndef RMT_HTTP_EXCHANGE_H
#define RMT_HTTP_EXCHANGE_H

struct http_server_request;
struct ip_addr;
struct rmt_site;

/* Dovecot's callback for a request. peer: of the connection; family 0: a UNIX socket. */
void rmt_exchange_begin(struct rmt_site *site, struct http_server_request *request,
			const struct ip_addr *peer);

/* From now on what the site has written is answered, and judged a second later; until the
 * process' end. */
void rmt_exchange_init(struct rmt_site *site);
void rmt_exchange_deinit(struct rmt_site *site);

#endif
