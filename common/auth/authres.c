/* SPDX-License-Identifier: MIT */
#include "common/auth/authres.h"
#include "common/message/header.h"

enum { TEXT_MAX = 255, COMMENT_DEPTH_MAX = 8, B_SHOWN = 8 };

/* --- writing ---------------------------------------------------------------------- */

void rmt_authres_begin(GString *value, const char *authserv_id)
{
	g_string_assign(value, authserv_id);
}

void rmt_authres_method(GString *value, const char *method, const char *result)
{
	g_string_append_printf(value, ";\r\n\t%s=%s", method, result);
}

/* RFC 2045 token. */
static bool is_token_octet(char c)
{
	return c > ' ' && c < 0x7f && strchr("()<>@,;:\\\"/[]?=", c) == NULL;
}

static bool is_token(struct rmt_span text)
{
	size_t i;

	for (i = 0; i < text.len; i++)
		if (!is_token_octet(text.p[i]))
			return false;
	return text.len > 0;
}

/* "@" in an address with a domain needs no quotes (RFC 8601, 2.2, pvalue). */
static bool is_plain(struct rmt_span text)
{
	struct rmt_span local, domain;

	if (!rmt_span_split_last(text, '@', &local, &domain))
		return is_token(text);
	return (local.len == 0 || is_token(local)) && is_token(domain);
}

static void append_quoted(GString *value, struct rmt_span text)
{
	size_t i;

	g_string_append_c(value, '"');
	for (i = 0; i < text.len; i++) {
		char c = text.p[i];

		if (c == '"' || c == '\\')
			g_string_append_c(value, '\\');
		g_string_append_c(value, c >= ' ' && c < 0x7f ? c : '?');
	}
	g_string_append_c(value, '"');
}

void rmt_authres_property(GString *value, const char *property, struct rmt_span text)
{
	text.len = MIN(text.len, TEXT_MAX);
	/* Lines stay short: RFC 5322, 2.1.1 allows 998, readers like 78. */
	g_string_append_printf(value, "%s%s=", text.len > 40 ? "\r\n\t " : " ", property);
	if (is_plain(text))
		g_string_append_len(value, text.p, (gssize)text.len);
	else
		append_quoted(value, text);
}

void rmt_authres_reason(GString *value, const char *reason)
{
	if (reason[0] != '\0')
		rmt_authres_property(value, "reason", rmt_span_of(reason));
}

/* The first octets of b=, without what folded it. */
static void append_b(GString *value, struct rmt_span b)
{
	char shown[B_SHOWN];
	size_t i, len = 0;

	for (i = 0; i < b.len && len < sizeof(shown); i++)
		if (g_ascii_isgraph(b.p[i]))
			shown[len++] = b.p[i];
	if (len > 0)
		rmt_authres_property(value, "header.b", rmt_span(shown, len));
}

void rmt_authres_dkim(GString *value, const struct rmt_dkim_signature *signature)
{
	rmt_authres_method(value, "dkim", rmt_dkim_result_name(signature->result));
	rmt_authres_reason(value, rmt_dkim_reason_word(signature->reason));
	if (signature->domain.len > 0)
		rmt_authres_property(value, "header.d", signature->domain);
	if (signature->identity.len > 0)
		rmt_authres_property(value, "header.i", signature->identity);
	if (signature->selector.len > 0)
		rmt_authres_property(value, "header.s", signature->selector);
	if (signature->algorithm.len > 0)
		rmt_authres_property(value, "header.a", signature->algorithm);
	append_b(value, signature->b);
}

void rmt_authres_end(GString *value)
{
	if (strchr(value->str, ';') == NULL)
		g_string_append(value, "; none");
}

/* --- reading ---------------------------------------------------------------------- */

/* Behind blanks and comments; false: a comment has no end. */
static bool skip_cfws(struct rmt_span *rest)
{
	unsigned depth = 0;
	size_t i;

	for (i = 0; i < rest->len; i++) {
		char c = rest->p[i];

		if (c == '(') {
			if (++depth > COMMENT_DEPTH_MAX)
				return false;
		} else if (depth > 0 && c == ')') {
			depth--;
		} else if (depth > 0 && c == '\\') {
			i++;
		} else if (depth == 0 && c != ' ' && c != '\t' && c != '\r' &&
			   c != '\n') {
			break;
		}
	}
	*rest = rmt_span_from(*rest, i);
	return depth == 0;
}

/* A quoted id without its quotes; false: no end. */
static bool read_quoted(struct rmt_span *rest, GString *id)
{
	size_t i;

	for (i = 1; i < rest->len && rest->p[i] != '"'; i++) {
		if (rest->p[i] == '\\' && ++i == rest->len)
			return false;
		g_string_append_c(id, rest->p[i]);
	}
	if (i == rest->len)
		return false;
	*rest = rmt_span_from(*rest, i + 1);
	return true;
}

static bool read_token(struct rmt_span *rest, GString *id)
{
	size_t len = 0;

	while (len < rest->len &&
	       (is_token_octet(rest->p[len]) || (unsigned char)rest->p[len] >= 0x80))
		len++;
	g_string_append_len(id, rest->p, (gssize)len);
	*rest = rmt_span_from(*rest, len);
	return len > 0;
}

/* [CFWS] value [CFWS version] ";" ... */
static bool read_id(struct rmt_span value, GString *id)
{
	if (!skip_cfws(&value) || value.len == 0)
		return false;
	if (value.p[0] == '"' ? !read_quoted(&value, id) : !read_token(&value, id))
		return false;
	if (!skip_cfws(&value))
		return false;
	/* A version, or the end; else the id goes on in a way we do not read. */
	return value.len == 0 || value.p[0] == ';' || g_ascii_isdigit(value.p[0]);
}

static struct rmt_span without_dot(struct rmt_span name)
{
	while (name.len > 0 && name.p[name.len - 1] == '.')
		name.len--;
	return name;
}

enum rmt_authres_owner rmt_authres_owner(struct rmt_span value, const char *authserv_id)
{
	g_autoptr(GString) id = g_string_new(NULL);

	if (!read_id(value, id))
		return RMT_AUTHRES_UNREADABLE;
	return rmt_span_eq_nocase(without_dot(rmt_span(id->str, id->len)),
				  without_dot(rmt_span_of(authserv_id)))
		       ? RMT_AUTHRES_OURS
		       : RMT_AUTHRES_FOREIGN;
}

GArray *rmt_authres_removals(struct rmt_span section, const char *authserv_id)
{
	struct rmt_header_reader reader = rmt_header_read(section);
	GArray *out = g_array_new(FALSE, FALSE, sizeof(guint));
	struct rmt_header_field field;
	guint instance = 0, i;

	while (rmt_header_next(&reader, &field)) {
		if (!rmt_span_eq_nocase(field.name, RMT_SPAN(RMT_AUTHRES_FIELD)))
			continue;
		instance++;
		if (rmt_authres_owner(field.value, authserv_id) != RMT_AUTHRES_FOREIGN)
			g_array_append_val(out, instance);
	}
	for (i = 0; i < out->len / 2; i++) {
		guint *low = &g_array_index(out, guint, i);
		guint *high = &g_array_index(out, guint, out->len - 1 - i), kept = *low;

		*low = *high;
		*high = kept;
	}
	return out;
}
