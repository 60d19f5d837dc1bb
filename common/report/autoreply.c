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

/* RFC 5429, 2.1.1: a filter that refuses what was delivered to it says so in an MDN. Who
 * has one, has a mailbox, whatever he makes it say. */
static bool refuses(const struct rmt_reading *r, struct rmt_span disposition)
{
	struct rmt_span prose = rmt_span(r->mail.prose->str, r->mail.prose->len);

	return rmt_text_find(disposition, "automatic-action") >= 0 &&
	       rmt_text_find(disposition, "deleted") >= 0 &&
	       rmt_text_find(prose, "automatically rejected") >= 0;
}

static void report_refusal(struct rmt_reading *r, struct rmt_span recipient)
{
	struct rmt_span prose = rmt_span(r->mail.prose->str, r->mail.prose->len);
	struct rmt_report_event *event =
		rmt_reading_event(r, recipient, RMT_SOURCE_FIELD, RMT_ACTION_FAILED);

	r->report->kind = RMT_REPORT_BOUNCE;
	if (event == NULL)
		return;
	rmt_reading_classify(r, event, prose, rmt_span("", 0), rmt_span("", 0));
	if (event->hard)
		event->class = RMT_CLASS_INACTIVE;
	event->hard = false;
}

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
	if (refuses(r, disposition)) {
		report_refusal(r, recipient);
		return true;
	}
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

/* "X-Autoreply-From", "X-Mail-Autoreply", "X-Autoresponder": nobody agreed on one. */
static bool is_auto_field(struct rmt_span name)
{
	static const char *const words[] = { "autorepl", "autorespon", "auto-repl",
					     "auto-respon", "otrs-loop" };
	size_t i;

	if (name.len < 9)
		return false;
	for (i = 0; i < G_N_ELEMENTS(words); i++)
		if (rmt_text_find(name, words[i]) >= 0)
			return rmt_text_find(name, "suppress") < 0;
	return false;
}

static bool has_auto_field(const struct rmt_mail *mail)
{
	struct rmt_header_reader reader = rmt_header_read(mail->raw);
	struct rmt_header_field field;

	while (rmt_header_next(&reader, &field))
		if (is_auto_field(field.name))
			return true;
	return false;
}

static bool says_auto(const struct rmt_mail *mail)
{
	struct rmt_span submitted = mail->header[RMT_H_AUTO_SUBMITTED];
	struct rmt_span precedence = mail->header[RMT_H_PRECEDENCE];

	/* RFC 3834, 5; "auto-generated" is any robot's mail, not an answer */
	return rmt_text_starts(submitted, "auto-replied") ||
	       rmt_text_starts(submitted, "auto-notified") ||
	       rmt_text_starts(precedence, "auto_reply") ||
	       rmt_text_starts(precedence, "auto-reply") || has_auto_field(mail);
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
	"absence:",
	"absence :",
	"ausência",
	"ausencia",
	"fuori sede",
	"mimo kancelář",
	"házon kívül",
	"ofis dışında",
	"מענה אוטומטי",
	"پاسخ خودکار",
	"स्वचालित",
	"【自動返信】",
	"[自動返信]",
	"不在通知",
	"부재",
	"자동 응답",
	"자동응답",
};

/* The same somewhere in a subject that no mail system wrote. */
static const char *const away_words[] = {
	" is out of the office",
	"out of office",
	"automatic reply",
	"autoreply",
	"auto-reply",
	"(abwesen",
	"(vacation",
	"(afwezig",
	"(absence",
	"自動返信",
	"自动回复",
	"自動回覆",
};

static bool subject_says_away(struct rmt_span subject)
{
	size_t i;

	if (rmt_text_starts(subject, "re: "))
		subject = rmt_span_from(subject, 4);
	for (i = 0; i < G_N_ELEMENTS(away_heads); i++)
		if (rmt_text_starts(subject, away_heads[i]))
			return true;
	return false;
}

static bool subject_tells_of_it(struct rmt_span subject)
{
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(away_words); i++)
		if (rmt_text_find(subject, away_words[i]) >= 0)
			return true;
	return false;
}

/* Where nothing says so: a robot that answers, or an answer that wants no answer, as
 * no person's does. */
static bool answers_by_itself(struct rmt_reading *r)
{
	const struct rmt_mail *mail = &r->mail;
	bool is_answer = mail->header[RMT_H_IN_REPLY_TO].len > 0 ||
			 rmt_prose_is_answer(mail->header[RMT_H_SUBJECT]);

	if (mail->header[RMT_H_LIST_UNSUBSCRIBE].len > 0 || rmt_prose_from_system(r))
		return false;
	return subject_tells_of_it(mail->header[RMT_H_SUBJECT]) ||
	       (is_answer &&
		(rmt_text_starts(mail->header[RMT_H_RETURN_PATH], "<>") ||
		 rmt_text_starts(mail->header[RMT_H_AUTO_SUBMITTED], "auto-generated")));
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

/* --- the wish to be left alone ------------------------------------------------------ */

enum wish { WHOLE, HEAD, OBJECT };

static const struct {
	enum wish kind;
	const char *words;
} wishes[] = {
#define WISH(kind, words) { kind, words },
#include "common/report/wishes.inc"
#undef WISH
};

enum { WISH_MAX = 160 }; /* octets of a line that can be one */

static struct rmt_span without_marks(struct rmt_span line)
{
	static const char marks[] = " \t\"'.!*()[]<>";

	while (line.len > 0 && strchr(marks, line.p[0]) != NULL)
		line = rmt_span_from(line, 1);
	while (line.len > 0 && strchr(marks, line.p[line.len - 1]) != NULL)
		line.len--;
	return line;
}

/* "unsubscribe news-3f9a77c1": a sender's own token, in a mailto link. */
static bool is_wish_with_token(struct rmt_span line)
{
	static const char word[] = "unsubscribe";
	struct rmt_span token;
	bool digit = false;
	size_t i;

	if (!rmt_text_starts(line, word))
		return false;
	token = rmt_span_from(line, strlen(word));
	if (token.len == 0 || strchr(" :-_=/#", token.p[0]) == NULL)
		return false;
	token = rmt_span_trim(rmt_span_from(token, 1));
	for (i = 0; i < token.len; i++) {
		if (g_ascii_isspace(token.p[i]))
			return false;
		digit |= g_ascii_isdigit(token.p[i]);
	}
	return digit;
}

static bool wish_fits(size_t i, struct rmt_span line)
{
	switch (wishes[i].kind) {
	case WHOLE:
		return rmt_span_eq_nocase(line, rmt_span_of(wishes[i].words));
	case HEAD:
		return rmt_text_starts(line, wishes[i].words);
	default:
		return rmt_text_find(line, wishes[i].words) >= 0;
	}
}

static bool has_wish(struct rmt_span line, enum wish kind)
{
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(wishes); i++)
		if (wishes[i].kind == kind && wish_fits(i, line))
			return true;
	return false;
}

static bool is_wish(struct rmt_span line)
{
	return has_wish(line, WHOLE) || is_wish_with_token(line) ||
	       (has_wish(line, HEAD) && has_wish(line, OBJECT));
}

/* The first line of one's own, after "Hello,". Empty: there is none. */
static struct rmt_span first_line(const struct rmt_mail *mail)
{
	struct rmt_span rest = rmt_span(mail->prose->str, mail->prose->len), line;

	while (rmt_text_line(&rest, &line)) {
		line = rmt_span_trim(line);
		if (line.len > 0 && !(line.len < 30 && line.p[line.len - 1] == ','))
			return line.p[0] == '>' ? rmt_span("", 0) : line;
	}
	return rmt_span("", 0);
}

static bool body_wishes(const struct rmt_mail *mail)
{
	struct rmt_span line = first_line(mail);
	char small[WISH_MAX];

	if (line.len == 0 || line.len > sizeof(small))
		return false;
	memcpy(small, line.p, line.len);
	rmt_text_lower(small, line.len);
	line = without_marks(rmt_span(small, line.len));
	return is_wish(line);
}

/* A person's wish, by the subject a link set, or in an answer's first line. */
static bool is_unsubscribe(struct rmt_reading *r)
{
	const struct rmt_mail *mail = &r->mail;
	struct rmt_span subject = without_marks(mail->header[RMT_H_SUBJECT]);
	bool is_answer = rmt_prose_is_answer(subject);
	const char *colon;

	if (mail->header[RMT_H_X_APPLE_UNSUBSCRIBE].len > 0 ||
	    rmt_span_eq_nocase(subject, RMT_SPAN("unsubscribe")))
		return true;
	if (mail->header[RMT_H_LIST_UNSUBSCRIBE].len > 0 || rmt_prose_from_system(r))
		return false;
	if (is_answer) {
		colon = memchr(subject.p, ':', subject.len);
		subject = without_marks(
			rmt_span_from(subject, (size_t)(colon - subject.p) + 1));
	}
	return is_wish(subject) || ((is_answer || subject.len == 0) && body_wishes(mail));
}

bool rmt_read_auto_reply(struct rmt_reading *r)
{
	const struct rmt_mail *mail = &r->mail;
	bool says;

	if (is_unsubscribe(r)) {
		report_sender(r, RMT_REPORT_UNSUBSCRIBE, RMT_CLASS_UNSUBSCRIBE,
			      "unsubscribe");
		return true;
	}
	says = says_auto(mail) || subject_says_away(mail->header[RMT_H_SUBJECT]);
	if (says ? is_bounce_all_the_same(r) : !answers_by_itself(r))
		return false;
	report_sender(r, RMT_REPORT_AUTO_REPLY, RMT_CLASS_AUTO_REPLY, "auto-reply");
	return true;
}
