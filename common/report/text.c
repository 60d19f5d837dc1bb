/* SPDX-License-Identifier: MIT */
#include "common/report/text.h"

bool rmt_text_line(struct rmt_span *rest, struct rmt_span *line_r)
{
	const char *lf;

	if (rest->len == 0)
		return false;
	lf = memchr(rest->p, '\n', rest->len);
	*line_r = rmt_span(rest->p, lf != NULL ? (size_t)(lf - rest->p) : rest->len);
	*rest = rmt_span_from(*rest, line_r->len + 1);
	if (line_r->len > 0 && line_r->p[line_r->len - 1] == '\r')
		line_r->len--;
	return true;
}

bool rmt_text_starts(struct rmt_span text, const char *head)
{
	size_t len = strlen(head);

	return text.len >= len && g_ascii_strncasecmp(text.p, head, len) == 0;
}

gssize rmt_text_find(struct rmt_span text, const char *needle)
{
	size_t len = strlen(needle), i, end;
	char first = needle[0], upper = g_ascii_toupper(first);
	char second = len > 1 ? needle[1] : '\0';

	if (text.len < len)
		return -1;
	end = text.len - len;
	for (i = 0; i <= end; i++) {
		if (text.p[i] != first && text.p[i] != upper)
			continue;
		/* 0x20 is the case of ASCII letters; what else it folds, the
		 * comparison tells apart. */
		if (len > 1 && ((text.p[i + 1] ^ second) & ~0x20) != 0)
			continue;
		if (g_ascii_strncasecmp(text.p + i, needle, len) == 0)
			return (gssize)i;
	}
	return -1;
}

/* --- HTML -------------------------------------------------------------------------- */

static bool is_block(struct rmt_span tag)
{
	static const char *const blocks[] = { "br",  "p",    "/p",  "div",  "/div",
					      "tr",  "/tr",  "li",  "h1",   "h2",
					      "h3",  "/h1",  "/h2", "/h3",  "hr",
					      "pre", "/pre", "td",  "table" };
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(blocks); i++)
		if (rmt_span_eq_nocase(tag, rmt_span_of(blocks[i])))
			return true;
	return false;
}

static struct rmt_span tag_name(struct rmt_span inside)
{
	size_t n = 0;

	if (n < inside.len && inside.p[n] == '/')
		n++;
	while (n < inside.len && g_ascii_isalnum(inside.p[n]))
		n++;
	return rmt_span(inside.p, n);
}

/* Octets to skip behind '<'; what is no tag ("<ann@x.example>") stays. */
static size_t skip_tag(GString *out, struct rmt_span rest)
{
	const char *end = memchr(rest.p, '>', rest.len);
	struct rmt_span name, inside;
	gssize close;

	if (end == NULL || rest.len < 2 ||
	    (!g_ascii_isalpha(rest.p[1]) && rest.p[1] != '/' && rest.p[1] != '!'))
		return 0;
	inside = rmt_span(rest.p + 1, (size_t)(end - rest.p) - 1);
	name = tag_name(inside);
	if (memchr(inside.p, '@', inside.len) != NULL &&
	    memchr(inside.p, ' ', inside.len) == NULL)
		return 0;
	if (is_block(name))
		g_string_append_c(out, '\n');
	if (rmt_span_eq_nocase(name, RMT_SPAN("style")) ||
	    rmt_span_eq_nocase(name, RMT_SPAN("script"))) {
		close = rmt_text_find(rest, "</s");
		return close > 0 ? (size_t)close : rest.len;
	}
	return inside.len + 2;
}

static size_t entity(GString *out, struct rmt_span rest)
{
	static const struct {
		const char *name, *text;
	} entities[] = {
		{ "&lt;", "<" },    { "&gt;", ">" },    { "&amp;", "&" },
		{ "&quot;", "\"" }, { "&nbsp;", " " },  { "&#39;", "'" },
		{ "&#64;", "@" },   { "&apos;", "'" },  { "&#160;", " " },
		{ "&#43;", "+" },   { "&#8203;", "" },  { "&#x27;", "'" },
		{ "&rsquo;", "'" }, { "&#8217;", "'" }, { "&#xA0;", " " },
	};
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(entities); i++) {
		if (!rmt_text_starts(rest, entities[i].name))
			continue;
		g_string_append(out, entities[i].text);
		return strlen(entities[i].name);
	}
	return 0;
}

void rmt_text_from_html(GString *out, struct rmt_span html)
{
	size_t i = 0, used;

	while (i < html.len) {
		char c = html.p[i];

		used = c == '<'   ? skip_tag(out, rmt_span_from(html, i))
		       : c == '&' ? entity(out, rmt_span_from(html, i))
				  : 0;
		if (used == 0)
			g_string_append_c(out, c == '\n' ? ' ' : c);
		i += used > 0 ? used : 1;
	}
}

/* --- addresses --------------------------------------------------------------------- */

static bool is_atom(char c)
{
	return g_ascii_isalnum(c) || (guchar)c >= 0x80 ||
	       (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~.", c) != NULL);
}

static bool is_label(char c)
{
	return g_ascii_isalnum(c) || c == '-' || c == '.' || c == '_' ||
	       (guchar)c >= 0x80;
}

/* U+3000 and up: Chinese, Japanese and Korean have no blanks between words. */
static bool is_wide(const char *p)
{
	guchar lead = (guchar)p[0];

	return (lead >= 0xe3 && lead <= 0xed) || lead == 0xef;
}

/* "地址ann@x.example": letters of the sentence before, not of the address. */
static bool ends_sentence(struct rmt_span text, size_t start, size_t at)
{
	return start < at && start >= 3 && (guchar)text.p[start] < 0x80 &&
	       (guchar)text.p[start - 1] >= 0x80 && is_wide(text.p + start - 3);
}

static bool begins_sentence(struct rmt_span text, size_t end)
{
	return end + 2 < text.len && (guchar)text.p[end - 1] < 0x80 &&
	       is_wide(text.p + end);
}

static size_t local_start(struct rmt_span text, size_t at)
{
	size_t start = at;

	if (at > 1 && text.p[at - 1] == '"') {
		for (start = at - 1; start > 0 && at - start < 70; start--)
			if (text.p[start - 1] == '"' || text.p[start - 1] == '\n')
				break;
		return start > 0 && text.p[start - 1] == '"' ? start - 1 : at;
	}
	while (start > 0 && at - start < 256 && is_atom(text.p[start - 1]) &&
	       !ends_sentence(text, start, at))
		start--;
	/* "dda:SMTP=ann@x.example" of X.400 */
	if (at - start > 5 && g_ascii_strncasecmp(text.p + start, "smtp=", 5) == 0)
		start += 5;
	/* What stands before an address, not in it. */
	while (start < at && strchr("'*=/.&`!?|{}", text.p[start]) != NULL)
		start++;
	return start;
}

bool rmt_text_address(struct rmt_span text, size_t at, struct rmt_span *address_r)
{
	size_t start = local_start(text, at), end = at + 1;

	if (end < text.len && text.p[end] == '[') {
		while (end < text.len && text.p[end] != ']' && end - at < 64)
			end++;
		end += end < text.len && text.p[end] == ']';
	}
	while (end < text.len && end - at < 256 && is_label(text.p[end]) &&
	       !(end > at + 1 && begins_sentence(text, end)))
		end++;
	while (end > at + 1 && strchr(".-_", text.p[end - 1]) != NULL)
		end--;
	if (start == at || end == at + 1)
		return false;
	*address_r = rmt_span(text.p + start, end - start);
	return true;
}

bool rmt_text_next_address(struct rmt_span text, size_t *at, struct rmt_span *address_r)
{
	const char *sign;

	while (*at < text.len) {
		sign = memchr(text.p + *at, '@', text.len - *at);
		if (sign == NULL)
			break;
		*at = (size_t)(sign - text.p) + 1;
		if (rmt_text_address(text, *at - 1, address_r)) {
			*at = (size_t)(address_r->p - text.p) + address_r->len;
			return true;
		}
	}
	*at = text.len;
	return false;
}

/* --- codes ------------------------------------------------------------------------- */

static size_t digits_at(struct rmt_span text, size_t i)
{
	size_t n = 0;

	while (i + n < text.len && g_ascii_isdigit(text.p[i + n]))
		n++;
	return n;
}

/* Length of "5.1.1" at i, or 0; "5.1.1.1" is an address of the network. */
static size_t status_at(struct rmt_span text, size_t i)
{
	size_t subject, detail, n;

	if (strchr("245", text.p[i]) == NULL || i + 4 >= text.len || text.p[i + 1] != '.')
		return 0;
	if (i > 0 && (g_ascii_isalnum(text.p[i - 1]) || text.p[i - 1] == '.'))
		return 0;
	subject = digits_at(text, i + 2);
	n = i + 2 + subject;
	if (subject == 0 || subject > 3 || n >= text.len || text.p[n] != '.')
		return 0;
	detail = digits_at(text, n + 1);
	n += 1 + detail;
	if (detail == 0 || detail > 3 ||
	    (n + 1 < text.len && text.p[n] == '.' && g_ascii_isdigit(text.p[n + 1])))
		return 0;
	if (n < text.len && (g_ascii_isalpha(text.p[n]) || text.p[n] == '/'))
		return 0;
	return n - i;
}

bool rmt_text_status(struct rmt_span text, char status_r[12])
{
	bool found = false;
	size_t i, n;

	for (i = 0; i + 4 < text.len; i++) {
		if (text.p[i + 1] != '.' || !g_ascii_isdigit(text.p[i]))
			continue;
		n = status_at(text, i);
		if (n == 0 || (found && memcmp(text.p + i + 1, ".0.0", 4) == 0))
			continue;
		memcpy(status_r, text.p + i, n);
		status_r[n] = '\0';
		found = true;
		if (strcmp(status_r + 1, ".0.0") != 0)
			return true;
	}
	return found;
}

static bool reply_at(struct rmt_span text, size_t i)
{
	const char *p = text.p + i;

	if (i + 3 > text.len || strchr("245", p[0]) == NULL || p[0] == '\0' ||
	    p[1] < '0' || p[1] > '5' || !g_ascii_isdigit(p[2]))
		return false;
	if (i > 0 && (g_ascii_isalnum(p[-1]) || strchr(".-_/@#[+", p[-1]) != NULL))
		return false;
	if (i > 1 && p[-1] == ':' && g_ascii_isdigit(p[-2]))
		return false; /* a time or a port */
	return i + 3 == text.len || strchr(" -\r\n\t:,#<);'\"", p[3]) != NULL;
}

/* Where a server's own words begin. */
static bool is_said(struct rmt_span text, size_t i)
{
	while (i > 0 && strchr(" \t('\"", text.p[i - 1]) != NULL)
		i--;
	return i == 0 || strchr("\n:;<>]=", text.p[i - 1]) != NULL;
}

bool rmt_text_reply(struct rmt_span text, char reply_r[4])
{
	gssize fallback = -1;
	size_t i;

	for (i = 0; i + 3 <= text.len; i++) {
		if (!g_ascii_isdigit(text.p[i]) || !reply_at(text, i))
			continue;
		if (is_said(text, i)) {
			fallback = (gssize)i;
			break;
		}
		if (fallback < 0 && text.p[i] != '2')
			fallback = (gssize)i;
	}
	if (fallback < 0)
		return false;
	memcpy(reply_r, text.p + fallback, 3);
	reply_r[3] = '\0';
	return true;
}

/* --- letters ----------------------------------------------------------------------- */

/* The second octet of a letter whose first is c3 (Latin-1) or d0 (Cyrillic). */
static void lower_pair(char *pair)
{
	guchar first = (guchar)pair[0], second = (guchar)pair[1];

	if (first == 0xc3 && second >= 0x80 && second <= 0x9e && second != 0x97)
		pair[1] = (char)(second + 0x20);
	else if (first == 0xd0 && second >= 0x90 && second <= 0x9f)
		pair[1] = (char)(second + 0x20);
	else if (first == 0xd0 && second >= 0xa0 && second <= 0xaf)
		memcpy(pair, (char[]){ (char)0xd1, (char)(second - 0x20) }, 2);
}

void rmt_text_lower(char *text, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if ((guchar)text[i] < 0x80)
			text[i] = g_ascii_tolower(text[i]);
		else if (i + 1 < len)
			lower_pair(text + i);
	}
}

/* --- normal form ------------------------------------------------------------------- */

static size_t word_length(struct rmt_span text, size_t i)
{
	size_t n = 0;

	while (i + n < text.len && !g_ascii_isspace(text.p[i + n]))
		n++;
	return n;
}

/* "550-5.1.1" of a reply that goes on is two words. */
static bool begins_with_code(struct rmt_span text, size_t i, size_t n)
{
	return n > 3 && digits_at(text, i) == 3 && text.p[i + 3] == '-';
}

static void put_letters(GString *out, struct rmt_span word)
{
	size_t i;

	for (i = 0; i < word.len; i++) {
		char c = word.p[i];

		if (c == '\'' || c == '"' || c == '`' || c == '*')
			continue;
		/* U+2019, as in "couldn't" */
		if (c == '\xe2' && i + 2 < word.len &&
		    memcmp(word.p + i, "\xe2\x80\x99", 3) == 0) {
			i += 2;
			continue;
		}
		g_string_append_c(out, c);
	}
}

/* "mx1.example.net[192.0.2.1]": names must not be taken for words. */
static bool is_host(struct rmt_span word)
{
	size_t i, dots = 0, last = 0;

	for (i = 0; i < word.len && word.p[i] != '['; i++) {
		char c = word.p[i];

		if (!g_ascii_islower(c) && !g_ascii_isdigit(c) && c != '-' && c != '.')
			break;
		dots += c == '.';
		last = c == '.' ? 0 : last + 1;
	}
	return dots >= 2 && last >= 2 && last <= 14 && g_ascii_isalpha(word.p[i - 1]) &&
	       (i == word.len || strchr("[:,;)]", word.p[i]) != NULL);
}

static void put_word(GString *out, struct rmt_span word)
{
	const char *link = g_strstr_len(word.p, (gssize)word.len, "://");

	const char *angle = memchr(word.p, '<', word.len);

	if (memchr(word.p, '@', word.len) != NULL && word.len > 1) {
		/* "FROM:<ann@x.example>" */
		if (angle != NULL && angle > word.p && angle[-1] == ':')
			put_letters(out, rmt_span(word.p, (size_t)(angle - word.p)));
		g_string_append_c(out, '@');
		if (strchr(".:,;", word.p[word.len - 1]) != NULL)
			g_string_append_c(out, word.p[word.len - 1]);
	} else if (link != NULL) {
		g_string_append(out, "://");
	} else if (is_host(word)) {
		g_string_append(out, word.p[word.len - 1] == ':' ? "#:" : "#");
	} else {
		put_letters(out, word);
	}
}

/* Codes that a reply of several lines repeats at each. */
struct codes {
	struct rmt_span reply, status;
};

static bool is_repeated(struct codes *codes, struct rmt_span word)
{
	struct rmt_span *kept = NULL;

	if (word.len == 3 && digits_at(word, 0) == 3)
		kept = &codes->reply;
	else if (word.len >= 5 && g_ascii_isdigit(word.p[0]) && word.p[1] == '.' &&
		 status_at(word, 0) == word.len)
		kept = &codes->status;
	if (kept == NULL)
		return false;
	if (kept->len > 0 && rmt_span_eq(*kept, word))
		return true;
	if (kept->len == 0)
		*kept = word;
	return false;
}

void rmt_text_normal(GString *out, struct rmt_span text)
{
	struct codes codes = { { NULL } };
	size_t i = 0, n, before, start = out->len;

	while (i < text.len) {
		n = word_length(text, i);
		if (n == 0) {
			i++;
			continue;
		}
		if (begins_with_code(text, i, n))
			n = 3;
		before = out->len;
		if (!is_repeated(&codes, rmt_span(text.p + i, n)))
			put_word(out, rmt_span(text.p + i, n));
		if (out->len > before)
			g_string_append_c(out, ' ');
		i += n;
		if (n == 3 && i < text.len && text.p[i] == '-')
			i++;
	}
	rmt_text_lower(out->str + start, out->len - start);
}
