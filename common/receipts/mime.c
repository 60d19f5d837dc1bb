/* SPDX-License-Identifier: MIT */
#include "common/receipts/mime.h"

#include <gmime/gmime.h>

#include "common/message/gmime.h"

/* --- Content-Type ---------------------------------------------------------- */

static char *lower_parameter(GMimeContentType *type, const char *name)
{
	const char *value = g_mime_content_type_get_parameter(type, name);

	return value != NULL ? g_ascii_strdown(value, -1) : NULL;
}

void rmt_mime_type_read(struct rmt_span value, struct rmt_mime_type *type_r)
{
	enum { TYPE_MAX = 4096 };
	g_autoptr(GString) text = g_string_new(NULL);
	GMimeContentType *type;
	const char *media, *subtype;

	rmt_gmime_start();
	rmt_mime_strip_comments(rmt_span(value.p, MIN(value.len, TYPE_MAX)), text);
	type = g_mime_content_type_parse(NULL, text->str);
	media = type != NULL ? g_mime_content_type_get_media_type(type) : NULL;
	subtype = type != NULL ? g_mime_content_type_get_media_subtype(type) : NULL;
	*type_r = (struct rmt_mime_type){
		.type = g_ascii_strdown(media != NULL ? media : "", -1),
		.subtype = g_ascii_strdown(subtype != NULL ? subtype : "", -1),
	};
	if (type == NULL)
		return;
	type_r->report_type = lower_parameter(type, "report-type");
	type_r->smime_type = lower_parameter(type, "smime-type");
	type_r->boundary = g_strdup(g_mime_content_type_get_parameter(type, "boundary"));
	g_object_unref(type);
}

void rmt_mime_type_clear(struct rmt_mime_type *type)
{
	g_free(type->type);
	g_free(type->subtype);
	g_free(type->report_type);
	g_free(type->smime_type);
	g_free(type->boundary);
}

/* --- text ------------------------------------------------------------------ */

/* Marks that make text read as it is not written. */
static bool turns_direction(gunichar c)
{
	return c == 0x200e || c == 0x200f || c == 0x061c ||
	       (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

char *rmt_mime_one_line(const char *text, size_t max)
{
	g_autofree char *valid = g_utf8_make_valid(text, -1);
	GString *out = g_string_new(NULL);
	const char *p;
	size_t count = 0;
	bool blank = true; /* none at the beginning */

	for (p = valid; *p != '\0' && count < max; p = g_utf8_next_char(p)) {
		gunichar c = g_utf8_get_char(p);

		if (turns_direction(c))
			continue;
		if (g_unichar_isspace(c) || g_unichar_iscntrl(c)) {
			if (!blank)
				g_string_append_c(out, ' ');
			blank = true;
			continue;
		}
		g_string_append_unichar(out, c);
		blank = false;
		count++;
	}
	if (blank && out->len > 0)
		g_string_truncate(out, out->len - 1);
	if (*p != '\0')
		g_string_append(out, "...");
	return g_string_free(out, FALSE);
}

char *rmt_mime_decode(struct rmt_span value, size_t max)
{
	enum { DECODED_MAX = 8192 };
	g_autofree char *text = NULL, *decoded = NULL;

	rmt_gmime_start();
	value = rmt_span_trim(value);
	text = g_strndup(value.p != NULL ? value.p : "", MIN(value.len, DECODED_MAX));
	decoded = g_mime_utils_header_decode_text(NULL, text);
	return rmt_mime_one_line(decoded != NULL ? decoded : "", max);
}

int64_t rmt_mime_date(struct rmt_span value)
{
	enum { DATE_MAX = 200 };
	g_autofree char *text = NULL;
	GDateTime *date;
	int64_t when;

	value = rmt_span_trim(value);
	if (value.len == 0 || value.len > DATE_MAX)
		return 0;
	text = g_strndup(value.p, value.len);
	date = g_mime_utils_header_decode_date(text);
	if (date == NULL)
		return 0;
	when = g_date_time_to_unix(date);
	g_date_time_unref(date);
	return when > 0 ? when : 0;
}

/* --- structured fields ----------------------------------------------------- */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool rmt_mime_unfold(struct rmt_span value, GString *out)
{
	const gsize before = out->len;
	bool blank = false;
	size_t i;

	value = rmt_span_trim(value);
	for (i = 0; i < value.len; i++) {
		if (is_blank(value.p[i])) {
			blank = true;
			continue;
		}
		if ((unsigned char)value.p[i] < ' ' || value.p[i] == 0x7f) {
			g_string_truncate(out, before);
			return false;
		}
		if (blank)
			g_string_append_c(out, ' ');
		blank = false;
		g_string_append_c(out, value.p[i]);
	}
	return true;
}

/* An escape or quoted string is copied as it stands. */
void rmt_mime_strip_comments(struct rmt_span value, GString *out)
{
	unsigned depth = 0;
	bool quoted = false;
	size_t i;

	for (i = 0; i < value.len; i++) {
		char c = value.p[i];

		if (c == '\\' && i + 1 < value.len) {
			if (depth == 0)
				g_string_append_len(out, value.p + i, 2);
			i++;
			continue;
		}
		if (!quoted && c == '(') {
			depth++;
		} else if (!quoted && c == ')' && depth > 0) {
			depth--;
			if (depth == 0)
				g_string_append_c(out, ' ');
		} else if (depth == 0) {
			quoted ^= c == '"';
			if (c != '\r' && c != '\n' && c != '\0')
				g_string_append_c(out, c);
		}
	}
}
