/* SPDX-License-Identifier: MIT */
/* Answers nobody wrote: receipts (RFC 8098), vacation (RFC 3834), and the wish
 * to be left alone. */
#include "common/message/header.h"
#include "common/report/reading.h"

static struct rmt_report_event *report_sender(struct rmt_reading *r,
					      enum rmt_report_kind kind,
					      enum rmt_report_class class,
					      const char *rule)
{
	struct rmt_span subject = r->mail.header[RMT_H_SUBJECT];
	struct rmt_report_event *event;

	r->report->kind = kind;
	event = rmt_reading_event(r, rmt_field_address(r->mail.header[RMT_H_FROM]),
				  RMT_SOURCE_HEADER, RMT_ACTION_NONE);
	if (event == NULL)
		return NULL;
	event->class = class;
	event->rule = rule;
	g_free(event->evidence);
	event->evidence = g_strndup(subject.p, MIN(subject.len, 200));
	return event;
}

/* --- MDN --------------------------------------------------------------------------- */

bool rmt_read_mdn(struct rmt_reading *r)
{
	struct rmt_span text =
		rmt_span(r->mail.disposition->str, r->mail.disposition->len);
	struct rmt_span recipient, disposition;
	struct rmt_report_event *event;

	if (text.len == 0)
		return false;
	recipient = rmt_field_address(rmt_mail_field(text, "Final-Recipient"));
	disposition = rmt_mail_field(text, "Disposition");
	r->report->kind = RMT_REPORT_RECEIPT;
	event = rmt_reading_event(r, recipient, RMT_SOURCE_FIELD, RMT_ACTION_NONE);
	if (event == NULL)
		return true;
	event->class = rmt_text_find(disposition, "displayed") >= 0 ? RMT_CLASS_OPENED
								    : RMT_CLASS_UNKNOWN;
	event->rule = "mdn";
	g_free(event->evidence);
	event->evidence = g_strndup(disposition.p, MIN(disposition.len, 200));
	return true;
}

/* --- auto-replies ------------------------------------------------------------------ */

static bool is_unsubscribe(const struct rmt_mail *mail)
{
	struct rmt_span subject = mail->header[RMT_H_SUBJECT];

	return mail->header[RMT_H_X_APPLE_UNSUBSCRIBE].len > 0 ||
	       rmt_span_eq_nocase(subject, RMT_SPAN("unsubscribe"));
}

static bool says_auto(const struct rmt_mail *mail)
{
	struct rmt_span submitted = mail->header[RMT_H_AUTO_SUBMITTED];
	struct rmt_span precedence = mail->header[RMT_H_PRECEDENCE];

	/* RFC 3834, 5; "auto-generated" is any robot's mail, not an answer */
	return rmt_text_starts(submitted, "auto-replied") ||
	       rmt_text_starts(submitted, "auto-notified") ||
	       mail->header[RMT_H_X_AUTOREPLY].len > 0 ||
	       mail->header[RMT_H_X_AUTORESPOND].len > 0 ||
	       rmt_text_starts(precedence, "auto_reply") ||
	       rmt_text_starts(precedence, "auto-reply");
}

static bool subject_says_away(struct rmt_span subject)
{
	static const char *const heads[] = {
		"out of office",
		"out of the office",
		"automatic reply",
		"auto-reply",
		"autoreply",
		"auto reply",
		"auto:",
		"vacation",
		"away from",
		"abwesenheit",
		"automatische antwort",
		"réponse automatique",
		"respuesta automática",
		"risposta automatica",
		"autosvar",
		"i am away",
		"auto response",
		"autoresponse",
	};
	size_t i;

	if (rmt_text_starts(subject, "re: "))
		subject = rmt_span_from(subject, 4);
	for (i = 0; i < G_N_ELEMENTS(heads); i++)
		if (rmt_text_starts(subject, heads[i]))
			return true;
	return false;
}

bool rmt_read_auto_reply(struct rmt_reading *r)
{
	const struct rmt_mail *mail = &r->mail;

	if (is_unsubscribe(mail)) {
		report_sender(r, RMT_REPORT_UNSUBSCRIBE, RMT_CLASS_UNSUBSCRIBE,
			      "unsubscribe");
		return true;
	}
	if (!says_auto(mail) && !subject_says_away(mail->header[RMT_H_SUBJECT]))
		return false;
	/* Exim marks its bounces so as well. */
	if (mail->header[RMT_H_X_FAILED_RECIPIENTS].len > 0 ||
	    rmt_text_find(mail->header[RMT_H_FROM], "mailer-daemon") >= 0 ||
	    (rmt_prose_names_system(r) &&
	     (rmt_prose_tells_failure(r) || rmt_prose_tells_delay(r))))
		return false;
	report_sender(r, RMT_REPORT_AUTO_REPLY, RMT_CLASS_AUTO_REPLY, "auto-reply");
	return true;
}
