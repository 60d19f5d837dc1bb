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

/* How a subject begins whose writer is away. */
static const char *const away_heads[] = {
	"out of office",
	"out of the office",
	"automatic reply",
	"automatic response",
	"auto-reply",
	"autoreply",
	"auto reply",
	"auto response",
	"autoresponse",
	"auto:",
	"vacation",
	"away from",
	"i am away",
	"abwesenheit",
	"abwesend",
	"automatische antwort",
	"automatisch antwoord",
	"afwezig",
	"réponse automatique",
	"absence du bureau",
	"respuesta automática",
	"respuesta automatica",
	"fuera de la oficina",
	"risposta automatica",
	"fuori ufficio",
	"resposta automática",
	"resposta automatica",
	"autosvar",
	"automatiskt svar",
	"automatisk svar",
	"automaattinen vastaus",
	"odpowiedź automatyczna",
	"automatická odpověď",
	"automatikus válasz",
	"autoodpowied",
	"autorespuesta",
	"autoresposta",
	"autorisposta",
	"автоответ",
	"автовідповід",
	"автоматический ответ",
	"自動応答",
	"自動返信",
	"自动答复",
	"自动回复",
	"自動回覆",
	"자동 회신",
	"otomatik yanıt",
	"otomatik cevap",
	"yahoo! auto response",
	"răspuns automat",
	"raspuns automat",
	"αυτόματη απάντηση",
	"автоматична відповідь",
	"автоматичен отговор",
	"automatski odgovor",
	"аутоматски одговор",
	"automatická odpoveď",
	"samodejni odgovor",
	"resposta automàtica",
	"erantzun automatikoa",
	"automatinis atsakymas",
	"automaatvastus",
	"automātiska atbilde",
	"sjálfvirkt svar",
	"رد تلقائي",
	"תשובה אוטומטית",
	"trả lời tự động",
	"ตอบกลับอัตโนมัติ",
	"balasan otomatis",
	"jawapan automatik",
	"自動回信",
	"自动回信",
	"부재중",
	"frånvaro",
	"fravær",
	"nieobecność",
	"poissaolo",
	"отсутств",
};

static bool subject_says_away(struct rmt_span subject)
{
	size_t i;

	if (rmt_text_starts(subject, "re: "))
		subject = rmt_span_from(subject, 4);
	for (i = 0; i < G_N_ELEMENTS(away_heads); i++)
		if (rmt_text_starts(subject, away_heads[i]))
			return true;
	/* "Ann Lee is out of the office until Monday", as Domino writes it */
	return rmt_text_find(subject, " is out of the office") >= 0;
}

/* Exim marks its bounces as answers, too; "Out of office" nobody puts over one. */
static bool is_bounce_all_the_same(struct rmt_reading *r)
{
	const struct rmt_mail *mail = &r->mail;

	if (mail->header[RMT_H_X_FAILED_RECIPIENTS].len > 0 ||
	    rmt_text_find(mail->header[RMT_H_FROM], "mailer-daemon") >= 0)
		return true;
	return !subject_says_away(mail->header[RMT_H_SUBJECT]) &&
	       rmt_prose_names_system(r) &&
	       (rmt_prose_tells_failure(r) || rmt_prose_tells_delay(r));
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
	if (is_bounce_all_the_same(r))
		return false;
	report_sender(r, RMT_REPORT_AUTO_REPLY, RMT_CLASS_AUTO_REPLY, "auto-reply");
	return true;
}
