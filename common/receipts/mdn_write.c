/* SPDX-License-Identifier: MIT */
/* Writing a receipt: RFC 8098, 3; for addresses in UTF-8 RFC 6533, 5. */
#include <gmime/gmime.h>

#include "common/base/clock.h"
#include "common/base/when.h"
#include "common/config/error.h"
#include "common/message/gmime.h"
#include "common/receipts/field.h"
#include "common/receipts/mdn.h"
#include "common/receipts/mime.h"

enum { FLOWED_MAX = 72, NAME_MAX_CHARS = 100, ID_DIGITS = 32 };

struct writing {
	const struct rmt_mdn_order *order;
	const struct rmt_template *template;
	const struct rmt_mailbox *from;
	int64_t now; /* rounded */
	bool global; /* message/global-disposition-notification */
	char boundary[40];
	GString *out;
};

static bool refuse(GError **err, const char *text)
{
	g_set_error_literal(err, RMT_CONFIG_ERROR, 0, text);
	return false;
}

static const char *event_name(enum rmt_receipt_event event)
{
	return event == RMT_RECEIPT_DELETED ? "deleted" : "displayed";
}

/* --- addresses ------------------------------------------------------------- */

/* As it stands where that is ASCII or may be UTF-8; else with its A-labels. Own. */
static char *address_text(const struct rmt_mailbox *mailbox, bool utf8)
{
	const char *at = strrchr(mailbox->address, '@');

	if (utf8 || g_str_is_ascii(mailbox->address))
		return g_strdup(mailbox->address);
	return g_strdup_printf("%.*s@%s", (int)(at - mailbox->address), mailbox->address,
			       mailbox->domain);
}

/* RFC 6533, 3: utf-8-addr-xtext. */
static void append_xtext(GString *out, const char *address)
{
	const char *p;

	for (p = address; *p != '\0'; p = g_utf8_next_char(p)) {
		gunichar c = g_utf8_get_char(p);

		if (c > ' ' && c < 0x7f && strchr("\\+=", (int)c) == NULL)
			g_string_append_c(out, (char)c);
		else
			g_string_append_printf(out, "\\x{%X}", c);
	}
}

static void append_recipient(struct writing *w, const char *name,
			     const struct rmt_mailbox *mailbox)
{
	const bool needs_utf8 = rmt_mailbox_needs_utf8(mailbox);
	g_autofree char *address =
		address_text(mailbox, needs_utf8 || w->order->smtputf8);

	g_string_append_printf(w->out, "%s: %s;", name,
			       g_str_is_ascii(address) ? "rfc822" : "utf-8");
	if (needs_utf8 && !w->global)
		append_xtext(w->out, address);
	else
		g_string_append(w->out, address);
	g_string_append(w->out, "\r\n");
}

/* --- header ---------------------------------------------------------------- */

/* In-Reply-To takes none but a msg-id. */
static bool is_msg_id(const char *id)
{
	return id != NULL && id[0] == '<' && g_str_has_suffix(id, ">") &&
	       strpbrk(id, " \t") == NULL && g_str_is_ascii(id);
}

static void append_to(struct writing *w)
{
	const GPtrArray *targets = w->order->request->targets;
	guint i;

	g_string_append(w->out, "To: ");
	for (i = 0; i < targets->len; i++) {
		g_autofree char *address =
			address_text(g_ptr_array_index(targets, i), w->order->smtputf8);

		g_string_append_printf(w->out, "%s<%s>", i > 0 ? ",\r\n " : "", address);
	}
	g_string_append(w->out, "\r\n");
}

/* What the placeholders of a template stand for. */
static void fill(const struct writing *w, const char *text, GString *out)
{
	const struct rmt_receipt_request *request = w->order->request;
	char shown[RMT_WHEN_SIZE], *p;
	const struct rmt_template_value values[] = {
		{ "subject", request->subject },
		{ "sent", request->sent },
		{ "recipient", w->order->recipient.final->address },
		{ "sender", request->from != NULL ? request->from->address : "" },
		{ "shown", shown },
		{ NULL, NULL },
	};

	rmt_when_format(w->now, shown); /* 2026-11-21T10:00:00Z */
	shown[16] = '\0';
	p = strchr(shown, 'T');
	if (p != NULL)
		*p = ' ';
	g_strlcat(shown, "Z", sizeof(shown));
	rmt_template_fill(text, values, out);
}

static void append_header(struct writing *w)
{
	g_autoptr(GString) subject = g_string_new(NULL);
	g_autofree char *from = address_text(w->from, w->order->smtputf8);
	g_autofree char *name = rmt_mime_one_line(
		w->order->name != NULL ? w->order->name : "", NAME_MAX_CHARS);
	g_autofree char *line = NULL;
	const char *id = w->order->request->message_id;

	rmt_field_mailbox(w->out, "From", name, from);
	append_to(w);
	fill(w, w->template->subject, subject);
	line = rmt_mime_one_line(subject->str, G_MAXSIZE);
	rmt_field_text(w->out, "Subject", line);
	rmt_field_date(w->out, "Date", w->now);
	g_string_append_printf(w->out, "Message-ID: %s\r\n", w->order->message_id);
	if (is_msg_id(id))
		g_string_append_printf(w->out, "In-Reply-To: %s\r\nReferences: %s\r\n",
				       id, id);
	g_string_append_printf(w->out,
			       "Auto-Submitted: auto-replied\r\n"
			       "X-Auto-Response-Suppress: All\r\n"
			       "MIME-Version: 1.0\r\n"
			       "Content-Type: multipart/report;\r\n"
			       " report-type=disposition-notification;\r\n"
			       " boundary=\"%s\"\r\n\r\n",
			       w->boundary);
}

/* --- the part for people --------------------------------------------------- */

/* RFC 3676, 4.4: lines that would mean something else get a blank before. */
static bool needs_stuffing(const char *line)
{
	return line[0] == ' ' || line[0] == '>' || g_str_has_prefix(line, "From ");
}

/* A break in a paragraph leaves its blank at the end of the line. */
static void append_flowed(GString *out, const char *line)
{
	size_t column = 0, len;

	if (needs_stuffing(line))
		g_string_append_c(out, ' ');
	while (*line != '\0') {
		len = strcspn(line, " ");
		while (line[len] == ' ')
			len++;
		if (column > 0 && column + len > FLOWED_MAX) {
			g_string_append_c(out, '\n');
			column = 0;
			if (needs_stuffing(line))
				g_string_append_c(out, ' ');
		}
		g_string_append_len(out, line, (gssize)len);
		column += len;
		line += len;
	}
	while (out->len > 0 && out->str[out->len - 1] == ' ')
		g_string_truncate(out, out->len - 1);
	g_string_append_c(out, '\n');
}

static bool is_7bit(const GString *text)
{
	size_t column = 0, i;

	for (i = 0; i < text->len; i++) {
		column = text->str[i] == '\n' ? 0 : column + 1;
		if ((unsigned char)text->str[i] >= 0x80 || column > 78)
			return false;
	}
	return true;
}

static void append_crlf(GString *out, const char *text, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (text[i] == '\n')
			g_string_append_c(out, '\r');
		g_string_append_c(out, text[i]);
	}
}

static void append_quoted_printable(GString *out, const GString *text)
{
	GMimeEncoding encoding;
	g_autofree char *octets = NULL;
	size_t len;

	g_mime_encoding_init_encode(&encoding, GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE);
	octets = g_malloc(g_mime_encoding_outlen(&encoding, text->len));
	len = g_mime_encoding_flush(&encoding, text->str, text->len, octets);
	append_crlf(out, octets, len);
}

static void append_text(struct writing *w)
{
	g_autoptr(GString) filled = g_string_new(NULL), text = g_string_new(NULL);
	g_auto(GStrv) lines = NULL;
	size_t i;
	bool plain;

	fill(w, w->template->body, filled);
	g_strchomp(filled->str);
	lines = g_strsplit(filled->str, "\n", -1);
	for (i = 0; lines[i] != NULL; i++)
		append_flowed(text, lines[i]);
	plain = is_7bit(text);
	g_string_append_printf(
		w->out,
		"--%s\r\nContent-Type: text/plain; charset=%s; format=flowed\r\n"
		"Content-Language: %s\r\nContent-Transfer-Encoding: %s\r\n\r\n",
		w->boundary, plain ? "us-ascii" : "utf-8", w->template->language,
		plain ? "7bit" : "quoted-printable");
	if (plain)
		append_crlf(w->out, text->str, text->len);
	else
		append_quoted_printable(w->out, text);
}

/* --- the part for programs ------------------------------------------------- */

static void append_disposition(struct writing *w)
{
	const struct rmt_mdn_order *order = w->order;
	const bool manual = order->by_user || order->settings->hide_automation;

	g_string_append_printf(w->out, "Disposition: manual-action/%s; %s\r\n",
			       manual ? "MDN-sent-manually" : "MDN-sent-automatically",
			       event_name(order->event));
}

static void append_notification(struct writing *w)
{
	const struct rmt_mdn_order *order = w->order;
	const char *id = order->request->message_id;

	g_string_append_printf(w->out, "\r\n--%s\r\nContent-Type: message/%s\r\n",
			       w->boundary,
			       w->global ? "global-disposition-notification"
					 : "disposition-notification");
	g_string_append_printf(w->out, "Content-Transfer-Encoding: %s\r\n\r\n",
			       w->global ? "8bit" : "7bit");
	if (order->settings->reporting_ua[0] != '\0')
		g_string_append_printf(w->out, "Reporting-UA: %s; %s\r\n",
				       w->from->domain, order->settings->reporting_ua);
	if (order->recipient.original != NULL)
		append_recipient(w, "Original-Recipient", order->recipient.original);
	append_recipient(w, "Final-Recipient", order->recipient.final);
	if (id != NULL && (w->global || g_str_is_ascii(id)))
		g_string_append_printf(w->out, "Original-Message-ID: %s\r\n", id);
	append_disposition(w);
}

/* Of an encrypted message no field goes back (M20). */
static void append_returned(struct writing *w)
{
	const struct rmt_receipt_request *request = w->order->request;

	if (!w->order->settings->return_headers || request->returned[0] == '\0' ||
	    (request->kind & RMT_REQUEST_ENCRYPTED))
		return;
	g_string_append_printf(w->out,
			       "\r\n--%s\r\nContent-Type: text/rfc822-headers\r\n"
			       "Content-Transfer-Encoding: 7bit\r\n\r\n%s",
			       w->boundary, request->returned);
}

/* --- all of it ------------------------------------------------------------- */

static bool targets_need_utf8(const GPtrArray *targets)
{
	guint i;

	for (i = 0; i < targets->len; i++)
		if (rmt_mailbox_needs_utf8(g_ptr_array_index(targets, i)))
			return true;
	return false;
}

/* Who it is from, and in which form the addresses stand. */
static bool choose_form(struct writing *w, GError **err)
{
	const struct rmt_mdn_order *order = w->order;
	const struct rmt_mailbox *final = order->recipient.final;

	if (order->request->targets->len == 0)
		return refuse(err, "nobody asked for this receipt");
	if (final == NULL)
		return refuse(err, "it is not known which address the message was for");
	w->from = final;
	w->global = order->smtputf8 &&
		    (!g_str_is_ascii(final->address) ||
		     (order->recipient.original != NULL &&
		      !g_str_is_ascii(order->recipient.original->address)));
	if (order->smtputf8)
		return true;
	if (targets_need_utf8(order->request->targets))
		return refuse(err, "who asks has an address in UTF-8, and the next "
				   "server takes none (SMTPUTF8)");
	if (rmt_mailbox_needs_utf8(final))
		w->from = order->ascii;
	return (w->from != NULL && !rmt_mailbox_needs_utf8(w->from)) ||
	       refuse(err, "the user's address is in UTF-8, and the next server "
			   "takes none (SMTPUTF8)");
}

static void make_boundary(struct writing *w)
{
	g_autofree char *digest = g_compute_checksum_for_string(G_CHECKSUM_SHA256,
								w->order->message_id, -1);

	g_snprintf(w->boundary, sizeof(w->boundary), "=_remite_%.24s", digest);
}

GString *rmt_mdn_write(const struct rmt_mdn_order *order,
		       const struct rmt_templates *templates, bool *needs_utf8_r,
		       GError **err)
{
	const int64_t round = (int64_t)(order->settings->round_date_ns / RMT_NS_PER_SEC);
	struct writing w = { .order = order,
			     .now = round > 1 ? order->now - order->now % round
					      : order->now };

	if (!choose_form(&w, err))
		return NULL;
	rmt_gmime_start();
	w.template = rmt_template_choose(templates, event_name(order->event),
					 (const char *const *)order->request->languages,
					 order->language, order->settings->language);
	w.out = g_string_sized_new(2048);
	make_boundary(&w);
	append_header(&w);
	append_text(&w);
	append_notification(&w);
	append_returned(&w);
	g_string_append_printf(w.out, "\r\n--%s--\r\n", w.boundary);
	*needs_utf8_r = !g_str_is_ascii(w.out->str);
	return w.out;
}

void rmt_mdn_message_id(struct rmt_span secret, const char *user, const char *key,
			const char *host, GString *out)
{
	g_autoptr(GString) text = g_string_new(user);
	g_autofree char *digest = NULL;

	g_string_append_c(text, '\0');
	g_string_append(text, key);
	digest =
		g_compute_hmac_for_data(G_CHECKSUM_SHA256, (const guchar *)secret.p,
					secret.len, (const guchar *)text->str, text->len);
	g_string_append_printf(out, "<%.*s.receipt@%s>", ID_DIGITS, digest, host);
}
