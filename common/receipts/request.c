/* SPDX-License-Identifier: MIT */
#include "common/receipts/request.h"

#include "common/receipts/mime.h"
#include "common/receipts/request_private.h"

enum {
	MESSAGE_ID_MAX = 900, /* octets; it must fit into one line of the receipt */
	SUBJECT_MAX = 200,    /* characters */
	DATE_MAX = 100,
	LANGUAGES_MAX = 10,
	DELIVERED_MAX = 20,
	RETURNED_FIELD_MAX = 2000, /* octets */
};

/* What is only known when all fields were seen. */
struct gathering {
	struct rmt_receipt_request *request;
	bool delivery_over; /* what follows was not put there by the last delivery */
	unsigned requests, options, return_paths, trusted_paths, froms, ids, originals;
	struct rmt_mailbox *path; /* own; of the Return-Path that counts */
	bool path_null, path_bad;
	GString *returned;
	GChecksum *hash; /* of what stays the same on the way */
};

/* --- fields ---------------------------------------------------------------- */

static void add_target(GPtrArray *targets, struct rmt_mailbox *mailbox)
{
	guint i;

	for (i = 0; i < targets->len; i++)
		if (rmt_mailbox_same(g_ptr_array_index(targets, i), mailbox)) {
			rmt_mailbox_free(mailbox);
			return;
		}
	g_ptr_array_add(targets, mailbox);
}

static void on_request(struct gathering *g, struct rmt_span value)
{
	g_autoptr(rmt_mailboxes) read = rmt_mailboxes_read(value);
	struct rmt_receipt_request *request = g->request;

	request->asked = true;
	if (++g->requests > 1)
		request->flaws |= RMT_REQUEST_REPEATED;
	if (read->flaws & RMT_MAILBOX_GROUP)
		request->flaws |= RMT_REQUEST_GROUP;
	if ((read->flaws & RMT_MAILBOX_SYNTAX) || read->list->len == 0)
		request->flaws |= RMT_REQUEST_SYNTAX;
	if (read->flaws & RMT_MAILBOX_LONG)
		request->flaws |= RMT_REQUEST_LONG;
	while (read->list->len > 0)
		add_target(request->targets, g_ptr_array_steal_index(read->list, 0));
	if (request->targets->len > RMT_REQUEST_TARGETS_MAX) {
		request->flaws |= RMT_REQUEST_LONG;
		g_ptr_array_set_size(request->targets, RMT_REQUEST_TARGETS_MAX);
	}
}

static void on_options(struct gathering *g, struct rmt_span value)
{
	if (++g->options > 1)
		g->request->flaws |= RMT_REQUEST_OPTIONS_BAD;
	g->request->flaws |= rmt_request_options(value);
}

/* NULL: not exactly one, by the grammar. */
static struct rmt_mailbox *only_mailbox(struct rmt_span value)
{
	g_autoptr(rmt_mailboxes) read = rmt_mailboxes_read(value);

	return read->flaws == 0 && read->list->len == 1
		       ? g_ptr_array_steal_index(read->list, 0)
		       : NULL;
}

/* Ours stands on top; a lone one further down came with the message (pitfall 14). */
static void on_return_path(struct gathering *g, struct rmt_span value)
{
	g_autoptr(GString) text = g_string_new(NULL);
	struct rmt_span bare;

	g->return_paths++;
	if (g->delivery_over || ++g->trusted_paths > 1)
		return;
	rmt_mime_strip_comments(value, text);
	bare = rmt_span_trim(rmt_span(text->str, text->len));
	g->path_null = rmt_span_eq(bare, RMT_SPAN("<>"));
	if (!g->path_null)
		g->path = only_mailbox(bare);
	g->path_bad = !g->path_null && g->path == NULL;
}

static void on_from(struct gathering *g, struct rmt_span value)
{
	g_clear_pointer(&g->request->from, rmt_mailbox_free);
	if (++g->froms == 1)
		g->request->from = only_mailbox(value);
}

static void on_named(struct gathering *g, struct rmt_span value)
{
	g_autoptr(rmt_mailboxes) read = rmt_mailboxes_read(value);
	struct rmt_mailboxes *seen = g->request->seen;

	seen->flaws |= read->flaws;
	while (read->list->len > 0 && seen->list->len < RMT_MAILBOX_COUNT_MAX)
		g_ptr_array_add(seen->list, g_ptr_array_steal_index(read->list, 0));
}

static void on_delivered(struct gathering *g, struct rmt_span value)
{
	struct rmt_mailbox *mailbox;

	if (g->delivery_over || g->request->delivered->len >= DELIVERED_MAX)
		return;
	mailbox = rmt_mailbox_read(rmt_span_trim(value));
	if (mailbox != NULL)
		g_ptr_array_add(g->request->delivered, mailbox);
}

/* "rfc822;bob@example.net" (RFC 8098, 2.3). Twice: none is known (M22). */
static void on_original(struct gathering *g, struct rmt_span value)
{
	g_autoptr(GString) text = g_string_new(NULL);
	struct rmt_span type, address;

	g_clear_pointer(&g->request->original_recipient, rmt_mailbox_free);
	rmt_mime_strip_comments(value, text);
	if (++g->originals > 1 ||
	    !rmt_span_split(rmt_span(text->str, text->len), ';', &type, &address))
		return;
	type = rmt_span_trim(type);
	if (rmt_span_eq_nocase(type, RMT_SPAN("rfc822")) ||
	    rmt_span_eq_nocase(type, RMT_SPAN("utf-8")))
		g->request->original_recipient = rmt_mailbox_read(rmt_span_trim(address));
}

static void on_message_id(struct gathering *g, struct rmt_span value)
{
	g_autoptr(GString) text = g_string_new(NULL);

	if (++g->ids > 1 || !rmt_mime_unfold(value, text) || text->len == 0 ||
	    text->len > MESSAGE_ID_MAX)
		return;
	g->request->message_id = g_strdup(text->str);
}

static void on_subject(struct gathering *g, struct rmt_span value)
{
	g_free(g->request->subject);
	g->request->subject = rmt_mime_decode(value, SUBJECT_MAX);
}

static void on_date(struct gathering *g, struct rmt_span value)
{
	g_free(g->request->sent);
	g->request->sent = rmt_mime_decode(value, DATE_MAX);
	g->request->sent_at = rmt_mime_date(value);
}

static bool is_language(const char *tag)
{
	size_t len = strspn(tag, "abcdefghijklmnopqrstuvwxyz0123456789-");

	return len > 1 && len <= 35 && tag[len] == '\0' && g_ascii_isalpha(tag[0]);
}

static void on_language(struct gathering *g, struct rmt_span value)
{
	g_autoptr(GString) text = g_string_new(NULL);
	g_autoptr(GPtrArray) tags = g_ptr_array_new_with_free_func(g_free);
	g_auto(GStrv) words = NULL;
	size_t i;

	rmt_mime_strip_comments(rmt_span(value.p, MIN(value.len, 1000)), text);
	words = g_strsplit(text->str, ",", LANGUAGES_MAX + 1);
	for (i = 0; i < LANGUAGES_MAX && words[i] != NULL; i++) {
		g_autofree char *tag = g_ascii_strdown(g_strstrip(words[i]), -1);

		if (is_language(tag))
			g_ptr_array_add(tags, g_steal_pointer(&tag));
	}
	g_ptr_array_set_free_func(tags, NULL);
	g_ptr_array_add(tags, NULL);
	g_strfreev(g->request->languages);
	g->request->languages = (char **)g_ptr_array_free(g_steal_pointer(&tags), FALSE);
}

static const struct {
	const char *name;
	void (*on)(struct gathering *g, struct rmt_span value);
	bool hashed, returned; /* part of the key; may be given back (M20) */
	bool ends_delivery;    /* our delivery puts nothing of its own below it */
} rows[] = {
	{ "Disposition-Notification-To", on_request, true, false, true },
	{ "Disposition-Notification-Options", on_options, false, false, true },
	{ "Return-Path", on_return_path, false, false, false },
	{ "From", on_from, true, true, true },
	{ "To", on_named, true, true, true },
	{ "Cc", on_named, true, false, true },
	{ "Delivered-To", on_delivered, false, false, false },
	{ "X-Original-To", on_delivered, false, false, false },
	{ "Envelope-To", on_delivered, false, false, false },
	{ "Original-Recipient", on_original, false, false, false },
	{ "Message-ID", on_message_id, true, true, true },
	{ "Subject", on_subject, true, true, true },
	{ "Date", on_date, true, true, true },
	{ "Content-Language", on_language, false, false, true },
	{ "Received", NULL, false, false, true },
	{ "References", NULL, true, false, true },
	{ "In-Reply-To", NULL, true, false, true },
};

/* --- what becomes of a field ----------------------------------------------- */

static void add_to_hash(struct gathering *g, const char *name, struct rmt_span value)
{
	g_autofree char *lower = g_ascii_strdown(name, -1);
	g_autoptr(GString) text = g_string_new(NULL);

	if (!rmt_mime_unfold(value, text))
		g_string_append_len(text, value.p, (gssize)value.len);
	g_checksum_update(g->hash, (const guchar *)lower, -1);
	g_checksum_update(g->hash, (const guchar *)":", 1);
	g_checksum_update(g->hash, (const guchar *)text->str, (gssize)text->len);
	g_checksum_update(g->hash, (const guchar *)"\n", 1);
}

/* Line by line as it stands; left out where it could not stand in 7bit. */
static void add_returned(struct gathering *g, struct rmt_span raw)
{
	const gsize before = g->returned->len;
	size_t i, column = 0;

	if (raw.len > RETURNED_FIELD_MAX)
		return;
	for (i = 0; i < raw.len; i++) {
		if (raw.p[i] == '\r')
			continue;
		if (raw.p[i] == '\n') {
			g_string_append(g->returned, "\r\n");
			column = 0;
		} else if ((raw.p[i] >= ' ' && raw.p[i] <= '~') || raw.p[i] == '\t') {
			g_string_append_c(g->returned, raw.p[i]);
			column++;
		} else {
			column = G_MAXSIZE / 2;
		}
		if (column > 998) {
			g_string_truncate(g->returned, before);
			return;
		}
	}
	g_string_append(g->returned, "\r\n");
}

static void take_field(struct gathering *g, const struct rmt_header_field *field)
{
	size_t i;

	g->request->kind |= rmt_request_kind_of(field);
	for (i = 0; i < G_N_ELEMENTS(rows); i++) {
		if (!rmt_span_eq_nocase(field->name, rmt_span_of(rows[i].name)))
			continue;
		if (rows[i].on != NULL)
			rows[i].on(g, field->value);
		if (rows[i].hashed)
			add_to_hash(g, rows[i].name, field->value);
		if (rows[i].returned)
			add_returned(g, field->raw);
		g->delivery_over |= rows[i].ends_delivery;
		return;
	}
}

/* --- when all was seen ----------------------------------------------------- */

static enum rmt_return_path compare_path(const struct gathering *g)
{
	const GPtrArray *targets = g->request->targets;

	if (g->return_paths > 1 || g->path_bad)
		return RMT_RETURN_PATH_SEVERAL;
	if (g->trusted_paths == 0)
		return RMT_RETURN_PATH_NONE;
	if (g->path_null)
		return RMT_RETURN_PATH_NULL;
	return targets->len == 1 &&
			       rmt_mailbox_same(g->path, g_ptr_array_index(targets, 0))
		       ? RMT_RETURN_PATH_SAME
		       : RMT_RETURN_PATH_OTHER;
}

static bool is_of_other_domain(const struct rmt_receipt_request *request)
{
	guint i;

	for (i = 0; i < request->targets->len; i++) {
		const struct rmt_mailbox *target = g_ptr_array_index(request->targets, i);

		if (request->from == NULL ||
		    strcmp(target->domain, request->from->domain) != 0)
			return true;
	}
	return false;
}

/* Two fields, or one that is none, name nothing. */
static char *make_key(struct gathering *g)
{
	if (g->ids == 1 && g->request->message_id != NULL)
		return g_strdup(g->request->message_id);
	g_clear_pointer(&g->request->message_id, g_free);
	return g_strconcat("sha256:", g_checksum_get_string(g->hash), NULL);
}

static void finish(struct gathering *g)
{
	struct rmt_receipt_request *request = g->request;

	request->return_path = compare_path(g);
	/* A null path beside others is still the sign of a notice (A01). */
	if (g->path_null)
		request->return_path = RMT_RETURN_PATH_NULL;
	if (g->path != NULL)
		request->kind |= rmt_request_kind_of_sender(g->path);
	if (request->from != NULL)
		request->kind |=
			rmt_request_kind_of_sender(request->from) & RMT_REQUEST_AUTO;
	request->other_domain = is_of_other_domain(request);
	request->key = make_key(g);
	if (request->subject == NULL)
		request->subject = g_strdup("");
	if (request->sent == NULL)
		request->sent = g_strdup("");
	if (request->languages == NULL)
		request->languages = g_new0(char *, 1);
	request->returned = g_string_free(g->returned, FALSE);
	rmt_mailbox_free(g->path);
	g_checksum_free(g->hash);
}

static GPtrArray *new_mailbox_array(void)
{
	return g_ptr_array_new_with_free_func((GDestroyNotify)rmt_mailbox_free);
}

struct rmt_receipt_request *rmt_receipt_request_read(
	struct rmt_span header, const struct rmt_request_reading *with)
{
	struct rmt_receipt_request *request = g_new0(struct rmt_receipt_request, 1);
	struct gathering g = { .request = request };
	struct rmt_header_reader reader;
	struct rmt_header_field field;

	header.len = MIN(header.len, RMT_REQUEST_HEADER_MAX);
	request->targets = new_mailbox_array();
	request->delivered = new_mailbox_array();
	request->seen = rmt_mailboxes_read(rmt_span("", 0));
	g.returned = g_string_new(NULL);
	g.hash = g_checksum_new(G_CHECKSUM_SHA256);
	reader = rmt_header_read(header);
	while (rmt_header_next(&reader, &field))
		take_field(&g, &field);
	finish(&g);
	if (with != NULL)
		request->auth = rmt_request_auth_read(
			header, with->authserv_ids,
			request->from != NULL ? request->from->domain : NULL);
	return request;
}

void rmt_receipt_request_free(struct rmt_receipt_request *request)
{
	if (request == NULL)
		return;
	g_ptr_array_unref(request->targets);
	g_ptr_array_unref(request->delivered);
	rmt_mailboxes_free(request->seen);
	rmt_mailbox_free(request->from);
	rmt_mailbox_free(request->original_recipient);
	g_free(request->message_id);
	g_free(request->key);
	g_free(request->subject);
	g_free(request->sent);
	g_strfreev(request->languages);
	g_free(request->returned);
	g_free(request);
}

char *rmt_receipt_request_targets(const struct rmt_receipt_request *request)
{
	GString *out = g_string_new(NULL);
	guint i;

	for (i = 0; i < request->targets->len; i++) {
		const struct rmt_mailbox *one = g_ptr_array_index(request->targets, i);

		g_string_append_printf(out, "%s%s", i > 0 ? ", " : "", one->address);
	}
	return g_string_free(out, FALSE);
}
