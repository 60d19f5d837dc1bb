/* SPDX-License-Identifier: MIT */
/* site_unsubscribe.c - the links of List-Unsubscribe: RFC 8058's POST, the page with
 * its button, and the button that takes it back. */
#include <string.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "dovecot-plugin/http/site_private.h"

enum { NEVER = -1 };

/* A token's content in the configuration's words. */
struct subject {
	struct rmt_unsub unsub;          /* looks into buffer */
	GString *buffer;                 /* own */
	const struct rmt_stream *stream; /* foreign; NULL: no longer configured */
	char *name, *scope, *lists;      /* own */
	struct rmt_addr address;         /* folded */
};

static void subject_clear(struct subject *subject)
{
	g_string_free(subject->buffer, TRUE);
	g_free(subject->name);
	g_free(subject->scope);
	g_free(subject->lists);
}

static enum rmt_token_result open_subject(struct rmt_visit *visit,
					  struct subject *subject)
{
	const struct rmt_config *config = visit->site->config;
	g_autoptr(GError) err = NULL;
	struct rmt_sealer *sealer =
		rmt_followed_get(visit->site->links, visit->request->now, &err);
	enum rmt_token_result result = RMT_TOKEN_UNKNOWN_KEY;

	*subject = (struct subject){ .buffer = g_string_new(NULL) };
	if (sealer != NULL)
		result = rmt_unsub_token_open(sealer, visit->token, subject->buffer,
					      &subject->unsub);
	if (sealer != NULL && result == RMT_TOKEN_UNKNOWN_KEY)
		result = rmt_unsub_token_open(
			rmt_followed_again(visit->site->links, visit->request->now),
			visit->token, subject->buffer, &subject->unsub);
	if (sealer == NULL)
		rmt_log(RMT_LOG_ERROR, "no link can be opened: %s", err->message);
	if (result != RMT_TOKEN_OK)
		return result;
	subject->name = g_strndup(subject->unsub.stream.p, subject->unsub.stream.len);
	subject->stream = rmt_config_stream(config, subject->name);
	subject->scope = rmt_wish_scope(subject->stream, subject->name);
	subject->lists = rmt_unsub_lists_text(&subject->unsub);
	return rmt_suppress_fold(config->fold, subject->unsub.recipient,
				 &subject->address, NULL)
		       ? RMT_TOKEN_OK
		       : RMT_TOKEN_MALFORMED;
}

static struct rmt_page page_of(const struct subject *subject, enum rmt_page_kind kind)
{
	const struct rmt_unsubscribe *settings =
		subject->stream != NULL ? &subject->stream->unsubscribe : NULL;

	return (struct rmt_page){
		.kind = kind,
		.title = settings != NULL && settings->title != NULL ? settings->title
								     : subject->name,
		.logo = settings != NULL ? settings->logo : NULL,
	};
}

/* --- taking it back --------------------------------------------------------------- */

/* "until NUL scope NUL address": only who has seen the page has it. */
static int64_t undo_seconds(const struct rmt_visit *visit)
{
	return (int64_t)(visit->site->config->http.undo_ns / RMT_NS_PER_SEC);
}

static void seal_undo(struct rmt_visit *visit, const struct subject *subject,
		      GString *out)
{
	struct rmt_sealer *sealer =
		rmt_followed_get(visit->site->undos, visit->request->now, NULL);
	g_autoptr(GString) plain = g_string_new(NULL);

	if (sealer == NULL)
		return;
	g_string_printf(plain, "%" G_GINT64_FORMAT,
			visit->request->now + undo_seconds(visit));
	g_string_append_c(plain, '\0');
	g_string_append_len(plain, subject->scope, (gssize)strlen(subject->scope) + 1);
	g_string_append_len(plain, subject->address.whole.p,
			    (gssize)subject->address.whole.len);
	if (plain->len <= RMT_TOKEN_PLAIN_MAX)
		rmt_token_seal(sealer, rmt_span(plain->str, plain->len), out);
}

/* Whether the button's token is of this very link; until_r is when it ends. */
static bool open_undo(struct rmt_visit *visit, const struct subject *subject,
		      const GString *token, int64_t *until_r)
{
	struct rmt_sealer *sealer =
		rmt_followed_get(visit->site->undos, visit->request->now, NULL);
	g_autoptr(GString) plain = g_string_new(NULL);
	struct rmt_span until, scope, address, rest;

	if (sealer == NULL ||
	    rmt_token_open(sealer, rmt_span(token->str, token->len), plain) !=
		    RMT_TOKEN_OK ||
	    !rmt_span_split(rmt_span(plain->str, plain->len), '\0', &until, &rest) ||
	    !rmt_span_split(rest, '\0', &scope, &address))
		return false;
	*until_r = g_ascii_strtoll(until.p, NULL, 10); /* a NUL stands behind it */
	return rmt_span_eq(scope, rmt_span_of(subject->scope)) &&
	       rmt_span_eq(address, subject->address.whole);
}

/* --- what is done ----------------------------------------------------------------- */

/* Waits for the commit; what it is answered is ready before. */
struct pending {
	void (*answered)(void *context);
	void *context;
	struct rmt_http_reply *reply; /* foreign */
	enum rmt_language language;   /* of the page, if it fails */
};

static void committed(void *context, bool ok)
{
	const struct rmt_page trouble = { .kind = RMT_PAGE_TROUBLE };
	struct pending *pending = context;

	if (!ok) {
		pending->reply->status = 503;
		pending->reply->reason = "Service Unavailable";
		pending->reply->retry_after_secs = 60;
		pending->reply->type = "text/html; charset=utf-8";
		g_string_truncate(pending->reply->body, 0);
		rmt_page_write(&trouble, pending->language, pending->reply->body);
	}
	pending->answered(pending->context);
	g_free(pending);
}

static struct pending *new_pending(struct rmt_visit *visit)
{
	struct pending *pending = g_new0(struct pending, 1);

	pending->answered = visit->answered;
	pending->context = visit->context;
	pending->reply = visit->reply;
	pending->language = rmt_language_of(visit->request->accept_language);
	return pending;
}

/* left_at: of what is taken back; NEVER: he leaves. */
static enum rmt_site_result wish(struct rmt_visit *visit, struct subject *subject,
				 const char *by, int64_t left_at)
{
	struct rmt_wish wish = {
		.entry = { .scope = subject->scope,
			   .address = subject->address.text,
			   .reason = (char *)"unsubscribe",
			   .source = (char *)by,
			   .note = subject->lists,
			   .since = visit->request->now },
		.take_back = left_at != NEVER,
		.left_at = left_at,
		.stream = subject->name,
		.by = by,
		.lists = subject->lists,
	};
	g_autoptr(GError) err = NULL;

	if (!rmt_suppress_check(&wish.entry, &err)) {
		rmt_log(RMT_LOG_WARNING, "a link of ours leads nowhere: %s",
			err->message);
		return rmt_visit_page(visit, 404, "Not Found", RMT_PAGE_INVALID);
	}
	wish.webhook = rmt_wish_is_news(visit->site->store, subject->stream, &wish);
	rmt_group_add(visit->site->group, &wish, committed, new_pending(visit));
	return RMT_SITE_LATER;
}

/* RFC 8058's client reads no page. */
static enum rmt_site_result by_one_click(struct rmt_visit *visit, struct subject *subject)
{
	visit->reply->status = 200;
	visit->reply->reason = "OK";
	visit->reply->type = "text/plain; charset=utf-8";
	g_string_assign(visit->reply->body, "unsubscribed\n");
	return wish(visit, subject, "one-click", NEVER);
}

static enum rmt_site_result by_page(struct rmt_visit *visit, struct subject *subject)
{
	g_autoptr(GString) undo = g_string_new(NULL);
	struct rmt_page page = page_of(subject, RMT_PAGE_DONE);

	seal_undo(visit, subject, undo);
	page.undo = undo->len > 0 ? undo->str : NULL;
	rmt_visit_write(visit, 200, "OK", &page);
	return wish(visit, subject, "page", NEVER);
}

static enum rmt_site_result take_back(struct rmt_visit *visit, struct subject *subject,
				      const GString *token)
{
	struct rmt_page page = page_of(subject, RMT_PAGE_LATE);
	int64_t until;

	if (!rmt_visit_charge(visit))
		return RMT_SITE_NOW;
	if (!open_undo(visit, subject, token, &until))
		return rmt_visit_page(visit, 400, "Bad Request", RMT_PAGE_REFUSED);
	if (visit->request->now > until)
		return rmt_visit_write(visit, 410, "Gone", &page);
	page.kind = RMT_PAGE_UNDONE;
	rmt_visit_write(visit, 200, "OK", &page);
	return wish(visit, subject, "page", until - undo_seconds(visit));
}

/* Nothing but the pair itself unsubscribes (RFC 8058, 3.2). */
static enum rmt_site_result post(struct rmt_visit *visit, struct subject *subject)
{
	g_autoptr(GString) value = g_string_new(NULL);
	g_autoptr(GString) page = g_string_new(NULL);

	if (rmt_visit_field(visit, "undo", value))
		return take_back(visit, subject, value);
	if (!rmt_visit_field(visit, "List-Unsubscribe", value) ||
	    !rmt_span_eq(rmt_span(value->str, value->len), RMT_SPAN("One-Click"))) {
		if (rmt_visit_charge(visit))
			rmt_visit_page(visit, 400, "Bad Request", RMT_PAGE_REFUSED);
		return RMT_SITE_NOW;
	}
	return rmt_visit_field(visit, "page", page) ? by_page(visit, subject)
						    : by_one_click(visit, subject);
}

static enum rmt_site_result show(struct rmt_visit *visit, const struct subject *subject)
{
	const struct rmt_page page = page_of(subject, RMT_PAGE_ASK);

	if (!rmt_visit_charge(visit))
		return RMT_SITE_NOW;
	return rmt_visit_write(visit, 200, "OK", &page);
}

enum rmt_site_result rmt_visit_unsubscribe(struct rmt_visit *visit)
{
	struct subject subject;
	enum rmt_token_result opened = open_subject(visit, &subject);
	enum rmt_site_result result;

	if (opened != RMT_TOKEN_OK)
		result = rmt_visit_bad_token(visit, opened);
	else if (visit->request->method == RMT_METHOD_POST)
		result = post(visit, &subject);
	else
		result = show(visit, &subject);
	subject_clear(&subject);
	return result;
}
