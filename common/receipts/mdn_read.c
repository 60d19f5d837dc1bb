/* SPDX-License-Identifier: MIT */
/* Is this message a receipt, and in which guise? Then mdn_fields.c reads it. */
#include "common/receipts/mdn.h"
#include "common/receipts/mdn_private.h"
#include "common/receipts/part.h"
#include "common/report/report.h"

enum {
	DEPTH_MAX = 8,
	FIELDS_MAX = 64 * 1024,  /* octets of a notification */
	OPAQUE_MAX = 512 * 1024, /* octets of a container that are searched */
};

struct search {
	struct rmt_mdn *mdn;
	GString *fields;   /* own; of the notification; or NULL */
	GString *returned; /* own; header of the original message; or NULL */
	bool report;       /* a multipart/report of this report-type was passed */
};

static void look(struct search *s, const struct rmt_part *part, unsigned depth);

static bool has_words(const GString *octets, const char *words)
{
	return memmem(octets->str, octets->len, words, strlen(words)) != NULL;
}

/* --- guises ---------------------------------------------------------------- */

static bool is_notification(const struct rmt_part *part)
{
	return strcmp(part->type.type, "message") == 0 &&
	       (strcmp(part->type.subtype, "disposition-notification") == 0 ||
		strcmp(part->type.subtype, "global-disposition-notification") == 0);
}

static void take_notification(struct search *s, const struct rmt_part *part)
{
	if (s->fields != NULL)
		return;
	s->fields = rmt_part_decode(part, FIELDS_MAX);
	s->mdn->form = strstr(part->type.subtype, "global") != NULL ? RMT_MDN_GLOBAL
								    : RMT_MDN_STANDARD;
}

/* UTF-16 in Outlook's own container: "I\0P\0M\0". */
static bool has_wide_words(const GString *octets, const char *words)
{
	g_autoptr(GString) wide = g_string_new(NULL);

	for (; *words != '\0'; words++) {
		g_string_append_c(wide, *words);
		g_string_append_c(wide, '\0');
	}
	return memmem(octets->str, octets->len, wide->str, wide->len) != NULL;
}

/* MS-OXOMSG: the class of read and of non-read reports. */
static void look_into_tnef(struct search *s, const struct rmt_part *part)
{
	g_autoptr(GString) octets = rmt_part_decode(part, OPAQUE_MAX);

	if (s->mdn->form != RMT_MDN_NONE)
		return;
	if (has_words(octets, "IPM.Note.IPNRN") ||
	    has_wide_words(octets, "IPM.Note.IPNRN") ||
	    has_words(octets, "Microsoft Mail v3.0 Read Receipt"))
		s->mdn->disposition = RMT_MDN_DISPLAYED;
	else if (has_words(octets, "IPM.Note.IPNNRN") ||
		 has_wide_words(octets, "IPM.Note.IPNNRN"))
		s->mdn->disposition = RMT_MDN_DELETED;
	else
		return;
	s->mdn->form = RMT_MDN_TNEF;
}

/* The signed message stands in the container as it was, perhaps in pieces. */
static void look_into_smime(struct search *s, const struct rmt_part *part)
{
	g_autoptr(GString) octets = rmt_part_decode(part, OPAQUE_MAX);

	if (s->mdn->form == RMT_MDN_NONE &&
	    (has_words(octets, "disposition-notification") ||
	     has_words(octets, "Disposition-Notification")))
		s->mdn->form = RMT_MDN_OPAQUE;
}

/* All of it is fields of a notification: nobody quotes one like that. */
static void look_into_text(struct search *s, const struct rmt_part *part)
{
	g_autoptr(GString) text = NULL;

	if (s->mdn->form != RMT_MDN_NONE)
		return;
	text = rmt_part_decode(part, FIELDS_MAX);
	if (!rmt_mdn_only_fields(rmt_span(text->str, text->len)))
		return;
	s->mdn->form = RMT_MDN_LOOSE;
	s->fields = g_steal_pointer(&text);
}

static void take_returned(struct search *s, const struct rmt_part *part)
{
	if (s->returned == NULL)
		s->returned = rmt_part_decode(part, FIELDS_MAX);
}

static bool is_tnef(const struct rmt_part *part)
{
	return rmt_part_is(part, "application", "ms-tnef") ||
	       rmt_part_is(part, "application", "vnd.ms-tnef");
}

static bool is_smime(const struct rmt_part *part)
{
	return rmt_part_is(part, "application", "pkcs7-mime") ||
	       rmt_part_is(part, "application", "x-pkcs7-mime");
}

static bool is_returned(const struct rmt_part *part)
{
	return rmt_part_is(part, "text", "rfc822-headers") ||
	       rmt_part_is(part, "message", "rfc822") ||
	       rmt_part_is(part, "message", "global") ||
	       rmt_part_is(part, "message", "global-headers");
}

static bool is_fields_perhaps(const struct rmt_part *part)
{
	return rmt_part_is(part, "text", "plain") ||
	       rmt_part_is(part, "application", "octet-stream") ||
	       (rmt_part_is(part, "message", NULL) && !is_returned(part));
}

/* --- the walk -------------------------------------------------------------- */

/* Of a signed message the first part is what was signed (RFC 1847). */
static void look_at_children(struct search *s, const struct rmt_part *part,
			     unsigned depth)
{
	struct rmt_part_reader reader = rmt_part_reader(part);
	const bool signed_ = strcmp(part->type.subtype, "signed") == 0;
	struct rmt_part child;

	while (rmt_part_next(&reader, &child)) {
		look(s, &child, depth + 1);
		rmt_part_clear(&child);
		if (signed_)
			break;
	}
	if (!reader.over && !signed_)
		s->mdn->flaws |= RMT_MDN_FLAW_CUT;
}

static void look(struct search *s, const struct rmt_part *part, unsigned depth)
{
	if (depth > DEPTH_MAX) {
		s->mdn->flaws |= RMT_MDN_FLAW_CUT;
		return;
	}
	if (rmt_part_is(part, "multipart", NULL)) {
		s->report |= strcmp(part->type.subtype, "report") == 0 &&
			     g_strcmp0(part->type.report_type,
				       "disposition-notification") == 0;
		look_at_children(s, part, depth);
	} else if (is_notification(part)) {
		take_notification(s, part);
	} else if (is_tnef(part)) {
		look_into_tnef(s, part);
	} else if (is_smime(part)) {
		look_into_smime(s, part);
	} else if (is_returned(part)) {
		take_returned(s, part);
	} else if (is_fields_perhaps(part)) {
		look_into_text(s, part);
	}
}

/* Where the field is missing, what was returned tells, or what it answers. */
static void find_original_id(struct search *s, struct rmt_span headers)
{
	g_autoptr(GString) id = g_string_new(NULL);
	struct rmt_span value = rmt_span("", 0);

	if (s->mdn->original_message_id != NULL)
		return;
	s->mdn->flaws |= RMT_MDN_FLAW_ORIGINAL_ID;
	if (s->returned != NULL)
		value = rmt_part_field(rmt_span(s->returned->str, s->returned->len),
				       "Message-ID");
	if (value.len == 0)
		value = rmt_part_field(headers, "In-Reply-To");
	if (value.len > 0 && rmt_mime_unfold(value, id))
		s->mdn->original_message_id = g_strdup(id->str);
}

static void finish(struct search *s, struct rmt_span headers)
{
	struct rmt_mdn *mdn = s->mdn;

	if (s->fields != NULL)
		rmt_mdn_fields(mdn, rmt_span(s->fields->str, s->fields->len));
	/* The label alone, without any notification: a receipt that says nothing. */
	if (mdn->form == RMT_MDN_NONE && s->report)
		mdn->form = RMT_MDN_LOOSE;
	if (mdn->form == RMT_MDN_NONE)
		return;
	if (!s->report)
		mdn->flaws |= RMT_MDN_FLAW_TYPE;
	if (s->fields == NULL)
		mdn->flaws |= RMT_MDN_FLAW_FINAL | RMT_MDN_FLAW_DISPOSITION;
	find_original_id(s, headers);
}

struct rmt_mdn *rmt_mdn_read(struct rmt_span message)
{
	struct search s = { .mdn = g_new0(struct rmt_mdn, 1) };
	struct rmt_part part;

	if (message.len > RMT_REPORT_OCTETS_MAX) {
		message.len = RMT_REPORT_OCTETS_MAX;
		s.mdn->flaws |= RMT_MDN_FLAW_CUT;
	}
	while (message.len > 0 && (message.p[0] == '\r' || message.p[0] == '\n'))
		message = rmt_span_from(message, 1);
	rmt_part_read(&part, message);
	look(&s, &part, 0);
	finish(&s, part.headers);
	rmt_part_clear(&part);
	if (s.fields != NULL)
		g_string_free(s.fields, TRUE);
	if (s.returned != NULL)
		g_string_free(s.returned, TRUE);
	return s.mdn;
}

void rmt_mdn_free(struct rmt_mdn *mdn)
{
	if (mdn == NULL)
		return;
	g_free(mdn->final_recipient);
	g_free(mdn->final_type);
	g_free(mdn->original_recipient);
	g_free(mdn->reporting_ua);
	g_free(mdn->gateway);
	g_free(mdn->original_message_id);
	g_free(mdn->modifiers);
	g_free(mdn->error);
	g_free(mdn);
}
