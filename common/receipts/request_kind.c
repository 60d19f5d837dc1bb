/* SPDX-License-Identifier: MIT */
/* What kind of message a header announces, and what options a request has. */
#include "common/receipts/mime.h"
#include "common/receipts/request_private.h"

static bool starts_nocase(struct rmt_span text, const char *head)
{
	size_t len = strlen(head);

	return text.len >= len && strncasecmp(text.p, head, len) == 0;
}

/* The word in front of blanks, ';' or a comment. */
static struct rmt_span first_word(struct rmt_span value)
{
	struct rmt_span word = rmt_span_trim(value);
	size_t len = 0;

	while (len < word.len && strchr(" \t\r\n;(,", word.p[len]) == NULL)
		len++;
	return rmt_span(word.p, len);
}

static bool is_word(struct rmt_span value, const char *word)
{
	return rmt_span_eq_nocase(first_word(value), rmt_span_of(word));
}

/* --- fields ---------------------------------------------------------------- */

static unsigned of_precedence(struct rmt_span value)
{
	if (is_word(value, "list"))
		return RMT_REQUEST_LIST;
	if (is_word(value, "bulk") || is_word(value, "junk"))
		return RMT_REQUEST_BULK;
	return is_word(value, "auto_reply") || is_word(value, "auto-reply")
		       ? RMT_REQUEST_AUTO
		       : 0;
}

/* RFC 3834, 5. Comments may stand before the word. */
static unsigned of_auto_submitted(struct rmt_span value)
{
	g_autoptr(GString) text = g_string_new(NULL);

	rmt_mime_strip_comments(value, text);
	return is_word(rmt_span(text->str, text->len), "no") ? 0 : RMT_REQUEST_AUTO;
}

/* MS-OXCMAIL 2.2.3.2.14: a list of words; RN: read notifications. */
static unsigned of_suppress(struct rmt_span value)
{
	struct rmt_span rest = value, word;

	while (rest.len > 0) {
		if (!rmt_span_split(rest, ',', &word, &rest)) {
			word = rest;
			rest.len = 0;
		}
		if (is_word(word, "All") || is_word(word, "RN"))
			return RMT_REQUEST_SUPPRESS;
	}
	return 0;
}

static unsigned of_spam(struct rmt_span value)
{
	return is_word(value, "yes") || is_word(value, "true") ? RMT_REQUEST_SPAM : 0;
}

static unsigned of_multipart(const struct rmt_mime_type *type)
{
	if (strcmp(type->subtype, "encrypted") == 0)
		return RMT_REQUEST_ENCRYPTED;
	if (strcmp(type->subtype, "report") != 0)
		return 0;
	/* A report of unknown type is no mail of a person either. */
	return type->report_type != NULL && strstr(type->report_type,
						   "disposition-notification") != NULL
		       ? RMT_REQUEST_MDN
		       : RMT_REQUEST_DSN;
}

static unsigned of_message(const char *subtype)
{
	if (g_str_has_suffix(subtype, "disposition-notification"))
		return RMT_REQUEST_MDN;
	if (g_str_has_suffix(subtype, "delivery-status"))
		return RMT_REQUEST_DSN;
	return strcmp(subtype, "partial") == 0 ? RMT_REQUEST_PARTIAL : 0;
}

/* Where nothing tells what the container holds, it may be encrypted. */
static unsigned of_application(const struct rmt_mime_type *type)
{
	if (strcmp(type->subtype, "pkcs7-mime") != 0 &&
	    strcmp(type->subtype, "x-pkcs7-mime") != 0)
		return 0;
	return g_strcmp0(type->smime_type, "signed-data") == 0 ? 0
							       : RMT_REQUEST_ENCRYPTED;
}

static unsigned of_content_type(struct rmt_span value)
{
	struct rmt_mime_type type;
	unsigned kind = 0;

	rmt_mime_type_read(value, &type);
	if (strcmp(type.type, "multipart") == 0)
		kind = of_multipart(&type);
	else if (strcmp(type.type, "message") == 0)
		kind = of_message(type.subtype);
	else if (strcmp(type.type, "application") == 0)
		kind = of_application(&type);
	rmt_mime_type_clear(&type);
	return kind;
}

static unsigned of_sender(struct rmt_span value)
{
	g_autoptr(rmt_mailboxes) read = rmt_mailboxes_read(value);

	return read->list->len == 1
		       ? rmt_request_kind_of_sender(g_ptr_array_index(read->list, 0)) &
				 RMT_REQUEST_LIST
		       : 0;
}

unsigned rmt_request_kind_of_sender(const struct rmt_mailbox *sender)
{
	struct rmt_span local = rmt_span_of(sender->local);

	if (rmt_span_eq_nocase(local, RMT_SPAN("MAILER-DAEMON")))
		return RMT_REQUEST_AUTO;
	if (starts_nocase(local, "owner-") ||
	    rmt_span_ends_nocase(local, RMT_SPAN("-request")) ||
	    rmt_span_ends_nocase(local, RMT_SPAN("-owner")) ||
	    rmt_span_ends_nocase(local, RMT_SPAN("-bounces")))
		return RMT_REQUEST_LIST;
	return 0;
}

/* By value, or of its presence alone. Names of lists: pitfall 5. */
static const struct {
	const char *name;
	unsigned kind; /* of presence */
	unsigned (*of)(struct rmt_span value);
} rows[] = {
	{ "List-Id", RMT_REQUEST_LIST, NULL },
	{ "List-Post", RMT_REQUEST_LIST, NULL },
	{ "List-Unsubscribe", RMT_REQUEST_LIST, NULL },
	{ "List-Unsubscribe-Post", RMT_REQUEST_LIST, NULL },
	{ "List-Subscribe", RMT_REQUEST_LIST, NULL },
	{ "List-Help", RMT_REQUEST_LIST, NULL },
	{ "List-Owner", RMT_REQUEST_LIST, NULL },
	{ "List-Archive", RMT_REQUEST_LIST, NULL },
	{ "Mailing-List", RMT_REQUEST_LIST, NULL },
	{ "X-Mailing-List", RMT_REQUEST_LIST, NULL },
	{ "X-Loop", RMT_REQUEST_LIST, NULL },
	{ "X-Google-Group-Id", RMT_REQUEST_LIST, NULL },
	{ "X-BeenThere", RMT_REQUEST_LIST, NULL },
	{ "X-Mailman-Version", RMT_REQUEST_LIST, NULL },
	{ "Newsgroups", RMT_REQUEST_LIST, NULL },
	{ "Sender", 0, of_sender },
	{ "Feedback-ID", RMT_REQUEST_BULK, NULL },
	{ "Precedence", 0, of_precedence },
	{ "Auto-Submitted", 0, of_auto_submitted },
	{ "X-Autoreply", RMT_REQUEST_AUTO, NULL },
	{ "X-Autorespond", RMT_REQUEST_AUTO, NULL },
	{ "X-Auto-Response-Suppress", 0, of_suppress },
	{ "X-Spam-Flag", 0, of_spam },
	{ "X-Spam-Status", 0, of_spam },
	{ "X-Spam", 0, of_spam },
	{ "Content-Type", 0, of_content_type },
};

unsigned rmt_request_kind_of(const struct rmt_header_field *field)
{
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(rows); i++)
		if (rmt_span_eq_nocase(field->name, rmt_span_of(rows[i].name)))
			return rows[i].kind |
			       (rows[i].of != NULL ? rows[i].of(field->value) : 0);
	return 0;
}

/* --- options --------------------------------------------------------------- */

static bool is_attribute(struct rmt_span text)
{
	size_t i;

	for (i = 0; i < text.len; i++)
		if (!g_ascii_isgraph(text.p[i]) ||
		    strchr("()<>@,;:\\\"/[]?=", text.p[i]) != NULL)
			return false;
	return text.len > 0;
}

/* attribute "=" importance "," value *("," value) (RFC 8098, 2.2). No attribute is
 * known here, so a required one forbids. */
static unsigned of_parameter(struct rmt_span parameter)
{
	struct rmt_span attribute, rest, importance, value;

	if (!rmt_span_split(parameter, '=', &attribute, &rest) ||
	    !rmt_span_split(rest, ',', &importance, &value) ||
	    !is_attribute(rmt_span_trim(attribute)) || rmt_span_trim(value).len == 0)
		return RMT_REQUEST_OPTIONS_BAD;
	importance = rmt_span_trim(importance);
	if (rmt_span_eq_nocase(importance, RMT_SPAN("required")))
		return RMT_REQUEST_REQUIRED;
	return rmt_span_eq_nocase(importance, RMT_SPAN("optional"))
		       ? 0
		       : RMT_REQUEST_OPTIONS_BAD;
}

/* Up to a ';' outside quotes. */
static struct rmt_span next_parameter(struct rmt_span *rest)
{
	const struct rmt_span whole = *rest;
	bool quoted = false;
	size_t i;

	for (i = 0; i < whole.len; i++) {
		if (whole.p[i] == '\\' && quoted)
			i++;
		else if (whole.p[i] == '"')
			quoted = !quoted;
		else if (whole.p[i] == ';' && !quoted)
			break;
	}
	i = MIN(i, whole.len);
	*rest = rmt_span_from(whole, i + 1);
	return rmt_span(whole.p, i);
}

unsigned rmt_request_options(struct rmt_span value)
{
	enum { OPTIONS_MAX = 4096 };
	g_autoptr(GString) text = g_string_new(NULL);
	struct rmt_span rest, parameter;
	unsigned flaws = 0;

	if (value.len > OPTIONS_MAX)
		return RMT_REQUEST_OPTIONS_BAD;
	rmt_mime_strip_comments(value, text);
	rest = rmt_span_trim(rmt_span(text->str, text->len));
	if (rest.len == 0)
		return RMT_REQUEST_OPTIONS_BAD;
	while (rest.len > 0) {
		parameter = rmt_span_trim(next_parameter(&rest));
		if (parameter.len > 0)
			flaws |= of_parameter(parameter);
	}
	return flaws;
}
