/* SPDX-License-Identifier: MIT */
/* spf_macro.c - SPF's macros: grammar and expansion. */
#include "common/auth/dns.h"
#include "common/auth/spf_macro.h"

enum {
	EXPANDED_MAX = 4096,
	PARTS_MAX = 128, /* a name has at most 127 labels; local parts may have more */
};

/* "%{" letter digits "r" delimiters "}" */
struct macro {
	char letter;  /* lower case; or '%', '_', '-' */
	bool escaped; /* the letter was a capital: RFC 7208, 7.3 */
	bool reversed;
	unsigned parts; /* 0: all */
	struct rmt_span delimiters;
};

static bool is_letter(char letter, enum rmt_spf_text where)
{
	if (strchr("slodiphv", letter) != NULL)
		return true;
	return where == RMT_SPF_EXPLANATION && strchr("crt", letter) != NULL;
}

/* text begins with "%{"; returns octets read, 0: a syntax error. */
static size_t read_braces(struct rmt_span text, enum rmt_spf_text where,
			  struct macro *macro_r)
{
	size_t i = 3, first_digit = i, first_delimiter;

	if (text.len < 4 || text.p[2] == '\0')
		return 0;
	macro_r->letter = g_ascii_tolower(text.p[2]);
	macro_r->escaped = macro_r->letter != text.p[2];
	if (!is_letter(macro_r->letter, where))
		return 0;
	for (; i < text.len && g_ascii_isdigit(text.p[i]); i++)
		macro_r->parts =
			MIN(macro_r->parts * 10 + (unsigned)(text.p[i] - '0'), 100000);
	if (i > first_digit && macro_r->parts == 0)
		return 0; /* "the value MUST be nonzero" */
	if (i < text.len && (text.p[i] == 'r' || text.p[i] == 'R')) {
		macro_r->reversed = true;
		i++;
	}
	first_delimiter = i;
	while (i < text.len && text.p[i] != '\0' && strchr(".-+,/_=", text.p[i]) != NULL)
		i++;
	macro_r->delimiters = rmt_span(text.p + first_delimiter, i - first_delimiter);
	return i < text.len && text.p[i] == '}' ? i + 1 : 0;
}

/* text begins with '%'. */
static size_t read_macro(struct rmt_span text, enum rmt_spf_text where,
			 struct macro *macro_r)
{
	*macro_r = (struct macro){ 0 };
	if (text.len < 2)
		return 0;
	if (text.p[1] == '{')
		return read_braces(text, where, macro_r);
	if (text.p[1] != '%' && text.p[1] != '_' && text.p[1] != '-')
		return 0;
	macro_r->letter = text.p[1];
	return 2;
}

static inline bool is_literal(char octet, enum rmt_spf_text where)
{
	return (octet > 0x20 && octet < 0x7f) ||
	       (octet == ' ' && where == RMT_SPF_EXPLANATION);
}

/* RFC 7208, 7.1: letters and digits, inside also '-', and not digits alone. */
static bool is_toplabel(struct rmt_span label)
{
	bool only_digits = true;
	size_t i;

	if (label.len == 0 || label.p[0] == '-' || label.p[label.len - 1] == '-')
		return false;
	for (i = 0; i < label.len; i++) {
		if (!g_ascii_isalnum(label.p[i]) && label.p[i] != '-')
			return false;
		only_digits = only_digits && g_ascii_isdigit(label.p[i]);
	}
	return !only_digits;
}

/* tail: what stands behind the last macro, or all of it. */
static bool is_domain_end(struct rmt_span tail, bool behind_macro)
{
	struct rmt_span before, label;

	if (tail.len == 0)
		return behind_macro;
	if (tail.p[tail.len - 1] == '.')
		tail.len--;
	return rmt_span_split_last(tail, '.', &before, &label) && is_toplabel(label);
}

bool rmt_spf_macro_ok(struct rmt_span text, enum rmt_spf_text where, bool *uses_ptr_r)
{
	size_t i = 0, tail = 0;
	bool uses_ptr = false;

	while (i < text.len) {
		struct macro macro;
		size_t read = 1;

		if (text.p[i] == '%') {
			read = read_macro(rmt_span_from(text, i), where, &macro);
			if (read == 0)
				return false;
			uses_ptr = uses_ptr || macro.letter == 'p';
			tail = i + read;
		} else if (!is_literal(text.p[i], where)) {
			return false;
		}
		i += read;
	}
	if (uses_ptr_r != NULL)
		*uses_ptr_r = uses_ptr;
	return where != RMT_SPF_DOMAIN_SPEC ||
	       is_domain_end(rmt_span_from(text, tail), tail > 0);
}

/* --- expansion ------------------------------------------------------------------- */

/* Appends to out what the letter stands for, where it is not a span at hand. */
static struct rmt_span value_of(char letter, const struct rmt_spf_values *values,
				GString *scratch)
{
	switch (letter) {
	case 's':
		return values->sender;
	case 'l':
		return values->local;
	case 'o':
		return values->origin;
	case 'd':
		return values->domain;
	case 'p':
		return values->ptr;
	case 'h':
		return values->helo;
	case 'r':
		return values->receiver.len > 0 ? values->receiver : RMT_SPAN("unknown");
	case 'v':
		return values->ip->is_v6 ? RMT_SPAN("ip6") : RMT_SPAN("in-addr");
	case 'i':
		rmt_ip_format_dotted(values->ip, scratch);
		break;
	case 'c':
		rmt_ip_format(values->ip, scratch);
		break;
	case 't':
		g_string_append_printf(scratch, "%" G_GINT64_FORMAT, values->now);
		break;
	}
	return rmt_span(scratch->str, scratch->len);
}

static bool is_unreserved(char octet)
{
	return g_ascii_isalnum(octet) || (octet != '\0' && strchr("-._~", octet) != NULL);
}

static void append_part(GString *out, struct rmt_span part, bool escaped)
{
	size_t i;

	if (!escaped) {
		g_string_append_len(out, part.p, (gssize)part.len);
		return;
	}
	for (i = 0; i < part.len; i++)
		if (is_unreserved(part.p[i]))
			g_string_append_c(out, part.p[i]);
		else
			g_string_append_printf(out, "%%%02X", (unsigned char)part.p[i]);
}

/* Splits from the right; what passes PARTS_MAX stays in the leftmost part. */
static size_t split_parts(struct rmt_span value, struct rmt_span delimiters,
			  struct rmt_span parts[PARTS_MAX])
{
	size_t count = 0, end = value.len, i;

	for (i = value.len; i > 0 && count < PARTS_MAX - 1; i--)
		if (memchr(delimiters.p, value.p[i - 1], delimiters.len) != NULL) {
			parts[count++] = rmt_span(value.p + i, end - i);
			end = i - 1;
		}
	parts[count++] = rmt_span(value.p, end);
	return count;
}

/* parts[0] is the rightmost. */
static void append_parts(GString *out, const struct macro *macro,
			 const struct rmt_span *parts, size_t count)
{
	size_t keep = macro->parts == 0 ? count : MIN(count, macro->parts), i;

	for (i = 0; i < keep; i++) {
		/* "right-hand parts after optional reversal" */
		size_t at = macro->reversed ? count - keep + i : keep - 1 - i;

		if (i > 0)
			g_string_append_c(out, '.');
		append_part(out, parts[at], macro->escaped);
	}
}

static void append_value(GString *out, const struct macro *macro, struct rmt_span value)
{
	struct rmt_span delimiters =
		macro->delimiters.len > 0 ? macro->delimiters : RMT_SPAN(".");
	struct rmt_span parts[PARTS_MAX];

	if (macro->parts == 0 && !macro->reversed && macro->delimiters.len == 0)
		append_part(out, value, macro->escaped);
	else
		append_parts(out, macro, parts, split_parts(value, delimiters, parts));
}

static void append_macro(GString *out, const struct macro *macro,
			 const struct rmt_spf_values *values)
{
	g_autoptr(GString) scratch = NULL;

	switch (macro->letter) {
	case '%':
		g_string_append_c(out, '%');
		return;
	case '_':
		g_string_append_c(out, ' ');
		return;
	case '-':
		g_string_append(out, "%20");
		return;
	}
	scratch = g_string_sized_new(64);
	append_value(out, macro, value_of(macro->letter, values, scratch));
}

static void limit_length(GString *out, enum rmt_spf_text where)
{
	if (out->len <= EXPANDED_MAX)
		return;
	if (where == RMT_SPF_DOMAIN_SPEC)
		g_string_erase(out, 0, (gssize)(out->len - EXPANDED_MAX));
	else
		g_string_truncate(out, EXPANDED_MAX);
}

/* RFC 7208, 7.3: whole labels go from the left until the name fits. */
static void fit_name(GString *out)
{
	struct rmt_span name;

	if (out->len > 0 && out->str[out->len - 1] == '.')
		g_string_truncate(out, out->len - 1);
	name = rmt_span(out->str, out->len);
	while (name.len > RMT_DNS_NAME_MAX)
		name = rmt_dns_parent(name);
	g_string_erase(out, 0, (gssize)(out->len - name.len));
}

void rmt_spf_expand(struct rmt_span text, enum rmt_spf_text where,
		    const struct rmt_spf_values *values, GString *out)
{
	g_string_truncate(out, 0);
	while (text.len > 0) {
		const char *percent = memchr(text.p, '%', text.len);
		size_t literal = percent != NULL ? (size_t)(percent - text.p) : text.len;
		struct macro macro;

		g_string_append_len(out, text.p, (gssize)literal);
		text = rmt_span_from(text, literal);
		if (text.len == 0)
			break;
		literal = read_macro(text, where, &macro);
		g_return_if_fail(literal > 0);
		append_macro(out, &macro, values);
		limit_length(out, where);
		text = rmt_span_from(text, literal);
	}
	if (where == RMT_SPF_DOMAIN_SPEC)
		fit_name(out);
	limit_length(out, where);
}
