/* SPDX-License-Identifier: MIT */
/* The fields of a notification as RFC 8098 has them, and as clients write them. */
#include "common/message/header.h"
#include "common/receipts/mdn_private.h"
#include "common/receipts/mime.h"

enum { FIELD_MAX = 2000, ERROR_MAX = 4000 };

/* --- values ---------------------------------------------------------------- */

static char *one_line(struct rmt_span value)
{
	return rmt_mime_decode(rmt_span(value.p, MIN(value.len, FIELD_MAX)), FIELD_MAX);
}

/* Without comments, one line. Own. */
static char *plain(struct rmt_span value)
{
	g_autoptr(GString) text = g_string_new(NULL);

	rmt_mime_strip_comments(rmt_span(value.p, MIN(value.len, FIELD_MAX)), text);
	return rmt_mime_one_line(text->str, FIELD_MAX);
}

/* RFC 6533, 3: "\x{F6}" */
static char *decode_xtext(const char *text)
{
	GString *out = g_string_new(NULL);
	char *end;

	while (*text != '\0') {
		if (g_str_has_prefix(text, "\\x{")) {
			gunichar c = (gunichar)g_ascii_strtoull(text + 3, &end, 16);

			if (*end == '}' && end > text + 3 && g_unichar_validate(c) &&
			    c >= ' ') {
				g_string_append_unichar(out, c);
				text = end + 1;
				continue;
			}
		}
		g_string_append_c(out, *text++);
	}
	return g_string_free(out, FALSE);
}

/* Length of "rfc822 ;" in front, without blanks behind; 0: none. */
static size_t type_length(const char *text)
{
	size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "0123456789-_");
	size_t blanks = strspn(text + len, " ");

	return len > 0 && text[len + blanks] == ';' ? len + blanks + 1 : 0;
}

/* "rfc822;<a@b>", "a@b", "rfc822;rfc822;a@b", "a@b;rfc822" are all seen. */
static char *read_address(struct rmt_mdn *mdn, struct rmt_span value, char **type_r)
{
	g_autofree char *text = plain(value), *bare = NULL, *type = NULL;
	const char *p = text;
	unsigned types = 0;
	size_t len;

	for (; (len = type_length(p)) > 0; types++) {
		if (types == 0)
			type = g_ascii_strdown(p, (gssize)strcspn(p, " ;"));
		for (p += len; *p == ' '; p++)
			;
	}
	if (types != 1 || (strcmp(type, "rfc822") != 0 && strcmp(type, "utf-8") != 0))
		mdn->flaws |= RMT_MDN_FLAW_ADDRESS_TYPE;
	bare = g_strdup(p);
	if (*p == '<' && strchr(bare, '>') != NULL) {
		memmove(bare, bare + 1, strlen(bare));
		*strchr(bare, '>') = '\0';
	}
	g_strstrip(bare);
	if (strchr(bare, '@') == NULL)
		return NULL;
	if (type_r != NULL)
		*type_r = g_strdup(type);
	return g_strcmp0(type, "utf-8") == 0 ? decode_xtext(bare)
					     : g_steal_pointer(&bare);
}

/* --- Disposition ----------------------------------------------------------- */

static const struct {
	const char *word;
	enum rmt_mdn_disposition disposition;
	bool old; /* of RFC 2298 */
} dispositions[] = {
	{ "displayed", RMT_MDN_DISPLAYED, false },
	{ "deleted", RMT_MDN_DELETED, false },
	{ "dispatched", RMT_MDN_DISPATCHED, false },
	{ "processed", RMT_MDN_PROCESSED, false },
	{ "denied", RMT_MDN_DENIED, true },
	{ "failed", RMT_MDN_FAILED, true },
};

static enum rmt_mdn_mode mode_of(const char *text, const char *manual,
				 const char *automatic)
{
	if (strstr(text, manual) != NULL)
		return RMT_MDN_MODE_MANUAL;
	return strstr(text, automatic) != NULL ? RMT_MDN_MODE_AUTOMATIC
					       : RMT_MDN_MODE_UNKNOWN;
}

/* Where the type should stand; where there is none, anywhere. */
static enum rmt_mdn_disposition type_of(const char *text, const char **behind_r)
{
	const char *semicolon = strchr(text, ';');
	const char *from = semicolon != NULL ? semicolon + 1 : text, *found;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(dispositions); i++) {
		found = strstr(from, dispositions[i].word);
		if (found == NULL)
			continue;
		*behind_r = found + strlen(dispositions[i].word);
		return dispositions[i].disposition;
	}
	*behind_r = NULL;
	return RMT_MDN_UNKNOWN;
}

/* "action/sending;type[/modifier,...]", blanks taken out. */
static bool is_grammar(const char *text)
{
	static const char *const heads[] = { "manual-action/mdn-sent-manually;",
					     "manual-action/mdn-sent-automatically;",
					     "automatic-action/mdn-sent-manually;",
					     "automatic-action/mdn-sent-automatically;" };
	size_t i, k, len;

	for (i = 0; i < G_N_ELEMENTS(heads); i++) {
		if (!g_str_has_prefix(text, heads[i]))
			continue;
		for (k = 0; k < G_N_ELEMENTS(dispositions); k++) {
			const char *type = text + strlen(heads[i]);

			len = strlen(dispositions[k].word);
			if (!dispositions[k].old &&
			    strncmp(type, dispositions[k].word, len) == 0 &&
			    (type[len] == '\0' || type[len] == '/'))
				return true;
		}
	}
	return false;
}

static void read_disposition(struct rmt_mdn *mdn, struct rmt_span value)
{
	g_autofree char *text = plain(value), *lower = g_ascii_strdown(text, -1);
	g_autoptr(GString) tight = g_string_new(NULL);
	const char *p, *behind;

	for (p = lower; *p != '\0'; p++)
		if (*p != ' ')
			g_string_append_c(tight, *p);
	mdn->action = mode_of(tight->str, "manual-action", "automatic-action");
	mdn->sending = mode_of(tight->str, "mdn-sent-manually", "mdn-sent-automatically");
	mdn->disposition = type_of(tight->str, &behind);
	if (behind != NULL && behind[0] == '/' && behind[1] != '\0')
		mdn->modifiers = g_strdup(behind + 1);
	if (!is_grammar(tight->str))
		mdn->flaws |= RMT_MDN_FLAW_DISPOSITION;
}

/* --- fields ---------------------------------------------------------------- */

static void on_final(struct rmt_mdn *mdn, struct rmt_span value)
{
	mdn->final_recipient = read_address(mdn, value, &mdn->final_type);
}

static void on_original(struct rmt_mdn *mdn, struct rmt_span value)
{
	mdn->original_recipient = read_address(mdn, value, NULL);
}

/* Comments may stand beside an id, and parentheses in one. */
static void on_original_id(struct rmt_mdn *mdn, struct rmt_span value)
{
	g_autoptr(GString) text = g_string_new(NULL);
	const char *start, *end;

	value.len = MIN(value.len, FIELD_MAX);
	if (!rmt_mime_unfold(value, text) || text->len == 0)
		return;
	start = strchr(text->str, '<');
	end = start != NULL ? strchr(start, '>') : NULL;
	mdn->original_message_id = end != NULL
					   ? g_strndup(start, (size_t)(end - start) + 1)
					   : plain(rmt_span(text->str, text->len));
}

static void on_ua(struct rmt_mdn *mdn, struct rmt_span value)
{
	mdn->reporting_ua = one_line(value);
}

static void on_gateway(struct rmt_mdn *mdn, struct rmt_span value)
{
	mdn->gateway = one_line(value);
}

static const struct {
	const char *name;
	void (*on)(struct rmt_mdn *mdn, struct rmt_span value);
} rows[] = {
	{ "Reporting-UA", on_ua },
	{ "MDN-Gateway", on_gateway },
	{ "Original-Recipient", on_original },
	{ "Final-Recipient", on_final },
	{ "Original-Message-ID", on_original_id },
	{ "Disposition", read_disposition },
};

static void on_error(struct rmt_mdn *mdn, struct rmt_span value)
{
	g_autofree char *text = one_line(value), *before = mdn->error;

	mdn->error =
		before != NULL ? g_strconcat(before, "; ", text, NULL) : g_strdup(text);
	if (strlen(mdn->error) > ERROR_MAX)
		mdn->error[ERROR_MAX] = '\0';
}

/* Position in rows; -1: another field. */
static int find(struct rmt_span name)
{
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(rows); i++)
		if (rmt_span_eq_nocase(name, rmt_span_of(rows[i].name)))
			return (int)i;
	return -1;
}

static struct rmt_span without_empty_lines(struct rmt_span text)
{
	while (text.len > 0 && g_ascii_isspace(text.p[0]))
		text = rmt_span_from(text, 1);
	return text;
}

/* Some clients put an empty line between the fields: all there are, are read. */
static bool next_field(struct rmt_header_reader *reader, struct rmt_header_field *field)
{
	while (!rmt_header_next(reader, field))
		if (reader->at >= reader->message.len)
			return false;
	return true;
}

void rmt_mdn_fields(struct rmt_mdn *mdn, struct rmt_span text)
{
	struct rmt_header_reader reader = rmt_header_read(without_empty_lines(text));
	struct rmt_header_field field;
	bool seen[G_N_ELEMENTS(rows)] = { false };
	int row;

	while (next_field(&reader, &field)) {
		row = find(field.name);
		if (field.name.len == 0 || (row >= 0 && seen[row])) {
			mdn->flaws |= RMT_MDN_FLAW_FIELD;
			continue;
		}
		if (row >= 0) {
			seen[row] = true;
			rows[row].on(mdn, field.value);
		} else if (rmt_span_eq_nocase(field.name, RMT_SPAN("Error"))) {
			on_error(mdn, field.value);
		}
	}
	if (mdn->final_recipient == NULL)
		mdn->flaws |= RMT_MDN_FLAW_FINAL;
	if (mdn->disposition == RMT_MDN_UNKNOWN)
		mdn->flaws |= RMT_MDN_FLAW_DISPOSITION;
}

bool rmt_mdn_only_fields(struct rmt_span text)
{
	struct rmt_header_reader reader = rmt_header_read(without_empty_lines(text));
	struct rmt_header_field field;
	bool disposition = false, about = false;

	while (next_field(&reader, &field)) {
		if (find(field.name) < 0 &&
		    !rmt_span_eq_nocase(field.name, RMT_SPAN("Error")) &&
		    !rmt_span_eq_nocase(field.name, RMT_SPAN("Failure")) &&
		    !rmt_span_eq_nocase(field.name, RMT_SPAN("Warning")))
			return false;
		disposition |= rmt_span_eq_nocase(field.name, RMT_SPAN("Disposition"));
		about |= rmt_span_eq_nocase(field.name, RMT_SPAN("Final-Recipient")) ||
			 rmt_span_eq_nocase(field.name, RMT_SPAN("Original-Message-ID"));
	}
	return disposition && about;
}
