/* SPDX-License-Identifier: MIT */
/* spf_record.c - the text of an SPF record as terms. */
#include <arpa/inet.h>

#include "common/auth/ip.h"
#include "common/auth/spf_macro.h"
#include "common/auth/spf_record.h"

enum { RECORD_MAX = 1024 * 1024 };

enum argument { ARGUMENT_NONE, ARGUMENT_MAY, ARGUMENT_MUST, ARGUMENT_ADDRESS };

/* One row for each mechanism: RFC 7208, 5. */
static const struct mechanism {
	struct rmt_span name; /* lower case */
	enum rmt_spf_mechanism mechanism;
	enum argument argument;
	bool has_prefixes; /* dual-cidr-length */
} mechanisms[] = {
	{ { "all", 3 }, RMT_SPF_ALL, ARGUMENT_NONE, false },
	{ { "include", 7 }, RMT_SPF_INCLUDE, ARGUMENT_MUST, false },
	{ { "a", 1 }, RMT_SPF_A, ARGUMENT_MAY, true },
	{ { "mx", 2 }, RMT_SPF_MX, ARGUMENT_MAY, true },
	{ { "ptr", 3 }, RMT_SPF_PTR, ARGUMENT_MAY, false },
	{ { "ip4", 3 }, RMT_SPF_IP4, ARGUMENT_ADDRESS, false },
	{ { "ip6", 3 }, RMT_SPF_IP6, ARGUMENT_ADDRESS, false },
	{ { "exists", 6 }, RMT_SPF_EXISTS, ARGUMENT_MUST, false },
};

bool rmt_spf_is_record(struct rmt_span text)
{
	return text.len >= 6 && strncasecmp(text.p, "v=spf1", 6) == 0 &&
	       (text.len == 6 || text.p[6] == ' ');
}

size_t rmt_spf_select(const struct rmt_dns_answer *answer, struct rmt_span *text_r)
{
	size_t i, found = 0;

	for (i = 0; i < answer->count; i++)
		if (rmt_spf_is_record(answer->records[i].data)) {
			*text_r = answer->records[i].data;
			found++;
		}
	return found;
}

static struct rmt_spf_part part_of(const char *base, struct rmt_span text)
{
	return (struct rmt_spf_part){ (uint32_t)(text.p - base), (uint32_t)text.len,
				      false, false };
}

static bool parse_domain_spec(const char *base, struct rmt_span text,
			      struct rmt_spf_part *part_r)
{
	bool uses_ptr;

	if (!rmt_spf_macro_ok(text, RMT_SPF_DOMAIN_SPEC, &uses_ptr))
		return false;
	*part_r = part_of(base, text);
	part_r->has_macro = memchr(text.p, '%', text.len) != NULL;
	part_r->uses_ptr = uses_ptr;
	return true;
}

/* Digits without a leading zero, at most bits_max. */
static bool parse_prefix(struct rmt_span digits, unsigned bits_max, uint8_t *bits_r)
{
	unsigned bits = 0;
	size_t i;

	if (digits.len == 0 || digits.len > 3 || (digits.len > 1 && digits.p[0] == '0'))
		return false;
	for (i = 0; i < digits.len; i++) {
		if (!g_ascii_isdigit(digits.p[i]))
			return false;
		bits = bits * 10 + (unsigned)(digits.p[i] - '0');
	}
	*bits_r = (uint8_t)bits;
	return bits <= bits_max;
}

/* Cuts "/digits" off the end of text. False: there is none. */
static bool cut_prefix(struct rmt_span *text, const char *slashes,
		       struct rmt_span *digits_r)
{
	size_t i = text->len, width = strlen(slashes);

	while (i > 0 && g_ascii_isdigit(text->p[i - 1]))
		i--;
	if (i == text->len || i < width ||
	    memcmp(text->p + i - width, slashes, width) != 0)
		return false;
	*digits_r = rmt_span_from(*text, i);
	text->len = i - width;
	return true;
}

/* dual-cidr-length = [ "/" bits ] [ "//" bits ], at the end of text. */
static bool parse_prefixes(struct rmt_span *text, struct rmt_spf_term *term)
{
	struct rmt_span digits;

	if (cut_prefix(text, "//", &digits) && !parse_prefix(digits, 128, &term->prefix6))
		return false;
	return !cut_prefix(text, "/", &digits) ||
	       parse_prefix(digits, 32, &term->prefix4);
}

static bool parse_ip4(struct rmt_span text, struct rmt_spf_term *term)
{
	struct rmt_span address = text, digits;

	if (rmt_span_split(text, '/', &address, &digits) &&
	    !parse_prefix(digits, 32, &term->prefix4))
		return false;
	return rmt_ip4_parse(address, term->address);
}

static bool parse_ip6(struct rmt_span text, struct rmt_spf_term *term)
{
	struct rmt_span address = text, digits;
	char copy[INET6_ADDRSTRLEN];

	if (rmt_span_split(text, '/', &address, &digits) &&
	    !parse_prefix(digits, 128, &term->prefix6))
		return false;
	if (address.len >= sizeof(copy))
		return false;
	memcpy(copy, address.p, address.len);
	copy[address.len] = '\0';
	return strlen(copy) == address.len &&
	       inet_pton(AF_INET6, copy, term->address) == 1;
}

/* argument: what stands behind the name, with its ':'. */
static bool parse_argument(const char *base, const struct mechanism *row,
			   struct rmt_span argument, struct rmt_spf_term *term)
{
	if (row->has_prefixes && !parse_prefixes(&argument, term))
		return false;
	if (argument.len == 0)
		return row->argument == ARGUMENT_NONE || row->argument == ARGUMENT_MAY;
	if (argument.p[0] != ':' || row->argument == ARGUMENT_NONE)
		return false;
	argument = rmt_span_from(argument, 1);
	if (row->mechanism == RMT_SPF_IP4)
		return parse_ip4(argument, term);
	if (row->mechanism == RMT_SPF_IP6)
		return parse_ip6(argument, term);
	return parse_domain_spec(base, argument, &term->domain);
}

/* word: lower case. Faster than strncasecmp() for words of this length. */
static bool is_word(struct rmt_span text, struct rmt_span word)
{
	size_t i;

	if (text.len != word.len)
		return false;
	for (i = 0; i < text.len; i++)
		if (text.p[i] != word.p[i] &&
		    (!g_ascii_isupper(text.p[i]) || (text.p[i] | 0x20) != word.p[i]))
			return false;
	return true;
}

static const struct mechanism *find_mechanism(struct rmt_span name)
{
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(mechanisms); i++)
		if (is_word(name, mechanisms[i].name))
			return &mechanisms[i];
	return NULL;
}

static bool parse_directive(const char *base, struct rmt_span text, GArray *terms)
{
	struct rmt_spf_term term = { .qualifier = '+', .prefix4 = 32, .prefix6 = 128 };
	const struct mechanism *row;
	size_t i = 0;

	term.text = part_of(base, text);
	if (text.p[0] == '-' || text.p[0] == '~' || text.p[0] == '+' ||
	    text.p[0] == '?') {
		term.qualifier = text.p[0];
		text = rmt_span_from(text, 1);
	}
	while (i < text.len && text.p[i] != ':' && text.p[i] != '/')
		i++;
	row = find_mechanism(rmt_span(text.p, i));
	if (row == NULL || !parse_argument(base, row, rmt_span_from(text, i), &term))
		return false;
	term.mechanism = row->mechanism;
	g_array_append_val(terms, term);
	return true;
}

/* name = ALPHA *( ALPHA / DIGIT / "-" / "_" / "." ), then "=" */
static bool split_modifier(struct rmt_span text, struct rmt_span *name_r,
			   struct rmt_span *value_r)
{
	size_t i;

	if (!g_ascii_isalpha(text.p[0]))
		return false;
	for (i = 1; i < text.len && text.p[i] != '='; i++)
		if (!g_ascii_isalnum(text.p[i]) && text.p[i] != '-' && text.p[i] != '_' &&
		    text.p[i] != '.')
			return false;
	return rmt_span_split(text, '=', name_r, value_r);
}

static bool parse_modifier(const char *base, struct rmt_span name, struct rmt_span value,
			   struct rmt_spf_record *record)
{
	struct rmt_spf_part *part = NULL;

	if (is_word(name, RMT_SPAN("redirect")))
		part = &record->redirect;
	else if (is_word(name, RMT_SPAN("exp")))
		part = &record->explanation;
	if (part == NULL)
		return rmt_spf_macro_ok(value, RMT_SPF_MODIFIER, NULL);
	return part->len == 0 && parse_domain_spec(base, value, part);
}

static bool parse_term(const char *base, struct rmt_span text,
		       struct rmt_spf_record *record, GArray *terms)
{
	struct rmt_span name, value;

	if (split_modifier(text, &name, &value))
		return parse_modifier(base, name, value, record);
	return parse_directive(base, text, terms);
}

/* Up to the next blank, which goes with it. */
static struct rmt_span next_word(struct rmt_span *rest)
{
	struct rmt_span word = *rest;
	size_t i = 0;

	while (i < word.len && word.p[i] != ' ')
		i++;
	*rest = rmt_span_from(word, i + 1);
	word.len = i;
	return word;
}

bool rmt_spf_record_parse(struct rmt_span text, struct rmt_spf_record *record_r,
			  GArray *terms, struct rmt_span *wrong_r)
{
	struct rmt_span rest = rmt_span_from(text, 6); /* "v=spf1" */
	guint count = terms->len;

	*record_r = (struct rmt_spf_record){ 0 };
	*wrong_r = text;
	if (text.len > RECORD_MAX)
		return false;
	while (rest.len > 0) {
		struct rmt_span word = next_word(&rest);

		if (word.len == 0 || parse_term(text.p, word, record_r, terms))
			continue;
		*wrong_r = word;
		g_array_set_size(terms, count);
		return false;
	}
	return true;
}
