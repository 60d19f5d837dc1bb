/* SPDX-License-Identifier: MIT */
#include "common/message/header.h"

/* Length of the line at `at` with its end. */
static size_t line_length(struct rmt_span s, size_t at)
{
	const char *lf = memchr(s.p + at, '\n', s.len - at);

	return lf != NULL ? (size_t)(lf - (s.p + at)) + 1 : s.len - at;
}

static bool line_is_empty(const char *line, size_t len)
{
	return (len == 1 && line[0] == '\n') ||
	       (len == 2 && line[0] == '\r' && line[1] == '\n');
}

static struct rmt_span without_line_end(struct rmt_span s)
{
	if (s.len > 0 && s.p[s.len - 1] == '\n') {
		s.len--;
		if (s.len > 0 && s.p[s.len - 1] == '\r')
			s.len--;
	}
	return s;
}

/* RFC 5322, 2.2: printable ASCII but the colon; blanks before the colon are
 * obsolete (4.5.8) and no part of the name. */
static void split_field(struct rmt_header_field *field)
{
	const char *colon =
		field->raw.len > 0 ? memchr(field->raw.p, ':', field->raw.len) : NULL;
	size_t i, len = colon != NULL ? (size_t)(colon - field->raw.p) : 0;

	field->value = field->raw;
	field->name = rmt_span(field->raw.p, 0);
	while (len > 0 && (field->raw.p[len - 1] == ' ' || field->raw.p[len - 1] == '\t'))
		len--;
	for (i = 0; i < len; i++)
		if (field->raw.p[i] <= ' ' || field->raw.p[i] > '~')
			return;
	if (len == 0)
		return;
	field->name.len = len;
	field->value = rmt_span_from(field->raw, (size_t)(colon - field->raw.p) + 1);
}

bool rmt_header_next(struct rmt_header_reader *reader, struct rmt_header_field *field_r)
{
	struct rmt_span m = reader->message;
	size_t start = reader->at, len;

	if (start >= m.len)
		return false;
	len = line_length(m, start);
	reader->at += len;
	if (line_is_empty(m.p + start, len))
		return false;
	while (reader->at < m.len && (m.p[reader->at] == ' ' || m.p[reader->at] == '\t'))
		reader->at += line_length(m, reader->at);
	field_r->offset = start;
	field_r->raw = without_line_end(rmt_span(m.p + start, reader->at - start));
	split_field(field_r);
	return true;
}

void rmt_header_split(struct rmt_span message, struct rmt_span *headers_r,
		      struct rmt_span *body_r)
{
	struct rmt_header_reader reader = rmt_header_read(message);
	struct rmt_header_field field;

	while (rmt_header_next(&reader, &field))
		;
	*headers_r = rmt_span(message.p, reader.at);
	*body_r = rmt_span_from(message, reader.at);
}
