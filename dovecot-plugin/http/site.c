/* SPDX-License-Identifier: MIT */
/* site.c - what comes before and after a request's own matter: methods, sources,
 * bodies, pages. */
#include <string.h>

#include "common/base/log.h"
#include "common/feedback/judge.h"
#include "dovecot-plugin/http/form.h"
#include "dovecot-plugin/http/site_private.h"

static const char html[] = "text/html; charset=utf-8";

void rmt_http_reply_init(struct rmt_http_reply *reply)
{
	*reply = (struct rmt_http_reply){ .status = 500,
					  .reason = "Internal Server Error",
					  .type = html,
					  .body = g_string_new(NULL) };
}

void rmt_http_reply_clear(struct rmt_http_reply *reply)
{
	g_string_free(reply->body, TRUE);
	g_free(reply->ask.user);
	g_free(reply->ask.key);
	g_free(reply->ask.choice);
}

/* --- the site --------------------------------------------------------------------- */

static void follow_keys(struct rmt_site *site)
{
	const char *path = site->config->keys;

	rmt_followed_free(site->links);
	rmt_followed_free(site->undos);
	rmt_followed_free(site->consents);
	site->links = rmt_followed_new(path, RMT_PURPOSE_UNSUBSCRIBE);
	site->undos = rmt_followed_new(path, RMT_PURPOSE_UNDO);
	site->consents = rmt_followed_new(path, RMT_PURPOSE_CONSENT);
}

struct rmt_site *rmt_site_new(struct rmt_config *config, struct rmt_store *store)
{
	struct rmt_site *site = g_new0(struct rmt_site, 1);

	site->config = config;
	site->store = store;
	site->group = rmt_group_new(store);
	site->sources = rmt_sources_new(&config->http.rate);
	follow_keys(site);
	return site;
}

void rmt_site_set_config(struct rmt_site *site, struct rmt_config *config)
{
	rmt_config_unref(site->config);
	site->config = config;
	rmt_sources_free(site->sources);
	site->sources = rmt_sources_new(&config->http.rate);
	follow_keys(site);
}

void rmt_site_free(struct rmt_site *site)
{
	if (site == NULL)
		return;
	rmt_group_free(site->group);
	rmt_sources_free(site->sources);
	rmt_followed_free(site->links);
	rmt_followed_free(site->undos);
	rmt_followed_free(site->consents);
	rmt_store_close(&site->store);
	rmt_config_unref(site->config);
	g_free(site);
}

void rmt_site_judge(struct rmt_site *site, int64_t now)
{
	g_autoptr(GError) err = NULL;
	char *name;

	while ((name = rmt_group_take_left(site->group)) != NULL) {
		const struct rmt_stream *stream = rmt_config_stream(site->config, name);

		if (stream != NULL && !rmt_judge_stream(site->store, stream, now, &err))
			rmt_log(RMT_LOG_ERROR, "stream %s cannot be judged: %s", name,
				err->message);
		g_clear_error(&err);
		g_free(name);
	}
}

const struct rmt_config *rmt_site_config(const struct rmt_site *site)
{
	return site->config;
}

void rmt_site_turn(struct rmt_site *site)
{
	rmt_group_start(site->group);
}

int rmt_site_fd(const struct rmt_site *site)
{
	return rmt_group_fd(site->group);
}

void rmt_site_kept(struct rmt_site *site)
{
	rmt_group_finish(site->group);
}

/* --- answers ---------------------------------------------------------------------- */

static void set_status(struct rmt_http_reply *reply, unsigned status, const char *reason)
{
	reply->status = status;
	reply->reason = reason;
}

enum rmt_site_result rmt_visit_write(struct rmt_visit *visit, unsigned status,
				     const char *reason, const struct rmt_page *page)
{
	const enum rmt_language language =
		rmt_language_of(visit->request->accept_language);

	set_status(visit->reply, status, reason);
	visit->reply->language = rmt_language_tag(language);
	g_string_truncate(visit->reply->body, 0);
	rmt_page_write(page, language, visit->reply->body);
	return RMT_SITE_NOW;
}

enum rmt_site_result rmt_visit_page(struct rmt_visit *visit, unsigned status,
				    const char *reason, enum rmt_page_kind kind)
{
	const struct rmt_page page = { .kind = kind };

	return rmt_visit_write(visit, status, reason, &page);
}

bool rmt_visit_charge(struct rmt_visit *visit)
{
	const struct rmt_span source = rmt_span(visit->source->str, visit->source->len);

	if (rmt_sources_charge(visit->site->sources, source, visit->request->now_ns))
		return true;
	visit->reply->retry_after_secs = 60;
	rmt_visit_page(visit, 429, "Too Many Requests", RMT_PAGE_TOO_MANY);
	return false;
}

/* Of the token only its first letters are logged: all of it would be a key. */
enum rmt_site_result rmt_visit_bad_token(struct rmt_visit *visit,
					 enum rmt_token_result result)
{
	g_autoptr(GString) shown = g_string_new(NULL);

	if (!rmt_visit_charge(visit))
		return RMT_SITE_NOW;
	rmt_log_printable(shown, rmt_span(visit->token.p, MIN(visit->token.len, 8)), 32);
	rmt_log(RMT_LOG_INFO, "refused source=%s link=%s... why=\"%s\"",
		visit->source->str, shown->str, rmt_token_result_text(result));
	return rmt_visit_page(visit, 404, "Not Found", RMT_PAGE_INVALID);
}

bool rmt_visit_field(const struct rmt_visit *visit, const char *name, GString *value_r)
{
	return rmt_form_get(visit->request->content_type, visit->request->body, name,
			    value_r);
}

/* --- requests --------------------------------------------------------------------- */

/* What can be said without knowing what it is about. True: go on. */
static bool admit(struct rmt_visit *visit, enum rmt_route *route_r)
{
	const struct rmt_http_request *request = visit->request;

	*route_r = rmt_route_find(request->target, &visit->token);
	if (request->method == RMT_METHOD_OTHER) {
		visit->reply->allow = "GET, HEAD, POST";
		rmt_visit_page(visit, 405, "Method Not Allowed", RMT_PAGE_REFUSED);
		return false;
	}
	if (*route_r == RMT_ROUTE_NONE) {
		if (rmt_visit_charge(visit))
			rmt_visit_page(visit, 404, "Not Found", RMT_PAGE_INVALID);
		return false;
	}
	if (request->method == RMT_METHOD_POST && !rmt_form_is(request->content_type)) {
		rmt_visit_page(visit, 415, "Unsupported Media Type", RMT_PAGE_REFUSED);
		return false;
	}
	return true;
}

static void begin_visit(struct rmt_visit *visit, struct rmt_site *site,
			const struct rmt_http_request *request,
			struct rmt_http_reply *reply)
{
	*visit = (struct rmt_visit){ .site = site, .request = request, .reply = reply };
	visit->source = g_string_new(NULL);
	rmt_source_find(&site->config->http, request->peer, request->forwarded,
			visit->source);
}

enum rmt_site_result rmt_site_handle(struct rmt_site *site,
				     const struct rmt_http_request *request,
				     struct rmt_http_reply *reply,
				     void (*answered)(void *context), void *context)
{
	enum rmt_site_result result = RMT_SITE_NOW;
	struct rmt_visit visit;
	enum rmt_route route;

	begin_visit(&visit, site, request, reply);
	visit.answered = answered;
	visit.context = context;
	if (admit(&visit, &route))
		result = route == RMT_ROUTE_RECEIPT ? rmt_visit_receipt(&visit)
						    : rmt_visit_unsubscribe(&visit);
	g_string_free(visit.source, TRUE);
	return result;
}
