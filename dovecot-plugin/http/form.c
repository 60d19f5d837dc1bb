/* SPDX-License-Identifier: MIT */
#include "dovecot-plugin/http/form.h"

#include <stdint.h>
#include <string.h>

/* --- types ------------------------------------------------------------------------ */

/* "multipart/form-data; boundary=x": what stands before the ';'. */
static bool has_type(struct rmt_span content_type, const char *type)
{
	struct rmt_span before = content_type, after;

	rmt_span_split(content_type, ';', &before, &after);
	return rmt_span_eq_nocase(rmt_span_trim(before), rmt_span_of(type));
}

static bool is_urlencoded(struct rmt_span content_type)
{
	return rmt_span_trim(content_type).len == 0 ||
	       has_type(content_type, "application/x-www-form-urlencoded");
}

static bool is_multipart(struct rmt_span content_type)
{
	return has_type(content_type, "multipart/form-data");
}

bool rmt_form_is(struct rmt_span content_type)
{
	return is_urlencoded(content_type) || is_multipart(content_type);
}

/* "name=value" or "name=\"value\"" (RFC 9110, 5.6.6), with the ';' behind it. */
static void next_parameter(struct rmt_span *text, struct rmt_span *name_r,
			   GString *value_r)
{
	const char *p = text->p;
	bool quoted = false;
	size_t at = 0;

	while (at < text->len && p[at] != '=' && p[at] != ';')
		at++;
	*name_r = rmt_span_trim(rmt_span(p, at));
	g_string_truncate(value_r, 0);
	if (at < text->len && p[at] == '=')
		at++;
	for (; at < text->len && (quoted || p[at] != ';'); at++) {
		if (p[at] == '"') {
			quoted = !quoted;
			continue;
		}
		if (quoted && p[at] == '\\' && at + 1 < text->len)
			at++;
		if (quoted || !g_ascii_isspace(p[at]))
			g_string_append_c(value_r, p[at]);
	}
	*text = rmt_span_from(*text, at + 1);
}

/* Of "form-data; name=value"; false: there is no such parameter. */
static bool get_parameter(struct rmt_span text, const char *name, GString *value_r)
{
	struct rmt_span rest, before, key;

	g_string_truncate(value_r, 0);
	if (!rmt_span_split(text, ';', &before, &rest))
		return false;
	while (rest.len > 0) {
		next_parameter(&rest, &key, value_r);
		if (rmt_span_eq_nocase(key, rmt_span_of(name)))
			return true;
	}
	return false;
}

static bool is_named(const GString *given, const char *name)
{
	return rmt_span_eq_nocase(rmt_span(given->str, given->len), rmt_span_of(name));
}

/* --- urlencoded ------------------------------------------------------------------- */

static void decode(struct rmt_span text, GString *out)
{
	size_t i;
	int high, low;

	g_string_truncate(out, 0);
	for (i = 0; i < text.len; i++) {
		high = low = -1;
		if (text.p[i] == '%' && i + 2 < text.len) {
			high = g_ascii_xdigit_value(text.p[i + 1]);
			low = g_ascii_xdigit_value(text.p[i + 2]);
		}
		if (high >= 0 && low >= 0) {
			g_string_append_c(out, (char)(high << 4 | low));
			i += 2;
		} else {
			g_string_append_c(out, text.p[i] == '+' ? ' ' : text.p[i]);
		}
	}
}

static bool next_pair(struct rmt_span *rest, struct rmt_span *pair_r)
{
	if (rest->len == 0)
		return false;
	if (!rmt_span_split(*rest, '&', pair_r, rest)) {
		*pair_r = *rest;
		rest->len = 0;
	}
	return true;
}

static bool get_urlencoded(struct rmt_span body, const char *name, GString *value_r)
{
	g_autoptr(GString) key = g_string_new(NULL);
	struct rmt_span pair, before, after;
	unsigned parts;

	body = rmt_span_trim(body);
	for (parts = 0; parts < RMT_FORM_PARTS_MAX && next_pair(&body, &pair); parts++) {
		if (!rmt_span_split(pair, '=', &before, &after))
			continue;
		decode(before, key);
		if (!is_named(key, name))
			continue;
		decode(after, value_r);
		return true;
	}
	return false;
}

/* --- multipart -------------------------------------------------------------------- */

/* Behind a delimiter stands nothing but white space, or the mark of the last one: a
 * longer boundary is another one. */
static bool is_delimiter_end(struct rmt_span rest)
{
	return rest.len == 0 || g_ascii_isspace(*rest.p) ||
	       rmt_span_starts(rest, RMT_SPAN("--"));
}

/* Where the delimiter stands at the beginning of a line, at or after `at`; SIZE_MAX:
 * nowhere. */
static size_t find_delimiter(struct rmt_span body, size_t at, const GString *delimiter)
{
	const char *found;

	while (at < body.len) {
		found = memmem(body.p + at, body.len - at, delimiter->str,
			       delimiter->len);
		if (found == NULL)
			break;
		at = (size_t)(found - body.p);
		if ((at == 0 || body.p[at - 1] == '\n') &&
		    is_delimiter_end(rmt_span_from(body, at + delimiter->len)))
			return at;
		at++;
	}
	return SIZE_MAX;
}

/* A line of the part's header, with those that continue it; false at the empty line,
 * which is taken, and at the end. */
static bool next_line(struct rmt_span *part, struct rmt_span *line_r)
{
	struct rmt_span more;

	if (!rmt_span_split(*part, '\n', line_r, part))
		return false;
	if (line_r->len > 0 && line_r->p[line_r->len - 1] == '\r')
		line_r->len--;
	if (line_r->len == 0)
		return false;
	while (part->len > 0 && (*part->p == ' ' || *part->p == '\t') &&
	       rmt_span_split(*part, '\n', &more, part))
		line_r->len = (size_t)(more.p + more.len - line_r->p);
	return true;
}

/* Without the line end that belongs to the delimiter behind it. */
static struct rmt_span without_last_end(struct rmt_span text)
{
	if (text.len > 0 && text.p[text.len - 1] == '\n')
		text.len--;
	if (text.len > 0 && text.p[text.len - 1] == '\r')
		text.len--;
	return text;
}

static bool take_part(struct rmt_span part, const char *name, GString *value_r)
{
	g_autoptr(GString) given = g_string_new(NULL);
	struct rmt_span line, field, value;
	bool named = false;

	while (next_line(&part, &line))
		if (rmt_span_split(line, ':', &field, &value) &&
		    rmt_span_eq_nocase(rmt_span_trim(field),
				       RMT_SPAN("Content-Disposition")) &&
		    get_parameter(value, "name", given))
			named = is_named(given, name);
	if (!named)
		return false;
	part = without_last_end(part);
	g_string_append_len(value_r, part.p, (gssize)part.len);
	return true;
}

static bool get_multipart(struct rmt_span content_type, struct rmt_span body,
			  const char *name, GString *value_r)
{
	g_autoptr(GString) delimiter = g_string_new(NULL);
	size_t at, end;
	unsigned parts;

	if (!get_parameter(content_type, "boundary", delimiter) || delimiter->len == 0 ||
	    delimiter->len > RMT_FORM_BOUNDARY_MAX)
		return false;
	g_string_prepend(delimiter, "--");
	at = find_delimiter(body, 0, delimiter);
	for (parts = 0; parts < RMT_FORM_PARTS_MAX && at != SIZE_MAX; parts++) {
		struct rmt_span rest = rmt_span_from(body, at + delimiter->len), line;

		if (rmt_span_starts(rest, RMT_SPAN("--")))
			break; /* the last one */
		end = find_delimiter(body, at + delimiter->len, delimiter);
		if (end == SIZE_MAX)
			break; /* cut: what is not ended was not said */
		rest.len = end - at - delimiter->len;
		if (rmt_span_split(rest, '\n', &line, &rest) &&
		    take_part(rest, name, value_r))
			return true;
		at = end;
	}
	return false;
}

bool rmt_form_get(struct rmt_span content_type, struct rmt_span body, const char *name,
		  GString *value_r)
{
	g_string_truncate(value_r, 0);
	if (is_multipart(content_type))
		return get_multipart(content_type, body, name, value_r);
	return is_urlencoded(content_type) && get_urlencoded(body, name, value_r);
}
