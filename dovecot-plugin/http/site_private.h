/* SPDX-License-Identifier: MIT */
/* site_private.h - shared by site*.c alone. */
#ifndef RMT_HTTP_SITE_PRIVATE_H
#define RMT_HTTP_SITE_PRIVATE_H

#include "common/token/followed.h"
#include "common/token/unsub.h"
#include "dovecot-plugin/http/group.h"
#include "dovecot-plugin/http/site.h"
#include "dovecot-plugin/http/source.h"

struct rmt_site {
	struct rmt_config *config;                     /* own */
	struct rmt_store *store;                       /* own */
	struct rmt_group *group;                       /* own */
	struct rmt_sources *sources;                   /* own */
	struct rmt_followed *links, *undos, *consents; /* own */
};

/* What a good request is about. Of the request's time alone. */
struct rmt_visit {
	struct rmt_site *site;
	const struct rmt_http_request *request;
	struct rmt_http_reply *reply;
	struct rmt_span token;
	GString *source; /* own; the client's address */
	void (*answered)(void *context);
	void *context;
};

/* A page of this kind about nothing in particular. Returns RMT_SITE_NOW. */
enum rmt_site_result rmt_visit_page(struct rmt_visit *visit, unsigned status,
				    const char *reason, enum rmt_page_kind kind);
/* The same with what the page says. */
enum rmt_site_result rmt_visit_write(struct rmt_visit *visit, unsigned status,
				     const char *reason, const struct rmt_page *page);
/* A bad token is written down and counts against the source. */
enum rmt_site_result rmt_visit_bad_token(struct rmt_visit *visit,
					 enum rmt_token_result result);
/* False: the source has to wait; the reply says so. */
bool rmt_visit_charge(struct rmt_visit *visit);
/* A field of the form; NULL in *value_r->str where there is none. */
bool rmt_visit_field(const struct rmt_visit *visit, const char *name, GString *value_r);

enum rmt_site_result rmt_visit_unsubscribe(struct rmt_visit *visit);
enum rmt_site_result rmt_visit_receipt(struct rmt_visit *visit);

#endif
