/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "common/report/decode.h"
#include "common/report/text.h"

enum { CHARSET_MAX = 40 };

/* --- transfer encodings ------------------------------------------------------------ */

static void put_base64(GString *out, struct rmt_span text)
{
	gsize at = out->len, len;
	guint save = 0;
	gint state = 0;

	g_string_set_size(out, at + text.len / 4 * 3 + 3);
	len = g_base64_decode_step(text.p, text.len, (guchar *)out->str + at, &state,
				   &save);
	g_string_truncate(out, at + len);
}

static bool is_line_end(struct rmt_span text, size_t i)
{
	while (i < text.len && (text.p[i] == ' ' || text.p[i] == '\t'))
		i++;
	return i == text.len || text.p[i] == '\n';
}

/* Also of RFC 2047's "Q", where '_' is a blank. */
static void put_quoted(GString *out, struct rmt_span text, bool in_word)
{
	size_t i;

	for (i = 0; i < text.len; i++) {
		char c = text.p[i];
		int high, low;

		if (c == '=' && is_line_end(text, i + 1)) {
			while (i < text.len && text.p[i] != '\n')
				i++;
			continue;
		}
		high = i + 2 < text.len ? g_ascii_xdigit_value(text.p[i + 1]) : -1;
		low = high >= 0 ? g_ascii_xdigit_value(text.p[i + 2]) : -1;
		if (c == '=' && high >= 0 && low >= 0) {
			c = (char)(high * 16 + low);
			i += 2;
		} else if (c == '_' && in_word) {
			c = ' ';
		}
		g_string_append_c(out, c != '\0' ? c : ' ');
	}
}

static void put_uu_line(GString *out, struct rmt_span line)
{
	int left = (line.p[0] - ' ') & 63;
	size_t i;

	for (i = 1; i < line.len && left > 0; i += 4) {
		unsigned bits = 0, n;

		for (n = 0; n < 4; n++) /* blanks at the end may be lost */
			bits = bits << 6 |
			       (i + n < line.len ? (line.p[i + n] - ' ') & 63u : 0);
		for (n = 0; n < 3 && left > 0 && i + n + 1 < line.len; n++, left--)
			g_string_append_c(out, (char)(bits >> (16 - 8 * n) & 255));
	}
}

static void put_uuencoded(GString *out, struct rmt_span text)
{
	struct rmt_span line;
	bool inside = false;

	while (rmt_text_line(&text, &line)) {
		if (rmt_text_starts(line, "begin "))
			inside = true;
		else if (rmt_span_eq(line, RMT_SPAN("end")))
			return;
		else if (inside && line.len > 0)
			put_uu_line(out, line);
	}
}

bool rmt_decode_transfer(GString *out, const char *encoding, struct rmt_span text)
{
	if (strcmp(encoding, "base64") == 0)
		put_base64(out, text);
	else if (strcmp(encoding, "quoted-printable") == 0)
		put_quoted(out, text, false);
	else if (strcmp(encoding, "x-uuencode") == 0)
		put_uuencoded(out, text);
	else
		return false;
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

/* "=?charset?Q?text?=" at the beginning of text: its length; 0: none. */
static size_t put_word(GString *out, struct rmt_span text)
{
	g_autoptr(GString) content = g_string_new(NULL);
	struct rmt_span rest = rmt_span_from(text, 2), charset, how, coded;
	char name[CHARSET_MAX];
	const char *end;
	size_t i;

	if (!rmt_span_split(rest, '?', &charset, &rest) ||
	    !rmt_span_split(rest, '?', &how, &rest) || how.len != 1 ||
	    charset.len >= CHARSET_MAX)
		return 0;
	end = memmem(rest.p, rest.len, "?=", 2);
	if (end == NULL)
		return 0;
	coded = rmt_span(rest.p, (size_t)(end - rest.p));
	for (i = 0; i < charset.len && charset.p[i] != '*'; i++)
		name[i] = g_ascii_tolower(charset.p[i]);
	name[i] = '\0';
	if (how.p[0] == 'B' || how.p[0] == 'b')
		put_base64(content, coded);
	else
		put_quoted(content, coded, true);
	rmt_decode_charset(out, rmt_span(content->str, content->len), name, G_MAXSIZE);
	return (size_t)(end + 2 - text.p);
}

/* Blanks between two encoded words are none. */
static size_t blanks_before_word(struct rmt_span text)
{
	size_t n = 0;

	while (n < text.len && g_ascii_isspace(text.p[n]))
		n++;
	return rmt_span_starts(rmt_span_from(text, n), RMT_SPAN("=?")) ? n : 0;
}

void rmt_decode_words(GString *out, struct rmt_span text)
{
	size_t i = 0, used;

	while (i < text.len) {
		used = 0;
		if (rmt_span_starts(rmt_span_from(text, i), RMT_SPAN("=?")))
			used = put_word(out, rmt_span_from(text, i));
		if (used > 0) {
			i += used;
			i += blanks_before_word(rmt_span_from(text, i));
			continue;
		}
		g_string_append_c(out, text.p[i] == '\n' ? ' ' : text.p[i]);
		i++;
	}
}
