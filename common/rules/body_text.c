/* SPDX-License-Identifier: MIT */
#include "common/rules/body_text.h"

#include <string.h>

#include "common/message/header.h"

enum { DEPTH_MAX = 8, PARTS_MAX = 200 };

struct reading {
	GString *out;
	unsigned parts;
	bool any, coded;
};

/* --- what a part says of itself ------------------------------------------------- */

struct part {
	struct rmt_span type;     /* value of Content-Type; empty: text/plain */
	struct rmt_span encoding; /* of Content-Transfer-Encoding */
};

static struct part part_of(struct rmt_span section)
{
	struct rmt_header_reader reader = rmt_header_read(section);
	struct part part = { .type = { NULL, 0 } };
	struct rmt_header_field field;

	while (rmt_header_next(&reader, &field))
		if (rmt_span_eq_nocase(field.name, RMT_SPAN("Content-Type")))
			part.type = rmt_span_trim(field.value);
		else if (rmt_span_eq_nocase(field.name,
					    RMT_SPAN("Content-Transfer-Encoding")))
			part.encoding = rmt_span_trim(field.value);
	return part;
}

static bool starts(struct rmt_span text, const char *head)
{
	return text.len >= strlen(head) &&
	       g_ascii_strncasecmp(text.p, head, strlen(head)) == 0;
}

/* The value behind "name=", quoted or not; empty: there is none. */
static struct rmt_span parameter(struct rmt_span type, const char *name)
{
	struct rmt_span item, rest, value;

	while (rmt_span_split(type, ';', &item, &rest)) {
		type = rest;
		rest = rmt_span_trim(rest);
		if (!starts(rest, name) || !rmt_span_split(rest, '=', &item, &value) ||
		    rmt_span_trim(item).len != strlen(name))
			continue;
		value = rmt_span_trim(value);
		if (value.len > 0 && value.p[0] == '"') {
			rmt_span_split(rmt_span_from(value, 1), '"', &value, &rest);
			return value;
		}
		rmt_span_split(value, ';', &value, &rest);
		return rmt_span_trim(value);
	}
	return rmt_span(NULL, 0);
}

/* --- decoding ------------------------------------------------------------------- */

static void decode_base64(struct rmt_span text, GString *out)
{
	gsize before = out->len, n;
	guint save = 0;
	gint state = 0;

	g_string_set_size(out, before + text.len / 4 * 3 + 6);
	n = g_base64_decode_step(text.p, text.len, (guchar *)out->str + before, &state,
				 &save);
	g_string_set_size(out, before + n);
}

/* RFC 2045, 6.7; what is no hexadecimal stands for itself. */
static void decode_quoted(struct rmt_span text, GString *out)
{
	size_t i = 0;

	while (i < text.len) {
		const size_t left = text.len - i;

		if (text.p[i] != '=') {
			g_string_append_c(out, text.p[i++]);
		} else if (left >= 2 && text.p[i + 1] == '\n') {
			i += 2;
		} else if (left >= 3 && text.p[i + 1] == '\r' && text.p[i + 2] == '\n') {
			i += 3;
		} else if (left >= 3 && g_ascii_isxdigit(text.p[i + 1]) &&
			   g_ascii_isxdigit(text.p[i + 2])) {
			g_string_append_c(
				out, (char)(g_ascii_xdigit_value(text.p[i + 1]) << 4 |
					    g_ascii_xdigit_value(text.p[i + 2])));
			i += 3;
		} else {
			g_string_append_c(out, text.p[i++]);
		}
	}
}

static bool decode(const struct part *part, struct rmt_span body, GString *out)
{
	static const char *const plain[] = { "7bit", "8bit", "binary" };
	size_t i;

	if (rmt_span_eq_nocase(part->encoding, RMT_SPAN("base64"))) {
		decode_base64(body, out);
		return true;
	}
	if (rmt_span_eq_nocase(part->encoding, RMT_SPAN("quoted-printable"))) {
		decode_quoted(body, out);
		return true;
	}
	for (i = 0; i < G_N_ELEMENTS(plain); i++)
		if (part->encoding.len == 0 ||
		    rmt_span_eq_nocase(part->encoding, rmt_span_of(plain[i]))) {
			g_string_append_len(out, body.p, (gssize)body.len);
			return true;
		}
	return false;
}

/* --- parts ---------------------------------------------------------------------- */

/* Charsets that are told wrongly, or that nobody knows, are taken as they come. */
static void append_text(const struct part *part, const GString *text, GString *out)
{
	struct rmt_span name = parameter(part->type, "charset");
	g_autofree char *charset = g_strndup(name.p, MIN(name.len, 40)), *utf8 = NULL;
	const char *from = text->str;
	gsize len = text->len, i;

	if (name.len > 0 && !starts(name, "utf-8") && !starts(name, "us-ascii"))
		utf8 = g_convert(text->str, (gssize)text->len, "UTF-8", charset, NULL,
				 &len, NULL);
	if (utf8 != NULL)
		from = utf8;
	else
		len = text->len;
	for (i = 0; i < len; i++)
		if (from[i] != '\0')
			g_string_append_c(out, g_ascii_tolower(from[i]));
	g_string_append_c(out, '\n');
}

static void read_text(struct reading *reading, const struct part *part,
		      struct rmt_span body)
{
	g_autoptr(GString) text = g_string_new(NULL);

	if (decode(part, body, text)) {
		append_text(part, text, reading->out);
		reading->any = true;
	} else {
		reading->coded = true;
	}
}

static void read_part(struct reading *reading, const struct part *part,
		      struct rmt_span body, unsigned depth);

static void read_inner(struct reading *reading, struct rmt_span inner, unsigned depth)
{
	struct rmt_span section, body;
	struct part part;

	if (reading->parts++ >= PARTS_MAX)
		return;
	rmt_header_split(inner, &section, &body);
	part = part_of(section);
	read_part(reading, &part, body, depth + 1);
}

/* RFC 2046, 5.1.1: "--", the boundary, "--" behind the last part, blanks. */
static bool is_delimiter(struct rmt_span line, struct rmt_span boundary, bool *last_r)
{
	struct rmt_span rest;

	if (line.len < boundary.len + 2 || memcmp(line.p, "--", 2) != 0 ||
	    memcmp(line.p + 2, boundary.p, boundary.len) != 0)
		return false;
	rest = rmt_span_from(line, boundary.len + 2);
	*last_r = rmt_span_starts(rest, RMT_SPAN("--"));
	return *last_r || rmt_span_trim(rest).len == 0;
}

static void read_multipart(struct reading *reading, struct rmt_span boundary,
			   struct rmt_span body, unsigned depth)
{
	struct rmt_span line, rest = body, inner = { NULL, 0 };
	bool more = true, last = false;

	while (more) {
		line = rest;
		more = rmt_span_split(rest, '\n', &line, &rest);
		if (!is_delimiter(line, boundary, &last))
			continue;
		if (inner.p != NULL)
			read_inner(reading, rmt_span(inner.p, (size_t)(line.p - inner.p)),
				   depth);
		if (last)
			return;
		inner = more ? rest : rmt_span(NULL, 0);
	}
	if (inner.p != NULL)
		read_inner(reading, inner, depth);
}

static void read_part(struct reading *reading, const struct part *part,
		      struct rmt_span body, unsigned depth)
{
	struct rmt_span boundary;

	if (starts(part->type, "multipart/")) {
		boundary = parameter(part->type, "boundary");
		if (boundary.len > 0 && depth < DEPTH_MAX)
			read_multipart(reading, boundary, body, depth);
	} else if (part->type.len == 0 || starts(part->type, "text/")) {
		read_text(reading, part, body);
	}
}

enum rmt_body_text rmt_body_text(struct rmt_span section, struct rmt_span body,
				 GString *out)
{
	struct reading reading = { .out = out };
	const struct part part = part_of(section);

	read_part(&reading, &part, body, 0);
	if (reading.coded)
		return RMT_BODY_CODED;
	return reading.any ? RMT_BODY_TEXT : RMT_BODY_NO_TEXT;
}
