/* SPDX-License-Identifier: MIT */
#include "common/receipts/mailbox.h"

#include "common/message/addr.h"

enum { COMMENT_DEPTH_MAX = 32 };

/* --- words ----------------------------------------------------------------- */

enum token_type {
	TOKEN_END,
	TOKEN_ATOM,
	TOKEN_QUOTED,  /* text: without quotes and escapes */
	TOKEN_LITERAL, /* text: with its brackets */
	TOKEN_SPECIAL, /* one of . @ , : ; < > */
	TOKEN_BAD,
};

struct token {
	enum token_type type;
	char special;
	struct rmt_span raw;
};

struct reader {
	struct rmt_span rest;
	struct token token; /* the one to look at */
	unsigned flaws;
	GPtrArray *list;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* RFC 5322, 3.2.3; UTF-8 by RFC 6532. Its validity is looked at later. */
static bool is_atext(char c)
{
	return g_ascii_isalnum(c) || (unsigned char)c >= 0x80 ||
	       (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

/* Length of a comment with its ends; 0: it has no end. */
static size_t comment_length(struct rmt_span s)
{
	unsigned depth = 0;
	size_t i;

	for (i = 0; i < s.len; i++) {
		if (s.p[i] == '\\')
			i++;
		else if (s.p[i] == '(' && ++depth > COMMENT_DEPTH_MAX)
			return 0;
		else if (s.p[i] == ')' && --depth == 0)
			return i + 1;
	}
	return 0;
}

/* False: a comment without end. */
static bool skip_cfws(struct rmt_span *rest)
{
	size_t len;

	while (rest->len > 0) {
		if (is_blank(rest->p[0])) {
			*rest = rmt_span_from(*rest, 1);
		} else if (rest->p[0] == '(') {
			len = comment_length(*rest);
			if (len == 0)
				return false;
			*rest = rmt_span_from(*rest, len);
		} else {
			break;
		}
	}
	return true;
}

/* Up to the octet `end`, escapes passed over; 0: it does not come. */
static size_t enclosed_length(struct rmt_span s, char end)
{
	size_t i;

	for (i = 1; i < s.len; i++) {
		if (s.p[i] == '\\')
			i++;
		else if (s.p[i] == end)
			return i + 1;
		else if (s.p[i] == '\0')
			return 0;
	}
	return 0;
}

static size_t atom_length(struct rmt_span s)
{
	size_t len = 0;

	while (len < s.len && is_atext(s.p[len]))
		len++;
	return len;
}

static void next_token(struct reader *r)
{
	struct token *t = &r->token;
	size_t len = 1;

	if (!skip_cfws(&r->rest)) {
		*t = (struct token){ TOKEN_BAD, 0, r->rest };
		r->rest.len = 0;
		return;
	}
	*t = (struct token){ TOKEN_END, 0, rmt_span(r->rest.p, 0) };
	if (r->rest.len == 0)
		return;
	if (r->rest.p[0] == '"' || r->rest.p[0] == '[') {
		t->type = r->rest.p[0] == '"' ? TOKEN_QUOTED : TOKEN_LITERAL;
		len = enclosed_length(r->rest, r->rest.p[0] == '"' ? '"' : ']');
	} else if (r->rest.p[0] != '\0' && strchr(".@,:;<>", r->rest.p[0]) != NULL) {
		t->type = TOKEN_SPECIAL;
		t->special = r->rest.p[0];
	} else {
		t->type = TOKEN_ATOM;
		len = atom_length(r->rest);
	}
	if (len == 0) {
		t->type = TOKEN_BAD;
		len = 1;
	}
	t->raw = rmt_span(r->rest.p, len);
	r->rest = rmt_span_from(r->rest, len);
}

static bool at(const struct reader *r, char special)
{
	return r->token.type == TOKEN_SPECIAL && r->token.special == special;
}

/* --- mailboxes ------------------------------------------------------------- */

void rmt_mailbox_free(struct rmt_mailbox *mailbox)
{
	if (mailbox == NULL)
		return;
	g_free(mailbox->address);
	g_free(mailbox->local);
	g_free(mailbox->domain);
	g_free(mailbox);
}

static bool is_dot_atom(const char *local)
{
	const char *p;

	if (local[0] == '\0' || local[0] == '.' || strstr(local, "..") != NULL ||
	    local[strlen(local) - 1] == '.')
		return false;
	for (p = local; *p != '\0'; p++)
		if (!is_atext(*p) && *p != '.')
			return false;
	return true;
}

static void append_local(GString *out, const char *local)
{
	const char *p;

	if (is_dot_atom(local)) {
		g_string_append(out, local);
		return;
	}
	g_string_append_c(out, '"');
	for (p = local; *p != '\0'; p++) {
		if (*p == '"' || *p == '\\')
			g_string_append_c(out, '\\');
		g_string_append_c(out, *p);
	}
	g_string_append_c(out, '"');
}

/* No octet that a header, an envelope or a log could trip over. */
static bool is_clean(const GString *text)
{
	gsize i;

	for (i = 0; i < text->len; i++)
		if ((unsigned char)text->str[i] < ' ' || text->str[i] == 0x7f)
			return false;
	return text->len > 0 && g_utf8_validate(text->str, (gssize)text->len, NULL);
}

/* An encoded-word is no address, but some reader may decode it to one. */
static bool looks_encoded(const GString *text)
{
	return strstr(text->str, "=?") != NULL && strstr(text->str, "?=") != NULL;
}

static bool is_domain(const GString *domain)
{
	return domain->str[0] == '[' ||
	       (is_dot_atom(domain->str) &&
		strpbrk(domain->str, "!#$%&'*+/=?^`{|}~") == NULL);
}

/* NULL: cannot be one. */
static struct rmt_mailbox *new_mailbox(const GString *local, GString *domain)
{
	char folded[RMT_DOMAIN_MAX + 1];
	struct rmt_mailbox *mailbox;
	GString *address;

	if (g_str_has_suffix(domain->str, "."))
		g_string_truncate(domain, domain->len - 1);
	if (!is_clean(local) || !is_clean(domain) || looks_encoded(local) ||
	    !is_domain(domain) || local->len > RMT_MAILBOX_LOCAL_MAX ||
	    domain->len > RMT_DOMAIN_MAX)
		return NULL;
	mailbox = g_new0(struct rmt_mailbox, 1);
	mailbox->local = g_strdup(local->str);
	rmt_domain_fold(rmt_span(domain->str, domain->len), folded);
	mailbox->domain = g_strdup(folded);
	address = g_string_new(NULL);
	append_local(address, local->str);
	g_string_append_c(address, '@');
	g_string_append(address, domain->str);
	mailbox->address = g_string_free(address, FALSE);
	return mailbox;
}

static void append_word(GString *out, const struct token *token)
{
	struct rmt_span raw = token->raw;
	size_t i;

	if (token->type != TOKEN_QUOTED) {
		g_string_append_len(out, raw.p, (gssize)raw.len);
		return;
	}
	for (i = 1; i + 1 < raw.len; i++) {
		/* Folding within quotes is the blank behind it (RFC 5322, 3.2.4). */
		if (raw.p[i] == '\r' || raw.p[i] == '\n')
			continue;
		if (raw.p[i] == '\\' && i + 2 < raw.len)
			i++;
		g_string_append_c(out, raw.p[i]);
	}
}

/* --- the grammar ----------------------------------------------------------- */

static void take(struct reader *r, struct rmt_mailbox *mailbox)
{
	if (mailbox == NULL)
		r->flaws |= RMT_MAILBOX_SYNTAX;
	else if (r->list->len >= RMT_MAILBOX_COUNT_MAX)
		r->flaws |= RMT_MAILBOX_LONG;
	else {
		g_ptr_array_add(r->list, mailbox);
		return;
	}
	rmt_mailbox_free(mailbox);
}

/* What follows '@': atoms and dots, or a literal. */
static void read_domain(struct reader *r, GString *domain)
{
	bool after_atom = false;

	if (r->token.type == TOKEN_LITERAL) {
		append_word(domain, &r->token);
		next_token(r);
		return;
	}
	/* Two atoms without a dot between them are no domain: what follows is left. */
	while ((r->token.type == TOKEN_ATOM && !after_atom) || at(r, '.')) {
		append_word(domain, &r->token);
		after_atom = r->token.type == TOKEN_ATOM;
		next_token(r);
	}
}

/* Words and dots; false where two words stand without a dot: a name, no local part. */
static bool read_words(struct reader *r, GString *words)
{
	bool is_local = true, after_word = false, word;

	for (;; next_token(r)) {
		word = r->token.type == TOKEN_ATOM || r->token.type == TOKEN_QUOTED;
		if (!word && !at(r, '.'))
			return is_local;
		if (word && after_word)
			is_local = false;
		append_word(words, &r->token);
		after_word = word;
	}
}

/* obs-route: "@a,@b:" */
static void skip_route(struct reader *r)
{
	while (at(r, '@') || at(r, ',')) {
		g_autoptr(GString) domain = g_string_new(NULL);

		if (at(r, '@')) {
			next_token(r);
			read_domain(r, domain);
		} else {
			next_token(r);
		}
	}
	if (at(r, ':'))
		next_token(r);
	else
		r->flaws |= RMT_MAILBOX_SYNTAX;
}

/* Behind '@'. */
static void finish_address(struct reader *r, const GString *local, bool is_local)
{
	g_autoptr(GString) domain = g_string_new(NULL);

	read_domain(r, domain);
	take(r, is_local ? new_mailbox(local, domain) : NULL);
}

static void read_angle(struct reader *r)
{
	g_autoptr(GString) local = g_string_new(NULL);
	bool is_local;

	next_token(r);
	if (at(r, '@'))
		skip_route(r);
	is_local = read_words(r, local);
	if (at(r, '@')) {
		next_token(r);
		finish_address(r, local, is_local);
	} else {
		r->flaws |= RMT_MAILBOX_SYNTAX;
	}
	if (at(r, '>'))
		next_token(r);
	else
		r->flaws |= RMT_MAILBOX_SYNTAX;
}

/* Whatever stands where a ',' should: the address before it, one of `before` and
 * more, is then none. */
static void skip_element(struct reader *r, guint before)
{
	bool skipped = false;

	while (r->token.type != TOKEN_END && !at(r, ',') && !at(r, ';')) {
		skipped = true;
		next_token(r);
	}
	if (!skipped)
		return;
	r->flaws |= RMT_MAILBOX_SYNTAX;
	g_ptr_array_set_size(r->list, (gint)before);
}

static void read_element(struct reader *r)
{
	g_autoptr(GString) words = g_string_new(NULL);
	const guint before = r->list->len;
	bool is_local = read_words(r, words);

	if (at(r, '<')) {
		read_angle(r);
	} else if (at(r, '@')) {
		next_token(r);
		finish_address(r, words, is_local);
	} else if (at(r, ':')) {
		r->flaws |= RMT_MAILBOX_GROUP;
		next_token(r);
		return; /* its members follow */
	} else if (words->len > 0) {
		r->flaws |= RMT_MAILBOX_SYNTAX;
	}
	skip_element(r, before);
}

struct rmt_mailboxes *rmt_mailboxes_read(struct rmt_span value)
{
	struct rmt_mailboxes *mailboxes = g_new0(struct rmt_mailboxes, 1);
	struct reader r = { .rest = value };

	r.list = g_ptr_array_new_with_free_func((GDestroyNotify)rmt_mailbox_free);
	if (value.len > RMT_MAILBOX_VALUE_MAX) {
		r.rest.len = RMT_MAILBOX_VALUE_MAX;
		r.flaws |= RMT_MAILBOX_LONG;
	}
	next_token(&r);
	while (r.token.type != TOKEN_END) {
		if (at(&r, ';') && !(r.flaws & RMT_MAILBOX_GROUP))
			r.flaws |= RMT_MAILBOX_SYNTAX;
		if (at(&r, ',') || at(&r, ';')) /* obs-addr-list: empty elements */
			next_token(&r);
		else
			read_element(&r);
	}
	mailboxes->list = r.list;
	mailboxes->flaws = r.flaws;
	return mailboxes;
}

void rmt_mailboxes_free(struct rmt_mailboxes *mailboxes)
{
	if (mailboxes == NULL)
		return;
	g_ptr_array_unref(mailboxes->list);
	g_free(mailboxes);
}

/* --- single ones ----------------------------------------------------------- */

/* Programs write local parts as they are: a b@example.com. */
static struct rmt_mailbox *split_plain(struct rmt_span address)
{
	g_autoptr(GString) local_text = NULL, domain_text = NULL;
	struct rmt_span local, domain;

	if (!rmt_span_split_last(address, '@', &local, &domain))
		return NULL;
	local_text = g_string_new_len(local.p, (gssize)local.len);
	domain_text = g_string_new_len(domain.p, (gssize)domain.len);
	if (memchr(local.p, '\0', local.len) != NULL ||
	    strpbrk(local_text->str, "<>,\"") != NULL)
		return NULL;
	return new_mailbox(local_text, domain_text);
}

struct rmt_mailbox *rmt_mailbox_read(struct rmt_span address)
{
	g_autoptr(rmt_mailboxes) read = rmt_mailboxes_read(address);

	if (read->flaws == 0 && read->list->len == 1)
		return g_ptr_array_steal_index(read->list, 0);
	return read->list->len > 1 ? NULL : split_plain(rmt_span_trim(address));
}

bool rmt_mailbox_same(const struct rmt_mailbox *a, const struct rmt_mailbox *b)
{
	return strcmp(a->local, b->local) == 0 && strcmp(a->domain, b->domain) == 0;
}

bool rmt_mailbox_needs_utf8(const struct rmt_mailbox *mailbox)
{
	return !g_str_is_ascii(mailbox->local);
}
