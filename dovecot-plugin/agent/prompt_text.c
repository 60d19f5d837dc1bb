/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "common/base/when.h"
#include "common/receipts/field.h"
#include "dovecot-plugin/agent/prompt_text.h"

/* One printable line of valid UTF-8, whatever a stranger wrote. */
static char *line_of(const char *text, size_t max)
{
	g_autofree char *valid = g_utf8_make_valid(text, -1);
	GString *out = g_string_new(NULL);
	const char *p;

	for (p = valid; *p != '\0' && out->len < max; p = g_utf8_next_char(p)) {
		gunichar c = g_utf8_get_char(p);

		g_string_append_unichar(out, g_unichar_isprint(c) ? c : '?');
	}
	if (*p != '\0')
		g_string_append(out, "...");
	return g_string_free(out, FALSE);
}

static bool has_link(const char *line, size_t len)
{
	return memmem(line, len, "{link}", strlen("{link}")) != NULL;
}

/* Line by line, since one about a link stands only where there is one. */
static void fill_lines(struct rmt_span text, const struct rmt_template_value *values,
		       const char *link, GString *out)
{
	const char *end = text.p + text.len, *p, *next;

	for (p = text.p; p < end; p = next) {
		g_autofree char *line = NULL;

		next = memchr(p, '\n', (size_t)(end - p));
		next = next != NULL ? next + 1 : end;
		if (link == NULL && has_link(p, (size_t)(next - p)))
			continue;
		line = g_strndup(p, (size_t)(next - p));
		rmt_template_fill(line, values, out);
	}
}

static void append_question(struct rmt_span text,
			    const struct rmt_prompt_question *question, GString *out)
{
	/* All of them: the answer is about each (RFC 8098, 2.1). */
	g_autofree char *sender = line_of(question->prompt->target, SIZE_MAX);
	g_autofree char *subject = line_of(question->prompt->subject, 200);
	char until[RMT_WHEN_SIZE];
	const struct rmt_template_value values[] = {
		{ "sender", sender },
		{ "subject", subject },
		{ "until", rmt_when_format(question->prompt->until, until) },
		{ "link", question->link },
		{ NULL, NULL },
	};

	fill_lines(text, values, question->link, out);
}

/* From the first to the last line with a placeholder; empty where there is none. */
static struct rmt_span find_question(const char *text)
{
	const char *from = strchr(text, '{'), *end = strrchr(text, '}');

	if (from == NULL || end == NULL || end < from)
		return rmt_span(text, 0);
	while (from > text && from[-1] != '\n')
		from--;
	end += strcspn(end, "\n");
	return rmt_span(from, (size_t)(end - from) + (*end == '\n'));
}

static GString *body_of(const char *text, const struct rmt_prompt_letter *mail)
{
	struct rmt_span question = find_question(text);
	GString *body = g_string_new_len(text, question.p - text);
	size_t i;

	for (i = 0; i < mail->count; i++) {
		if (i > 0)
			g_string_append_c(body, '\n');
		append_question(question, &mail->questions[i], body);
	}
	return g_string_append(body, question.p + question.len);
}

static char *subject_of(const char *text, const struct rmt_prompt_letter *mail)
{
	const struct rmt_prompt *prompt = mail->questions[0].prompt;
	g_autofree char *sender = line_of(prompt->target, 100);
	g_autofree char *subject = line_of(prompt->subject, 100);
	GString *out = g_string_new(NULL);

	rmt_template_fill(text,
			  (const struct rmt_template_value[]){ { "sender", sender },
							       { "subject", subject },
							       { NULL, NULL } },
			  out);
	return g_string_free(out, FALSE);
}

static void append_base64(GString *out, const GString *text)
{
	g_autofree char *all = g_base64_encode((const guchar *)text->str, text->len);
	size_t at, len = strlen(all);

	for (at = 0; at < len; at += 76)
		g_string_append_printf(out, "%.76s\r\n", all + at);
}

GString *rmt_prompt_write(const struct rmt_templates *templates,
			  const struct rmt_prompt_letter *mail)
{
	const struct rmt_template *text =
		rmt_template_choose(templates, mail->count == 1 ? "prompt" : "digest",
				    NULL, mail->language, mail->standard);
	g_autofree char *subject = subject_of(text->subject, mail);
	g_autoptr(GString) body = body_of(text->body, mail);
	GString *out = g_string_new(NULL);

	rmt_field_mailbox(out, "From", "Remite", mail->from);
	rmt_field_mailbox(out, "To", NULL, mail->to);
	rmt_field_text(out, "Subject", subject);
	rmt_field_date(out, "Date", mail->now);
	g_string_append_printf(out,
			       "Message-ID: <%s>\r\n"
			       "Auto-Submitted: auto-generated\r\n"
			       "X-Auto-Response-Suppress: All\r\n"
			       "Content-Language: %s\r\n"
			       "MIME-Version: 1.0\r\n"
			       "Content-Type: text/plain; charset=utf-8\r\n"
			       "Content-Transfer-Encoding: base64\r\n\r\n",
			       mail->message_id, text->language);
	append_base64(out, body);
	return out;
}
