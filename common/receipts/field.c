/* SPDX-License-Identifier: MIT */
#include "common/receipts/field.h"

#include <string.h>

enum {
	LINE_MAX_SOFT = 76, /* RFC 5322, 2.1.1: 78 with the line end */
	WORD_OCTETS = 42,   /* in base64 56 digits: an encoded-word of 68 (2047, 2: 75) */
};

static bool is_printable_ascii(const char *text)
{
	for (; *text != '\0'; text++)
		if (*text < ' ' || *text > '~')
			return false;
	return true;
}

/* As many octets as fit, and no character cut in two. */
static size_t piece_length(const char *text)
{
	size_t len = strlen(text);

	if (len <= WORD_OCTETS)
		return len;
	len = WORD_OCTETS;
	while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80)
		len--;
	return len;
}

/* One encoded-word a line, but for the first, which stands behind the name. */
static void append_encoded(GString *out, const char *text)
{
	bool first = true;

	while (*text != '\0') {
		size_t len = piece_length(text);
		g_autofree char *word = g_base64_encode((const guchar *)text, len);

		g_string_append_printf(out, "%s=?utf-8?B?%s?=", first ? "" : "\r\n ",
				       word);
		text += len;
		first = false;
	}
}

/* Breaks before a blank; a word longer than a line stays whole. */
static void append_folded(GString *out, const char *text, size_t column)
{
	const char *p = text, *end;

	while (*p != '\0') {
		end = p + 1 + strcspn(p + 1, " ");
		if (column + (size_t)(end - p) > LINE_MAX_SOFT && *p == ' ' && p > text) {
			g_string_append(out, "\r\n");
			column = 0;
		}
		g_string_append_len(out, p, end - p);
		column += (size_t)(end - p);
		p = end;
	}
}

void rmt_field_text(GString *out, const char *name, const char *text)
{
	g_string_append_printf(out, "%s: ", name);
	if (is_printable_ascii(text) && strstr(text, "=?") == NULL)
		append_folded(out, text, strlen(name) + 2);
	else
		append_encoded(out, text);
	g_string_append(out, "\r\n");
}

/* RFC 5322: atoms and blanks. */
static bool is_atoms(const char *text)
{
	for (; *text != '\0'; text++)
		if (!g_ascii_isalnum(*text) &&
		    strchr("!#$%&'*+-/=?^_`{|}~ ", *text) == NULL)
			return false;
	return true;
}

static void append_quoted(GString *out, const char *text)
{
	g_string_append_c(out, '"');
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			g_string_append_c(out, '\\');
		g_string_append_c(out, *text);
	}
	g_string_append_c(out, '"');
}

void rmt_field_mailbox(GString *out, const char *name, const char *name_of,
		       const char *address)
{
	g_string_append_printf(out, "%s: ", name);
	if (name_of != NULL && name_of[0] != '\0') {
		if (!is_printable_ascii(name_of) || strstr(name_of, "=?") != NULL)
			append_encoded(out, name_of);
		else if (is_atoms(name_of))
			g_string_append(out, name_of);
		else
			append_quoted(out, name_of);
		g_string_append(out,
				strlen(name_of) + strlen(address) > 60 ? "\r\n " : " ");
	}
	g_string_append_printf(out, "<%s>\r\n", address);
}

void rmt_field_date(GString *out, const char *name, int64_t when)
{
	static const char *const days[] = { "Mon", "Tue", "Wed", "Thu",
					    "Fri", "Sat", "Sun" };
	static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
					      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	GDateTime *date = g_date_time_new_from_unix_utc(when);

	if (date == NULL) /* beyond the year 9999 */
		date = g_date_time_new_from_unix_utc(0);
	g_string_append_printf(out, "%s: %s, %d %s %d %02d:%02d:%02d +0000\r\n", name,
			       days[g_date_time_get_day_of_week(date) - 1],
			       g_date_time_get_day_of_month(date),
			       months[g_date_time_get_month(date) - 1],
			       g_date_time_get_year(date), g_date_time_get_hour(date),
			       g_date_time_get_minute(date),
			       g_date_time_get_second(date));
	g_date_time_unref(date);
}
