/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "common/message/header.h"
#include "common/report/decode.h"
#include "common/report/mail.h"
#include "common/report/parts.h"
#include "common/report/reading.h"

enum {
	ORIGINAL_MAX = 64 * 1024,
	NESTED_MAX = 4, /* messages within messages that are looked into */
	SUBJECT_MAX = 1000,
	HEADER_ONLY = 3, /* fields in a row that make a header section */
	SHORT_LINE = 45, /* octets of a line that can be a heading */
};

static const char *const header_names[RMT_HEADERS] = {
	"From",
	"To",
	"Subject",
	"Return-Path",
	"Content-Type",
	"Auto-Submitted",
	"Precedence",
	"X-Failed-Recipients",
	"X-Apple-Unsubscribe",
	"In-Reply-To",
	"X-HmXmrOriginalRecipient",
	"List-Unsubscribe",
};

/* --- before GMime ------------------------------------------------------------------ */

/* CR alone and CRLF become LF, NUL a blank. */
static size_t mend_octets(char *octets, size_t len)
{
	size_t in, out = 0;

	if (memchr(octets, '\r', len) == NULL && memchr(octets, '\0', len) == NULL)
		return len;
	for (in = 0; in < len; in++) {
		char c = octets[in];

		if (c == '\r') {
			if (in + 1 < len && octets[in + 1] == '\n')
				continue;
			c = '\n';
		}
		octets[out++] = c == '\0' ? ' ' : c;
	}
	octets[out] = '\0';
	return out;
}

/* Empty lines and an mbox line before the header. */
static struct rmt_span skip_preface(struct rmt_span message)
{
	struct rmt_span rest = message, line;

	while (rest.len > 0 && g_ascii_isspace(rest.p[0]))
		rest = rmt_span_from(rest, 1);
	if (!rmt_span_starts(rest, RMT_SPAN("From ")) &&
	    !rmt_span_starts(rest, RMT_SPAN(">From ")))
		return rest;
	rmt_text_line(&rest, &line);
	return rest;
}

static void take_octets(struct rmt_mail *mail, struct rmt_span message)
{
	size_t len = MIN(message.len, RMT_REPORT_OCTETS_MAX);

	mail->cut = len < message.len;
	mail->octets = g_malloc(len + 1);
	if (len > 0)
		memcpy(mail->octets, message.p, len);
	mail->octets[len] = '\0';
	len = mend_octets(mail->octets, len);
	mail->raw = skip_preface(rmt_span(mail->octets, len));
}

static void take_headers(struct rmt_mail *mail)
{
	struct rmt_header_reader reader = rmt_header_read(mail->raw);
	struct rmt_header_field field;
	size_t i;

	while (rmt_header_next(&reader, &field)) {
		for (i = 0; field.name.len > 0 && i < RMT_HEADERS; i++) {
			if (mail->header[i].p != NULL ||
			    !rmt_span_eq_nocase(field.name, rmt_span_of(header_names[i])))
				continue;
			mail->header[i] = rmt_span_trim(field.value);
			break;
		}
	}
}

static bool is_written_plainly(struct rmt_span text)
{
	size_t i;

	for (i = 0; i < text.len; i++)
		if ((guchar)text.p[i] >= 0x80)
			return false;
	return memmem(text.p, text.len, "=?", 2) == NULL;
}

/* "=?UTF-8?B?...?=" as people read it (RFC 2047), in small letters. */
static void decode_subject(struct rmt_mail *mail)
{
	struct rmt_span *subject = &mail->header[RMT_H_SUBJECT];
	GString *text;

	if (subject->len == 0 || is_written_plainly(*subject))
		return;
	text = g_string_new(NULL);
	rmt_decode_words(text, rmt_span(subject->p, MIN(subject->len, SUBJECT_MAX)));
	rmt_text_lower(text->str, text->len);
	mail->subject = g_string_free(text, FALSE);
	*subject = rmt_span_trim(rmt_span_of(mail->subject));
}

struct rmt_span rmt_mail_field(struct rmt_span section, const char *name)
{
	struct rmt_header_reader reader = rmt_header_read(section);
	struct rmt_header_field field;

	while (rmt_header_next(&reader, &field))
		if (rmt_span_eq_nocase(field.name, rmt_span_of(name)))
			return rmt_span_trim(field.value);
	return rmt_span("", 0);
}

/* --- texts ------------------------------------------------------------------------- */

static void append_limited(GString *out, struct rmt_span text, size_t max)
{
	if (out->len < max)
		g_string_append_len(out, text.p, (gssize)MIN(text.len, max - out->len));
}

/* --- the walk ---------------------------------------------------------------------- */

struct walk {
	struct rmt_mail *mail;
	GString *buffer; /* own; of what has a transfer encoding */
	GString *inner;  /* own; the first message inside that has parts; or NULL */
	bool has_plain;  /* a text/plain of this message was read */
	char charset[RMT_PART_NAME]; /* of its first text that has one, or "" */
};

/* For readers, who take NUL for an end. */
static void blank_nuls(GString *text, size_t from)
{
	size_t i;

	for (i = from; i < text->len; i++)
		if (text->str[i] == '\0')
			text->str[i] = ' ';
}

/* An attachment may be full of NULs. */
static struct rmt_span text_of(struct walk *walk, const struct rmt_part *part)
{
	struct rmt_span content = rmt_part_content(part, walk->buffer);

	if (content.p == walk->buffer->str)
		blank_nuls(walk->buffer, 0);
	return content;
}

/* Letters first, tags second: UTF-16 and ISO-2022-JP have '<' in the midst of a letter.
 */
static void take_html(struct rmt_mail *mail, struct rmt_span content, const char *charset)
{
	g_autoptr(GString) html = g_string_new(NULL);

	rmt_decode_charset(html, content, charset, RMT_REPORT_PROSE_MAX);
	blank_nuls(html, 0);
	rmt_text_from_html(mail->prose, rmt_span(html->str, html->len));
}

static void take_prose(struct walk *walk, const struct rmt_part *part, bool is_html)
{
	GString *prose = walk->mail->prose;
	struct rmt_span content;
	size_t before = prose->len;

	if (walk->charset[0] == '\0')
		g_strlcpy(walk->charset, part->charset, sizeof(walk->charset));
	if ((is_html && walk->has_plain) || before >= RMT_REPORT_PROSE_MAX)
		return; /* the same again, or enough */
	content = rmt_part_content(part, walk->buffer);
	content.len = MIN(content.len, RMT_REPORT_PROSE_MAX);
	walk->has_plain |= !is_html && rmt_span_trim(content).len > 0;
	if (is_html)
		take_html(walk->mail, content, part->charset);
	else
		rmt_decode_charset(prose, content, part->charset, RMT_REPORT_PROSE_MAX);
	blank_nuls(prose, before);
	g_string_append_c(prose, '\n');
}

static void take_part(struct walk *walk, const struct rmt_part *part, GString *out,
		      size_t max)
{
	append_limited(out, text_of(walk, part), max);
	g_string_append(out, "\n\n");
}

/* Fields are ASCII, but the answer of a server that is told there need not be: then it
 * is in the character set of the text. */
static void take_status(struct walk *walk, const struct rmt_part *part)
{
	const char *charset = part->charset[0] != '\0' ? part->charset : walk->charset;

	rmt_decode_charset(walk->mail->status, text_of(walk, part), charset,
			   RMT_REPORT_OCTETS_MAX);
	g_string_append(walk->mail->status, "\n\n");
}

static bool carries_report(struct rmt_span headers, struct rmt_span message)
{
	static const char *const types[] = { "/delivery-status",
					     "/global-delivery-status",
					     "/feedback-report",
					     "/disposition-notification" };
	size_t i;

	if (!rmt_text_starts(rmt_mail_field(headers, "Content-Type"), "multipart/"))
		return false;
	for (i = 0; i < G_N_ELEMENTS(types); i++)
		if (memmem(message.p, message.len, types[i], strlen(types[i])) != NULL)
			return true;
	return false;
}

/* Gateways call parts that they do not know octets. */
static void take_unnamed(struct walk *walk, const struct rmt_part *part)
{
	struct rmt_span text = text_of(walk, part);

	if (rmt_text_starts(text, "reporting-mta:") ||
	    rmt_text_starts(text, "final-recipient:"))
		take_part(walk, part, walk->mail->status, RMT_REPORT_OCTETS_MAX);
}

/* A header section may be all of it. */
static void take_original(struct walk *walk, const struct rmt_part *part)
{
	struct rmt_span headers, body, message;

	if (walk->mail->original->len > 0)
		return;
	message = text_of(walk, part);
	while (message.len > 0 && message.p[0] == '\n')
		message = rmt_span_from(message, 1);
	rmt_header_split(message, &headers, &body);
	append_limited(walk->mail->original, headers, ORIGINAL_MAX);
	if (walk->inner == NULL && carries_report(headers, message))
		walk->inner = g_string_new_len(message.p, (gssize)message.len);
}

static bool is_message(const char *type)
{
	static const char *const types[] = { "message/rfc822", "message/rfc2822",
					     "message/news", "message/global" };
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(types); i++)
		if (strcmp(type, types[i]) == 0)
			return true;
	return false;
}

static bool is_report(const struct rmt_mail *mail)
{
	return rmt_text_starts(mail->header[RMT_H_CONTENT_TYPE], "multipart/report");
}

static bool walk_part(void *context, const struct rmt_part *part)
{
	struct walk *walk = context;
	struct rmt_mail *mail = walk->mail;
	const char *type = part->type;

	if (is_message(type))
		take_original(walk, part);
	else if (g_str_has_suffix(type, "rfc822-headers") ||
		 g_str_has_suffix(type, "/global-headers"))
		take_part(walk, part, mail->original, ORIGINAL_MAX);
	else if (g_str_has_suffix(type, "/delivery-status") ||
		 g_str_has_suffix(type, "/global-delivery-status"))
		take_status(walk, part);
	else if (g_str_has_suffix(type, "/feedback-report"))
		take_part(walk, part, mail->feedback, RMT_REPORT_PROSE_MAX);
	else if (g_str_has_suffix(type, "disposition-notification"))
		take_part(walk, part, mail->disposition, RMT_REPORT_PROSE_MAX);
	else if (g_str_has_prefix(type, "text/"))
		take_prose(walk, part, strcmp(type, "text/html") == 0);
	else if (is_report(mail) && g_str_has_prefix(type, "application/"))
		take_unnamed(walk, part);
	return true;
}

static bool has_report(const struct rmt_mail *mail)
{
	return mail->status->len > 0 || mail->feedback->len > 0 ||
	       mail->disposition->len > 0;
}

/* From his own address, and with words of his own. */
static bool is_commented(const struct rmt_mail *mail)
{
	struct rmt_span path = rmt_field_address(mail->header[RMT_H_RETURN_PATH]);
	struct rmt_span from = rmt_field_address(mail->header[RMT_H_FROM]);
	struct rmt_span prose = rmt_span(mail->prose->str, mail->prose->len);

	return path.len > 0 && rmt_span_eq_nocase(path, from) &&
	       rmt_text_find(from, "postmaster") < 0 &&
	       rmt_text_find(from, "daemon") < 0 && rmt_span_trim(prose).len > 0;
}

/* A message that is no report itself may carry one: forwarded, or wrapped by a
 * gateway. It counts when it has the parts of a report, and nobody talks about it. */
static void parse(struct rmt_mail *mail)
{
	struct walk walk = { .mail = mail, .buffer = g_string_new(NULL) };
	GString *message;
	unsigned depth;

	mail->cut |= !rmt_parts_walk(mail->raw, walk_part, &walk);
	if (walk.inner != NULL && !has_report(mail) && is_commented(mail))
		g_string_free(g_steal_pointer(&walk.inner), TRUE);
	for (depth = 0; depth < NESTED_MAX && walk.inner != NULL && !has_report(mail);
	     depth++) {
		message = g_steal_pointer(&walk.inner);
		g_string_truncate(mail->original, 0);
		walk.has_plain = false;
		mail->cut |= !rmt_parts_walk(rmt_span(message->str, message->len),
					     walk_part, &walk);
		g_string_free(message, TRUE);
	}
	if (walk.inner != NULL)
		g_string_free(walk.inner, TRUE);
	g_string_free(walk.buffer, TRUE);
}

/* --- the returned message in prose ------------------------------------------------- */

static bool is_field(struct rmt_span line)
{
	size_t n = 0;

	while (n < line.len &&
	       (g_ascii_isalnum(line.p[n]) || line.p[n] == '-' || line.p[n] == '_'))
		n++;
	return n > 1 && n < line.len && line.p[n] == ':';
}

/* "> Subject: Offer": who returns a message as a quotation. */
static struct rmt_span unquoted(struct rmt_span line)
{
	return line.len > 2 && line.p[0] == '>' && line.p[1] == ' '
		       ? rmt_span_from(line, 2)
		       : line;
}

static bool is_known_field(struct rmt_span line)
{
	static const char *const names[] = {
		"received:",     "message-id:",  "return-path:", "from:",
		"date:",         "subject:",     "to:",          "mime-version:",
		"delivered-to:", "content-type:"
	};
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(names); i++)
		if (rmt_text_starts(line, names[i]))
			return true;
	return false;
}

/* What only a whole message has; a reporter's summary of it has not. */
static bool is_of_transport(struct rmt_span line)
{
	return rmt_text_starts(line, "received:") ||
	       rmt_text_starts(line, "return-path:") ||
	       rmt_text_starts(line, "mime-version:") ||
	       rmt_text_starts(line, "content-type:");
}

/* True where a header section begins: fields in a row, most of them known. Before
 * anybody was named (early) a few fields may be a summary: who failed comes below. */
static bool is_section(struct rmt_span text, bool early)
{
	struct rmt_span line;
	unsigned fields = 0, known = 0, sure = 0, transport = 0;

	while (fields < 12 && rmt_text_line(&text, &line) && line.len > 0) {
		line = unquoted(line);
		if (fields > 0 && g_ascii_isspace(line.p[0]))
			continue;
		if (!is_field(line))
			break;
		fields++;
		known += is_known_field(line);
		transport += is_of_transport(line);
		sure += rmt_text_starts(line, "received:") ||
			rmt_text_starts(line, "message-id:") ||
			rmt_text_starts(line, "from:") ||
			rmt_text_starts(line, "return-path:");
	}
	return fields >= HEADER_ONLY && known >= 2 && sure >= 1 &&
	       (!early || transport > 0);
}

/* "----- Mensaje original -----": what stands alone between marks is a heading, and so is
 * a short line with a colon. */
static bool is_heading_of_original(struct rmt_span line)
{
	static const char *const words[] = {
		"original mail",      "original message",  "forwarded message",
		"returned mail",      "start of original", "copy of the original",
		"content of your m",  "mail text",         "ursprüngliche nachricht",
		"ursprungsnachricht", "originalnachricht", "message d'origine",
		"message original",   "mensaje original",  "messaggio originale",
		"mensagem original",  "oorspronkelijk",    "ryginalna wiado",
		"vodní zpráva",       "сходное сообщение", "ригинальное сообщение",
		"原始邮件",           "原始郵件",          "元のメッセージ",
		"元のメール",         "원본 메시지",       "원본 메일",
	};
	static const char marks[] = "-=*_~#|";
	char last = line.p[line.len - 1];
	size_t i;

	if (!(strchr(marks, line.p[0]) != NULL && strchr(marks, last) != NULL) &&
	    !(last == ':' && line.len <= SHORT_LINE))
		return false;
	for (i = 0; i < G_N_ELEMENTS(words); i++)
		if (rmt_text_find(line, words[i]) >= 0)
			return true;
	return false;
}

/* "--- Below this line is a copy of the message." and its kin. */
static bool is_farewell(struct rmt_span line)
{
	static const char *const words[] = {
		"original message",      "copy of the message",
		"copy of your message",  "returned message",
		"message follows",       "header of the original",
		"unsent message below",  "message headers",
		"message header",        "headers of the original",
		"undelivered message",   "message text follows",
		"original mail info",    "headers follow",
		"your original message",
	};
	char last;
	size_t i;

	line = rmt_span_trim(line);
	if (line.len < 10 || line.len > 100)
		return false;
	if (is_heading_of_original(line))
		return true;
	last = line.p[line.len - 1];
	if (strchr("-|=*:.", last) == NULL && strchr("-|=*", line.p[0]) == NULL)
		return false;
	for (i = 0; i < G_N_ELEMENTS(words); i++)
		if (rmt_text_find(line, words[i]) >= 0)
			return rmt_text_find(line, "received") < 0;
	return false;
}

/* Somebody was named already: what comes now is no preface. */
static bool has_text_before(struct rmt_span prose, struct rmt_span line)
{
	size_t before = (size_t)(line.p - prose.p);

	return before > 0 && memchr(prose.p, '@', before) != NULL;
}

static void end_prose(struct rmt_mail *mail, size_t at, size_t line)
{
	struct rmt_span rest =
		rmt_span(mail->prose->str + at + line, mail->prose->len - at - line);

	while (rest.len > 0 && g_ascii_isspace(rest.p[0]))
		rest = rmt_span_from(rest, 1);
	if (mail->original->len == 0 && is_section(rest, false))
		append_limited(mail->original, rest, ORIGINAL_MAX);
	g_string_truncate(mail->prose, at);
}

/* A summary tells the subject of what was sent: the sender's words, not the reporter's.
 * Domino and Exchange write it above the reason. */
static size_t subject_label(struct rmt_span line)
{
	static const char *const labels[] = {
		"subject:",
		"betreff:",
		"objet :",
		"objet:",
		"asunto:",
		"oggetto:",
		"assunto:",
		"件名:",
		"件名：",
		"主题:",
		"主题：",
		"onderwerp:",
		"temat:",
		"ämne:",
		"Ämne:",
		"emne:",
		"aihe:",
		"předmět:",
		"Předmět:",
		"tárgy:",
		"konu:",
		"тема:",
		"Тема:",
		"제목:",
		"主旨:",
		"主旨：",
		"題名:",
		"題名：",
		"the message subject was:",
		"message subject:",
		"mail subject:",
		"email subject:",
		"original subject:",
	};
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(labels); i++)
		if (rmt_text_starts(line, labels[i]))
			return strlen(labels[i]);
	return 0;
}

static void forget_subjects(GString *prose)
{
	struct rmt_span rest = rmt_span(prose->str, prose->len), line;
	size_t label;

	while (rmt_text_line(&rest, &line)) {
		line = rmt_span_trim(line);
		label = subject_label(line);
		if (label > 0)
			memset(prose->str + (line.p - prose->str) + label, ' ',
			       line.len - label);
	}
}

/* Behind a header section nothing is the reporter's own. */
static void split_prose(struct rmt_mail *mail)
{
	struct rmt_span rest = rmt_span(mail->prose->str, mail->prose->len), line;
	struct rmt_span before = rest;
	unsigned looked = 0;

	while (looked < 200 && rmt_text_line(&rest, &line)) {
		if (is_farewell(line) && has_text_before(before, line)) {
			end_prose(mail, (size_t)(line.p - before.p), line.len);
			return;
		}
		if (!is_field(unquoted(line)))
			continue;
		looked++;
		if (!is_section(rmt_span_from(before, (size_t)(line.p - before.p)),
				!has_text_before(before, line)))
			continue;
		if (mail->original->len == 0)
			append_limited(mail->original,
				       rmt_span_from(before, (size_t)(line.p - before.p)),
				       ORIGINAL_MAX);
		g_string_truncate(mail->prose, (gsize)(line.p - before.p));
		return;
	}
}

/* Where the parts cannot be told apart, the body as it stands. */
static void take_body(struct rmt_mail *mail)
{
	struct rmt_span headers, body;

	rmt_header_split(mail->raw, &headers, &body);
	rmt_decode_charset(mail->prose,
			   rmt_span(body.p, MIN(body.len, RMT_REPORT_PROSE_MAX)), "",
			   RMT_REPORT_PROSE_MAX);
}

/* "\x{E9}" (RFC 6533, 3); what may not stand in an address stays as it is. 0: not so. */
static size_t unicode_at(const char *p, size_t len, gunichar *letter_r)
{
	size_t i = 3;
	gunichar letter = 0;

	if (len < 5 || strncmp(p, "\\x{", 3) != 0)
		return 0;
	for (; i < len && i < 9 && g_ascii_isxdigit(p[i]); i++)
		letter = letter << 4 | (gunichar)g_ascii_xdigit_value(p[i]);
	if (i == 3 || i == len || p[i] != '}' || letter <= ' ' ||
	    g_unichar_iscntrl(letter) || !g_unichar_validate(letter))
		return 0;
	*letter_r = letter;
	return i + 1;
}

/* In place: a letter is shorter than what stands for it. */
static void decode_unicode(GString *text)
{
	size_t from, to = 0, len;
	gunichar letter;

	if (memmem(text->str, text->len, "\\x{", 3) == NULL)
		return;
	for (from = 0; from < text->len; from += len) {
		len = unicode_at(text->str + from, text->len - from, &letter);
		if (len > 0) {
			to += (size_t)g_unichar_to_utf8(letter, text->str + to);
		} else {
			text->str[to++] = text->str[from];
			len = 1;
		}
	}
	g_string_truncate(text, to);
}

/* "Diagnostic-Code: smtp; 550 =?utf-8?B?...?=", line by line. */
static void decode_encoded_words(GString *text)
{
	struct rmt_span rest = rmt_span(text->str, text->len), line;
	g_autoptr(GString) out = NULL;

	if (memmem(text->str, text->len, "=?", 2) == NULL)
		return;
	out = g_string_sized_new(text->len);
	while (rmt_text_line(&rest, &line)) {
		if (memmem(line.p, line.len, "=?", 2) != NULL)
			rmt_decode_words(out, line);
		else
			g_string_append_len(out, line.p, (gssize)line.len);
		g_string_append_c(out, '\n');
	}
	g_string_assign(text, out->str);
}

void rmt_mail_read(struct rmt_mail *mail, struct rmt_span message)
{
	*mail = (struct rmt_mail){ NULL };
	mail->prose = g_string_new(NULL);
	mail->status = g_string_new(NULL);
	mail->feedback = g_string_new(NULL);
	mail->disposition = g_string_new(NULL);
	mail->original = g_string_new(NULL);
	take_octets(mail, message);
	take_headers(mail);
	decode_subject(mail);
	parse(mail);
	decode_encoded_words(mail->status);
	decode_unicode(mail->status);
	if (mail->prose->len == 0 && !has_report(mail))
		take_body(mail);
	split_prose(mail);
	forget_subjects(mail->prose);
}

void rmt_mail_clear(struct rmt_mail *mail)
{
	g_free(mail->octets);
	g_free(mail->subject);
	g_string_free(mail->prose, TRUE);
	g_string_free(mail->status, TRUE);
	g_string_free(mail->feedback, TRUE);
	g_string_free(mail->disposition, TRUE);
	g_string_free(mail->original, TRUE);
}
