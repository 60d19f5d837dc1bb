/* SPDX-License-Identifier: MIT */
#include "common/rules/body_text.h"

#include <stdint.h>
#include <string.h>

#include "common/message/header.h"
#include "common/report/decode.h"
#include "common/report/parts.h"

struct reading {
	GString *out;
	bool any, coded;
};

/* Line ends become LF. */
static void append_lines(GString *out, struct rmt_span text)
{
	size_t i;

	for (i = 0; i < text.len; i++)
		if (text.p[i] != '\r')
			g_string_append_c(out, text.p[i]);
}

/* Of the header only what says how the body is to be read; it may be long. */
static GString *message_of(struct rmt_span section, struct rmt_span body)
{
	struct rmt_header_reader reader = rmt_header_read(section);
	GString *message = g_string_sized_new(body.len + 256);
	struct rmt_header_field field;

	while (rmt_header_next(&reader, &field))
		if (field.name.len > 8 &&
		    g_ascii_strncasecmp(field.name.p, "Content-", 8) == 0) {
			append_lines(message, field.raw);
			g_string_append_c(message, '\n');
		}
	g_string_append_c(message, '\n');
	append_lines(message, body);
	return message;
}

static bool is_known(const char *encoding)
{
	static const char *const known[] = { "",           "7bit",   "8bit",
					     "binary",     "base64", "quoted-printable",
					     "x-uuencode", NULL };

	return g_strv_contains(known, encoding);
}

static bool take_part(void *context, const struct rmt_part *part)
{
	struct reading *reading = context;
	g_autoptr(GString) buffer = g_string_new(NULL), text = g_string_new(NULL);
	gsize i;

	if (!g_str_has_prefix(part->type, "text/"))
		return true;
	reading->coded = reading->coded || !is_known(part->encoding);
	if (!is_known(part->encoding))
		return true;
	reading->any = true;
	rmt_decode_charset(text, rmt_part_content(part, buffer), part->charset, SIZE_MAX);
	for (i = 0; i < text->len; i++)
		if (text->str[i] != '\0')
			g_string_append_c(reading->out, g_ascii_tolower(text->str[i]));
	g_string_append_c(reading->out, '\n');
	return true;
}

enum rmt_body_text rmt_body_text(struct rmt_span section, struct rmt_span body,
				 GString *out)
{
	g_autoptr(GString) message = message_of(section, body);
	struct reading reading = { .out = out };

	rmt_parts_walk(rmt_span(message->str, message->len), take_part, &reading);
	if (reading.coded)
		return RMT_BODY_CODED;
	return reading.any ? RMT_BODY_TEXT : RMT_BODY_NO_TEXT;
}
