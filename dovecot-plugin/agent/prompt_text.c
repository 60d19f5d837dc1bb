/* SPDX-License-Identifier: MIT */
#include "common/base/log.h"
#include "common/base/when.h"
#include "common/receipts/field.h"
#include "dovecot-plugin/agent/prompt_text.h"

struct words {
	const char *language;
	const char *subject, *subject_many;
	const char *head, *head_many;
	const char *question; /* of one: {target} {subject} {until} */
	const char *link, *keywords, *end;
};

static const struct words languages[] = {
	{ "en", "{target} asks for a read receipt: {subject}",
	  "Requests for read receipts that wait for you",
	  "The sender of a message that you opened asks to be told that you read it.\n"
	  "Nothing has been sent. If you do nothing, nothing will be.\n",
	  "The senders of these messages ask to be told that you read them.\n"
	  "Nothing has been sent. If you do nothing, nothing will be.\n",
	  "    Receipt to: {target}\n    Message:    {subject}\n    Answer by:  "
	  "{until}\n",
	  "    Answer on this page: {link}\n",
	  "You can also set one of these keywords (tags) on the message itself:\n"
	  "$MDNApprove (send), $MDNDeny (do not send), $MDNAlways (send now, and for\n"
	  "later messages of this sender too).\n",
	  "This message was made by your mail server. Do not forward it: whoever has\n"
	  "its link can answer for you.\n" },
	{ "es", "{target} pide un acuse de lectura: {subject}",
	  "Peticiones de acuse de lectura que le esperan",
	  "El remitente de un mensaje que usted ha abierto pide que se le avise de que "
	  "lo\nha leído. No se ha enviado nada. Si usted no hace nada, no se enviará "
	  "nada.\n",
	  "Los remitentes de estos mensajes piden que se les avise de que usted los ha\n"
	  "leído. No se ha enviado nada. Si usted no hace nada, no se enviará nada.\n",
	  "    Acuse para: {target}\n    Mensaje:    {subject}\n    Plazo:      "
	  "{until}\n",
	  "    Responda en esta página: {link}\n",
	  "También puede poner una de estas etiquetas en el propio mensaje:\n"
	  "$MDNApprove (enviar), $MDNDeny (no enviar), $MDNAlways (enviar ahora, y "
	  "también\npara otros mensajes de este remitente).\n",
	  "Este mensaje lo ha creado su servidor de correo. No lo reenvíe: quien tenga "
	  "el\nenlace puede responder por usted.\n" },
};

static const struct words *words_of(const char *language)
{
	size_t i;

	for (i = 0; language != NULL && i < G_N_ELEMENTS(languages); i++)
		if (g_ascii_strncasecmp(language, languages[i].language, 2) == 0)
			return &languages[i];
	return &languages[0];
}

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

static void append_question(GString *out, const struct words *words,
			    const struct rmt_prompt_question *question)
{
	g_autofree char *target = line_of(question->prompt->target, 200);
	g_autofree char *subject = line_of(question->prompt->subject, 200);
	char until[RMT_WHEN_SIZE];
	const struct rmt_template_value values[] = {
		{ "target", target },
		{ "subject", subject },
		{ "until", rmt_when_format(question->prompt->until, until) },
		{ "link", question->link },
		{ NULL, NULL },
	};

	g_string_append_c(out, '\n');
	rmt_template_fill(words->question, values, out);
	if (question->link != NULL)
		rmt_template_fill(words->link, values, out);
}

static GString *body_of(const struct words *words, const struct rmt_prompt_letter *mail)
{
	GString *body = g_string_new(mail->count == 1 ? words->head : words->head_many);
	bool has_link = false;
	size_t i;

	for (i = 0; i < mail->count; i++) {
		append_question(body, words, &mail->questions[i]);
		has_link = has_link || mail->questions[i].link != NULL;
	}
	g_string_append_printf(body, "\n%s", words->keywords);
	if (has_link)
		g_string_append_printf(body, "\n%s", words->end);
	return body;
}

static char *subject_of(const struct words *words, const struct rmt_prompt_letter *mail)
{
	g_autofree char *target = NULL, *subject = NULL;
	GString *out;

	if (mail->count != 1)
		return g_strdup(words->subject_many);
	target = line_of(mail->questions[0].prompt->target, 100);
	subject = line_of(mail->questions[0].prompt->subject, 100);
	out = g_string_new(NULL);
	rmt_template_fill(words->subject,
			  (const struct rmt_template_value[]){ { "target", target },
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

GString *rmt_prompt_write(const struct rmt_prompt_letter *mail)
{
	const struct words *words = words_of(mail->language);
	g_autofree char *subject = subject_of(words, mail);
	g_autoptr(GString) body = body_of(words, mail);
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
			       mail->message_id, words->language);
	append_base64(out, body);
	return out;
}
