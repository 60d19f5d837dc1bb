/* SPDX-License-Identifier: MIT */
/* Our own reading of From: octets to tokens, then RFC 5322, 3.4 over tokens. */
#include "common/message/from_reading.h"

enum { TOKENS_MAX = 256, COMMENT_DEPTH_MAX = 8 };

enum token_type {
	TOKEN_BLANK, /* folding white space */
	TOKEN_COMMENT,
	TOKEN_ATOM,
	TOKEN_QUOTED,
	TOKEN_LITERAL, /* [...] */
	TOKEN_SPECIAL, /* one of <>@,:;. */
};

struct token {
	enum token_type type;
	struct rmt_span text;
};

struct lexer {
	struct rmt_span in;
	size_t at;
	struct token tokens[TOKENS_MAX];
	size_t count;
	struct rmt_from *from;
};

/* Tokens from first to before end. */
struct range {
	const struct lexer *lexer;
	size_t first, end;
};

static bool refuse(struct rmt_from *from, enum rmt_from_result result, size_t offset,
		   const char *reason)
{
	from->result = result;
	from->offset = offset;
	from->reason = reason;
	return false;
}

static bool refuse_at(struct lexer *lexer, enum rmt_from_result result, size_t token,
		      const char *reason)
{
	size_t offset = token < lexer->count
				? (size_t)(lexer->tokens[token].text.p - lexer->in.p)
				: lexer->in.len;

	return refuse(lexer->from, result, offset, reason);
}

static bool is_special(const struct token *token, char c)
{
	return token->type == TOKEN_SPECIAL && token->text.p[0] == c;
}

/* --- octets to tokens --------------------------------------------------------- */

static bool is_atext(unsigned char c)
{
	return g_ascii_isalnum(c) || c >= 0x80 ||
	       (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

static bool is_blank(unsigned char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_control(unsigned char c)
{
	return c < ' ' || c == 0x7f;
}

/* RFC 5322, 3.2.2: one fold, and never a line of blanks alone. */
static bool lex_blank(struct lexer *lexer)
{
	size_t folds = 0, i = lexer->at;

	for (; i < lexer->in.len && is_blank((unsigned char)lexer->in.p[i]); i++) {
		char next = i + 1 < lexer->in.len ? lexer->in.p[i + 1] : '\0';

		if (lexer->in.p[i] == '\r' && next != '\n')
			return refuse(lexer->from, RMT_FROM_SYNTAX, i, "a stray CR");
		if (lexer->in.p[i] == '\n')
			folds++;
		if (lexer->in.p[i] == '\n' && next != ' ' && next != '\t')
			return refuse(lexer->from, RMT_FROM_SYNTAX, i,
				      "a line end that folds nothing");
	}
	if (folds > 1 || (folds == 1 && i == lexer->in.len))
		return refuse(lexer->from, RMT_FROM_SYNTAX, lexer->at,
			      "a folded line of blanks alone");
	lexer->at = i;
	return true;
}

/* Inside quotes, comments and literals; steps over a quoted pair whole. */
static bool lex_inner_octet(struct lexer *lexer)
{
	unsigned char c = (unsigned char)lexer->in.p[lexer->at];

	if (c == '\r' || c == '\n')
		return lex_blank(lexer);
	if (c == '\\') {
		if (++lexer->at == lexer->in.len)
			return refuse(lexer->from, RMT_FROM_SYNTAX, lexer->at,
				      "a backslash at the end");
		c = (unsigned char)lexer->in.p[lexer->at];
	}
	if (is_control(c) && c != '\t')
		return refuse(lexer->from, RMT_FROM_SYNTAX, lexer->at,
			      "a control character");
	lexer->at++;
	return true;
}

static bool lex_enclosed(struct lexer *lexer, char close, const char *unclosed)
{
	size_t start = lexer->at++;

	while (lexer->at < lexer->in.len && lexer->in.p[lexer->at] != close) {
		if (close == ']' && lexer->in.p[lexer->at] == '[')
			return refuse(lexer->from, RMT_FROM_SYNTAX, lexer->at,
				      "'[' inside a domain literal");
		if (!lex_inner_octet(lexer))
			return false;
	}
	if (lexer->at == lexer->in.len)
		return refuse(lexer->from, RMT_FROM_SYNTAX, start, unclosed);
	lexer->at++;
	return true;
}

static bool lex_comment(struct lexer *lexer)
{
	size_t depth = 0, start = lexer->at;

	do {
		char c = lexer->in.p[lexer->at];

		if (c == '(' && ++depth > COMMENT_DEPTH_MAX)
			return refuse(lexer->from, RMT_FROM_SYNTAX, start,
				      "comments nested too deep");
		if (c == ')')
			depth--;
		if (c == '(' || c == ')')
			lexer->at++;
		else if (!lex_inner_octet(lexer))
			return false;
	} while (depth > 0 && lexer->at < lexer->in.len);
	return depth == 0 ||
	       refuse(lexer->from, RMT_FROM_SYNTAX, start, "a comment without end");
}

static bool lex_token(struct lexer *lexer, enum token_type *type_r)
{
	unsigned char c = (unsigned char)lexer->in.p[lexer->at];

	if (is_blank(c)) {
		*type_r = TOKEN_BLANK;
		return lex_blank(lexer);
	}
	if (c == '(') {
		*type_r = TOKEN_COMMENT;
		return lex_comment(lexer);
	}
	if (c == '"') {
		*type_r = TOKEN_QUOTED;
		return lex_enclosed(lexer, '"', "a quotation without end");
	}
	if (c == '[') {
		*type_r = TOKEN_LITERAL;
		return lex_enclosed(lexer, ']', "a domain literal without end");
	}
	if (is_atext(c)) {
		*type_r = TOKEN_ATOM;
		while (lexer->at < lexer->in.len &&
		       is_atext((unsigned char)lexer->in.p[lexer->at]))
			lexer->at++;
		return true;
	}
	*type_r = TOKEN_SPECIAL;
	if (c == '\0' || strchr("<>@,:;.", c) == NULL)
		return refuse(lexer->from, RMT_FROM_SYNTAX, lexer->at,
			      is_control(c) ? "a control character"
					    : "a character that has no place there");
	lexer->at++;
	return true;
}

static bool lex(struct lexer *lexer)
{
	while (lexer->at < lexer->in.len) {
		size_t start = lexer->at;
		enum token_type type;

		if (lexer->count == TOKENS_MAX)
			return refuse(lexer->from, RMT_FROM_TOO_LONG, start,
				      "too many words");
		if (!lex_token(lexer, &type))
			return false;
		lexer->tokens[lexer->count++] =
			(struct token){ type, rmt_span(lexer->in.p + start,
						       lexer->at - start) };
	}
	return true;
}

/* --- tokens to one mailbox ---------------------------------------------------- */

static bool is_cfws(const struct token *token)
{
	return token->type == TOKEN_BLANK || token->type == TOKEN_COMMENT;
}

static struct range trim_cfws(struct range range)
{
	const struct token *tokens = range.lexer->tokens;

	while (range.first < range.end && is_cfws(&tokens[range.first]))
		range.first++;
	while (range.end > range.first && is_cfws(&tokens[range.end - 1]))
		range.end--;
	return range;
}

static size_t find_special(struct range range, char c)
{
	while (range.first < range.end &&
	       !is_special(&range.lexer->tokens[range.first], c))
		range.first++;
	return range.first;
}

static struct rmt_span range_text(struct range range)
{
	const struct token *tokens = range.lexer->tokens;
	const char *start;

	if (range.first >= range.end)
		return rmt_span(NULL, 0);
	start = tokens[range.first].text.p;
	return rmt_span(start, (size_t)(tokens[range.end - 1].text.p - start) +
				       tokens[range.end - 1].text.len);
}

/* 1*atext *("." 1*atext): no blank, comment or empty label. */
static bool check_dot_atom(struct lexer *lexer, struct range range, const char *reason)
{
	size_t i;

	for (i = range.first; i < range.end; i++) {
		bool want_atom = (i - range.first) % 2 == 0;

		if (want_atom ? lexer->tokens[i].type != TOKEN_ATOM
			      : !is_special(&lexer->tokens[i], '.'))
			return refuse_at(lexer, RMT_FROM_SYNTAX, i, reason);
	}
	if ((range.end - range.first) % 2 == 0)
		return refuse_at(lexer, RMT_FROM_SYNTAX, range.end, reason);
	return true;
}

static bool shows_encoded_word(struct rmt_span text)
{
	const char *open = text.len > 0 ? memmem(text.p, text.len, "=?", 2) : NULL;

	return open != NULL &&
	       memmem(open + 2, text.len - (size_t)(open + 2 - text.p), "?=", 2) != NULL;
}

static bool holds_any(struct rmt_span text, const char *octets)
{
	for (; *octets != '\0'; octets++)
		if (memchr(text.p, *octets, text.len) != NULL)
			return true;
	return false;
}

static bool check_local(struct lexer *lexer, struct range range)
{
	struct rmt_span text = range_text(range);

	if (text.len > RMT_FROM_LOCAL_MAX)
		return refuse_at(lexer, RMT_FROM_TOO_LONG, range.first,
				 "local part over 64 octets");
	if (shows_encoded_word(text))
		return refuse_at(lexer, RMT_FROM_ENCODED, range.first,
				 "an encoded-word in the address");
	if (range.end - range.first != 1 ||
	    lexer->tokens[range.first].type != TOKEN_QUOTED)
		return check_dot_atom(lexer, range, "no valid local part");
	if (holds_any(text, "@<>"))
		return refuse_at(lexer, RMT_FROM_SYNTAX, range.first,
				 "an @ or an angle in a quoted local part");
	if (text.len == 2 || memchr(text.p, '\n', text.len) != NULL)
		return refuse_at(lexer, RMT_FROM_SYNTAX, range.first,
				 "no valid local part");
	return true;
}

/* What a host name may hold (RFC 1123, 2.1; the underscore lives), or UTF-8. */
static bool check_label(struct rmt_span label)
{
	size_t i;

	if (label.len > 63 || label.p[0] == '-' || label.p[label.len - 1] == '-')
		return false;
	for (i = 0; i < label.len; i++)
		if (!g_ascii_isalnum(label.p[i]) && label.p[i] != '-' &&
		    label.p[i] != '_' && (unsigned char)label.p[i] < 0x80)
			return false;
	return true;
}

static bool check_domain(struct lexer *lexer, struct range range)
{
	struct rmt_span text = range_text(range);
	size_t i;

	if (range.first < range.end && lexer->tokens[range.first].type == TOKEN_LITERAL)
		return refuse_at(lexer, RMT_FROM_SYNTAX, range.first,
				 "an address literal: no domain to align with");
	if (text.len > RMT_FROM_DOMAIN_MAX)
		return refuse_at(lexer, RMT_FROM_TOO_LONG, range.first,
				 "domain over 255 octets");
	if (shows_encoded_word(text))
		return refuse_at(lexer, RMT_FROM_ENCODED, range.first,
				 "an encoded-word in the address");
	if (!check_dot_atom(lexer, range, "no valid domain"))
		return false;
	for (i = range.first; i < range.end; i += 2)
		if (!check_label(lexer->tokens[i].text))
			return refuse_at(lexer, RMT_FROM_SYNTAX, i, "no valid domain");
	return true;
}

static bool has_utf8(struct rmt_span text)
{
	size_t i;

	for (i = 0; i < text.len; i++)
		if ((unsigned char)text.p[i] >= 0x80)
			return true;
	return false;
}

static void keep_address(struct rmt_from *from, struct rmt_span local,
			 struct rmt_span domain)
{
	size_t i;

	g_snprintf(from->address, sizeof(from->address), "%.*s@%.*s",
		   RMT_SPAN_ARGS(local), RMT_SPAN_ARGS(domain));
	for (i = 0; i < domain.len; i++)
		from->domain[i] = g_ascii_tolower(domain.p[i]);
	from->domain[i] = '\0';
	if (has_utf8(local) || has_utf8(domain))
		from->flags |= RMT_FROM_FLAG_UTF8_ADDRESS;
}

/* local-part "@" domain, nothing else, no blanks between. */
static bool read_addr_spec(struct lexer *lexer, struct range range)
{
	struct range trimmed = trim_cfws(range);
	struct range local = trimmed, domain = trimmed;
	size_t at = find_special(trimmed, '@');

	if (trimmed.first == trimmed.end)
		return refuse_at(lexer, RMT_FROM_NONE, range.first, "no address");
	if (at == trimmed.end)
		return refuse_at(lexer, RMT_FROM_NONE, trimmed.first, "no address: no @");
	if (at == trimmed.first)
		return refuse_at(
			lexer, RMT_FROM_SYNTAX, at,
			"an address that begins with @ (route or no local part)");
	local.end = at;
	domain.first = at + 1;
	if (find_special(domain, '@') != domain.end)
		return refuse_at(lexer, RMT_FROM_SYNTAX, find_special(domain, '@'),
				 "a second @");
	if (!check_local(lexer, local) || !check_domain(lexer, domain))
		return false;
	keep_address(lexer->from, range_text(local), range_text(domain));
	return true;
}

static bool check_phrase(struct lexer *lexer, struct range range)
{
	size_t i;

	for (i = range.first; i < range.end; i++) {
		const struct token *token = &lexer->tokens[i];

		if (is_special(token, '.') && i > range.first)
			lexer->from->flags |= RMT_FROM_FLAG_OBSOLETE;
		else if (is_special(token, '@'))
			return refuse_at(lexer, RMT_FROM_SYNTAX, i,
					 "an @ in a name that is not quoted");
		else if (token->type == TOKEN_SPECIAL || token->type == TOKEN_LITERAL)
			return refuse_at(lexer, RMT_FROM_SYNTAX, i, "no valid name");
	}
	return true;
}

static bool read_name_addr(struct lexer *lexer, struct range whole, size_t open)
{
	struct range name = whole, inner = whole, tail = whole;
	size_t close;

	name.end = open;
	inner.first = open + 1;
	close = find_special(inner, '>');
	if (close == whole.end)
		return refuse_at(lexer, RMT_FROM_SYNTAX, open, "'<' without '>'");
	if (find_special(inner, '<') < whole.end)
		return refuse_at(lexer, RMT_FROM_SEVERAL, find_special(inner, '<'),
				 "more than one address in angles");
	inner.end = close;
	tail.first = close + 1;
	if (trim_cfws(tail).first != trim_cfws(tail).end)
		return refuse_at(lexer, RMT_FROM_SYNTAX, trim_cfws(tail).first,
				 "something behind the address");
	if (inner.first < inner.end && (is_cfws(&lexer->tokens[inner.first]) ||
					is_cfws(&lexer->tokens[inner.end - 1])))
		return refuse_at(lexer, RMT_FROM_SYNTAX, inner.first,
				 "blank or comment inside the angles");
	return check_phrase(lexer, trim_cfws(name)) && read_addr_spec(lexer, inner);
}

/* What makes it a list or a group, before anything is read. */
static bool check_single(struct lexer *lexer, struct range whole)
{
	size_t open = find_special(whole, '<');
	size_t comma = find_special(whole, ','), colon = find_special(whole, ':');
	size_t semicolon = find_special(whole, ';');

	if (open + 1 < whole.end && is_special(&lexer->tokens[open + 1], '@'))
		return refuse_at(lexer, RMT_FROM_SYNTAX, open + 1, "a source route");
	if (colon < whole.end && colon < comma)
		return refuse_at(lexer, RMT_FROM_GROUP, colon, "a group");
	if (comma < whole.end)
		return refuse_at(lexer, RMT_FROM_SEVERAL, comma,
				 "several addresses, or a comma that is not quoted");
	if (semicolon < whole.end)
		return refuse_at(lexer, RMT_FROM_SYNTAX, semicolon, "a stray ';'");
	return true;
}

static bool read_mailbox(struct lexer *lexer)
{
	struct range whole = { lexer, 0, lexer->count };
	size_t open = find_special(whole, '<');

	if (!check_single(lexer, whole))
		return false;
	if (open < whole.end)
		return read_name_addr(lexer, whole, open);
	if (find_special(whole, '>') < whole.end)
		return refuse_at(lexer, RMT_FROM_SYNTAX, find_special(whole, '>'),
				 "'>' without '<'");
	return read_addr_spec(lexer, whole);
}

static bool check_octets(struct rmt_span value, struct rmt_from *from)
{
	const char *end;

	if (memchr(value.p, '\0', value.len) != NULL)
		return refuse(from, RMT_FROM_SYNTAX,
			      (size_t)((const char *)memchr(value.p, '\0', value.len) -
				       value.p),
			      "a NUL");
	if (!g_utf8_validate(value.p, (gssize)value.len, &end))
		return refuse(from, RMT_FROM_SYNTAX, (size_t)(end - value.p),
			      "8-bit octets that are not UTF-8");
	return true;
}

/* As a line of its own, unfolded. */
static void note_name(GString *names, struct rmt_span text)
{
	size_t i;

	for (i = 0; i < text.len; i++)
		if (text.p[i] != '\r' && text.p[i] != '\n')
			g_string_append_c(names, text.p[i]);
	g_string_append_c(names, '\n');
}

static void note_names(struct lexer *lexer, GString *names)
{
	struct range whole = { lexer, 0, lexer->count };
	size_t i, open = find_special(whole, '<');

	if (open < whole.end)
		note_name(names, range_text((struct range){ lexer, 0, open }));
	for (i = 0; i < lexer->count; i++) {
		const struct token *token = &lexer->tokens[i];
		bool encoded =
			token->type == TOKEN_QUOTED && shows_encoded_word(token->text);

		if (encoded)
			lexer->from->flags |= RMT_FROM_FLAG_ENCODED_IN_QUOTES;
		if (encoded || token->type == TOKEN_COMMENT)
			note_name(names,
				  rmt_span(token->text.p + 1, token->text.len - 2));
	}
	if (has_utf8(rmt_span(names->str, names->len)))
		lexer->from->flags |= RMT_FROM_FLAG_UTF8_NAME;
}

bool rmt_from_read_strict(struct rmt_span value, struct rmt_from *from_r, GString *names)
{
	struct lexer lexer = { value, 0, .count = 0, .from = from_r };

	*from_r = (struct rmt_from){ .reason = "" };
	if (value.len == 0)
		return refuse(from_r, RMT_FROM_NONE, 0, "no address");
	if (!check_octets(value, from_r) || !lex(&lexer) || !read_mailbox(&lexer))
		return false;
	note_names(&lexer, names);
	return true;
}
