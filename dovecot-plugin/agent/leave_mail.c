/* SPDX-License-Identifier: MIT */
#include <gmime/gmime.h>

#include "dovecot-plugin/agent/leave.h"

/* RFC 2047, in lines of the header's own length. */
static void append_text_field(GString *out, const char *name, const char *text)
{
	char *encoded = g_mime_utils_header_encode_text(NULL, text, "utf-8");

	g_string_append_printf(out, "%s: %s\r\n", name, encoded);
	g_free(encoded);
}

static void append_date(GString *out, int64_t now)
{
	static const char *const days[] = { "Mon", "Tue", "Wed", "Thu",
					    "Fri", "Sat", "Sun" };
	static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
					      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	g_autoptr(GDateTime) date = g_date_time_new_from_unix_utc(now);

	g_string_append_printf(out, "Date: %s, %d %s %04d %02d:%02d:%02d +0000\r\n",
			       days[g_date_time_get_day_of_week(date) - 1],
			       g_date_time_get_day_of_month(date),
			       months[g_date_time_get_month(date) - 1],
			       g_date_time_get_year(date), g_date_time_get_hour(date),
			       g_date_time_get_minute(date),
			       g_date_time_get_second(date));
}

/* Base64: any text, and no line of it can be taken for anything else. */
static void append_body(GString *out, const char *body)
{
	g_autofree char *text = g_base64_encode((const guchar *)body, strlen(body));
	const size_t len = strlen(text);
	size_t i;

	for (i = 0; i < len; i += 76) {
		g_string_append_len(out, text + i, (gssize)MIN(len - i, 76));
		g_string_append(out, "\r\n");
	}
}

static void append_plain_body(GString *out, const char *body)
{
	for (; *body != '\0'; body++)
		if (*body == '\n')
			g_string_append(out, "\r\n");
		else
			g_string_append_c(out, *body);
	g_string_append(out, "\r\n");
}

static bool is_plain(const char *body)
{
	size_t line = 0;

	for (; *body != '\0'; body++) {
		line = *body == '\n' ? 0 : line + 1;
		if ((unsigned char)*body >= 0x80 || line > 900)
			return false;
	}
	return true;
}

void rmt_leave_mail(const struct rmt_errand *errand, const char *message_id, int64_t now,
		    GString *out)
{
	const char *subject = errand->mail_subject;
	const bool plain = is_plain(errand->mail_body);

	g_string_append_printf(out, "From: <%s>\r\nTo: <%s>\r\n", errand->address,
			       errand->mailto);
	append_text_field(out, "Subject", *subject != '\0' ? subject : "unsubscribe");
	append_date(out, now);
	g_string_append_printf(out, "Message-ID: <%s>\r\nMIME-Version: 1.0\r\n",
			       message_id);
	g_string_append_printf(out,
			       "Content-Type: text/plain; charset=utf-8\r\n"
			       "Content-Transfer-Encoding: %s\r\n\r\n",
			       plain ? "7bit" : "base64");
	if (plain)
		append_plain_body(out, errand->mail_body);
	else
		append_body(out, errand->mail_body);
}
