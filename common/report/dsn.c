/* SPDX-License-Identifier: MIT */
/* Delivery status notifications: RFC 3464, RFC 6533, and what remains of them
 * in messages whose parts got lost. */
#include "common/message/header.h"
#include "common/report/reading.h"

/* One recipient's fields; spans into the text of the part. */
struct group {
	struct rmt_span final, original, actual, action, status, diagnostic, remote,
		category;
};

struct rmt_span rmt_field_address(struct rmt_span value)
{
	struct rmt_span type, rest, address;
	size_t at = 0;

	if (rmt_span_split(value, ';', &type, &rest) &&
	    memchr(type.p, '@', type.len) == NULL)
		value = rest;
	value = rmt_span_trim(value);
	if (rmt_text_next_address(value, &at, &address))
		return address;
	/* A local part alone, of a local delivery. */
	while (value.len > 0 && (value.p[0] == '<' || value.p[0] == '"'))
		value = rmt_span_from(value, 1);
	for (at = 0; at < value.len && strchr("> \t\n\"(", value.p[at]) == NULL; at++)
		;
	return rmt_span(value.p, at);
}

static bool is_name(struct rmt_span name, const char *wanted)
{
	return rmt_span_eq_nocase(name, rmt_span_of(wanted));
}

static void take_field(struct group *group, const struct rmt_header_field *field)
{
	const struct {
		const char *name;
		struct rmt_span *value;
	} rows[] = {
		{ "Final-Recipient", &group->final },
		{ "Original-Recipient", &group->original },
		{ "X-Actual-Recipient", &group->actual },
		{ "Action", &group->action },
		{ "Status", &group->status },
		{ "Diagnostic-Code", &group->diagnostic },
		{ "Remote-MTA", &group->remote },
		{ "X-PowerMTA-BounceCategory", &group->category },
	};
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(rows); i++)
		if (rows[i].value->len == 0 && is_name(field->name, rows[i].name))
			*rows[i].value = rmt_span_trim(field->value);
}

static enum rmt_report_action action_of(struct rmt_span value, struct rmt_span status)
{
	static const struct {
		const char *word;
		enum rmt_report_action action;
	} rows[] = {
		{ "fail", RMT_ACTION_FAILED },
		{ "delayed", RMT_ACTION_DELAYED },
		{ "delivered", RMT_ACTION_DELIVERED },
		{ "relayed", RMT_ACTION_RELAYED },
		{ "expanded", RMT_ACTION_EXPANDED },
		{ "deliverable", RMT_ACTION_DELIVERED },
	};
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(rows); i++)
		if (rmt_text_starts(value, rows[i].word))
			return rows[i].action;
	if (status.len > 0 && status.p[0] == '2')
		return RMT_ACTION_DELIVERED;
	return RMT_ACTION_FAILED;
}

/* What prose says about this address. */
static struct rmt_span prose_about(struct rmt_reading *r, struct rmt_span address)
{
	const GArray *named = rmt_prose_named(r);
	guint i;

	for (i = 0; i < named->len; i++) {
		const struct rmt_named *n = &g_array_index(named, struct rmt_named, i);

		if (rmt_span_eq_nocase(n->address, address))
			return n->text;
	}
	return rmt_span("", 0);
}

/* RFC 3464, 2.3.6: words of a type of its own ("x-notes; ...") are the reporter's. */
static bool is_own_type(struct rmt_span diagnostic)
{
	return rmt_text_starts(diagnostic, "x-") &&
	       !rmt_text_starts(diagnostic, "x-smtp");
}

/* The typed value without its type: "smtp; 550 ...". */
static struct rmt_span words_of(struct rmt_span diagnostic)
{
	struct rmt_span type, rest;

	if (rmt_span_split(diagnostic, ';', &type, &rest) && type.len < 30 &&
	    memchr(type.p, ' ', type.len) == NULL)
		return rmt_span_trim(rest);
	return diagnostic;
}

/* With one recipient all the prose is about him. */
static struct rmt_span all_prose(const struct rmt_reading *r)
{
	return rmt_span(r->mail.prose->str, MIN(r->mail.prose->len, RMT_REPORT_TEXT_MAX));
}

static bool is_whole(struct rmt_span address)
{
	const char *at = memrchr(address.p != NULL ? address.p : "", '@', address.len);

	return at != NULL &&
	       memchr(at, '.', address.len - (size_t)(at - address.p)) != NULL;
}

/* Of a delivery into a file or pipe, Exim names the address elsewhere; others name
 * a host of their own, "ann@ims-daemon". */
static struct rmt_span recipient_of(const struct rmt_reading *r,
				    const struct group *group)
{
	const struct rmt_span *order[] = { &group->final, &group->actual,
					   &group->original,
					   &r->mail.header[RMT_H_X_FAILED_RECIPIENTS] };
	struct rmt_span address;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(order); i++) {
		address = rmt_field_address(*order[i]);
		if (is_whole(address))
			return address;
	}
	for (i = 0; i < G_N_ELEMENTS(order); i++) {
		address = rmt_field_address(*order[i]);
		if (memchr(address.p != NULL ? address.p : "", '@', address.len) != NULL)
			return address;
	}
	return rmt_field_address(group->final);
}

/* "Final-Recipient: unknown;": the text may know. */
static struct rmt_span only_named(struct rmt_reading *r)
{
	const GArray *named = rmt_prose_named(r);

	return named->len == 1 ? g_array_index(named, struct rmt_named, 0).address
			       : rmt_span("", 0);
}

static void report_group(struct rmt_reading *r, const struct group *group, bool only)
{
	struct rmt_span address = recipient_of(r, group), around, original;
	struct rmt_span words = words_of(group->diagnostic);
	struct rmt_report_event *event;

	if (address.len == 0 && only)
		address = only_named(r);
	event = rmt_reading_event(r, address, RMT_SOURCE_FIELD,
				  action_of(group->action, group->status));
	if (event == NULL)
		return;
	original = rmt_field_address(group->original);
	if (original.len > 0 && !rmt_span_eq_nocase(original, address))
		event->original_recipient = g_strndup(original.p, original.len);
	rmt_text_status(group->status, event->status);
	event->witnessed = rmt_text_starts(group->category, "bad-mailbox");
	event->own_words = is_own_type(group->diagnostic);
	around = prose_about(r, address);
	if (around.len == 0 && only)
		around = all_prose(r);
	rmt_reading_classify(r, event, words, around, words_of(group->remote));
}

static bool is_full(const struct group *group)
{
	return group->final.len > 0 || group->original.len > 0 || group->actual.len > 0;
}

/* RFC 3461, 4: "+2B" is '+'. What is no xtext stays as it stands. */
static char *decode_xtext(struct rmt_span text)
{
	GString *out = g_string_sized_new(text.len);
	size_t i;

	for (i = 0; i < text.len; i++) {
		int high = -1, low = -1;

		if (text.p[i] == '+' && i + 2 < text.len) {
			high = g_ascii_xdigit_value(text.p[i + 1]);
			low = g_ascii_xdigit_value(text.p[i + 2]);
		}
		if (high < 0 || low < 0 || high * 16 + low < ' ') {
			g_string_append_c(out, text.p[i]);
			continue;
		}
		g_string_append_c(out, (char)(high * 16 + low));
		i += 2;
	}
	return g_string_free(out, FALSE);
}

static void take_envelope(struct rmt_reading *r, const struct rmt_header_field *field)
{
	struct rmt_span value;

	if (r->report->envelope_id != NULL ||
	    !is_name(field->name, "Original-Envelope-Id"))
		return;
	value = rmt_span_trim(field->value);
	r->report->envelope_id = decode_xtext(rmt_span(value.p, MIN(value.len, 256)));
}

/* Fields that an empty line parts from the recipient they are about. */
static void complete(struct group *last, const struct group *group)
{
	const struct {
		struct rmt_span *value;
		struct rmt_span more;
	} rows[] = {
		{ &last->action, group->action },
		{ &last->status, group->status },
		{ &last->diagnostic, group->diagnostic },
		{ &last->remote, group->remote },
		{ &last->category, group->category },
	};
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(rows); i++)
		if (rows[i].value->len == 0)
			*rows[i].value = rows[i].more;
}

/* True where there is nothing more to come for it. */
static bool end_group(GArray *groups, const struct group *group)
{
	struct group *last;

	if (is_full(group)) {
		g_array_append_val(groups, *group);
		return true;
	}
	if (groups->len == 0)
		return group->action.len == 0 && group->status.len == 0;
	last = &g_array_index(groups, struct group, groups->len - 1);
	if (group->action.len > 0 && last->action.len > 0)
		return false; /* of the next recipient */
	complete(last, group);
	return true;
}

/* Groups end at an empty line; damaged ones where a field comes again. */
static GArray *read_groups(struct rmt_reading *r, struct rmt_span text)
{
	GArray *groups = g_array_new(FALSE, TRUE, sizeof(struct group));
	struct group group = { { NULL } };
	struct rmt_header_reader reader = rmt_header_read(text);
	struct rmt_header_field field;
	bool more;

	do {
		more = rmt_header_next(&reader, &field);
		if (more && !(is_full(&group) && is_name(field.name, "Final-Recipient") &&
			      group.final.len > 0)) {
			take_field(&group, &field);
			take_envelope(r, &field);
			continue;
		}
		if (end_group(groups, &group))
			group = (struct group){ { NULL } };
		if (more)
			take_field(&group, &field);
	} while ((more || reader.at < text.len) && groups->len < RMT_REPORT_EVENTS_MAX);
	r->report->cut |= groups->len == RMT_REPORT_EVENTS_MAX;
	return groups;
}

/* Without its part: the fields where they stand in a text. */
static struct rmt_span stray_fields(struct rmt_span body)
{
	struct rmt_span rest = body, line;

	while (rmt_text_line(&rest, &line)) {
		if (rmt_text_starts(line, "final-recipient:") ||
		    rmt_text_starts(line, "original-recipient:") ||
		    rmt_text_starts(line, "reporting-mta:"))
			return rmt_span_from(body, (size_t)(line.p - body.p));
	}
	return rmt_span("", 0);
}

static bool read_fields(struct rmt_reading *r, struct rmt_span text)
{
	GArray *groups = read_groups(r, text);
	guint i, count = groups->len;

	r->alone = count == 1;
	for (i = 0; i < count; i++)
		report_group(r, &g_array_index(groups, struct group, i), count == 1);
	g_array_free(groups, TRUE);
	return r->report->events->len > 0;
}

static enum rmt_report_kind kind_of(const struct rmt_report *report)
{
	guint i;

	for (i = 0; i < report->events->len; i++) {
		const struct rmt_report_event *event =
			g_ptr_array_index(report->events, i);

		if (event->action == RMT_ACTION_FAILED ||
		    event->action == RMT_ACTION_DELAYED)
			return RMT_REPORT_BOUNCE;
	}
	return RMT_REPORT_RECEIPT;
}

/* In the body as it came, outside the header section, or as it is decoded. What people
 * show each other is no report. */
static bool read_strays(struct rmt_reading *r)
{
	struct rmt_span headers, body;

	if (rmt_prose_from_person(r))
		return false;
	rmt_header_split(r->mail.raw, &headers, &body);
	return read_fields(r, stray_fields(body)) ||
	       read_fields(
		       r, stray_fields(rmt_span(r->mail.prose->str, r->mail.prose->len)));
}

bool rmt_read_dsn(struct rmt_reading *r)
{
	struct rmt_span status = rmt_span(r->mail.status->str, r->mail.status->len);

	if (!read_fields(r, status) && (r->mail.disposition->len > 0 || !read_strays(r)))
		return false;
	r->report->kind = kind_of(r->report);
	return true;
}
