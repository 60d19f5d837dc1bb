/* SPDX-License-Identifier: MIT */
#include <gmime/gmime.h>
#include <string.h>

#include "common/message/gmime.h"
#include "common/report/decode.h"
#include "common/report/text.h"

/* --- transfer encodings ------------------------------------------------------------ */

/* What follows the line "begin 644 name"; nothing where there is none. */
static struct rmt_span behind_begin(struct rmt_span text)
{
	struct rmt_span line;

	while (rmt_text_line(&text, &line))
		if (rmt_text_starts(line, "begin "))
			return text;
	return rmt_span("", 0);
}

bool rmt_decode_transfer(GString *out, const char *encoding, struct rmt_span text)
{
	const GMimeContentEncoding how = g_mime_content_encoding_from_string(encoding);
	gsize at = out->len;
	GMimeEncoding state;
	size_t len;

	if (how != GMIME_CONTENT_ENCODING_BASE64 &&
	    how != GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE &&
	    how != GMIME_CONTENT_ENCODING_UUENCODE)
		return false;
	if (how == GMIME_CONTENT_ENCODING_UUENCODE)
		text = behind_begin(text);
	g_mime_encoding_init_decode(&state, how);
	g_string_set_size(out, at + g_mime_encoding_outlen(&state, text.len));
	len = g_mime_encoding_flush(&state, text.p, text.len, out->str + at);
	g_string_truncate(out, at + len);
	return true;
}

/* --- character sets ---------------------------------------------------------------- */

static void append_limited(GString *out, struct rmt_span text, size_t max)
{
	if (out->len < max)
		g_string_append_len(out, text.p, (gssize)MIN(text.len, max - out->len));
}

static bool is_plain(struct rmt_span text)
{
	return memchr(text.p, '\033', text.len) == NULL &&
	       g_utf8_validate(text.p, (gssize)text.len, NULL);
}

/* What is called Shift_JIS or GB2312 is in truth its superset. */
static const char *iconv_name(const char *charset)
{
	static const struct {
		const char *said, *meant;
	} rows[] = {
		{ "shift_jis", "cp932" },
		{ "shift-jis", "cp932" },
		{ "sjis", "cp932" },
		{ "x-sjis", "cp932" },
		{ "gb2312", "gb18030" },
		{ "gbk", "gb18030" },
		{ "gb_2312-80", "gb18030" },
		{ "x-gbk", "gb18030" },
		{ "ks_c_5601-1987", "uhc" },
		{ "euc-kr", "uhc" },
		{ "iso-8859-1", "cp1252" },
		{ "us-ascii", "cp1252" },
		{ "unicode-1-1-utf-7", "utf-7" },
	};
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(rows); i++)
		if (strcmp(charset, rows[i].said) == 0)
			return rows[i].meant;
	return charset;
}

static char *convert(struct rmt_span text, const char *charset, gsize *len_r)
{
	return g_convert_with_fallback(text.p, (gssize)text.len, "UTF-8", charset, "?",
				       NULL, len_r, NULL);
}

void rmt_decode_charset(GString *out, struct rmt_span text, const char *charset,
			size_t max)
{
	g_autofree char *converted = NULL;
	gsize len = 0;

	if (text.len == 0 || is_plain(text)) {
		append_limited(out, text, max);
		return;
	}
	if (memchr(text.p, '\033', text.len) != NULL &&
	    !g_str_has_prefix(charset, "iso-2022"))
		charset = "iso-2022-jp";
	if (charset[0] != '\0')
		converted = convert(text, iconv_name(charset), &len);
	if (converted == NULL)
		converted = convert(text, "ISO-8859-1", &len);
	if (converted != NULL)
		append_limited(out, rmt_span(converted, len), max);
}

/* --- encoded words ----------------------------------------------------------------- */

static size_t blanks(struct rmt_span text)
{
	size_t n = 0;

	while (n < text.len && g_ascii_isspace(text.p[n]))
		n++;
	return n;
}

/* Where an encoded word ends that another one follows, and where that begins; else
 * the end of text: GMime decodes words in a row as one, and stops at the first
 * one's padding. */
static size_t next_cut(struct rmt_span text, size_t *next_r)
{
	struct rmt_span rest = text;
	const char *end;
	size_t cut, gap;

	while ((end = memmem(rest.p, rest.len, "?=", 2)) != NULL) {
		cut = (size_t)(end + 2 - text.p);
		rest = rmt_span_from(text, cut);
		gap = blanks(rest);
		*next_r = cut + gap;
		if (gap > 0 && rmt_span_starts(rmt_span_from(rest, gap), RMT_SPAN("=?")))
			return cut;
	}
	return *next_r = text.len;
}

void rmt_decode_words(GString *out, struct rmt_span text)
{
	size_t cut, next;

	rmt_gmime_start();
	for (; text.len > 0; text = rmt_span_from(text, next)) {
		g_autofree char *raw = NULL, *decoded = NULL;

		cut = next_cut(text, &next);
		raw = g_strndup(text.p, cut);
		decoded = g_mime_utils_header_decode_text(NULL,
							  g_strdelimit(raw, "\n", ' '));
		g_string_append(out, decoded);
	}
}
