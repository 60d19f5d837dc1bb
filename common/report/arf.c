/* SPDX-License-Identifier: MIT */
/* Complaints: RFC 5965, reports with nothing but Feedback-Type, and providers
 * that hand back the message with a field of theirs in it. */
#include "common/message/header.h"
#include "common/report/reading.h"

static enum rmt_report_class class_of(struct rmt_span type)
{
	static const struct {
		const char *name;
		enum rmt_report_class class;
	} rows[] = {
		{ "auth-failure",
		  RMT_CLASS_AUTH }, /* RFC 6591: about us, not the reader */
		{ "not-spam", RMT_CLASS_UNKNOWN },    /* RFC 5965, 7.3 */
		{ "opt-out", RMT_CLASS_UNSUBSCRIBE }, /* and opt-out-list */
		{ "dkim-failure", RMT_CLASS_AUTH },
	};
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(rows); i++)
		if (rmt_text_starts(type, rows[i].name))
			return rows[i].class;
	return RMT_CLASS_COMPLAINT;
}

static void report_one(struct rmt_reading *r, struct rmt_span recipient,
		       enum rmt_report_source source, struct rmt_span type)
{
	struct rmt_report_event *event =
		rmt_reading_event(r, recipient, source, RMT_ACTION_NONE);

	if (event == NULL)
		return;
	g_free(event->feedback_type);
	event->feedback_type = g_ascii_strdown(type.p, (gssize)MIN(type.len, 40));
	event->class = class_of(type);
	event->rule = "arf";
	g_free(event->evidence);
	event->evidence = g_strdup_printf("Feedback-Type: %s", event->feedback_type);
}

static bool is_undisclosed(struct rmt_span address)
{
	return address.len == 0 || memchr(address.p, '@', address.len) == NULL;
}

/* Every address of a header value; how many there were. */
static unsigned report_list(struct rmt_reading *r, struct rmt_span value,
			    enum rmt_report_source source, struct rmt_span type)
{
	struct rmt_span address;
	unsigned count = 0;
	size_t at = 0;

	while (rmt_text_next_address(value, &at, &address)) {
		report_one(r, address, source, type);
		count++;
	}
	return count;
}

static unsigned report_fields(struct rmt_reading *r, const char *name,
			      struct rmt_span type)
{
	struct rmt_header_reader reader =
		rmt_header_read(rmt_span(r->mail.feedback->str, r->mail.feedback->len));
	struct rmt_header_field field;
	unsigned count = 0;

	while (rmt_header_next(&reader, &field)) {
		struct rmt_span address = rmt_field_address(field.value);

		if (!rmt_span_eq_nocase(field.name, rmt_span_of(name)) ||
		    is_undisclosed(address))
			continue;
		count += report_list(r, field.value, RMT_SOURCE_FIELD, type);
	}
	return count;
}

static bool is_one(struct rmt_span value)
{
	struct rmt_span address;
	size_t at = 0;

	return rmt_text_next_address(value, &at, &address) &&
	       !rmt_text_next_address(value, &at, &address);
}

/* "Received: ... for <ann@x.example>; Tue, ...": the last server wrote it first. */
static struct rmt_span find_received_for(struct rmt_span original)
{
	struct rmt_header_reader reader = rmt_header_read(original);
	struct rmt_header_field field;
	struct rmt_span address;
	gssize at;

	while (rmt_header_next(&reader, &field)) {
		size_t from = 0;

		if (!rmt_span_eq_nocase(field.name, RMT_SPAN("Received")))
			continue;
		at = rmt_text_find(field.value, "for <");
		if (at < 0)
			continue;
		field.value = rmt_span_from(field.value, (size_t)at);
		if (rmt_text_next_address(field.value, &from, &address))
			return address;
	}
	return rmt_span("", 0);
}

/* Who complained, by the surest place that says so. A complaint with several
 * addresses in To names nobody: at most one of them complained. */
static void report_complaint(struct rmt_reading *r, struct rmt_span type)
{
	static const char *const places[] = { "X-HmXmrOriginalRecipient", "X-Original-To",
					      "Delivered-To" };
	struct rmt_span original = rmt_span(r->mail.original->str, r->mail.original->len);
	struct rmt_span to;
	size_t i;

	r->report->kind = RMT_REPORT_COMPLAINT;
	if (report_fields(r, "Original-Rcpt-To", type) > 0 ||
	    report_fields(r, "Removal-Recipient", type) > 0)
		return;
	to = rmt_mail_field(original, "To");
	if (rmt_mail_field(original, places[0]).len == 0 && is_one(to) &&
	    report_list(r, to, RMT_SOURCE_ORIGINAL, type) > 0)
		return;
	for (i = 0; i < G_N_ELEMENTS(places); i++)
		if (report_list(r, rmt_mail_field(original, places[i]),
				RMT_SOURCE_ORIGINAL, type) > 0)
			return;
	if (report_list(r, find_received_for(original), RMT_SOURCE_ORIGINAL, type) == 0 &&
	    report_list(r, to, RMT_SOURCE_ORIGINAL, type) == 0)
		report_one(r, rmt_span("", 0), RMT_SOURCE_NONE, type);
}

/* "Feedback-Type:" in a part that is not called so, or in the body itself. */
static bool find_bare(struct rmt_reading *r)
{
	struct rmt_span prose = rmt_span(r->mail.prose->str, r->mail.prose->len), line;
	struct rmt_span rest = prose;
	unsigned fields = 0;

	while (rmt_text_line(&rest, &line)) {
		fields += rmt_text_starts(line, "feedback-type:") ||
			  rmt_text_starts(line, "user-agent:") ||
			  rmt_text_starts(line, "version:") ||
			  rmt_text_starts(line, "source-ip:");
		if (fields == 0 && r->mail.feedback->len == 0)
			continue;
		g_string_append_len(r->mail.feedback, line.p, (gssize)line.len);
		g_string_append_c(r->mail.feedback, '\n');
	}
	if (fields >= 2 && rmt_text_find(prose, "feedback-type:") >= 0)
		return true;
	g_string_truncate(r->mail.feedback, 0);
	return false;
}

static struct rmt_span original_field(const struct rmt_reading *r, const char *name)
{
	return rmt_mail_field(rmt_span(r->mail.original->str, r->mail.original->len),
			      name);
}

/* The older form of Microsoft's programme: the message itself, forwarded. */
static bool is_forwarded_complaint(const struct rmt_reading *r)
{
	return original_field(r, "X-HmXmrOriginalRecipient").len > 0 ||
	       (r->mail.original->len > 0 &&
		rmt_text_starts(r->mail.header[RMT_H_SUBJECT],
				"complaint about message from"));
}

/* "Abuse (spam)": a word, and what somebody adds to it. */
static struct rmt_span first_word(struct rmt_span value)
{
	size_t len = 0;

	while (len < value.len && strchr(" \t\n(;,", value.p[len]) == NULL)
		len++;
	return rmt_span(value.p, len);
}

bool rmt_read_arf(struct rmt_reading *r)
{
	struct rmt_span type;

	if (r->mail.feedback->len == 0 && !find_bare(r)) {
		if (!is_forwarded_complaint(r))
			return false;
		report_complaint(r, RMT_SPAN("abuse"));
		return true;
	}
	type = first_word(rmt_mail_field(
		rmt_span(r->mail.feedback->str, r->mail.feedback->len), "Feedback-Type"));
	report_complaint(r, type.len > 0 ? type : RMT_SPAN("abuse"));
	return true;
}
