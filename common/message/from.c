/* SPDX-License-Identifier: MIT */
#include <glib.h>

#include "common/message/from.h"
#include "common/message/from_reading.h"
#include "common/message/header.h"

static const char *const result_names[] = {
	[RMT_FROM_OK] = "ok",
	[RMT_FROM_MISSING] = "missing",
	[RMT_FROM_REPEATED] = "repeated",
	[RMT_FROM_NONE] = "no-address",
	[RMT_FROM_SEVERAL] = "several",
	[RMT_FROM_GROUP] = "group",
	[RMT_FROM_SYNTAX] = "syntax",
	[RMT_FROM_ENCODED] = "encoded",
	[RMT_FROM_BROKEN] = "broken-header",
	[RMT_FROM_TOO_LONG] = "too-long",
	[RMT_FROM_DISAGREE] = "disagree",
};

const char *rmt_from_result_name(enum rmt_from_result result)
{
	return result_names[result];
}

static bool refuse(struct rmt_from *from, enum rmt_from_result result, size_t offset,
		   const char *reason)
{
	*from = (struct rmt_from){ .result = result, .offset = offset, .reason = reason };
	return false;
}

/* --- finding the field -------------------------------------------------------- */

/* "From" and its colon, as any reader might see it: any case, blanks between. */
static bool begins_from(struct rmt_span s)
{
	size_t i = 4;

	if (s.len < 5 || !rmt_span_eq_nocase(rmt_span(s.p, 4), RMT_SPAN("From")))
		return false;
	while (i < s.len && (s.p[i] == ' ' || s.p[i] == '\t'))
		i++;
	return i < s.len && s.p[i] == ':';
}

/* A From behind a CR alone is a field to who takes CR for a line end. */
static bool hides_from(struct rmt_span raw, size_t *offset_r)
{
	const char *cr = raw.p;

	while ((cr = memchr(cr, '\r', raw.len - (size_t)(cr - raw.p))) != NULL) {
		cr++;
		if (begins_from(rmt_span_from(raw, (size_t)(cr - raw.p)))) {
			*offset_r = (size_t)(cr - raw.p);
			return true;
		}
	}
	return false;
}

/* CR without LF, NUL, or a folded line of blanks alone: where readers differ
 * on what is a line, a field or the end of the section. */
static bool is_ambiguous(const struct rmt_header_field *field, const char **reason_r)
{
	struct rmt_span raw = field->raw;
	const char *lf, *cr = raw.p;

	*reason_r = "a line that is no header field";
	if (field->name.len == 0)
		return true;
	*reason_r = "a NUL";
	if (memchr(raw.p, '\0', raw.len) != NULL)
		return true;
	*reason_r = "a stray CR";
	while ((cr = memchr(cr, '\r', raw.len - (size_t)(cr - raw.p))) != NULL)
		if (++cr == raw.p + raw.len || *cr != '\n')
			return true;
	*reason_r = "a folded line of blanks alone";
	for (lf = raw.p;
	     (lf = memchr(lf, '\n', raw.len - (size_t)(lf - raw.p))) != NULL;) {
		struct rmt_span line = rmt_span_from(raw, (size_t)(++lf - raw.p));
		const char *end = memchr(lf, '\n', line.len);

		if (end != NULL)
			line.len = (size_t)(end - lf);
		if (rmt_span_trim(line).len == 0)
			return true;
	}
	return false;
}

static bool find_field(struct rmt_span section, struct rmt_header_field *found_r,
		       struct rmt_from *from)
{
	struct rmt_header_reader reader = rmt_header_read(section);
	struct rmt_header_field field;
	bool found = false;

	while (rmt_header_next(&reader, &field)) {
		bool is_from = begins_from(field.raw);
		const char *reason;
		size_t hidden;

		if ((is_from && found) || hides_from(field.raw, &hidden))
			return refuse(from, RMT_FROM_REPEATED,
				      field.offset + (is_from && found ? 0 : hidden),
				      "more than one From field");
		if (!found && !is_from && is_ambiguous(&field, &reason))
			return refuse(from, RMT_FROM_BROKEN, field.offset, reason);
		if (is_from) {
			*found_r = field;
			found = true;
		}
	}
	return found || refuse(from, RMT_FROM_MISSING, 0, "no From field");
}

static bool check_lines(struct rmt_span raw)
{
	struct rmt_span line, rest = raw;

	while (rmt_span_split(rest, '\n', &line, &rest))
		if (line.len > RMT_FROM_LINE_MAX + 1)
			return false;
	return rest.len <= RMT_FROM_LINE_MAX;
}

static bool check_field(const struct rmt_header_field *field, struct rmt_from *from)
{
	if (field->value.len > RMT_FROM_VALUE_MAX)
		return refuse(from, RMT_FROM_TOO_LONG, field->offset,
			      "From field too long");
	if (!check_lines(field->raw))
		return refuse(from, RMT_FROM_TOO_LONG, field->offset,
			      "From line over 998 octets");
	if (field->name.len == 0 || field->raw.p[field->name.len] != ':')
		return refuse(from, RMT_FROM_SYNTAX, field->offset,
			      "a blank before the colon");
	return true;
}

/* --- what a reader is shown --------------------------------------------------- */

static bool in_word(unsigned char c)
{
	return c > ' ' && c != 0x7f && strchr("<>()\",;:'[]\\", c) == NULL;
}

bool rmt_from_shows_other(const char *text, const char *address)
{
	const char *at = text, *start, *end;

	while ((at = strchr(at, '@')) != NULL) {
		for (start = at; start > text && in_word((unsigned char)start[-1]);
		     start--)
			;
		for (end = at; *end != '\0' && in_word((unsigned char)*end); end++)
			;
		while (end > at && end[-1] == '.')
			end--;
		if (start < at && memchr(at, '.', (size_t)(end - at)) != NULL &&
		    !rmt_span_eq_nocase(rmt_span(start, (size_t)(end - start)),
					rmt_span_of(address)))
			return true;
		at = end > at ? end : at + 1;
	}
	return false;
}

static bool has_control(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < ' ' && *text != '\t')
			return true;
	return false;
}

/* Who decodes first reads an angle, a line end or another address? */
static bool check_decoded(GString *names, size_t offset, struct rmt_from *from)
{
	g_auto(GStrv) lines = NULL;
	size_t i;

	if (rmt_from_shows_other(names->str, from->address))
		from->flags |= RMT_FROM_FLAG_NAME_IS_ADDRESS;
	lines = g_strsplit(names->str, "\n", -1);
	for (i = 0; lines[i] != NULL; i++) {
		g_autofree char *decoded = rmt_from_decode(lines[i]);

		if (decoded == NULL || strcmp(decoded, lines[i]) == 0 ||
		    strstr(lines[i], "=?") == NULL)
			continue;
		if (strpbrk(decoded, "<>") != NULL || has_control(decoded) ||
		    rmt_from_shows_other(decoded, from->address))
			return refuse(from, RMT_FROM_ENCODED, offset,
				      "an encoded-word hides another address");
	}
	return true;
}

bool rmt_from_read(struct rmt_span section, struct rmt_from *from_r)
{
	g_autoptr(GString) names = g_string_new(NULL);
	struct rmt_header_field field = { { NULL, 0 } };
	struct rmt_span rest;
	size_t base;

	rmt_header_split(section, &section, &rest);
	if (section.len > RMT_FROM_SECTION_MAX)
		return refuse(from_r, RMT_FROM_TOO_LONG, RMT_FROM_SECTION_MAX,
			      "header section too long");
	if (!find_field(section, &field, from_r) || !check_field(&field, from_r))
		return false;
	base = field.offset + (size_t)(field.value.p - field.raw.p);
	if (!rmt_from_read_strict(field.value, from_r, names)) {
		from_r->offset += base;
		return false;
	}
	from_r->offset = field.offset;
	if (!rmt_from_gmime_reads(section, from_r->address))
		return refuse(from_r, RMT_FROM_DISAGREE, field.offset,
			      "two readings find different addresses");
	return check_decoded(names, field.offset, from_r);
}

bool rmt_reply_to_read(struct rmt_span section, struct rmt_from *reply_to_r)
{
	struct rmt_header_reader reader = rmt_header_read(section);
	g_autofree char *as_from = NULL;
	struct rmt_header_field field;

	while (rmt_header_next(&reader, &field)) {
		if (!rmt_span_eq_nocase(field.name, RMT_SPAN("Reply-To")))
			continue;
		as_from = g_strdup_printf("From:%.*s\r\n", RMT_SPAN_ARGS(field.value));
		rmt_from_read(rmt_span_of(as_from), reply_to_r);
		return reply_to_r->result == RMT_FROM_OK;
	}
	return false;
}
