/* SPDX-License-Identifier: MIT */
#include "common/auth/dkim_tag.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* ALPHA *(ALPHA / DIGIT / "_") */
static bool name_ok(struct rmt_span name)
{
	size_t i;

	if (name.len == 0 || !g_ascii_isalpha(name.p[0]))
		return false;
	for (i = 1; i < name.len; i++)
		if (!g_ascii_isalnum(name.p[i]) && name.p[i] != '_')
			return false;
	return true;
}

static bool value_ok(struct rmt_span value)
{
	size_t i;

	for (i = 0; i < value.len; i++) {
		unsigned char c = (unsigned char)value.p[i];

		if (c == 0x7f || (c < ' ' && !is_blank((char)c)))
			return false;
		/* A CR is part of a fold or an error. */
		if (c == '\r' && (i + 1 == value.len || value.p[i + 1] != '\n'))
			return false;
	}
	return true;
}

static bool parse_one(struct rmt_span text, struct rmt_tags *tags)
{
	struct rmt_tag tag;

	if (tags->count == RMT_TAGS_MAX ||
	    !rmt_span_split(text, '=', &tag.name, &tag.hole))
		return false;
	tag.name = rmt_span_trim(tag.name);
	tag.value = rmt_span_trim(tag.hole);
	if (!name_ok(tag.name) || !value_ok(tag.hole))
		return false;
	for (size_t i = 0; i < tags->count; i++)
		if (rmt_span_eq(tags->tags[i].name, tag.name))
			return false;
	tags->tags[tags->count++] = tag;
	return true;
}

bool rmt_tags_parse(struct rmt_span text, struct rmt_tags *tags_r)
{
	struct rmt_span one, rest = text;

	tags_r->count = 0;
	while (rmt_span_split(rest, ';', &one, &rest))
		if (!parse_one(one, tags_r))
			return false;
	/* The last may be followed by ";" and blanks. */
	if (rmt_span_trim(rest).len == 0)
		return tags_r->count > 0;
	return parse_one(rest, tags_r);
}

const struct rmt_tag *rmt_tag_find(const struct rmt_tags *tags, const char *name)
{
	size_t i;

	for (i = 0; i < tags->count; i++)
		if (rmt_span_eq(tags->tags[i].name, rmt_span_of(name)))
			return &tags->tags[i];
	return NULL;
}

struct rmt_span rmt_tag(const struct rmt_tags *tags, const char *name)
{
	const struct rmt_tag *tag = rmt_tag_find(tags, name);

	return tag != NULL ? tag->value : rmt_span(NULL, 0);
}

bool rmt_tag_list_next(struct rmt_span *rest, struct rmt_span *item_r)
{
	if (rest->p == NULL)
		return false;
	if (!rmt_span_split(*rest, ':', item_r, rest)) {
		*item_r = *rest;
		*rest = rmt_span(NULL, 0);
	}
	*item_r = rmt_span_trim(*item_r);
	return true;
}

bool rmt_tag_list_has(struct rmt_span list, const char *item)
{
	struct rmt_span one;

	while (rmt_tag_list_next(&list, &one))
		if (rmt_span_eq_nocase(one, rmt_span_of(item)))
			return true;
	return false;
}

static int base64_digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

GByteArray *rmt_tag_base64(struct rmt_span value)
{
	g_autoptr(GByteArray) out = g_byte_array_new();
	unsigned digits = 0, padding = 0, octets = 0;
	guint32 bits = 0;
	size_t i;

	g_byte_array_set_size(out, (guint)(value.len / 4 * 3 + 3));
	for (i = 0; i < value.len; i++) {
		int digit = base64_digit(value.p[i]);

		if (is_blank(value.p[i]))
			continue;
		if (value.p[i] == '=' && ++padding <= 2)
			continue;
		if (digit < 0 || padding > 0)
			return NULL;
		bits = bits << 6 | (guint32)digit;
		if (digits++ % 4 == 0)
			continue;
		out->data[octets++] = (guint8)(bits >> (6 - 2 * ((digits - 1) % 4)));
	}
	g_byte_array_set_size(out, octets);
	/* One digit alone holds no octet; padding, where given, must be whole. */
	if (out->len == 0 || digits % 4 == 1 ||
	    (padding > 0 && (digits + padding) % 4 != 0))
		return NULL;
	return g_steal_pointer(&out);
}
