/* SPDX-License-Identifier: MIT */
/* "517 Domain does not exist: news.example": whose domain is it? A server that refuses
 * the sender speaks in the words of one that refuses the recipient. */
#include "common/report/reading.h"

enum {
	WORDS_BACK = 6,     /* before a phrase, that tell of whom it is */
	LETTERS_AHEAD = 40, /* behind it, that tell of what */
	FIRST_WORDS = 60,   /* octets */
};

static struct rmt_span domain_of(struct rmt_span address)
{
	struct rmt_span local, domain;

	if (!rmt_span_split_last(address, '@', &local, &domain))
		return rmt_span("", 0);
	return domain;
}

static bool is_of_name(char c)
{
	return g_ascii_isalnum(c) || c == '-' || c == '_';
}

enum place { AS_NAME, IN_ADDRESS };

/* As a name by itself, or behind an '@': "mx.news.example" is a host that reports. */
static bool names_domain(struct rmt_span text, struct rmt_span domain, enum place place)
{
	g_autofree char *wanted = g_ascii_strdown(domain.p, (gssize)domain.len);
	gssize at;

	for (; (at = rmt_text_find(text, wanted)) >= 0;
	     text = rmt_span_from(text, (size_t)at + domain.len)) {
		size_t end = (size_t)at + domain.len;
		char before = at == 0 ? ' ' : text.p[at - 1];
		bool fits = place == IN_ADDRESS ? before == '@'
						: !is_of_name(before) && before != '.' &&
							  before != '@';

		if (fits && (end == text.len || !is_of_name(text.p[end])))
			return true;
	}
	return false;
}

static bool names_his(const struct rmt_reading *r, struct rmt_span recipient,
		      struct rmt_span text, enum place place)
{
	struct rmt_span original = rmt_span(r->mail.original->str, r->mail.original->len);
	const struct rmt_span places[] = { r->mail.header[RMT_H_TO],
					   rmt_mail_field(original, "From"),
					   rmt_mail_field(original, "Return-Path") };
	struct rmt_span theirs = domain_of(recipient), domain;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(places); i++) {
		domain = domain_of(rmt_field_address(places[i]));
		if (domain.len > 3 && !rmt_span_eq_nocase(domain, theirs) &&
		    names_domain(text, domain, place))
			return true;
	}
	return false;
}

bool rmt_reading_names_sender(const struct rmt_reading *r, struct rmt_span recipient,
			      struct rmt_span text)
{
	return names_his(r, recipient, text, AS_NAME);
}

bool rmt_reading_names_his_address(const struct rmt_reading *r, struct rmt_span recipient,
				   struct rmt_span text)
{
	g_autofree char *wanted = g_ascii_strdown(recipient.p, (gssize)recipient.len);

	return recipient.len > 0 && rmt_text_find(text, wanted) < 0 &&
	       names_his(r, recipient, text, IN_ADDRESS);
}

static bool is_below(struct rmt_span name, struct rmt_span domain)
{
	return rmt_span_ends_nocase(name, domain) &&
	       (name.len == domain.len || name.p[name.len - domain.len - 1] == '.');
}

bool rmt_looked_up_another(struct rmt_span recipient, struct rmt_span text)
{
	struct rmt_span theirs = domain_of(recipient), name;
	static const char said[] = "name service error for name=";
	gssize at = rmt_text_find(text, said);

	if (at < 0 || theirs.len == 0)
		return false;
	name = rmt_span(text.p + at + strlen(said), 0);
	while (name.p + name.len < text.p + text.len &&
	       (is_of_name(name.p[name.len]) || name.p[name.len] == '.'))
		name.len++;
	return name.len > 0 && !is_below(name, theirs) && !is_below(theirs, name);
}

/* --- of whom it is said ------------------------------------------------------------ */

static bool is_reply_code(struct rmt_span word)
{
	return word.len == 3 && g_ascii_isdigit(word.p[0]) &&
	       g_ascii_isdigit(word.p[1]) && g_ascii_isdigit(word.p[2]);
}

static bool ends_sentence(char c)
{
	return c == '.' || c == ';' || c == '!' || c == '>';
}

static bool begins_letter(char c)
{
	return ((guchar)c & 0xC0) != 0x80;
}

/* Where no blank stands between sentences: the full stop of Chinese and Japanese. */
static bool is_full_stop(struct rmt_span text, size_t at)
{
	return rmt_span_starts(rmt_span_from(text, at), RMT_SPAN("。"));
}

static size_t behind_full_stop(struct rmt_span text, size_t start, size_t at)
{
	size_t i;

	for (i = at; i > start; i--)
		if (is_full_stop(text, i - 1))
			return MIN(at, i - 1 + strlen("。"));
	return start;
}

/* Where the sentence begins, a few words before at the most: a reply begins one. */
static size_t sentence_start(struct rmt_span text, size_t at)
{
	size_t start = at, word;
	unsigned words;

	for (words = 0; words < WORDS_BACK; words++) {
		for (word = start; word > 0 && text.p[word - 1] != ' '; word--)
			;
		if (is_reply_code(rmt_span_trim(rmt_span(text.p + word, start - word))))
			break;
		start = word;
		if (word < 2 || ends_sentence(text.p[word - 2]))
			break;
		if (words + 1 < WORDS_BACK)
			start = word - 1;
	}
	return behind_full_stop(text, start, at);
}

static size_t sentence_end(struct rmt_span text, size_t at)
{
	size_t end = at, letters = 0;

	for (; end < text.len && !is_full_stop(text, end); end++) {
		letters += begins_letter(text.p[end]);
		if (letters > LETTERS_AHEAD ||
		    (ends_sentence(text.p[end]) &&
		     (end + 1 == text.len || text.p[end + 1] == ' ')))
			break;
	}
	return end;
}

/* A verdict by the code alone: what the words begin with says of whom. */
static size_t phrase_end(struct rmt_span text, size_t start, size_t end)
{
	return start < end ? end : MIN(text.len, FIRST_WORDS);
}

/* "No account for the sender": what belongs to a phrase may stand behind it, but is no
 * remark. Of a domain it is said in front. */
static size_t object_end(struct rmt_span text, size_t start, size_t end,
			 enum rmt_report_class class)
{
	size_t ahead = phrase_end(text, start, end), until = ahead;

	if (start < end && class == RMT_CLASS_DEAD_ADDRESS)
		until = sentence_end(text, end);
	while (ahead < until && strchr("(,", text.p[ahead]) == NULL)
		ahead++;
	return ahead;
}

bool rmt_said_of_sender(const struct rmt_phrases *phrases, struct rmt_span normal,
			size_t start, size_t end, enum rmt_report_class class)
{
	size_t from = sentence_start(normal, start);
	struct rmt_span said =
		rmt_span(normal.p + from, object_end(normal, start, end, class) - from);

	return rmt_phrases_has(phrases, said, RMT_PHRASE_OURS) &&
	       !rmt_phrases_has(phrases, said, RMT_PHRASE_BACK);
}

bool rmt_said_of_else(const struct rmt_phrases *phrases, struct rmt_span normal,
		      size_t start, size_t end)
{
	size_t from = sentence_start(normal, start);
	size_t until = sentence_end(normal, phrase_end(normal, start, end));

	return rmt_phrases_has(phrases, rmt_span(normal.p + from, until - from),
			       RMT_PHRASE_ELSE) ||
	       rmt_phrases_has(phrases, rmt_span(normal.p + from, end - from),
			       RMT_PHRASE_MAYBE);
}
