/* SPDX-License-Identifier: MIT */
/* Bounces told in words alone: who was not reached, and what is said of it.
 *
 * Programs differ in words, hardly in shape: the address that failed begins a
 * line, or follows a word such as "to" or "recipient"; what was wrong stands
 * behind it, up to the next such address.
 */
#include "common/report/reading.h"

enum {
	NAMED_MAX = RMT_REPORT_EVENTS_MAX,
	LOOK_BACK = 48, /* octets before an address that tell what it is */
	WEAK = 1,
	GOOD = 2,
	SURE = 3,
};

static bool has_any(struct rmt_span text, const char *const *words)
{
	for (; *words != NULL; words++)
		if (rmt_text_find(text, *words) >= 0)
			return true;
	return false;
}

/* --- is it a mail system that speaks? ---------------------------------------------- */

static const char *const system_senders[] = { "mailer-daemon",
					      "postmaster",
					      "mail delivery",
					      "mailer daemon",
					      "mdaemon",
					      "mail.delivery",
					      "mailsystem",
					      "mail system",
					      "post_master",
					      "mail-daemon",
					      "mail administrator",
					      "administrator",
					      "ndr",
					      NULL };

static const char *const system_subjects[] = { "undeliver",
					       "failure notice",
					       "delivery failure",
					       "delivery status",
					       "delivery has failed",
					       "delivery fail",
					       "returned mail",
					       "mail failure",
					       "could not be delivered",
					       "not delivered",
					       "failed, returning",
					       "delivery notification",
					       "nondeliver",
					       "non-deliver",
					       "mail error",
					       "delivery report",
					       "delivery problem",
					       "mail could not",
					       "delayed",
					       "mail system error",
					       "delivery incomplete",
					       "unzustellbar",
					       "mail delivery",
					       "returning message",
					       "permanent error",
					       "unable to deliver",
					       "delivery error",
					       "non remis",
					       "no se ha podido",
					       "mancata consegna",
					       "delivery delay",
					       "message status",
					       "falha na entrega",
					       "falha de entrega",
					       "não entregue",
					       "недостав",
					       "не доставлен",
					       "退信",
					       "配信エラー",
					       "onbestelbaar",
					       "niet bezorgd",
					       "échec de",
					       "impossible de remettre",
					       "mensaje devuelto",
					       "niedostarcz",
					       NULL };

bool rmt_prose_names_system(const struct rmt_mail *mail)
{
	return has_any(mail->header[RMT_H_FROM], system_senders) ||
	       has_any(mail->header[RMT_H_SUBJECT], system_subjects);
}

bool rmt_prose_from_system(const struct rmt_mail *mail)
{
	struct rmt_span path = mail->header[RMT_H_RETURN_PATH];

	return rmt_prose_names_system(mail) || rmt_text_starts(path, "<>") ||
	       rmt_text_starts(path, "<mailer-daemon") ||
	       mail->header[RMT_H_X_FAILED_RECIPIENTS].len > 0;
}

bool rmt_prose_tells_failure(struct rmt_span prose)
{
	static const char *const phrases[] = { "could not be delivered",
					       "not delivered",
					       "undeliver",
					       "unable to deliver",
					       "delivery failed",
					       "failed to deliver",
					       "delivery failure",
					       "wasn't able to deliver",
					       "were unable to deliver",
					       "couldn't be delivered",
					       "permanent error",
					       "permanent fatal error",
					       "delivery has failed",
					       "following address",
					       "following recipient",
					       "delivery problem",
					       "delivery error",
					       "cannot be delivered",
					       "could not deliver",
					       "did not reach",
					       "was not deliver",
					       "user unknown",
					       "unknown user",
					       "mailbox is full",
					       "transcript of session",
					       "returned to sender",
					       "delivery to the",
					       "no longer exist",
					       "does not exist",
					       "error was",
					       "rejected by",
					       "smtp error",
					       "failure reason",
					       "error occurred while",
					       "failed addresses",
					       "delivery aborted",
					       "was aborted",
					       "non-delivered",
					       "remote host said",
					       "wasn't delivered",
					       "delivery errors",
					       "server message",
					       "did not receive this",
					       "error message",
					       "couldn't deliver",
					       "group you tried",
					       "not be reached",
					       "can't be delivered",
					       "mail could not",
					       "message could not",
					       "problem delivering",
					       "trouble delivering",
					       "undelivered",
					       "did not like",
					       "not been delivered",
					       "was blocked by",
					       "não foi",
					       "nao foi",
					       "non è stato",
					       "niet worden bezorgd",
					       "nie został",
					       "退信",
					       "退回",
					       "无法送达",
					       "送信できません",
					       "送信に失敗",
					       "届け",
					       "エラー",
					       "nicht zugestellt",
					       "konnte nicht",
					       "n'a pas pu",
					       "no se pudo",
					       "не ",
					       "no valid recipients",
					       "body of message generated response",
					       NULL };

	return has_any(prose, phrases);
}

bool rmt_prose_tells_delay(const struct rmt_mail *mail)
{
	static const char *const phrases[] = { "has not yet been delivered",
					       "delivery attempts will continue",
					       "will continue to try",
					       "will keep trying",
					       "will be retried",
					       "this is a warning message only",
					       "do not need to resend",
					       "no action is required",
					       NULL };

	return has_any(rmt_span(mail->prose->str, mail->prose->len), phrases);
}

/* --- which addresses are meant? ---------------------------------------------------- */

static struct rmt_span line_before(struct rmt_span prose, size_t at)
{
	size_t start = at;

	while (start > 0 && prose.p[start - 1] != '\n' && at - start < LOOK_BACK)
		start--;
	return rmt_span(prose.p + start, at - start);
}

/* Only marks and blanks before the address in its line. */
static bool begins_line(struct rmt_span before)
{
	size_t i;

	if (before.len == LOOK_BACK)
		return false;
	for (i = 0; i < before.len; i++)
		if (g_ascii_isalnum(before.p[i]))
			return false;
	return true;
}

static bool ends_with_any(struct rmt_span before, const char *const *words)
{
	while (before.len > 0 && strchr(" \t<\"'(:*", before.p[before.len - 1]) != NULL)
		before.len--;
	for (; *words != NULL; words++) {
		size_t len = strlen(*words);

		if (rmt_span_ends_nocase(before, rmt_span_of(*words)) &&
		    (before.len == len ||
		     !g_ascii_isalnum(before.p[before.len - len - 1])))
			return true;
	}
	return false;
}

static bool is_somebody_else(struct rmt_span before)
{
	static const char *const words[] = { "from",         "mail from",
					     "sender",       "contact",
					     "message-id",   "by",
					     "id",           "reply-to",
					     "f=[",          "envelope-from",
					     "mail to",      "e-mail us",
					     "report to",    "write to",
					     "email",        "by sending",
					     "cc",           "postmaster at",
					     "mailto",       "assistance",
					     "from=",        "h=",
					     "s=",           "f=",
					     "please",       "errors-to",
					     "delivered-to", NULL };

	return ends_with_any(before, words);
}

static bool is_introduced(struct rmt_span before)
{
	static const char *const words[] = { "rcpt to",
					     "recipient",
					     "recipients",
					     "recipient address",
					     "address",
					     "addresses",
					     "unknown user",
					     "user unknown",
					     "deliver to",
					     "message to",
					     "delivered to",
					     "undeliverable to",
					     "mail to the following",
					     "is full",
					     "for",
					     "to",
					     "failed",
					     "reach",
					     "following recipient",
					     "user",
					     "userid",
					     "account",
					     "mailbox",
					     "deliver mail to",
					     "rcpt",
					     "t=[",
					     "rcpt_to",
					     "an",
					     NULL };

	return ends_with_any(before, words);
}

/* "Ann@home <ann@x.example>": the first is a name. */
static bool is_display(struct rmt_span prose, struct rmt_span address)
{
	struct rmt_span behind =
		rmt_span_from(prose, (size_t)(address.p - prose.p) + address.len);
	struct rmt_span next;
	size_t at = 0;

	if (!rmt_span_starts(behind, RMT_SPAN(" <")))
		return false;
	behind.len = MIN(behind.len, 300);
	return rmt_text_next_address(behind, &at, &next) && next.p == behind.p + 2 &&
	       !rmt_span_eq_nocase(next, address);
}

/* "ann@home <" at the beginning of a line. */
static bool ends_display(struct rmt_span before)
{
	struct rmt_span first;
	size_t at = 0;

	return before.len > 2 && before.p[before.len - 1] == '<' &&
	       rmt_text_next_address(before, &at, &first) &&
	       begins_line(rmt_span(before.p, (size_t)(first.p - before.p))) &&
	       at + 2 >= before.len;
}

static unsigned strength_of(struct rmt_span prose, struct rmt_span address)
{
	struct rmt_span before = line_before(prose, (size_t)(address.p - prose.p));

	if (is_display(prose, address))
		return 0;
	if (begins_line(before) || ends_display(before))
		return SURE;
	if (is_somebody_else(before))
		return 0;
	return is_introduced(before) ? GOOD : WEAK;
}

static bool is_own(const struct rmt_mail *mail, struct rmt_span address)
{
	static const char *const daemons[] = { "mailer-daemon@", "postmaster@", "abuse@",
					       "support@",       "helpdesk@",   NULL };
	struct rmt_span from = rmt_field_address(mail->header[RMT_H_FROM]);
	struct rmt_span to = rmt_field_address(mail->header[RMT_H_TO]);
	const char *const *daemon = daemons;

	if (rmt_span_eq_nocase(address, from) || rmt_span_eq_nocase(address, to))
		return true;
	for (; *daemon != NULL; daemon++)
		if (rmt_text_starts(address, *daemon))
			return true;
	return false;
}

struct finder {
	struct rmt_reading *r;
	struct rmt_span prose;
	GHashTable *index; /* address in lower case -> position in named + 1 */
	unsigned wanted;   /* least strength */
	bool with_own;     /* who wrote to himself */
};

static char *key_of(struct rmt_span address)
{
	return g_ascii_strdown(address.p, (gssize)address.len);
}

/* The text behind it belongs to the address named last. */
static void close_last(struct finder *f, const char *end)
{
	GArray *named = f->r->named;
	struct rmt_named *last;

	if (named->len == 0)
		return;
	last = &g_array_index(named, struct rmt_named, named->len - 1);
	if (last->text.len == 0)
		last->text.len = (size_t)(end - last->text.p);
}

static const char *line_start(struct rmt_span prose, const char *p)
{
	while (p > prose.p && p[-1] != '\n')
		p--;
	return p;
}

/* Told again, as in a second language: what follows is not about the last one. */
static void repeat_address(struct finder *f, struct rmt_span address)
{
	const struct rmt_named *last =
		&g_array_index(f->r->named, struct rmt_named, f->r->named->len - 1);

	if (!rmt_span_eq_nocase(last->address, address) &&
	    strength_of(f->prose, address) == SURE)
		close_last(f, line_start(f->prose, address.p));
}

static void name_address(struct finder *f, struct rmt_span address)
{
	struct rmt_named named = { address, { NULL, 0 }, RMT_SOURCE_PROSE };
	g_autofree char *key = key_of(address);

	if (g_hash_table_contains(f->index, key)) {
		repeat_address(f, address);
		return;
	}
	named.text = rmt_span(line_start(f->prose, address.p), 0);
	close_last(f, named.text.p);
	g_array_append_val(f->r->named, named);
	g_hash_table_add(f->index, g_steal_pointer(&key));
}

static unsigned strongest(struct finder *f)
{
	struct rmt_span address;
	unsigned best = 0;
	size_t at = 0;

	while (best < SURE && rmt_text_next_address(f->prose, &at, &address))
		if (f->with_own || !is_own(&f->r->mail, address))
			best = MAX(best, strength_of(f->prose, address));
	return best;
}

static void find_in_prose(struct finder *f)
{
	struct rmt_span address;
	size_t at = 0;

	f->wanted = strongest(f);
	if (f->wanted < SURE) {
		f->with_own = true;
		if (strongest(f) == SURE)
			f->wanted = SURE;
		else
			f->with_own = false;
	}
	if (f->wanted == 0)
		return;
	while (f->r->named->len < NAMED_MAX &&
	       rmt_text_next_address(f->prose, &at, &address))
		if ((f->with_own || !is_own(&f->r->mail, address)) &&
		    strength_of(f->prose, address) >= f->wanted)
			name_address(f, address);
	f->r->report->cut |= f->r->named->len == NAMED_MAX;
	close_last(f, f->prose.p + f->prose.len);
}

const GArray *rmt_prose_named(struct rmt_reading *r)
{
	struct finder f = { r, rmt_span(r->mail.prose->str, r->mail.prose->len) };

	if (r->named != NULL)
		return r->named;
	r->named = g_array_new(FALSE, TRUE, sizeof(struct rmt_named));
	f.index = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	find_in_prose(&f);
	g_hash_table_unref(f.index);
	return r->named;
}

/* --- the recogniser ---------------------------------------------------------------- */

static struct rmt_span text_about(struct rmt_reading *r, struct rmt_span address)
{
	const GArray *named = rmt_prose_named(r);
	guint i;

	for (i = 0; i < named->len; i++) {
		const struct rmt_named *n = &g_array_index(named, struct rmt_named, i);

		if (rmt_span_eq_nocase(n->address, address))
			return n->text;
	}
	return rmt_span(r->mail.prose->str, r->mail.prose->len);
}

static struct rmt_span whole(const struct rmt_reading *r)
{
	return rmt_span(r->mail.prose->str, r->mail.prose->len);
}

static void report_address(struct rmt_reading *r, struct rmt_span address,
			   struct rmt_span text, enum rmt_report_source source, bool only)
{
	struct rmt_report_event *event = rmt_reading_event(
		r, address, source, r->delayed ? RMT_ACTION_DELAYED : RMT_ACTION_FAILED);

	if (event != NULL)
		rmt_reading_classify(r, event, text, only ? whole(r) : rmt_span("", 0),
				     rmt_span("", 0));
}

/* RFC-less, but Exim's and others': the list of who failed. */
static void report_header(struct rmt_reading *r)
{
	struct rmt_span value = r->mail.header[RMT_H_X_FAILED_RECIPIENTS], address;
	bool only = memchr(value.p != NULL ? value.p : "", ',', value.len) == NULL;
	size_t at = 0;

	while (rmt_text_next_address(value, &at, &address))
		report_address(r, address, text_about(r, address), RMT_SOURCE_HEADER,
			       only);
}

static void report_named(struct rmt_reading *r)
{
	const GArray *named = rmt_prose_named(r);
	guint i;

	r->alone = named->len == 1;
	for (i = 0; i < named->len; i++) {
		const struct rmt_named *n = &g_array_index(named, struct rmt_named, i);

		report_address(r, n->address, n->text, n->source, named->len == 1);
	}
}

/* Nobody is named: the returned message was for one, or we do not know. */
static void report_original(struct rmt_reading *r)
{
	struct rmt_span original = rmt_span(r->mail.original->str, r->mail.original->len);
	struct rmt_span to = rmt_mail_field(original, "To"), address, second;
	size_t at = 0;

	if (!rmt_text_next_address(to, &at, &address) ||
	    rmt_text_next_address(to, &at, &second))
		return;
	report_address(r, address, whole(r), RMT_SOURCE_ORIGINAL, true);
}

/* No phrase of failure that we know; but a mail system writes, and its words name
 * an address and what is wrong with it. */
static bool words_decide(struct rmt_reading *r)
{
	g_autoptr(GString) normal = g_string_new(NULL);
	struct rmt_span prose = whole(r);
	struct rmt_question question = { .status = "", .reply = "" };
	struct rmt_verdict verdict;

	if (!has_any(r->mail.header[RMT_H_FROM], system_senders) ||
	    rmt_prose_named(r)->len == 0)
		return false;
	prose.len = MIN(prose.len, RMT_REPORT_TEXT_MAX);
	rmt_text_normal(normal, prose);
	question.text = rmt_span(normal->str, normal->len);
	rmt_rules_ask(r->rules, &question, &verdict);
	return verdict.rule != NULL && verdict.rule->weight >= 60;
}

bool rmt_read_prose(struct rmt_reading *r)
{
	if (!rmt_prose_from_system(&r->mail))
		return false;
	r->delayed = rmt_prose_tells_delay(&r->mail);
	if (!r->delayed && r->mail.header[RMT_H_X_FAILED_RECIPIENTS].len == 0 &&
	    !has_any(r->mail.header[RMT_H_SUBJECT], system_subjects) &&
	    !rmt_prose_tells_failure(whole(r)) && !words_decide(r))
		return false;
	report_header(r);
	if (r->report->events->len == 0)
		report_named(r);
	if (r->report->events->len == 0)
		report_original(r);
	r->report->kind = RMT_REPORT_BOUNCE;
	return true;
}
