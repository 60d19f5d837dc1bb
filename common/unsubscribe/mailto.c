/* SPDX-License-Identifier: MIT */
#include "common/unsubscribe/mailto.h"

/* While it is read. */
struct reading {
	GString *to, *subject, *body; /* own; NULL: not seen */
	bool several;                 /* recipients */
};

const char *rmt_mailto_word(enum rmt_mailto_result result)
{
	static const char *const words[RMT_MAILTO_COUNT] = {
		[RMT_MAILTO_OK] = "ok",
		[RMT_MAILTO_SCHEME] = "scheme",
		[RMT_MAILTO_ENCODING] = "encoding",
		[RMT_MAILTO_NO_RECIPIENT] = "no-recipient",
		[RMT_MAILTO_RECIPIENTS] = "recipients",
		[RMT_MAILTO_ADDRESS] = "address",
		[RMT_MAILTO_CONTROL] = "control",
		[RMT_MAILTO_TOO_LONG] = "too-long",
	};

	return words[result];
}

/* Percent-decoded, into UTF-8 without NUL (RFC 6068, 2, 5). */
static GString *decode(struct rmt_span text)
{
	g_autoptr(GString) out = g_string_sized_new(text.len + 1);
	size_t i;

	for (i = 0; i < text.len; i++) {
		if (text.p[i] != '%') {
			g_string_append_c(out, text.p[i]);
			continue;
		}
		if (text.len - i < 3 || !g_ascii_isxdigit(text.p[i + 1]) ||
		    !g_ascii_isxdigit(text.p[i + 2]))
			return NULL;
		g_string_append_c(out, (char)(g_ascii_xdigit_value(text.p[i + 1]) * 16 +
					      g_ascii_xdigit_value(text.p[i + 2])));
		i += 2;
	}
	return g_utf8_validate(out->str, (gssize)out->len, NULL) ? g_steal_pointer(&out)
								 : NULL;
}

/* Addresses are parted by commas before they are decoded: "%2C" belongs to one. */
static enum rmt_mailto_result add_recipients(struct reading *reading,
					     struct rmt_span list)
{
	struct rmt_span one, rest = list;
	bool more;

	do {
		more = rmt_span_split(rest, ',', &one, &rest);
		if (!more)
			one = rest;
		one = rmt_span_trim(one);
		if (one.len == 0)
			continue;
		if (reading->to != NULL) {
			reading->several = true;
			return RMT_MAILTO_OK;
		}
		reading->to = decode(one);
		if (reading->to == NULL)
			return RMT_MAILTO_ENCODING;
	} while (more);
	return RMT_MAILTO_OK;
}

static enum rmt_mailto_result set_once(GString **field, struct rmt_span value)
{
	if (*field != NULL) /* the first counts */
		return RMT_MAILTO_OK;
	*field = decode(value);
	return *field != NULL ? RMT_MAILTO_OK : RMT_MAILTO_ENCODING;
}

static enum rmt_mailto_result read_field(struct reading *reading, struct rmt_span field)
{
	struct rmt_span name, value;

	if (!rmt_span_split(field, '=', &name, &value))
		return RMT_MAILTO_OK;
	if (rmt_span_eq_nocase(name, RMT_SPAN("to")) ||
	    rmt_span_eq_nocase(name, RMT_SPAN("cc")))
		return add_recipients(reading, value);
	if (rmt_span_eq_nocase(name, RMT_SPAN("subject")))
		return set_once(&reading->subject, value);
	if (rmt_span_eq_nocase(name, RMT_SPAN("body")))
		return set_once(&reading->body, value);
	return RMT_MAILTO_OK;
}

static enum rmt_mailto_result read_fields(struct reading *reading, struct rmt_span fields)
{
	enum rmt_mailto_result result = RMT_MAILTO_OK;
	struct rmt_span field;

	while (result == RMT_MAILTO_OK && fields.len > 0) {
		if (!rmt_span_split(fields, '&', &field, &fields)) {
			field = fields;
			fields = rmt_span(NULL, 0);
		}
		result = read_field(reading, field);
	}
	return result;
}

/* --- what is asked of the parts --------------------------------------------------- */

static bool has_control(const GString *text)
{
	size_t i;

	for (i = 0; i < text->len; i++)
		if ((unsigned char)text->str[i] < ' ' || text->str[i] == '\x7f')
			return true;
	return false;
}

/* What the writer must not need to quote: RFC 5322's dot-atom, and UTF-8. */
static bool is_local_part(struct rmt_span local)
{
	size_t i;

	if (local.len == 0 || local.p[0] == '.' || local.p[local.len - 1] == '.')
		return false;
	for (i = 0; i < local.len; i++) {
		const char c = local.p[i];

		if (g_ascii_iscntrl(c) || strchr(" \"(),:;<>@[\\]", c) != NULL)
			return false;
		if (c == '.' && local.p[i - 1] == '.')
			return false;
	}
	return true;
}

/* A name with a dot; no literal: "[192.0.2.1]", nor what reads like an address. */
static bool is_domain(struct rmt_span domain)
{
	size_t i, label = 0, dots = 0;
	bool letter = false;

	for (i = 0; i < domain.len; i++) {
		const unsigned char c = (unsigned char)domain.p[i];

		if (c == '.' && label > 0) {
			dots++;
			label = 0;
			letter = false;
		} else if (g_ascii_isalnum(c) || c == '-' || c >= 0x80) {
			letter = letter || !g_ascii_isdigit(c);
			label++;
		} else {
			return false;
		}
	}
	return dots > 0 && label > 0 && letter;
}

static enum rmt_mailto_result judge_recipient(const struct reading *reading)
{
	struct rmt_span local, domain;

	if (reading->several)
		return RMT_MAILTO_RECIPIENTS;
	if (reading->to == NULL)
		return RMT_MAILTO_NO_RECIPIENT;
	if (reading->to->len > RMT_MAILTO_ADDRESS_MAX)
		return RMT_MAILTO_TOO_LONG;
	if (has_control(reading->to))
		return RMT_MAILTO_CONTROL;
	if (!rmt_span_split_last(rmt_span(reading->to->str, reading->to->len), '@',
				 &local, &domain) ||
	    !is_local_part(local) || !is_domain(domain))
		return RMT_MAILTO_ADDRESS;
	return RMT_MAILTO_OK;
}

/* "%0D%0A" parts lines (RFC 6068, 5); other control characters have no business. */
static enum rmt_mailto_result settle_body(GString *body)
{
	size_t i, len = 0;

	for (i = 0; i < body->len; i++) {
		const char c = body->str[i];

		if (c == '\r' && i + 1 < body->len && body->str[i + 1] == '\n')
			continue;
		if (((unsigned char)c < ' ' && c != '\n' && c != '\t') || c == '\x7f')
			return RMT_MAILTO_CONTROL;
		body->str[len++] = c;
	}
	g_string_truncate(body, len);
	return len > RMT_MAILTO_BODY_MAX ? RMT_MAILTO_TOO_LONG : RMT_MAILTO_OK;
}

static enum rmt_mailto_result judge(struct reading *reading)
{
	const enum rmt_mailto_result result = judge_recipient(reading);

	if (result != RMT_MAILTO_OK)
		return result;
	if (reading->subject != NULL && has_control(reading->subject))
		return RMT_MAILTO_CONTROL;
	if (reading->subject != NULL && reading->subject->len > RMT_MAILTO_SUBJECT_MAX)
		return RMT_MAILTO_TOO_LONG;
	return reading->body != NULL ? settle_body(reading->body) : RMT_MAILTO_OK;
}

/* --- the whole ------------------------------------------------------------------- */

static char *take(GString **text)
{
	GString *taken = g_steal_pointer(text);

	return taken != NULL ? g_string_free(taken, FALSE) : g_strdup("");
}

static void drop(GString *text)
{
	if (text != NULL)
		g_string_free(text, TRUE);
}

static enum rmt_mailto_result read_parts(struct reading *reading, struct rmt_span uri)
{
	const struct rmt_span scheme = RMT_SPAN("mailto:");
	struct rmt_span path, fields, fragment;
	enum rmt_mailto_result result;

	if (uri.len < scheme.len ||
	    !rmt_span_eq_nocase(rmt_span(uri.p, scheme.len), scheme))
		return RMT_MAILTO_SCHEME;
	uri = rmt_span_from(uri, scheme.len);
	rmt_span_split(uri, '#', &uri, &fragment);
	if (!rmt_span_split(uri, '?', &path, &fields)) {
		path = uri;
		fields = rmt_span(NULL, 0);
	}
	result = add_recipients(reading, path);
	if (result == RMT_MAILTO_OK)
		result = read_fields(reading, fields);
	return result != RMT_MAILTO_OK ? result : judge(reading);
}

enum rmt_mailto_result rmt_mailto_read(struct rmt_span uri, struct rmt_mailto *mailto_r)
{
	struct reading reading = { NULL };
	const enum rmt_mailto_result result = read_parts(&reading, uri);

	*mailto_r = (struct rmt_mailto){ NULL };
	if (result == RMT_MAILTO_OK)
		*mailto_r = (struct rmt_mailto){ .to = take(&reading.to),
						 .subject = take(&reading.subject),
						 .body = take(&reading.body) };
	drop(reading.to);
	drop(reading.subject);
	drop(reading.body);
	return result;
}

void rmt_mailto_clear(struct rmt_mailto *mailto)
{
	g_clear_pointer(&mailto->to, g_free);
	g_clear_pointer(&mailto->subject, g_free);
	g_clear_pointer(&mailto->body, g_free);
}

bool rmt_mailto_is_role(struct rmt_span address)
{
	static const char *const roles[] = {
		"abuse",      "admin",         "administrator", "hostmaster",
		"info",       "mailer-daemon", "news",          "noc",
		"postmaster", "root",          "sales",         "security",
		"spam",       "support",       "usenet",        "uucp",
		"www",        "webmaster",     "ftp",           "dmarc-reports",
		NULL,
	};
	struct rmt_span local, domain;
	size_t i;

	if (!rmt_span_split_last(address, '@', &local, &domain))
		local = address;
	for (i = 0; roles[i] != NULL; i++)
		if (rmt_span_eq_nocase(local, rmt_span_of(roles[i])))
			return true;
	return false;
}
