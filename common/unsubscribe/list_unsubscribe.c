/* SPDX-License-Identifier: MIT */
#include "common/unsubscribe/list_unsubscribe.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Behind a comment that begins at the front, nested ones and quoted pairs included;
 * an open one takes all. RFC 5322, 3.2.2. */
static struct rmt_span behind_comment(struct rmt_span s)
{
	size_t depth = 0, i;

	for (i = 0; i < s.len; i++) {
		if (s.p[i] == '\\')
			i++;
		else if (s.p[i] == '(')
			depth++;
		else if (s.p[i] == ')' && --depth == 0)
			return rmt_span_from(s, i + 1);
	}
	return rmt_span_from(s, s.len);
}

static struct rmt_span behind_blanks(struct rmt_span s)
{
	while (s.len > 0 && (is_blank(s.p[0]) || s.p[0] == '('))
		s = s.p[0] == '(' ? behind_comment(s) : rmt_span_from(s, 1);
	return s;
}

/* --- URIs ------------------------------------------------------------------------ */

static bool has_scheme(struct rmt_span uri, struct rmt_span scheme)
{
	return uri.len > scheme.len &&
	       rmt_span_eq_nocase(rmt_span(uri.p, scheme.len), scheme);
}

static enum rmt_list_uri_kind kind_of(struct rmt_span uri)
{
	if (has_scheme(uri, RMT_SPAN("https:")))
		return RMT_LIST_URI_HTTPS;
	if (has_scheme(uri, RMT_SPAN("http:")))
		return RMT_LIST_URI_HTTP;
	if (has_scheme(uri, RMT_SPAN("mailto:")))
		return RMT_LIST_URI_MAILTO;
	return RMT_LIST_URI_OTHER;
}

static void take_uri(struct rmt_list_unsubscribe *list, struct rmt_span uri)
{
	const enum rmt_list_uri_kind kind = kind_of(uri);

	list->seen++;
	list->https_count += kind == RMT_LIST_URI_HTTPS;
	list->http_count += kind == RMT_LIST_URI_HTTP;
	if (list->count == RMT_LIST_URIS_MAX)
		return;
	if (uri.len > RMT_LIST_URI_MAX)
		uri = rmt_span(NULL, 0);
	list->uris[list->count++] = (struct rmt_list_uri){ kind, uri };
}

/* Copies what stands between "<" and ">" to out, blanks left out. False: no end. */
static bool read_brackets(struct rmt_span *rest, char *out, struct rmt_span *uri_r)
{
	struct rmt_span inside;
	size_t i, len = 0;

	if (!rmt_span_split(rmt_span_from(*rest, 1), '>', &inside, rest))
		return false;
	for (i = 0; i < inside.len; i++)
		if (!is_blank(inside.p[i]))
			out[len++] = inside.p[i];
	*uri_r = rmt_span(out, len);
	return true;
}

/* RFC 2369, 2: what does not begin with "<" makes the rest void, what follows ">" up
 * to the comma is ignored, and without a comma right there all that follows. */
void rmt_list_unsubscribe_read(struct rmt_span value, struct rmt_list_unsubscribe *list_r)
{
	struct rmt_span rest = behind_blanks(value), uri;
	char *out;

	*list_r = (struct rmt_list_unsubscribe){ .octets = g_malloc(value.len + 1) };
	out = list_r->octets;
	while (rest.len > 0) {
		if (rest.p[0] != '<' || !read_brackets(&rest, out, &uri)) {
			list_r->cut = true;
			return;
		}
		take_uri(list_r, uri);
		out += uri.len;
		rest = behind_blanks(rest);
		if (rest.len > 0 && rest.p[0] != ',') {
			list_r->cut = true;
			return;
		}
		rest = behind_blanks(rmt_span_from(rest, 1));
	}
}

void rmt_list_unsubscribe_clear(struct rmt_list_unsubscribe *list)
{
	g_free(list->octets);
	*list = (struct rmt_list_unsubscribe){ .octets = NULL };
}

const struct rmt_list_uri *rmt_list_unsubscribe_first(
	const struct rmt_list_unsubscribe *list, enum rmt_list_uri_kind kind)
{
	size_t i;

	for (i = 0; i < list->count; i++)
		if (list->uris[i].kind == kind)
			return &list->uris[i];
	return NULL;
}

/* --- one click ------------------------------------------------------------------- */

bool rmt_list_unsubscribe_post_ok(struct rmt_span value)
{
	struct rmt_span name, what;

	return rmt_span_split(rmt_span_trim(value), '=', &name, &what) &&
	       rmt_span_eq_nocase(name, RMT_SPAN("List-Unsubscribe")) &&
	       rmt_span_eq(what, RMT_SPAN("One-Click"));
}

enum rmt_one_click rmt_one_click_judge(const struct rmt_list_unsubscribe *list,
				       struct rmt_span post)
{
	const struct rmt_list_uri *uri =
		rmt_list_unsubscribe_first(list, RMT_LIST_URI_HTTPS);

	if (post.p == NULL)
		return RMT_ONE_CLICK_NO_POST;
	if (!rmt_list_unsubscribe_post_ok(post))
		return RMT_ONE_CLICK_BAD_POST;
	if (list->seen == 0)
		return RMT_ONE_CLICK_NO_URI;
	if (list->https_count > 1)
		return RMT_ONE_CLICK_SEVERAL;
	if (uri == NULL)
		return RMT_ONE_CLICK_NO_HTTPS;
	return uri->text.len > 0 ? RMT_ONE_CLICK_OK : RMT_ONE_CLICK_TOO_LONG;
}

static const struct {
	const char *word, *text;
} one_click[RMT_ONE_CLICK_COUNT] = {
	[RMT_ONE_CLICK_OK] = { "ok", "one click unsubscribes" },
	[RMT_ONE_CLICK_NO_POST] = { "no-post", "there is no List-Unsubscribe-Post" },
	[RMT_ONE_CLICK_BAD_POST] = { "bad-post", "List-Unsubscribe-Post is not "
						 "'List-Unsubscribe=One-Click'" },
	[RMT_ONE_CLICK_NO_URI] = { "no-uri", "List-Unsubscribe has no URI in '<>'" },
	[RMT_ONE_CLICK_NO_HTTPS] = { "no-https", "List-Unsubscribe has no https URI" },
	[RMT_ONE_CLICK_SEVERAL] = { "several", "List-Unsubscribe has more than one "
					       "https URI" },
	[RMT_ONE_CLICK_TOO_LONG] = { "too-long", "the https URI of List-Unsubscribe is "
						 "over 2048 octets" },
};

const char *rmt_one_click_word(enum rmt_one_click result)
{
	return one_click[result].word;
}

const char *rmt_one_click_text(enum rmt_one_click result)
{
	return one_click[result].text;
}

/* --- List-Id --------------------------------------------------------------------- */

/* Without the comments at the end of the value, and what is blank. A comment is found
 * from its front, so all of them are passed once. */
static struct rmt_span without_final_comments(struct rmt_span s)
{
	size_t end = 0, at = 0;
	bool quoted = false;

	while (at < s.len) {
		if (s.p[at] == '(' && !quoted) {
			at = s.len - behind_comment(rmt_span_from(s, at)).len;
			continue;
		}
		if (s.p[at] == '"')
			quoted = !quoted;
		else if (s.p[at] == '\\' && quoted)
			at++;
		if (at < s.len && !is_blank(s.p[at]))
			end = at + 1;
		at++;
	}
	return rmt_span(s.p, end);
}

static bool is_atext(char c)
{
	return g_ascii_isalnum(c) ||
	       (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

/* RFC 2919, 3: dot-atom-text "." label; each part has something in it. */
static bool is_list_id(struct rmt_span id)
{
	size_t i, part = 0, dots = 0;

	if (id.len > RMT_LIST_ID_MAX)
		return false;
	for (i = 0; i < id.len; i++) {
		if (id.p[i] == '.' && part > 0) {
			dots++;
			part = 0;
		} else if (is_atext(id.p[i])) {
			part++;
		} else {
			return false;
		}
	}
	return dots > 0 && part > 0;
}

bool rmt_list_id_read(struct rmt_span value, GString *out)
{
	struct rmt_span phrase, id;
	size_t i;

	value = without_final_comments(value);
	if (value.len == 0 || value.p[value.len - 1] != '>' ||
	    !rmt_span_split_last(rmt_span(value.p, value.len - 1), '<', &phrase, &id))
		return false;
	id = rmt_span_trim(id);
	if (!is_list_id(id))
		return false;
	for (i = 0; i < id.len; i++)
		g_string_append_c(out, g_ascii_tolower(id.p[i]));
	return true;
}
