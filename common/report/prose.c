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
	SUMMARY = 1,    /* "To:" of the message that is told of */
	WEAK = 2,
	GOOD = 3,
	SURE = 4,
};

/* --- is it a mail system that speaks? ---------------------------------------------- */

static bool subject_tells(const struct rmt_reading *r)
{
	struct rmt_span subject = r->mail.header[RMT_H_SUBJECT];

	return rmt_phrases_has(r->phrases, subject, RMT_PHRASE_SUBJECT);
}

static bool sender_is_system(const struct rmt_reading *r)
{
	return rmt_phrases_has(r->phrases, r->mail.header[RMT_H_FROM], RMT_PHRASE_SENDER);
}

bool rmt_prose_is_answer(struct rmt_span subject)
{
	static const char *const heads[] = { "re:",  "aw:",  "sv:",  "vs:",     "antw:",
					     "odp:", "res:", "ynt:", "antwort:" };
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(heads); i++)
		if (rmt_text_starts(subject, heads[i]))
			return true;
	return false;
}

/* "Re: Undelivered mail": somebody talks about it. */
static bool is_answer(const struct rmt_mail *mail)
{
	return mail->header[RMT_H_IN_REPLY_TO].len > 0 &&
	       rmt_prose_is_answer(mail->header[RMT_H_SUBJECT]);
}

/* "Fwd: Undelivered mail": somebody shows it. Gateways that do so keep it as a part. */
static bool is_shown(const struct rmt_mail *mail)
{
	static const char *const heads[] = { "fwd:", "fw:",  "wg:", "tr:",
					     "rv:",  "enc:", "vs:", "转发" };
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(heads); i++)
		if (rmt_text_starts(mail->header[RMT_H_SUBJECT], heads[i]))
			return true;
	return false;
}

/* From one's own address, as people write and reporters do not. */
static bool is_person(const struct rmt_mail *mail)
{
	struct rmt_span path = rmt_field_address(mail->header[RMT_H_RETURN_PATH]);
	struct rmt_span from = rmt_field_address(mail->header[RMT_H_FROM]);

	return path.len > 0 && rmt_span_eq_nocase(path, from);
}

/* A shop tells of a delivery, too, and on a list they talk of them. */
static bool is_of_list(const struct rmt_mail *mail)
{
	return mail->header[RMT_H_LIST_UNSUBSCRIBE].len > 0 ||
	       rmt_text_starts(mail->header[RMT_H_PRECEDENCE], "list");
}

bool rmt_prose_from_person(const struct rmt_reading *r)
{
	return !sender_is_system(r) && (is_answer(&r->mail) || is_shown(&r->mail) ||
					is_of_list(&r->mail) || is_person(&r->mail));
}

/* Who reports wants no report back, or is a mail system by his return path. */
static bool wants_answers(const struct rmt_reading *r)
{
	struct rmt_span path = r->mail.header[RMT_H_RETURN_PATH];

	return path.len > 0 && rmt_field_address(path).len > 0 &&
	       !rmt_phrases_has(r->phrases, path, RMT_PHRASE_SENDER);
}

bool rmt_prose_names_system(const struct rmt_reading *r)
{
	return sender_is_system(r) ||
	       (!rmt_prose_from_person(r) && !wants_answers(r) && subject_tells(r));
}

static struct rmt_span whole(const struct rmt_reading *r)
{
	return rmt_span(r->mail.prose->str, r->mail.prose->len);
}

/* Phrases are found in any ASCII case: other letters are made small first. */
static bool prose_has(const struct rmt_reading *r, enum rmt_phrase kind)
{
	const GString *prose = r->mail.prose;
	g_autofree char *small = NULL;

	if (g_str_is_ascii(prose->str))
		return rmt_phrases_has(r->phrases, whole(r), kind);
	small = g_memdup2(prose->str, prose->len);
	rmt_text_lower(small, prose->len);
	return rmt_phrases_has(r->phrases, rmt_span(small, prose->len), kind);
}

bool rmt_prose_tells_failure(const struct rmt_reading *r)
{
	return prose_has(r, RMT_PHRASE_FAILURE);
}

/* A mail system's subject counts, too, unless it tells of a failure: then the rest of it
 * may be the message's own. */
bool rmt_prose_tells_delay(const struct rmt_reading *r)
{
	struct rmt_span subject = r->mail.header[RMT_H_SUBJECT];

	return prose_has(r, RMT_PHRASE_DELAY) ||
	       (sender_is_system(r) &&
		rmt_phrases_has(r->phrases, subject, RMT_PHRASE_DELAY) &&
		!rmt_phrases_has(r->phrases, subject, RMT_PHRASE_FAILURE));
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

static struct rmt_span without_marks(struct rmt_span before)
{
	while (before.len > 0 && strchr(" \t<\"'(:*", before.p[before.len - 1]) != NULL)
		before.len--;
	if (rmt_span_ends_nocase(before, RMT_SPAN("：")))
		before.len -= strlen("：");
	return before;
}

static bool ends_with(struct rmt_span before, struct rmt_span word)
{
	return rmt_span_ends_nocase(before, word) &&
	       (before.len == word.len ||
		!g_ascii_isalnum(before.p[before.len - word.len - 1]));
}

static bool ends_with_any(struct rmt_span before, const char *const *words)
{
	before = without_marks(before);
	for (; *words != NULL; words++)
		if (ends_with(before, rmt_span_of(*words)))
			return true;
	return false;
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
					     "smtp",
					     NULL };

	return ends_with_any(before, words);
}

/* --- whom one is told to write to ---------------------------------------------------- */

enum referred { ABOVE, ASKED, BUT, SENDER, LABEL };

static const struct {
	enum referred kind;
	struct rmt_span words;
} referred[] = {
#define REFERRED(kind, words) { kind, { words, sizeof(words) - 1 } },
#include "common/report/referred.inc"
#undef REFERRED
};

static bool is_referred(struct rmt_span text, enum referred kind)
{
	struct rmt_span ends = without_marks(text), all = rmt_span_trim(text);
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(referred); i++) {
		struct rmt_span words = referred[i].words;

		if (referred[i].kind != kind)
			continue;
		if (kind == LABEL ? rmt_span_eq_nocase(all, words)
		    : kind == ASKED || kind == BUT
			    ? memmem(text.p, text.len, words.p, words.len) != NULL
			    : ends_with(ends, words))
			return true;
	}
	return false;
}

/* "Please write to:" in the line above. */
static bool is_referred_above(struct rmt_span prose, struct rmt_span address)
{
	size_t start = (size_t)(address.p - prose.p);

	while (start > 0 && prose.p[start - 1] != '\n')
		start--;
	return is_referred(rmt_span_trim(rmt_span(prose.p, start)), ABOVE);
}

/* "Please send your message to": but "please check the address" is of the recipient.
 * before: in small letters. */
static bool is_asked_for(struct rmt_span before)
{
	/* "<" and "to <": too short to ask for anything. */
	return before.len > 4 && is_referred(before, ASKED) && !is_referred(before, BUT);
}

static bool is_somebody_else(struct rmt_span before)
{
	return is_referred(before, SENDER) || is_referred(before, LABEL);
}

/* "(expanded from: <ann@x.example>)" of a pipe or file of hers. */
static bool is_expanded(struct rmt_span before)
{
	static const char *const words[] = { "expanded from", "generated by",
					     "generated from", NULL };

	return ends_with_any(before, words);
}

/* "To: members@lists.example" in a reporter's summary of the message. */
static bool is_summary(struct rmt_span before)
{
	struct rmt_span line = rmt_span_trim(before);

	return rmt_text_starts(line, "to:") || rmt_text_starts(line, "an:") ||
	       rmt_text_starts(line, "a:") || rmt_text_starts(line, "original address") ||
	       rmt_text_starts(line, "para:");
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

/* "Ann Lee<mailto:ann@x.example>" alone in the line below "... these recipients:", as
 * Outlook writes them. */
static bool is_listed_link(struct rmt_span prose, struct rmt_span before,
			   struct rmt_span address)
{
	size_t start = (size_t)(before.p - prose.p);
	struct rmt_span behind =
		rmt_span_from(prose, (size_t)(address.p - prose.p) + address.len);
	struct rmt_span above = rmt_span_trim(rmt_span(prose.p, start));

	return rmt_span_ends_nocase(before, RMT_SPAN("<mailto:")) &&
	       rmt_span_starts(behind, RMT_SPAN(">")) &&
	       (behind.len == 1 || behind.p[1] == '\n' || behind.p[1] == '\r') &&
	       before.len < LOOK_BACK && rmt_span_ends_nocase(above, RMT_SPAN(":"));
}

static unsigned strength_of(struct rmt_span prose, struct rmt_span address)
{
	struct rmt_span before = line_before(prose, (size_t)(address.p - prose.p));
	char letters[LOOK_BACK];
	struct rmt_span small = rmt_span(letters, before.len);

	memcpy(letters, before.p, before.len);
	rmt_text_lower(letters, before.len);
	if (is_display(prose, address) || is_asked_for(small))
		return 0;
	/* What begins a line may be marks, or letters of another alphabet. */
	if (begins_line(before) && (is_referred_above(prose, address) ||
				    (before.len > 2 && is_somebody_else(small))))
		return 0;
	if (begins_line(before) || ends_display(before))
		return SURE;
	if (is_listed_link(prose, before, address))
		return SURE;
	if (!is_expanded(before) && is_somebody_else(small))
		return 0;
	if (is_summary(before))
		return SUMMARY;
	return is_introduced(before) || is_expanded(before) ? GOOD : WEAK;
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
	GHashTable *index;     /* address in lower case -> position in named + 1 */
	unsigned wanted;       /* least strength */
	bool with_own;         /* who wrote to himself */
	struct rmt_span run;   /* the address that is named last, ... */
	const char *run_start; /* ... and where the lines begin that name it alone */
	guint again;           /* position in named + 1 of whose second telling is open */
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

/* --- told again: a list of who failed, and below it a transcript ------------------- */

static struct rmt_named *named_at(struct finder *f, guint i)
{
	return &g_array_index(f->r->named, struct rmt_named, i);
}

static void close_again(struct finder *f, const char *end)
{
	struct rmt_named *entry = f->again > 0 ? named_at(f, f->again - 1) : NULL;

	if (entry != NULL)
		entry->text.len = (size_t)(end - entry->text.p);
	f->again = 0;
}

static void begin_run(struct finder *f, struct rmt_span address)
{
	if (f->run.p != NULL && rmt_span_eq_nocase(f->run, address))
		return;
	f->run = address;
	f->run_start = line_start(f->prose, address.p);
	close_again(f, f->run_start);
}

static struct rmt_span line_of(const struct finder *f, struct rmt_span address)
{
	const char *start = line_start(f->prose, address.p);
	const char *end = f->prose.p + f->prose.len;
	const char *newline = memchr(address.p, '\n', (size_t)(end - address.p));

	return rmt_span(start, (size_t)((newline != NULL ? newline : end) - start));
}

static size_t count_letters(struct rmt_span text)
{
	size_t i, count = 0;

	for (i = 0; i < text.len; i++)
		count += g_ascii_isalnum(text.p[i]) || (guchar)text.p[i] >= 0x80;
	return count;
}

static struct rmt_span paragraph_behind(const struct finder *f, struct rmt_span line)
{
	struct rmt_span rest =
		rmt_span_from(f->prose, (size_t)(line.p - f->prose.p) + line.len);
	const char *end = memmem(rest.p, rest.len, "\n\n", 2);

	return end != NULL ? rmt_span(rest.p, (size_t)(end - rest.p)) : rest;
}

/* "ann@x.example" alone, and below it "#550 5.1.1 ...", as Exchange lists its findings
 * under what it said of everybody without a number. */
static bool heads_answer(const struct finder *f, const struct rmt_named *entry,
			 struct rmt_span address)
{
	struct rmt_span line = line_of(f, address), told = entry->text;
	char reply[4];

	if (told.len == 0)
		told.len = (size_t)(f->run_start - told.p);
	return count_letters(line) == count_letters(address) &&
	       rmt_text_reply(paragraph_behind(f, line), reply) &&
	       !rmt_text_reply(told, reply);
}

/* "<<< 550 <ann@x.example>... User unknown" says more than "<ann@x.example>" in the
 * list did; a line of the list that says something itself is kept. */
static bool says_more(const struct finder *f, const struct rmt_named *entry,
		      struct rmt_span address)
{
	char reply[4];

	return rmt_text_reply(line_of(f, address), reply)
		       ? count_letters(line_of(f, entry->address)) ==
				 count_letters(entry->address)
		       : heads_answer(f, entry, address);
}

static void tell_again(struct finder *f, struct rmt_span address)
{
	struct rmt_named *entry = NULL;
	guint i;

	if (f->again > 0 || f->r->named->len == 1)
		return;
	for (i = 0; i < f->r->named->len && entry == NULL; i++)
		if (rmt_span_eq_nocase(named_at(f, i)->address, address))
			entry = named_at(f, i);
	if (entry == NULL || entry->text.p >= f->run_start ||
	    !says_more(f, entry, address))
		return;
	close_last(f, f->run_start);
	entry->text = rmt_span(f->run_start, 0);
	f->again = i;
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
	       rmt_text_next_address(f->prose, &at, &address)) {
		begin_run(f, address);
		if ((f->with_own || !is_own(&f->r->mail, address)) &&
		    strength_of(f->prose, address) >= f->wanted)
			name_address(f, address);
		tell_again(f, address);
	}
	f->r->report->cut |= f->r->named->len == NAMED_MAX;
	close_again(f, f->prose.p + f->prose.len);
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

/* --- a system without a name of one ------------------------------------------------- */

static bool is_addressed(struct rmt_reading *r, struct rmt_span wanted)
{
	struct rmt_span original = rmt_span(r->mail.original->str, r->mail.original->len);
	struct rmt_span to = rmt_mail_field(original, "To"), address;
	size_t at = 0;

	while (rmt_text_next_address(to, &at, &address))
		if (rmt_span_eq_nocase(address, wanted))
			return true;
	return false;
}

/* "550 5.1.1", "550-5.1.1", "#5.1.1", ": 5.1.1": so write servers alone. */
static bool quotes_answer(struct rmt_span text)
{
	size_t i;

	for (i = 5; i + 4 < text.len; i++) {
		const char *p = text.p + i;

		if ((p[0] != '4' && p[0] != '5') || p[1] != '.' ||
		    !g_ascii_isdigit(p[2]) || p[3] != '.' || !g_ascii_isdigit(p[4]))
			continue;
		if (p[-1] == '#' || (p[-1] == ' ' && p[-2] == ':') ||
		    (strchr(" -", p[-1]) != NULL && p[-4] == p[0] &&
		     g_ascii_isdigit(p[-3]) && g_ascii_isdigit(p[-2])))
			return true;
	}
	return false;
}

/* A server's answer, or the message itself given back, and it was for whom one names. */
static bool tells_proof(struct rmt_reading *r)
{
	const GArray *named;
	guint i;

	if (quotes_answer(whole(r)))
		return true;
	if (r->mail.original->len == 0)
		return false;
	named = rmt_prose_named(r);
	for (i = 0; i < named->len; i++)
		if (is_addressed(r, g_array_index(named, struct rmt_named, i).address))
			return true;
	return false;
}

/* Vacation programs leave the return path empty, too: "this address does not exist any
 * more, write to bob" is nobody's bounce, and least of all Bob's. */
bool rmt_prose_from_system(struct rmt_reading *r)
{
	struct rmt_span path = r->mail.header[RMT_H_RETURN_PATH];

	return r->mail.header[RMT_H_X_FAILED_RECIPIENTS].len > 0 ||
	       rmt_prose_names_system(r) || rmt_text_starts(path, "<mailer-daemon") ||
	       (rmt_text_starts(path, "<>") && tells_proof(r));
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

/* Only the subject tells of a delivery, and parcels are delivered, too. */
static bool is_unproven(struct rmt_reading *r)
{
	return !sender_is_system(r) && !tells_proof(r);
}

static void report_address(struct rmt_reading *r, struct rmt_span address,
			   struct rmt_span text, enum rmt_report_source source, bool only)
{
	struct rmt_report_event *event = rmt_reading_event(
		r, address, source, r->delayed ? RMT_ACTION_DELAYED : RMT_ACTION_FAILED);

	if (event == NULL)
		return;
	/* Exim tells the server where one has spoken, and its answer. */
	event->own_words = source == RMT_SOURCE_HEADER;
	rmt_reading_classify(r, event, text, only ? whole(r) : rmt_span("", 0),
			     rmt_span("", 0));
	if (event->hard && source == RMT_SOURCE_PROSE && is_unproven(r)) {
		event->class = RMT_CLASS_INACTIVE;
		event->hard = false;
	}
}

/* One in the list, and the text names another: the one of the two that the returned
 * message was for. */
static bool is_contradicted(struct rmt_reading *r, struct rmt_span listed)
{
	const GArray *named = rmt_prose_named(r);
	struct rmt_span told;

	if (named->len != 1)
		return false;
	told = g_array_index(named, struct rmt_named, 0).address;
	return !rmt_span_eq_nocase(told, listed) && is_addressed(r, told) &&
	       !is_addressed(r, listed);
}

/* RFC-less, but Exim's and others': the list of who failed. */
static void report_header(struct rmt_reading *r)
{
	struct rmt_span value = r->mail.header[RMT_H_X_FAILED_RECIPIENTS], address;
	bool only = memchr(value.p != NULL ? value.p : "", ',', value.len) == NULL;
	size_t at = 0;

	if (only && rmt_text_next_address(value, &at, &address) &&
	    is_contradicted(r, address))
		return;
	at = 0;
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

	if (!sender_is_system(r) || rmt_prose_named(r)->len == 0)
		return false;
	if (r->mail.original->len > 0)
		return true; /* and gives the message back */
	prose.len = MIN(prose.len, RMT_REPORT_TEXT_MAX);
	rmt_text_normal(normal, prose);
	question.text = rmt_span(normal->str, normal->len);
	rmt_rules_ask(r->rules, &question, &verdict);
	return verdict.rule != NULL && verdict.rule->weight >= 60;
}

bool rmt_read_prose(struct rmt_reading *r)
{
	if (!rmt_prose_from_system(r))
		return false;
	r->delayed = rmt_prose_tells_delay(r);
	if (!r->delayed && r->mail.header[RMT_H_X_FAILED_RECIPIENTS].len == 0 &&
	    !subject_tells(r) && !rmt_prose_tells_failure(r) && !words_decide(r))
		return false;
	report_header(r);
	if (r->report->events->len == 0)
		report_named(r);
	if (r->report->events->len == 0)
		report_original(r);
	r->report->kind = RMT_REPORT_BOUNCE;
	return true;
}
