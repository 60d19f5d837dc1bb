/* SPDX-License-Identifier: MIT */
/* What stands for a message: claims.h, rmt_claim_id(). */
#include "common/message/header.h"
#include "common/store/claims.h"

/* Comments (RFC 5322, 3.2.2) and blanks go; a quoted string stays as it is. */
static void append_bare(GString *out, struct rmt_span value)
{
	unsigned depth = 0;
	size_t i;

	for (i = 0; i < value.len; i++) {
		char c = value.p[i];

		if (c == '(')
			depth++;
		else if (c == ')' && depth > 0)
			depth--;
		else if (depth == 0 && (unsigned char)c > ' ' && c != '\x7f')
			g_string_append_c(out, c);
	}
}

/* What stands in the first pair of angle brackets; without a pair, all of it. */
static void append_message_id(GString *out, struct rmt_span value)
{
	g_autoptr(GString) bare = g_string_new(NULL);
	struct rmt_span before, rest, id;

	append_bare(bare, value);
	rest = rmt_span(bare->str, bare->len);
	if (!rmt_span_split(rest, '<', &before, &id) ||
	    !rmt_span_split(id, '>', &id, &before))
		id = rest;
	g_string_append_len(out, id.p, (gssize)MIN(id.len, RMT_CLAIM_ID_MAX));
}

static bool is_of_author(struct rmt_span name)
{
	static const char *const names[] = { "From",    "To",
					     "Cc",      "Date",
					     "Subject", "Disposition-Notification-To" };
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(names); i++)
		if (rmt_span_eq_nocase(name, rmt_span_of(names[i])))
			return true;
	return false;
}

/* Folding differs from copy to copy, blanks count for nothing. */
static void add_field(GChecksum *sum, const struct rmt_header_field *field)
{
	g_autoptr(GString) text = g_string_new(NULL);
	size_t i;

	for (i = 0; i < field->name.len; i++)
		g_string_append_c(text, g_ascii_tolower(field->name.p[i]));
	g_string_append_c(text, ':');
	for (i = 0; i < field->value.len; i++)
		if ((unsigned char)field->value.p[i] > ' ')
			g_string_append_c(text, field->value.p[i]);
	g_string_append_c(text, '\n');
	g_checksum_update(sum, (const guchar *)text->str, (gssize)text->len);
}

static void append_hash(GString *out, struct rmt_span header)
{
	g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
	struct rmt_header_reader reader = rmt_header_read(header);
	struct rmt_header_field field;
	bool any = false;

	while (rmt_header_next(&reader, &field))
		if (is_of_author(field.name)) {
			add_field(sum, &field);
			any = true;
		}
	if (any)
		g_string_append_printf(out, "hash:%.32s", g_checksum_get_string(sum));
}

void rmt_claim_id(struct rmt_span message_id, struct rmt_span header, GString *id_r)
{
	g_string_truncate(id_r, 0);
	append_message_id(id_r, message_id);
	if (id_r->len == 0)
		append_hash(id_r, header);
}
