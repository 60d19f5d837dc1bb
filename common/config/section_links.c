/* SPDX-License-Identifier: MIT */
/* section_links.c - `unsubscribe` of a stream, and `http`: the pages its links
 * lead to. */
#include "common/config/error.h"
#include "common/config/reader.h"

enum { BASE_MAX = 200, MAILTO_MAX = 200, TITLE_MAX = 100 };

static bool complain(GError **err, struct rmt_span text, const char *why)
{
	g_set_error(err, RMT_CONFIG_ERROR, 0, "'%.*s' %s", RMT_SPAN_ARGS(text), why);
	return false;
}

static bool all_of(struct rmt_span text, const char *also)
{
	size_t i;

	for (i = 0; i < text.len; i++)
		if (!g_ascii_isalnum(text.p[i]) &&
		    (text.p[i] == '\0' || strchr(also, text.p[i]) == NULL))
			return false;
	return text.len > 0;
}

/* What stands in front of the token: characters that need no quoting anywhere. */
bool rmt_check_https_base(struct rmt_span text, GError **err)
{
	struct rmt_span rest = rmt_span_from(text, strlen("https://")), host, path;

	if (rmt_span_starts(text, RMT_SPAN("https://")) && text.len <= BASE_MAX &&
	    rmt_span_split(rest, '/', &host, &path) && all_of(host, ".-:") &&
	    host.p[0] != '.' && (path.len == 0 || all_of(path, "._~-/")) &&
	    text.p[text.len - 1] == '/')
		return true;
	return complain(err, text,
			"is no base of links (write https://mail.example.com/u/)");
}

bool rmt_check_mailto(struct rmt_span text, GError **err)
{
	struct rmt_span local, domain;

	if (text.len <= MAILTO_MAX && rmt_span_split_last(text, '@', &local, &domain) &&
	    all_of(local, "._-") && local.len <= 40 && rmt_check_domain(domain, NULL))
		return true;
	return complain(err, text,
			"is no address for the mailto form (write "
			"unsubscribe@bounces.example.com)");
}

bool rmt_check_webhook(struct rmt_span text, GError **err)
{
	size_t i;

	for (i = 0; i < text.len; i++)
		if (!g_ascii_isgraph(text.p[i]))
			return complain(err, text, "is no URL");
	if (rmt_span_starts(text, RMT_SPAN("https://")) ||
	    rmt_span_starts(text, RMT_SPAN("http://127.0.0.1:")) ||
	    rmt_span_starts(text, RMT_SPAN("http://[::1]:")))
		return true;
	return complain(err, text,
			"is no webhook (write https://lists.example.com/hook, or "
			"http://127.0.0.1:8000/hook on this machine)");
}

bool rmt_check_title(struct rmt_span text, GError **err)
{
	size_t i;

	if (text.len == 0 || text.len > TITLE_MAX ||
	    !g_utf8_validate(text.p, (gssize)text.len, NULL))
		return complain(err, text, "is no text of up to 100 octets of UTF-8");
	for (i = 0; i < text.len; i++)
		if (g_ascii_iscntrl(text.p[i]))
			return complain(err, text, "must be one line");
	return true;
}

bool rmt_check_list_id(struct rmt_span text, GError **err)
{
	return (all_of(text, ".-_@+") && text.len <= 128) ||
	       complain(err, text,
			"is no list id (letters, digits, '.', '-', '_', '@', '+', up to "
			"128)");
}

/* --- unsubscribe ------------------------------------------------------------------ */

void *rmt_begin_unsubscribe(struct rmt_reading *reading, void *parent, const char *name,
			    const config_setting_t *group)
{
	struct rmt_stream_draft *draft = parent;

	(void)reading, (void)name, (void)group;
	return &draft->stream.unsubscribe;
}

static void check_lists(struct rmt_reading *reading,
			const struct rmt_unsubscribe *unsubscribe,
			const config_setting_t *group)
{
	size_t i, total = 0;

	for (i = 0; unsubscribe->lists != NULL && unsubscribe->lists[i] != NULL; i++)
		total += strlen(unsubscribe->lists[i]);
	if (i > 4 || total > 128)
		rmt_complain(reading, rmt_member_place(group, "lists"),
			     "lists: at most 4 of together 128 octets fit into a link");
}

void rmt_end_unsubscribe(struct rmt_reading *reading, void *parent, void *object,
			 const config_setting_t *group)
{
	struct rmt_unsubscribe *unsubscribe = object;

	(void)parent;
	if (group == NULL)
		return;
	/* A group of nothing but defaults is as good as none. */
	if (unsubscribe->https == NULL && unsubscribe->mailto == NULL &&
	    (unsubscribe->title != NULL || unsubscribe->logo != NULL ||
	     unsubscribe->lists != NULL || unsubscribe->webhook != NULL))
		rmt_complain(reading, group,
			     "unsubscribe: names no place to go to (write https = "
			     "\"https://mail.example.com/u/\")");
	if (unsubscribe->several == RMT_SEVERAL_MAILTO && unsubscribe->mailto == NULL)
		rmt_complain(reading, rmt_member_place(group, "several"),
			     "several: 'mailto' needs the address (write mailto = "
			     "\"unsubscribe@bounces.example.com\")");
	if (unsubscribe->webhook != NULL && unsubscribe->webhook_secret == NULL)
		rmt_complain(reading, rmt_member_place(group, "webhook"),
			     "webhook: needs a file with the secret it is signed with "
			     "(write webhook_secret = \"/etc/remite/webhook\")");
	check_lists(reading, unsubscribe, group);
}

void rmt_check_unsubscribe(struct rmt_reading *reading, const struct rmt_stream *stream,
			   const config_setting_t *group)
{
	if (stream->egress_by_filter &&
	    stream->unsubscribe.add == RMT_UNSUBSCRIBE_BY_POLICYD &&
	    rmt_has_unsubscribe(stream))
		rmt_complain(reading, rmt_member_place(group, "unsubscribe"),
			     "unsubscribe: at DATA there is one answer, and "
			     "egress_by_filter takes it (write add = \"milter\")");
}

void rmt_unsubscribe_clear(struct rmt_unsubscribe *unsubscribe)
{
	g_free(unsubscribe->https);
	g_free(unsubscribe->mailto);
	g_free(unsubscribe->title);
	g_free(unsubscribe->logo);
	g_free(unsubscribe->webhook);
	g_free(unsubscribe->webhook_secret);
	g_strfreev(unsubscribe->lists);
}

/* --- http ------------------------------------------------------------------------- */

void *rmt_begin_http(struct rmt_reading *reading, void *parent, const char *name,
		     const config_setting_t *group)
{
	(void)parent, (void)name, (void)group;
	return &reading->config->http;
}

void rmt_end_http(struct rmt_reading *reading, void *parent, void *object,
		  const config_setting_t *group)
{
	struct rmt_http_config *http = object;
	GError *why = NULL;

	(void)parent;
	if (http->rate_text != NULL &&
	    !rmt_parse_amount(rmt_span_of(http->rate_text), false, &http->rate, &why))
		rmt_complain_of(reading, rmt_member_place(group, "rate"), why);
	if (http->forwarded != NULL && http->proxies == NULL)
		rmt_complain(reading, rmt_member_place(group, "forwarded"),
			     "forwarded: is believed of nobody unless proxies are named "
			     "(write proxies = [\"127.0.0.1\"])");
}

void rmt_http_clear(struct rmt_http_config *http)
{
	rmt_list_free(http->proxies);
	g_free(http->forwarded);
	g_free(http->rate_text);
}
