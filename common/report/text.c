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

/* "&#228;", "&#xe4;": 0 where it is none. U+200B, of no width, is nothing. */
static size_t number_entity(GString *out, struct rmt_span rest)
{
	bool hex = rest.len > 2 && (rest.p[2] == 'x' || rest.p[2] == 'X');
	size_t i = hex ? 3 : 2;
	gunichar c = 0;

	if (rest.len < 4 || rest.p[1] != '#')
		return 0;
	for (; i < rest.len && i < 10 && g_ascii_isxdigit(rest.p[i]); i++)
		c = c * (hex ? 16 : 10) + (gunichar)g_ascii_xdigit_value(rest.p[i]);
	if (i == rest.len || rest.p[i] != ';' || !g_unichar_validate(c) || c == 0)
		return 0;
	if (c == 0xa0)
		g_string_append_c(out, ' ');
	else if (c == 0x2019)
		g_string_append_c(out, '\'');
	else if (c != 0x200b)
		g_string_append_unichar(out, c);
	return i + 1;
}

static size_t entity(GString *out, struct rmt_span rest)
{
	static const struct {
		const char *name, *text;
	} entities[] = {
		{ "&lt;", "<" },     { "&gt;", ">" },     { "&amp;", "&" },
		{ "&quot;", "\"" },  { "&nbsp;", " " },   { "&apos;", "'" },
		{ "&rsquo;", "'" },  { "&commat;", "@" }, { "&aacute;", "á" },
		{ "&agrave;", "à" }, { "&acirc;", "â" },  { "&atilde;", "ã" },
		{ "&auml;", "ä" },   { "&ccedil;", "ç" }, { "&eacute;", "é" },
		{ "&egrave;", "è" }, { "&ecirc;", "ê" },  { "&iacute;", "í" },
		{ "&icirc;", "î" },  { "&ntilde;", "ñ" }, { "&oacute;", "ó" },
		{ "&ocirc;", "ô" },  { "&otilde;", "õ" }, { "&ouml;", "ö" },
		{ "&ograve;", "ò" }, { "&uacute;", "ú" }, { "&ugrave;", "ù" },
		{ "&ucirc;", "û" },  { "&uuml;", "ü" },   { "&szlig;", "ß" },
		{ "&aring;", "å" },  { "&aelig;", "æ" },  { "&oslash;", "ø" },
	};
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(entities); i++) {
		if (!rmt_text_starts(rest, entities[i].name))
			continue;
		g_string_append(out, entities[i].text);
		return strlen(entities[i].name);
	}
	return number_entity(out, rest);
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

/* "ann@x.example...User unknown": two points in a row are of no name. */
static bool is_ellipsis(struct rmt_span text, size_t at)
{
	return at + 1 < text.len && text.p[at] == '.' && text.p[at + 1] == '.';
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
	       !is_ellipsis(text, end) && !(end > at + 1 && begins_sentence(text, end)))
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

unsigned rmt_text_status_weight(const char *status)
{
	unsigned detail = 2;

	if (status[0] == '\0')
		return 0;
	if (strcmp(status + 1, ".0.0") == 0)
		detail = 0;
	else if (g_str_has_suffix(status, ".0"))
		detail = 1;
	return (status[0] == '2' ? 1 : RMT_STATUS_FULL - 2) + detail;
}

bool rmt_text_status(struct rmt_span text, char status_r[12])
{
	unsigned best = 0, weight;
	char status[12];
	size_t i, n;

	for (i = 0; i + 4 < text.len && best < RMT_STATUS_FULL; i++) {
		if (text.p[i] == '\n' && best == RMT_STATUS_FULL - 1)
			break;
		if (text.p[i + 1] != '.' || !g_ascii_isdigit(text.p[i]))
			continue;
		n = status_at(text, i);
		if (n == 0)
			continue;
		memcpy(status, text.p + i, n);
		status[n] = '\0';
		weight = rmt_text_status_weight(status);
		if (weight > best)
			memcpy(status_r, status, n + 1);
		best = MAX(best, weight);
	}
	return best > 0;
}

/* "#550 5.1.1 ...", as Exchange marks an answer; "#550" is the number of something. */
static bool is_marked_answer(struct rmt_span text, size_t i)
{
	const char *p = text.p + i;

	return p[-1] == '#' && i + 5 < text.len && strchr(" -", p[3]) != NULL &&
	       p[4] == p[0] && p[5] == '.';
}

static bool reply_at(struct rmt_span text, size_t i)
{
	const char *p = text.p + i;

	if (i + 3 > text.len || strchr("245", p[0]) == NULL || p[0] == '\0' ||
	    p[1] < '0' || p[1] > '5' || !g_ascii_isdigit(p[2]))
		return false;
	if (i > 0 && (g_ascii_isalnum(p[-1]) || strchr(".-_/@#+", p[-1]) != NULL) &&
	    !is_marked_answer(text, i))
		return false;
	if (i > 0 && p[-1] == '[' && !(i + 3 < text.len && p[3] == ' '))
		return false; /* an address; but "[550 5.1.1 unknown user]" */
	if (i > 1 && p[-1] == ':' && g_ascii_isdigit(p[-2]))
		return false; /* a time or a port */
	return i + 3 == text.len || strchr(" -\r\n\t:,#<);'\"", p[3]) != NULL;
}

/* Where a server's own words begin. */
static bool is_said(struct rmt_span text, size_t i)
{
	while (i > 0 && strchr(" \t(['\"#", text.p[i - 1]) != NULL)
		i--;
	return i == 0 || strchr("\n:;<>]=", text.p[i - 1]) != NULL;
}

/* A refusal where a server speaks, else what it says, else a refusal anywhere. */
static unsigned reply_weight(struct rmt_span text, size_t i)
{
	bool refuses = text.p[i] != '2';

	if (is_said(text, i))
		return refuses ? 3 : 2;
	return refuses;
}

bool rmt_text_reply(struct rmt_span text, char reply_r[4])
{
	unsigned best = 0, weight;
	size_t i, at = 0;

	for (i = 0; i + 3 <= text.len && best < 3; i++) {
		if (!g_ascii_isdigit(text.p[i]) || !reply_at(text, i))
			continue;
		weight = reply_weight(text, i);
		if (weight > best)
			at = i;
		best = MAX(best, weight);
	}
	if (best == 0)
		return false;
	memcpy(reply_r, text.p + at, 3);
	reply_r[3] = '\0';
	return true;
}

/* --- letters ----------------------------------------------------------------------- */

/* A letter of two octets: Latin, Greek, Cyrillic. */
static void lower_pair(char *pair)
{
	guchar first = (guchar)pair[0], second = (guchar)pair[1];
	gunichar c;

	if (first < 0xc2 || first > 0xdf || (second & 0xc0) != 0x80)
		return;
	c = g_unichar_tolower((gunichar)((first & 0x1f) << 6 | (second & 0x3f)));
	if (c < 0x80 || c > 0x7ff)
		return; /* of another length */
	pair[0] = (char)(0xc0 | c >> 6);
	pair[1] = (char)(0x80 | (c & 0x3f));
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
		/* U+2019, as in "couldn't"; of Windows, and called Latin 1 */
		if (c == '\xc2' && i + 1 < word.len && word.p[i + 1] == '\x92') {
			i++;
			continue;
		}
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

/* Words, not the marks around an address. */
static bool says_more(struct rmt_span text)
{
	size_t i;

	for (i = 0; i < text.len; i++)
		if ((guchar)text.p[i] >= 0x80)
			return true;
	return text.len > 3 && is_ellipsis(text, 0);
}

/* '@' for the address; "收件人ann@x.example不存在" says more than that. */
static void put_address(GString *out, struct rmt_span word, size_t at)
{
	const char *angle = memchr(word.p, '<', word.len);
	struct rmt_span address = word, before, after;

	rmt_text_address(word, at, &address);
	before = rmt_span(word.p, (size_t)(address.p - word.p));
	after = rmt_span_from(word, before.len + address.len);
	if (says_more(before)) {
		put_letters(out, before);
		g_string_append_c(out, ' ');
	} else if (angle != NULL && angle > word.p && angle[-1] == ':') {
		/* "FROM:<ann@x.example>" */
		put_letters(out, rmt_span(word.p, (size_t)(angle - word.p)));
	}
	g_string_append_c(out, '@');
	if (says_more(after)) {
		g_string_append_c(out, ' ');
		put_letters(out, after);
	} else if (strchr(".:,;", word.p[word.len - 1]) != NULL) {
		g_string_append_c(out, word.p[word.len - 1]);
	}
}

static void put_word(GString *out, struct rmt_span word)
{
	const char *link = g_strstr_len(word.p, (gssize)word.len, "://");
	const char *at = memchr(word.p, '@', word.len);

	if (at != NULL && word.len > 1)
		put_address(out, word, (size_t)(at - word.p));
	else if (link != NULL)
		g_string_append(out, "://");
	else if (is_host(word))
		g_string_append(out, word.p[word.len - 1] == ':' ? "#:" : "#");
	else
		put_letters(out, word);
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
