/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "common/message/header.h"
#include "common/report/decode.h"
#include "common/report/parts.h"
#include "common/report/report.h"
#include "common/report/text.h"

enum { BOUNDARY_MAX = 200 };

struct walk {
	rmt_parts_each *each;
	void *context;
	unsigned parts;
	bool ended, cut;
};

/* --- Content-Type ------------------------------------------------------------------ */

static void copy_lower(char out[RMT_PART_NAME], struct rmt_span text)
{
	size_t i, n = 0;

	for (i = 0; i < text.len && n < RMT_PART_NAME - 1; i++)
		if (!g_ascii_isspace(text.p[i]))
			out[n++] = g_ascii_tolower(text.p[i]);
	out[n] = '\0';
}

/* The value of a parameter, without its quotes; ends where it must. */
static struct rmt_span parameter_value(struct rmt_span text)
{
	const char *end;
	size_t n = 0;

	text = rmt_span_trim(text);
	if (text.len > 1 && text.p[0] == '"') {
		text = rmt_span_from(text, 1);
		end = memchr(text.p, '"', text.len);
		return rmt_span(text.p, end != NULL ? (size_t)(end - text.p) : text.len);
	}
	while (n < text.len && text.p[n] != ';' && !g_ascii_isspace(text.p[n]))
		n++;
	return rmt_span(text.p, n);
}

/* Empty: it has none of this name. */
static struct rmt_span parameter(struct rmt_span value, const char *name)
{
	struct rmt_span first, rest = value, key, after;

	while (rmt_span_split(rest, ';', &first, &rest)) {
		if (rmt_span_split(rest, '=', &key, &after) &&
		    rmt_span_eq_nocase(rmt_span_trim(key), rmt_span_of(name)))
			return parameter_value(after);
	}
	return rmt_span("", 0);
}

static void take_type(struct rmt_part *part, struct rmt_span value)
{
	struct rmt_span type =
		parameter_value(value); /* to ';' or, where it is lost, a blank */

	copy_lower(part->type, type);
	if (strchr(part->type, '/') == NULL)
		g_strlcpy(part->type, "text/plain", RMT_PART_NAME);
	copy_lower(part->charset, parameter(value, "charset"));
}

/* The header section of text: its Content-Type as it stands, and where the body
 * begins. Within a message a line that is no field begins it, too. */
static struct rmt_span read_fields(struct rmt_part *part, struct rmt_span text,
				   bool inside)
{
	struct rmt_header_reader reader = rmt_header_read(text);
	struct rmt_header_field field;
	struct rmt_span type = { "", 0 };
	size_t body = 0;

	take_type(part, type);
	for (; rmt_header_next(&reader, &field); body = reader.at) {
		if (type.len == 0 &&
		    rmt_span_eq_nocase(field.name, RMT_SPAN("Content-Type"))) {
			type = rmt_span_trim(field.value);
		} else if (rmt_span_eq_nocase(field.name,
					      RMT_SPAN("Content-Transfer-Encoding"))) {
			copy_lower(part->encoding, field.value);
		} else if (field.name.len == 0 && type.len > 0 &&
			   rmt_text_starts(field.raw, "boundary=")) {
			/* It should have been folded. */
			type.len = (size_t)(field.raw.p + field.raw.len - type.p);
		} else if (field.name.len == 0 && inside) {
			part->body = rmt_span_from(text, body);
			take_type(part, type);
			return type;
		}
	}
	part->body = rmt_span_from(text, reader.at);
	take_type(part, type);
	return type;
}

/* --- boundaries -------------------------------------------------------------------- */

/* Behind "--boundary" only blanks or the "--" of the last. */
static bool ends_there(struct rmt_span rest, bool *last_r)
{
	size_t n = 0;

	*last_r = rmt_span_starts(rest, RMT_SPAN("--"));
	if (*last_r)
		return true;
	while (n < rest.len && (rest.p[n] == ' ' || rest.p[n] == '\t'))
		n++;
	return n == rest.len || rest.p[n] == '\n';
}

/* The next boundary line of text from at on: where it begins, and where the line
 * behind it does. False: none. */
static bool next_boundary(struct rmt_span text, size_t at, struct rmt_span mark,
			  size_t *begin_r, size_t *behind_r, bool *last_r)
{
	const char *p, *lf;

	for (; at < text.len; at = (size_t)(p - text.p) + 1) {
		p = memmem(text.p + at, text.len - at, mark.p, mark.len);
		if (p == NULL)
			return false;
		*begin_r = (size_t)(p - text.p);
		if ((p == text.p || p[-1] == '\n') &&
		    ends_there(rmt_span_from(text, *begin_r + mark.len), last_r))
			break;
	}
	if (at >= text.len)
		return false;
	lf = memchr(text.p + *begin_r, '\n', text.len - *begin_r);
	*behind_r = lf != NULL ? (size_t)(lf - text.p) + 1 : text.len;
	return true;
}

/* --- the walk ---------------------------------------------------------------------- */

static void walk_part(struct walk *walk, struct rmt_span text, unsigned depth);

/* False: no boundary line is there. */
static void walk_multipart(struct walk *walk, struct rmt_span body,
			   struct rmt_span boundary, unsigned depth)
{
	char mark[BOUNDARY_MAX + 2] = "--";
	size_t begin, at, next;
	bool last = false, more;

	memcpy(mark + 2, boundary.p, boundary.len);
	more = next_boundary(body, 0, rmt_span(mark, boundary.len + 2), &begin, &at,
			     &last);
	while (more && !last && !walk->ended) {
		more = next_boundary(body, at, rmt_span(mark, boundary.len + 2), &begin,
				     &next, &last);
		if (!more)
			begin = body.len;
		walk_part(walk, rmt_span(body.p + at, begin - at), depth + 1);
		at = next;
	}
}

static void walk_part(struct walk *walk, struct rmt_span text, unsigned depth)
{
	struct rmt_part part = { .encoding = "" };
	struct rmt_span type, boundary;

	if (depth > RMT_REPORT_DEPTH_MAX || ++walk->parts > RMT_REPORT_PARTS_MAX) {
		walk->cut = walk->ended = true;
		return;
	}
	type = read_fields(&part, text, depth > 0);
	if (g_str_has_prefix(part.type, "multipart/")) {
		boundary = parameter(type, "boundary");
		if (boundary.len > 0 && boundary.len <= BOUNDARY_MAX)
			walk_multipart(walk, part.body, boundary, depth);
	} else if (!walk->each(walk->context, &part)) {
		walk->ended = true;
	}
}

bool rmt_parts_walk(struct rmt_span message, rmt_parts_each *each, void *context)
{
	struct walk walk = { each, context, 0, false, false };

	walk_part(&walk, message, 0);
	return !walk.cut;
}

/* --- content ----------------------------------------------------------------------- */

struct rmt_span rmt_part_content(const struct rmt_part *part, GString *buffer)
{
	g_string_truncate(buffer, 0);
	return rmt_decode_transfer(buffer, part->encoding, part->body)
		       ? rmt_span(buffer->str, buffer->len)
		       : part->body;
}
