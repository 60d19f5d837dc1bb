/* SPDX-License-Identifier: MIT */
/* site.h - remite-http without Dovecot: a request in, an answer out.
 *
 *	rmt_site_handle(site, &request, reply, answered, context)
 *	  RMT_SITE_NOW		reply is filled in
 *	  RMT_SITE_LATER	answered(context) is called when it is, from
 *				rmt_site_kept(), which the host calls when the
 *				descriptor rmt_site_fd() is readable
 *	  RMT_SITE_AGENT	the host asks remite-agent (`ask` says what), and hands
 *				its answer to rmt_site_answer()
 *
 * GET and HEAD never change anything. What is answered does not tell whether an
 * address is on the list, nor does the time it takes: every POST with a good token is
 * written.
 */
#ifndef RMT_HTTP_SITE_H
#define RMT_HTTP_SITE_H

#include "common/config/config.h"
#include "common/store/store.h"
#include "dovecot-plugin/http/page.h"
#include "dovecot-plugin/http/route.h"

struct rmt_http_request {
	enum rmt_method method;
	/* All foreign. */
	struct rmt_span target;       /* of the request line */
	struct rmt_span content_type; /* these may be empty */
	struct rmt_span accept_language;
	struct rmt_span forwarded; /* the field http.forwarded */
	struct rmt_span peer;      /* address; empty: a UNIX socket */
	struct rmt_span body;
	int64_t now;    /* Unix seconds */
	int64_t now_ns; /* of a monotonic clock */
};

/* What remite-agent is asked about a receipt. */
struct rmt_site_ask {
	char *user, *key; /* own; key: hexadecimal */
	char *choice;     /* own; NULL: only asks what it is about */
};

struct rmt_http_reply {
	unsigned status;
	const char *reason;        /* static */
	const char *type;          /* static; Content-Type */
	const char *allow;         /* static; or NULL */
	const char *language;      /* static; or NULL */
	GString *body;             /* own */
	unsigned retry_after_secs; /* 0: none */
	struct rmt_site_ask ask;
};
void rmt_http_reply_init(struct rmt_http_reply *reply);
void rmt_http_reply_clear(struct rmt_http_reply *reply);

enum rmt_site_result { RMT_SITE_NOW, RMT_SITE_LATER, RMT_SITE_AGENT };

struct rmt_site;
/* config, store: taken over. */
struct rmt_site *rmt_site_new(struct rmt_config *config, struct rmt_store *store);
void rmt_site_free(struct rmt_site *site);
const struct rmt_config *rmt_site_config(const struct rmt_site *site);
/* From now on; records stay where they are. Taken over. */
void rmt_site_set_config(struct rmt_site *site, struct rmt_config *config);

/* reply lives until answered. request does not. */
enum rmt_site_result rmt_site_handle(struct rmt_site *site,
				     const struct rmt_http_request *request,
				     struct rmt_http_reply *reply,
				     void (*answered)(void *context), void *context);

/* Once after a turn that left something for later: begins to write it. */
void rmt_site_turn(struct rmt_site *site);
/* Readable when something was written; then answers. */
int rmt_site_fd(const struct rmt_site *site);
void rmt_site_kept(struct rmt_site *site);
/* Unix seconds. Judges the streams that somebody left by then, as evidence (judge.h):
 * for the host to call now and then, a second after it was written, say. */
void rmt_site_judge(struct rmt_site *site, int64_t now);

/* What the agent said: ok false: nothing (trouble). Fields by name; get may return
 * NULL. Fills in reply. */
typedef const char *rmt_site_get(void *context, const char *name);
void rmt_site_answer(const struct rmt_http_request *request, struct rmt_http_reply *reply,
		     bool ok, bool taken, rmt_site_get *get, void *context);

#endif
