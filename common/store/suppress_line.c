/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "common/base/when.h"
#include "common/store/suppress_line.h"

enum field { ADDRESS, REASON, SCOPE, UNTIL, NOTE, SOURCE, SINCE, FIELDS };

const char rmt_suppress_line_header[] = "address,reason,scope,until,note,source,since\n";

static bool bad(GError **err, const char *why)
{
	g_set_error_literal(err, RMT_STORE_ERROR, RMT_STORE_ERROR_OTHER, why);
	return false;
}

/* Unquotes in place: what is written is never longer than what was read. */
static char *take_quoted(char *p, char **field_r)
{
	char *out = ++p;

	*field_r = out;
	for (; *p != '\0'; p++) {
		if (*p == '"' && p[1] != '"')
			break;
		if (*p == '"')
			p++;
		*out++ = *p;
	}
	if (*p != '"')
		return NULL;
	*out = '\0';
	return p + 1;
}

static char *skip_blanks(char *p)
{
	while (*p == ' ')
		p++;
	return p;
}

static char *take_plain(char *p, char separator, char **field_r)
{
	char *end = strchrnul(p, separator), *last = end;
	bool more = *end != '\0';

	while (last > p && last[-1] == ' ')
		last--;
	*last = '\0';
	*field_r = p;
	return end + more;
}

/* One field from p on; NULL: err says why not. *more_r: another one follows. */
static char *take_field(char *p, char separator, char **field_r, bool *more_r,
			GError **err)
{
	char *end;

	p = skip_blanks(p);
	if (*p != '"') {
		*more_r = strchr(p, separator) != NULL;
		return take_plain(p, separator, field_r);
	}
	end = take_quoted(p, field_r);
	if (end == NULL) {
		bad(err, "a quote is not closed");
		return NULL;
	}
	end = skip_blanks(end);
	if (*end != '\0' && *end != separator) {
		bad(err, "text follows a closing quote");
		return NULL;
	}
	*more_r = *end == separator;
	return end + *more_r;
}

static bool split(char *text, char *fields[FIELDS], GError **err)
{
	char separator = strchr(text, '\t') != NULL ? '\t' : ',';
	bool more = true;
	size_t i;

	for (i = 0; i < FIELDS && more; i++) {
		text = take_field(text, separator, &fields[i], &more, err);
		if (text == NULL)
			return false;
	}
	return !more || bad(err, "more than seven fields");
}

static bool take_when(const char *field, int64_t now, int64_t otherwise, int64_t *when_r,
		      GError **err)
{
	*when_r = otherwise;
	if (field == NULL || *field == '\0')
		return true;
	if (strcmp(field, "never") != 0)
		return rmt_when_parse(rmt_span_of(field), now, when_r, err);
	*when_r = 0;
	return true;
}

static char *field_or(char *field, char *otherwise)
{
	return field != NULL && *field != '\0' ? field : otherwise;
}

static bool fill(struct rmt_suppress_line_reader *reader, char *fields[FIELDS],
		 GError **err)
{
	const struct rmt_suppression *defaults = reader->defaults;
	struct rmt_suppression *entry = &reader->entry;

	if (!take_when(fields[UNTIL], reader->now, defaults->until, &entry->until, err) ||
	    !take_when(fields[SINCE], reader->now, defaults->since, &entry->since, err))
		return false;
	if (!rmt_suppress_fold(reader->fold, rmt_span_of(fields[ADDRESS]),
			       &reader->address, err))
		return false;
	entry->address = (char *)reader->address.whole.p;
	entry->reason = field_or(fields[REASON], defaults->reason);
	entry->scope = field_or(fields[SCOPE], defaults->scope);
	entry->note = field_or(fields[NOTE], defaults->note);
	entry->source = field_or(fields[SOURCE], defaults->source);
	return rmt_suppress_check(entry, err);
}

static enum rmt_suppress_line read_fields(struct rmt_suppress_line_reader *reader,
					  GError **err)
{
	char *fields[FIELDS] = { NULL };

	if (!split(reader->text, fields, err))
		return RMT_SUPPRESS_LINE_BAD;
	if (g_ascii_strcasecmp(fields[ADDRESS], "address") == 0)
		return RMT_SUPPRESS_LINE_NOTHING;
	return fill(reader, fields, err) ? RMT_SUPPRESS_LINE_ENTRY
					 : RMT_SUPPRESS_LINE_BAD;
}

enum rmt_suppress_line rmt_suppress_line_read(struct rmt_suppress_line_reader *reader,
					      struct rmt_span line, GError **err)
{
	struct rmt_span mark =
		RMT_SPAN("\xef\xbb\xbf"); /* what some editors begin with */

	if (rmt_span_starts(line, mark))
		line = rmt_span_from(line, mark.len);
	line = rmt_span_trim(line);
	if (line.len == 0 || line.p[0] == '#')
		return RMT_SUPPRESS_LINE_NOTHING;
	if (line.len > RMT_SUPPRESS_LINE_MAX) {
		bad(err, "the line is longer than 4096 octets");
		return RMT_SUPPRESS_LINE_BAD;
	}
	if (memchr(line.p, '\0', line.len) != NULL) {
		bad(err, "the line holds a NUL");
		return RMT_SUPPRESS_LINE_BAD;
	}
	memcpy(reader->text, line.p, line.len);
	reader->text[line.len] = '\0';
	return read_fields(reader, err);
}

static void write_field(GString *out, const char *field)
{
	size_t len = strlen(field);
	const char *p;

	if (out->len > 0 && out->str[out->len - 1] != '\n')
		g_string_append_c(out, ',');
	if (len == 0 ||
	    (strpbrk(field, ",\"") == NULL && field[0] != ' ' && field[0] != '#' &&
	     field[0] != '\xef' && field[len - 1] != ' ')) {
		g_string_append(out, field);
		return;
	}
	g_string_append_c(out, '"');
	for (p = field; *p != '\0'; p++) {
		if (*p == '"')
			g_string_append_c(out, '"');
		g_string_append_c(out, *p);
	}
	g_string_append_c(out, '"');
}

void rmt_suppress_line_write(GString *out, const struct rmt_suppression *entry)
{
	char when[RMT_WHEN_SIZE];

	write_field(out, entry->address);
	write_field(out, entry->reason);
	write_field(out, entry->scope);
	write_field(out,
		    entry->until != 0 ? rmt_when_format(entry->until, when) : "never");
	write_field(out, entry->note);
	write_field(out, entry->source);
	write_field(out, rmt_when_format(entry->since, when));
	g_string_append_c(out, '\n');
}
