/* SPDX-License-Identifier: MIT */
/* rules_deceptive.c - R19 of the domain in From, R20: what a message pretends. */
#include <glib.h>

#include "common/message/header.h"
#include "common/message/idn.h"
#include "common/rules/header.h"
#include "common/rules/scripts.h"

void rmt_rule_from_scripts(const struct rmt_header_facts *header,
			   struct rmt_rule_findings *findings)
{
	const char *domain = header->from->domain;
	g_autoptr(GString) unicode = g_string_new(NULL);

	if (header->from->result != RMT_FROM_OK)
		rmt_rule_add(findings, RMT_R19, RMT_RULE_NEEDS, "From", "cannot be read");
	else if (!rmt_domain_unicode(rmt_span_of(domain), unicode))
		rmt_rule_add(findings, RMT_R19, RMT_RULE_BROKEN, domain,
			     "a label that begins with xn-- is none (RFC 5891)");
	else if (!rmt_scripts_ok(rmt_span(unicode->str, unicode->len)))
		rmt_rule_add(findings, RMT_R19, RMT_RULE_BROKEN, domain,
			     "'%s' mixes scripts", unicode->str);
	else
		rmt_rule_add(findings, RMT_R19, RMT_RULE_HOLDS, domain,
			     "each label keeps to one script");
}

/* --- R20: replies to nothing ------------------------------------------------------- */

static bool starts_nocase(struct rmt_span text, struct rmt_span head)
{
	return text.len >= head.len &&
	       rmt_span_eq_nocase(rmt_span(text.p, head.len), head);
}

static const char *pretended_reply(const struct rmt_header_facts *header)
{
	struct rmt_header_field subject, other;
	struct rmt_span text;

	if (!rmt_header_first(header, "Subject", &subject) ||
	    rmt_header_first(header, "In-Reply-To", &other) ||
	    rmt_header_first(header, "References", &other))
		return NULL;
	text = rmt_span_trim(subject.value);
	if (starts_nocase(text, RMT_SPAN("Re:")))
		return "begins with Re:, but answers no message";
	if (starts_nocase(text, RMT_SPAN("Fwd:")) || starts_nocase(text, RMT_SPAN("Fw:")))
		return "begins with Fwd:, but no message is forwarded";
	return NULL;
}

/* --- R20: badges
 * -------------------------------------------------------------------------- */

/* Marks that mailbox programs themselves show of senders they know. */
static bool is_badge(gunichar c)
{
	static const gunichar badges[] = {
		0x2611,  0x2705,  0x2713,  0x2714,  0x2611,  0x1f5f8,
		0x1f510, 0x1f512, 0x1f6e1, 0x1f3c5, 0x1f4a0, 0x1f535,
	};
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(badges); i++)
		if (badges[i] == c)
			return true;
	return false;
}

static bool has_badge(const char *text)
{
	g_autofree char *valid = g_utf8_make_valid(text, -1);
	const char *at;

	for (at = valid; *at != '\0'; at = g_utf8_next_char(at))
		if (is_badge(g_utf8_get_char(at)))
			return true;
	return false;
}

static void decode_q(struct rmt_span text, GString *out)
{
	size_t i;

	for (i = 0; i < text.len; i++)
		if (text.p[i] == '=' && i + 2 < text.len &&
		    g_ascii_isxdigit(text.p[i + 1]) && g_ascii_isxdigit(text.p[i + 2])) {
			g_string_append_c(
				out, (char)(g_ascii_xdigit_value(text.p[i + 1]) * 16 +
					    g_ascii_xdigit_value(text.p[i + 2])));
			i += 2;
		} else {
			g_string_append_c(out, text.p[i]);
		}
}

static void decode_b(struct rmt_span text, GString *out)
{
	g_autofree char *copy = g_strndup(text.p, text.len);
	g_autofree guchar *octets = NULL;
	gsize len = 0;

	octets = g_base64_decode(copy, &len);
	g_string_append_len(out, (const char *)octets, (gssize)len);
}

/* What the encoded-words of UTF-8 say, one behind the other; others stay out. */
static void decode_words(struct rmt_span text, GString *out)
{
	struct rmt_span charset, encoding, word, rest = text;
	const char *at;

	while (rest.len > 0 && (at = memmem(rest.p, rest.len, "=?", 2)) != NULL) {
		rest = rmt_span_from(rest, (size_t)(at - rest.p) + 2);
		if (!rmt_span_split(rest, '?', &charset, &rest) ||
		    !rmt_span_split(rest, '?', &encoding, &rest) ||
		    !rmt_span_split(rest, '?', &word, &rest))
			return;
		if (!starts_nocase(charset, RMT_SPAN("utf-8")) || encoding.len != 1)
			continue;
		if (g_ascii_tolower(encoding.p[0]) == 'b')
			decode_b(word, out);
		else
			decode_q(word, out);
	}
}

static const char *pretended_badge(const struct rmt_header_facts *header)
{
	g_autoptr(GString) text = g_string_new(NULL);
	struct rmt_header_field from;

	if (!rmt_header_first(header, "From", &from) ||
	    from.value.len > RMT_FROM_VALUE_MAX)
		return NULL;
	g_string_append_len(text, from.value.p, (gssize)from.value.len);
	decode_words(from.value, text);
	return has_badge(text->str) ? "shows a badge in the sender's name" : NULL;
}

/* --- R20
 * ------------------------------------------------------------------------------------ */

static bool add(struct rmt_rule_findings *findings, const char *place,
		const char *problem)
{
	if (problem != NULL)
		rmt_rule_add(findings, RMT_R20, RMT_RULE_BROKEN, place, "%s", problem);
	return problem != NULL;
}

void rmt_rule_deceptive(const struct rmt_header_facts *header,
			struct rmt_rule_findings *findings)
{
	const bool other_address =
		(header->from->flags & RMT_FROM_FLAG_NAME_IS_ADDRESS) != 0;
	bool broken = add(findings, "Subject", pretended_reply(header));

	broken |= add(findings, "From", pretended_badge(header));
	broken |=
		add(findings, "From",
		    other_address ? "shows another address as the sender's name" : NULL);
	if (!broken)
		rmt_rule_add(findings, RMT_R20, RMT_RULE_HOLDS, "header",
			     "pretends nothing");
}
