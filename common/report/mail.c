/* SPDX-License-Identifier: MIT */
#include <gmime/gmime.h>

#include "common/message/header.h"
#include "common/report/mail.h"
#include "common/report/text.h"

enum {
	ORIGINAL_MAX = 64 * 1024,
	TYPES_MAX =
		200, /* of Content-Type and boundary lines before the message is cut: */
	DASHES_MAX = 5000, /* bounds what GMime does with thousands of parts in parts */
	NESTED_MAX = 4,    /* messages within messages that are looked into */
	HIDDEN = 'x',
	SUBJECT_MAX = 1000,
	HEADER_ONLY = 3, /* fields in a row that make a header section */
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
	"X-Autoreply",
	"X-Autorespond",
	"X-Auto-Response-Suppress",
	"X-Apple-Unsubscribe",
	"In-Reply-To",
	"X-HmXmrOriginalRecipient",
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

/* To GMime a message within the message shall be a part like any other: its
 * headers are all we want, and no message within it is walked by accident. */
static void hide_message_type(char *line, size_t len)
{
	static const char *const types[] = { "message/rfc822", "message/rfc2822",
					     "message/news", "message/global" };
	struct rmt_span rest = rmt_span(line, len);
	gssize at;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(types); i++) {
		at = rmt_text_find(rest, types[i]);
		if (at < 0 || (size_t)at + strlen(types[i]) > len)
			continue;
		at += (gssize)strlen(types[i]);
		if ((size_t)at == len || line[at] != '-')
			line[at - 1] = HIDDEN;
		return;
	}
}

/* "boundary=" at the beginning of a line that should have been folded. */
static void mend_folding(char *octets, const char *line)
{
	static const char name[] = "boundary=";
	char *at = octets + (line - octets);

	if (g_ascii_strncasecmp(at, name, sizeof(name) - 1) == 0 && at > octets &&
	    at[-1] == '\n')
		at[-1] = ' ';
}

/* The type may stand in the next line. */
static void hide_messages(char *octets, size_t len)
{
	struct rmt_span rest = rmt_span(octets, len), line;
	unsigned left = 0;

	while (rmt_text_line(&rest, &line)) {
		if (rmt_text_starts(line, "content-type:"))
			left = 2;
		if (left == 0)
			continue;
		left--;
		hide_message_type(octets + (line.p - octets), line.len);
		if (line.len > 9 && !g_ascii_isspace(line.p[0]))
			mend_folding(octets, line.p);
	}
}

/* Where the message has more parts than any report: cut there. */
static struct rmt_span cut_parts(struct rmt_span message, bool *cut_r)
{
	struct rmt_span rest = message, line;
	unsigned types = 0, dashes = 0;

	while (rmt_text_line(&rest, &line)) {
		dashes += line.len > 1 && line.p[0] == '-' && line.p[1] == '-';
		types += rmt_text_starts(line, "content-type:");
		if (types <= TYPES_MAX && dashes <= DASHES_MAX)
			continue;
		*cut_r = true;
		return rmt_span(message.p, (size_t)(line.p - message.p));
	}
	return message;
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
	mail->raw = cut_parts(skip_preface(rmt_span(mail->octets, len)), &mail->cut);
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

/* "=?UTF-8?B?...?=" as people read it (RFC 2047). */
static void decode_subject(struct rmt_mail *mail)
{
	struct rmt_span *subject = &mail->header[RMT_H_SUBJECT];
	g_autofree char *coded = NULL;

	if (subject->len == 0 || memmem(subject->p, subject->len, "=?", 2) == NULL)
		return;
	coded = g_strndup(subject->p, MIN(subject->len, SUBJECT_MAX));
	mail->subject = g_mime_utils_header_decode_text(NULL, coded);
	*subject = rmt_span_trim(rmt_span_of(mail->subject));
	rmt_text_lower(mail->subject, strlen(mail->subject));
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

static bool is_plain(struct rmt_span text)
{
	return memchr(text.p, '\033', text.len) == NULL &&
	       g_utf8_validate(text.p, (gssize)text.len, NULL);
}

/* To UTF-8; where the named character set does not fit, octet by octet. */
static void append_converted(GString *out, struct rmt_span text, const char *charset)
{
	g_autofree char *converted = NULL;
	gsize len;

	if (text.len == 0 || is_plain(text)) {
		append_limited(out, text, RMT_REPORT_PROSE_MAX);
		return;
	}
	if (memchr(text.p, '\033', text.len) != NULL &&
	    (charset == NULL || g_ascii_strncasecmp(charset, "iso-2022", 8) != 0))
		charset = "iso-2022-jp";
	if (charset != NULL)
		converted = g_convert_with_fallback(text.p, (gssize)text.len, "UTF-8",
						    g_mime_charset_iconv_name(charset),
						    "?", NULL, &len, NULL);
	if (converted == NULL)
		converted = g_convert_with_fallback(text.p, (gssize)text.len, "UTF-8",
						    "ISO-8859-1", "?", NULL, &len, NULL);
	if (converted != NULL)
		append_limited(out, rmt_span(converted, len), RMT_REPORT_PROSE_MAX);
}

/* The part's content without its transfer encoding, at most max octets. */
static GByteArray *decoded(GMimePart *part)
{
	GMimeDataWrapper *wrapper = g_mime_part_get_content(part);
	GMimeStream *stream = g_mime_stream_mem_new();
	GByteArray *octets = g_byte_array_new();

	g_mime_stream_mem_set_owner(GMIME_STREAM_MEM(stream), FALSE);
	g_mime_stream_mem_set_byte_array(GMIME_STREAM_MEM(stream), octets);
	if (wrapper != NULL)
		g_mime_data_wrapper_write_to_stream(wrapper, stream);
	g_object_unref(stream);
	return octets;
}

/* --- the walk ---------------------------------------------------------------------- */

struct walk {
	struct rmt_mail *mail;
	GString *inner; /* own; the first message inside that has parts; or NULL */
	unsigned parts;
	bool has_plain; /* a text/plain of this message was read */
};

static void walk_object(struct walk *walk, GMimeObject *object, unsigned depth);

static void take_prose(struct walk *walk, GMimePart *part, bool is_html)
{
	const char *charset =
		g_mime_object_get_content_type_parameter(GMIME_OBJECT(part), "charset");
	GByteArray *octets;
	g_autoptr(GString) text = NULL;
	struct rmt_span content;

	if (is_html && walk->has_plain)
		return; /* the same again */
	octets = decoded(part);
	content = rmt_span((const char *)octets->data,
			   MIN(octets->len, RMT_REPORT_PROSE_MAX));
	walk->has_plain |= !is_html && rmt_span_trim(content).len > 0;
	if (is_html) {
		text = g_string_new(NULL);
		rmt_text_from_html(text, content);
		content = rmt_span(text->str, text->len);
	}
	append_converted(walk->mail->prose, content, charset);
	g_string_append_c(walk->mail->prose, '\n');
	g_byte_array_free(octets, TRUE);
}

static void take_part(GMimePart *part, GString *out, size_t max)
{
	GByteArray *octets = decoded(part);

	append_limited(out, rmt_span((const char *)octets->data, octets->len), max);
	g_string_append(out, "\n\n");
	g_byte_array_free(octets, TRUE);
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

/* A header section may be all of it. */
static void take_original(struct walk *walk, GMimePart *part)
{
	GByteArray *octets;
	struct rmt_span headers, body, message;

	if (walk->mail->original->len > 0)
		return;
	octets = decoded(part);
	message = rmt_span((const char *)octets->data, octets->len);
	while (message.len > 0 && message.p[0] == '\n')
		message = rmt_span_from(message, 1);
	rmt_header_split(message, &headers, &body);
	append_limited(walk->mail->original, headers, ORIGINAL_MAX);
	if (walk->inner == NULL && carries_report(headers, message))
		walk->inner = g_string_new_len(message.p, (gssize)message.len);
	g_byte_array_free(octets, TRUE);
}

static bool is_hidden_message(const char *media, const char *subtype)
{
	size_t len = strlen(subtype);

	return g_ascii_strcasecmp(media, "message") == 0 && len > 3 &&
	       subtype[len - 1] == HIDDEN;
}

static void walk_leaf(struct walk *walk, GMimePart *part)
{
	GMimeContentType *type = g_mime_object_get_content_type(GMIME_OBJECT(part));
	const char *media = g_mime_content_type_get_media_type(type);
	const char *subtype = g_mime_content_type_get_media_subtype(type);
	struct rmt_mail *mail = walk->mail;

	if (media == NULL || subtype == NULL)
		return;
	if (is_hidden_message(media, subtype))
		take_original(walk, part);
	else if (g_str_has_suffix(subtype, "rfc822-headers") ||
		 g_ascii_strcasecmp(subtype, "global-headers") == 0)
		take_part(part, mail->original, ORIGINAL_MAX);
	else if (g_ascii_strcasecmp(subtype, "delivery-status") == 0 ||
		 g_ascii_strcasecmp(subtype, "global-delivery-status") == 0)
		take_part(part, mail->status, RMT_REPORT_OCTETS_MAX);
	else if (g_ascii_strcasecmp(subtype, "feedback-report") == 0)
		take_part(part, mail->feedback, RMT_REPORT_PROSE_MAX);
	else if (g_str_has_suffix(subtype, "disposition-notification"))
		take_part(part, mail->disposition, RMT_REPORT_PROSE_MAX);
	else if (g_ascii_strcasecmp(media, "text") == 0)
		take_prose(walk, part, g_ascii_strcasecmp(subtype, "html") == 0);
}

static void walk_object(struct walk *walk, GMimeObject *object, unsigned depth)
{
	int i, count;

	if (depth > RMT_REPORT_DEPTH_MAX || ++walk->parts > RMT_REPORT_PARTS_MAX) {
		walk->mail->cut = true;
		return;
	}
	if (GMIME_IS_MULTIPART(object)) {
		count = g_mime_multipart_get_count(GMIME_MULTIPART(object));
		for (i = 0; i < count && !walk->mail->cut; i++)
			walk_object(walk,
				    g_mime_multipart_get_part(GMIME_MULTIPART(object), i),
				    depth + 1);
	} else if (GMIME_IS_PART(object)) {
		walk_leaf(walk, GMIME_PART(object));
	}
}

static bool has_report(const struct rmt_mail *mail)
{
	return mail->status->len > 0 || mail->feedback->len > 0 ||
	       mail->disposition->len > 0;
}

static void start_gmime(void)
{
	static gsize started;

	if (g_once_init_enter(&started)) {
		g_mime_init();
		g_once_init_leave(&started, 1);
	}
}

/* Of the fields GMime needs these; it would make objects of all. */
static GString *with_mime_fields(struct rmt_span message)
{
	GString *out = g_string_sized_new(message.len + 64);
	struct rmt_header_reader reader = rmt_header_read(message);
	struct rmt_header_field field;

	while (rmt_header_next(&reader, &field)) {
		if (!rmt_span_eq_nocase(field.name, RMT_SPAN("Content-Type")) &&
		    !rmt_span_eq_nocase(field.name,
					RMT_SPAN("Content-Transfer-Encoding")))
			continue;
		g_string_append_len(out, field.raw.p, (gssize)field.raw.len);
		g_string_append_c(out, '\n');
	}
	g_string_append(out, "MIME-Version: 1.0\n\n");
	message = rmt_span_from(message, reader.at);
	g_string_append_len(out, message.p, (gssize)message.len);
	return out;
}

static void walk_message(struct walk *walk, struct rmt_span message)
{
	GString *text = with_mime_fields(message);
	GMimeStream *stream;
	GMimeParser *parser;
	GMimeObject *part;

	hide_messages(text->str, text->len);
	stream = g_mime_stream_mem_new_with_buffer(text->str, text->len);
	parser = g_mime_parser_new_with_stream(stream);
	part = g_mime_parser_construct_part(parser, NULL);
	if (part != NULL) {
		walk_object(walk, part, 0);
		g_object_unref(part);
	}
	g_object_unref(parser);
	g_object_unref(stream);
	g_string_free(text, TRUE);
}

/* A message that is no report itself may carry one: forwarded, or wrapped by a
 * gateway. It counts when it has the parts of a report. */
static void parse(struct rmt_mail *mail)
{
	struct walk walk = { .mail = mail };
	GString *message;
	unsigned depth;

	walk_message(&walk, mail->raw);
	for (depth = 0; depth < NESTED_MAX && walk.inner != NULL && !has_report(mail);
	     depth++) {
		message = g_steal_pointer(&walk.inner);
		g_string_truncate(mail->original, 0);
		walk.has_plain = false;
		walk_message(&walk, rmt_span(message->str, message->len));
		g_string_free(message, TRUE);
	}
	if (walk.inner != NULL)
		g_string_free(walk.inner, TRUE);
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
		if (!is_field(line))
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
	append_converted(mail->prose,
			 rmt_span(body.p, MIN(body.len, RMT_REPORT_PROSE_MAX)), NULL);
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
	start_gmime();
	decode_subject(mail);
	parse(mail);
	if (mail->prose->len == 0 && !has_report(mail))
		take_body(mail);
	split_prose(mail);
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
