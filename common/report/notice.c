/* SPDX-License-Identifier: MIT */
/* Notices of sending services: a JSON object where people would write prose. */
#include <jansson.h>

#include "common/report/reading.h"

static const char *text_of(const json_t *object, const char *key)
{
	const char *value = json_string_value(json_object_get(object, key));

	return value != NULL ? value : "";
}

/* Where no server's words are told, the service's own word for them is all there is. */
static void take_kind(struct rmt_report_event *event, const char *kind)
{
	static const struct {
		const char *name;
		enum rmt_report_class class;
	} rows[] = {
		{ "NoEmail", RMT_CLASS_DEAD_ADDRESS },
		{ "MailboxFull", RMT_CLASS_MAILBOX_FULL },
		{ "MessageTooLarge", RMT_CLASS_SIZE },
		{ "ContentRejected", RMT_CLASS_POLICY_CONTENT },
		{ "AttachmentRejected", RMT_CLASS_POLICY_CONTENT },
	};
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(rows); i++) {
		if (strcmp(kind, rows[i].name) != 0)
			continue;
		event->class = rows[i].class;
		event->hard = event->class == RMT_CLASS_DEAD_ADDRESS;
		event->rule = "notice";
		g_free(event->evidence);
		event->evidence = g_strdup_printf("bounceSubType: %s", kind);
	}
}

static void report_bounced(struct rmt_reading *r, const json_t *one, const char *kind)
{
	struct rmt_report_event *event =
		rmt_reading_event(r, rmt_span_of(text_of(one, "emailAddress")),
				  RMT_SOURCE_FIELD, RMT_ACTION_FAILED);
	struct rmt_span said = rmt_span_of(text_of(one, "diagnosticCode"));

	if (event == NULL)
		return;
	rmt_text_status(rmt_span_of(text_of(one, "status")), event->status);
	rmt_reading_classify(r, event, said, rmt_span("", 0), rmt_span("", 0));
	if (said.len == 0 && event->class == RMT_CLASS_UNKNOWN)
		take_kind(event, kind);
}

static void report_complained(struct rmt_reading *r, const json_t *one, const char *type)
{
	struct rmt_report_event *event =
		rmt_reading_event(r, rmt_span_of(text_of(one, "emailAddress")),
				  RMT_SOURCE_FIELD, RMT_ACTION_NONE);

	if (event == NULL)
		return;
	g_free(event->feedback_type);
	event->feedback_type = g_strdup(type[0] != '\0' ? type : "abuse");
	event->class = RMT_CLASS_COMPLAINT;
	event->rule = "notice";
}

static void report_delivered(struct rmt_reading *r, const json_t *one,
			     const char *response)
{
	struct rmt_report_event *event =
		rmt_reading_event(r, rmt_span_of(json_string_value(one)),
				  RMT_SOURCE_FIELD, RMT_ACTION_DELIVERED);

	if (event != NULL)
		rmt_reading_classify(r, event, rmt_span_of(response), rmt_span("", 0),
				     rmt_span("", 0));
}

static bool read_object(struct rmt_reading *r, const json_t *notice)
{
	const json_t *bounce = json_object_get(notice, "bounce"), *one;
	const json_t *complaint = json_object_get(notice, "complaint");
	const json_t *delivery = json_object_get(notice, "delivery");
	size_t i;

	json_array_foreach((json_t *)json_object_get(bounce, "bouncedRecipients"), i, one)
		report_bounced(r, one, text_of(bounce, "bounceSubType"));
	json_array_foreach((json_t *)json_object_get(complaint, "complainedRecipients"),
			   i, one)
		report_complained(r, one, text_of(complaint, "complaintFeedbackType"));
	json_array_foreach((json_t *)json_object_get(delivery, "recipients"), i, one)
		report_delivered(r, one, text_of(delivery, "smtpResponse"));
	if (r->report->events->len == 0)
		return false;
	r->report->kind = bounce != NULL      ? RMT_REPORT_BOUNCE
			  : complaint != NULL ? RMT_REPORT_COMPLAINT
					      : RMT_REPORT_RECEIPT;
	return true;
}

bool rmt_read_notice(struct rmt_reading *r)
{
	struct rmt_span text =
		rmt_span_trim(rmt_span(r->mail.prose->str, r->mail.prose->len));
	g_autofree char *line = NULL;
	json_t *notice, *inner = NULL;
	json_error_t at;
	bool found;

	if (text.len == 0 || text.p[0] != '{' ||
	    (rmt_text_find(text, "notificationtype") < 0 &&
	     rmt_text_find(text, "eventtype") < 0))
		return false;
	line = g_strndup(text.p, text.len);
	g_strdelimit(line, "\n", ' '); /* folded like a header by some relay */
	notice = json_loads(line, JSON_DISABLE_EOF_CHECK, &at);
	if (json_is_string(json_object_get(notice, "Message")))
		inner = json_loads(text_of(notice, "Message"), 0, &at);
	found = notice != NULL && read_object(r, inner != NULL ? inner : notice);
	json_decref(inner);
	json_decref(notice);
	return found;
}
