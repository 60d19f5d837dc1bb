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
		{ "x-ms-cp932", "cp932" },
		{ "windows-31j", "cp932" },
		{ "euc-jp", "eucjp-ms" },
		{ "x-euc-jp", "eucjp-ms" },
		{ "x-euc", "eucjp-ms" },
		{ "gb2312", "gb18030" },
		{ "gbk", "gb18030" },
		{ "gb_2312-80", "gb18030" },
		{ "x-gbk", "gb18030" },
		{ "ks_c_5601-1987", "uhc" },
		{ "ks_c_5601", "uhc" },
		{ "euc-kr", "uhc" },
		{ "x-euc-kr", "uhc" },
		{ "windows-949", "uhc" },
		{ "x-windows-949", "uhc" },
		{ "ms949", "uhc" },
		{ "x-big5", "big5" },
		{ "x-x-big5", "big5" },
		{ "windows-950", "cp950" },
		{ "windows-936", "gb18030" },
		{ "windows-874", "cp874" },
		{ "x-koi8-r", "koi8-r" },
		{ "iso-8859-8-i", "iso-8859-8" },
		{ "iso-8859-8-e", "iso-8859-8" },
		{ "iso-8859-6-i", "iso-8859-6" },
		{ "iso-2022-jp", "iso-2022-jp-3" },
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

/* What has no meaning there: a pair of octets within an escape, else one, as Latin-1. */
static void take_stray(GString *out, struct rmt_span *rest, bool escapes)
{
	if (escapes)
		g_string_append_c(out, '?');
	else
		g_string_append_unichar(out, (guchar)rest->p[0]);
	*rest = rmt_span_from(*rest, escapes ? MIN(rest->len, 2) : 1);
}

/* As far as it goes: one octet astray leaves the rest as it is. False: there is no such
 * character set. */
static bool convert(GString *out, struct rmt_span rest, const char *charset, size_t max)
{
	GIConv converter = g_iconv_open("UTF-8", charset);
	bool escapes = g_str_has_prefix(charset, "iso-2022"), ends = false;
	char piece[1024];

	if (converter == (GIConv)-1)
		return false;
	while (!ends && out->len < max) {
		char *in = (char *)rest.p, *at = piece;
		gsize in_left = rest.len, left = sizeof(piece), count;

		ends = rest.len == 0;
		count = g_iconv(converter, ends ? NULL : &in, &in_left, &at, &left);
		append_limited(out, rmt_span(piece, (size_t)(at - piece)), max);
		rest = rmt_span_from(rest, rest.len - in_left);
		if (count == (gsize)-1 && at == piece && rest.len > 0)
			take_stray(out, &rest, escapes);
	}
	g_iconv_close(converter);
	return true;
}

void rmt_decode_charset(GString *out, struct rmt_span text, const char *charset,
			size_t max)
{
	if (text.len == 0 || is_plain(text)) {
		append_limited(out, text, max);
		return;
	}
	if (memchr(text.p, '\033', text.len) != NULL &&
	    !g_str_has_prefix(charset, "iso-2022"))
		charset = "iso-2022-jp";
	if (charset[0] == '\0' || !convert(out, text, iconv_name(charset), max))
		convert(out, text, "ISO-8859-1", max);
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
