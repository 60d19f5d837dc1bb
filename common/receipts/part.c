/* SPDX-License-Identifier: MIT */
#include "common/receipts/part.h"

#include <gmime/gmime.h>

#include "common/message/gmime.h"
#include "common/message/header.h"

struct rmt_span rmt_part_field(struct rmt_span headers, const char *name)
{
	struct rmt_header_reader reader = rmt_header_read(headers);
	struct rmt_header_field field;

	while (rmt_header_next(&reader, &field))
		if (rmt_span_eq_nocase(field.name, rmt_span_of(name)))
			return rmt_span_trim(field.value);
	return rmt_span("", 0);
}

void rmt_part_read(struct rmt_part *part, struct rmt_span message)
{
	struct rmt_span value;

	rmt_header_split(message, &part->headers, &part->body);
	value = rmt_part_field(part->headers, "Content-Type");
	rmt_mime_type_read(value.len > 0 ? value : RMT_SPAN("text/plain"), &part->type);
}

void rmt_part_clear(struct rmt_part *part)
{
	rmt_mime_type_clear(&part->type);
}

bool rmt_part_is(const struct rmt_part *part, const char *type, const char *subtype)
{
	return strcmp(part->type.type, type) == 0 &&
	       (subtype == NULL || strcmp(part->type.subtype, subtype) == 0);
}

/* --- parts within ---------------------------------------------------------- */

static struct rmt_span next_line(struct rmt_span rest, struct rmt_span *line_r)
{
	const char *lf = memchr(rest.p, '\n', rest.len);
	size_t len = lf != NULL ? (size_t)(lf - rest.p) + 1 : rest.len;

	*line_r = rmt_span(rest.p, len);
	return rmt_span_from(rest, len);
}

enum delimiter { DELIMITER_NONE, DELIMITER_PART, DELIMITER_LAST };

/* RFC 2046, 5.1.1: blanks may follow. */
static enum delimiter delimiter_of(struct rmt_span line, const char *boundary)
{
	const size_t len = strlen(boundary);
	struct rmt_span tail;

	if (line.len < len + 2 || line.p[0] != '-' || line.p[1] != '-' ||
	    memcmp(line.p + 2, boundary, len) != 0)
		return DELIMITER_NONE;
	tail = rmt_span_trim(rmt_span_from(line, len + 2));
	if (tail.len == 0)
		return DELIMITER_PART;
	return rmt_span_eq(tail, RMT_SPAN("--")) ? DELIMITER_LAST : DELIMITER_NONE;
}

/* Behind the first delimiter; false: it does not come. */
static bool find_first(struct rmt_part_reader *reader, const char *boundary)
{
	struct rmt_span rest = reader->rest, line;

	while (rest.len > 0) {
		rest = next_line(rest, &line);
		if (delimiter_of(line, boundary) == DELIMITER_PART) {
			reader->rest = rest;
			return true;
		}
	}
	return false;
}

/* The first line that looks like a delimiter, if it is followed by a field. */
static bool guess_boundary(struct rmt_part_reader *reader)
{
	struct rmt_span rest = reader->rest, line, next;

	while (rest.len > 0) {
		rest = next_line(rest, &line);
		line = rmt_span_trim(line);
		if (line.len < 4 || line.len - 2 >= sizeof(reader->guess) ||
		    line.p[0] != '-' || line.p[1] != '-')
			continue;
		next_line(rest, &next);
		if (memchr(next.p, ':', next.len) == NULL)
			continue;
		memcpy(reader->guess, line.p + 2, line.len - 2);
		reader->guess[line.len - 2] = '\0';
		return true;
	}
	return false;
}

struct rmt_part_reader rmt_part_reader(const struct rmt_part *part)
{
	struct rmt_part_reader reader = { .rest = part->body, .over = true };

	if (strcmp(part->type.type, "multipart") != 0)
		return reader;
	reader.boundary = part->type.boundary;
	if (reader.boundary != NULL && reader.boundary[0] != '\0' &&
	    find_first(&reader, reader.boundary)) {
		reader.over = false;
	} else if (guess_boundary(&reader)) {
		reader.boundary = NULL;
		reader.over = !find_first(&reader, reader.guess);
	}
	return reader;
}

bool rmt_part_next(struct rmt_part_reader *reader, struct rmt_part *child_r)
{
	const char *boundary =
		reader->boundary != NULL ? reader->boundary : reader->guess;
	struct rmt_span start = reader->rest, rest = start, line;
	enum delimiter found = DELIMITER_NONE;
	size_t len = 0;

	if (reader->over || reader->count++ >= RMT_PARTS_MAX)
		return false;
	while (rest.len > 0 && found == DELIMITER_NONE) {
		len = (size_t)(rest.p - start.p);
		rest = next_line(rest, &line);
		found = delimiter_of(line, boundary);
	}
	if (found == DELIMITER_NONE) /* cut off: what there is */
		len = start.len;
	reader->rest = rest;
	reader->over = found != DELIMITER_PART;
	rmt_part_read(child_r, rmt_span(start.p, len));
	return true;
}

/* --- transfer encodings ---------------------------------------------------- */

static GMimeContentEncoding encoding_of(const struct rmt_part *part)
{
	g_autoptr(GString) text = g_string_new(NULL);

	rmt_mime_strip_comments(
		rmt_part_field(part->headers, "Content-Transfer-Encoding"), text);
	return g_mime_content_encoding_from_string(g_strstrip(text->str));
}

GString *rmt_part_decode(const struct rmt_part *part, size_t max)
{
	struct rmt_span body = part->body;
	GMimeEncoding encoding;
	GString *out;
	size_t len;

	rmt_gmime_start();
	g_mime_encoding_init_decode(&encoding, encoding_of(part));
	body.len =
		MIN(body.len, 2 * max); /* base64 has 4 for 3, quoted-printable 3 for 1 */
	out = g_string_sized_new(g_mime_encoding_outlen(&encoding, body.len) + 1);
	len = g_mime_encoding_step(&encoding, body.p != NULL ? body.p : "", body.len,
				   out->str);
	g_string_set_size(out, MIN(len, max));
	return out;
}
