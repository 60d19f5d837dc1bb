/* SPDX-License-Identifier: MIT */
/* header_words.c - the forms that header.h asks about. */
#include "common/rules/header.h"

#include <ctype.h>

#include "common/message/header.h"

bool rmt_header_first(const struct rmt_header_facts *header, const char *name,
		      struct rmt_header_field *field_r)
{
	struct rmt_header_reader reader = rmt_header_read(header->section);

	while (rmt_header_next(&reader, field_r))
		if (rmt_span_eq_nocase(field_r->name, rmt_span_of(name)))
			return true;
	return false;
}

/* --- dates ---------------------------------------------------------------------------
 */

static struct rmt_span skip_blanks(struct rmt_span text)
{
	while (text.len > 0 && (text.p[0] == ' ' || text.p[0] == '\t' ||
				text.p[0] == '\r' || text.p[0] == '\n'))
		text = rmt_span_from(text, 1);
	return text;
}

/* Takes least to most digits; -1: there are others. */
static int take_number(struct rmt_span *text, size_t least, size_t most)
{
	size_t len = 0;
	int number = 0;

	while (len < text->len && len < most && isdigit((unsigned char)text->p[len]))
		number = number * 10 + text->p[len++] - '0';
	*text = rmt_span_from(*text, len);
	return len >= least ? number : -1;
}

static bool take(struct rmt_span *text, char c)
{
	if (text->len == 0 || text->p[0] != c)
		return false;
	*text = rmt_span_from(*text, 1);
	return true;
}

/* One of the words of three letters; -1: none. */
static int take_word(struct rmt_span *text, const char *words)
{
	int i;

	for (i = 0; text->len >= 3 && words[i * 3] != '\0'; i++)
		if (strncasecmp(text->p, words + i * 3, 3) == 0) {
			*text = rmt_span_from(*text, 3);
			return i;
		}
	return -1;
}

static bool take_day_name(struct rmt_span *text)
{
	if (text->len == 0 || isdigit((unsigned char)text->p[0]))
		return true;
	if (take_word(text, "MonTueWedThuFriSatSun") < 0)
		return false;
	*text = skip_blanks(*text);
	return take(text, ',');
}

static bool take_day(struct rmt_span *text)
{
	int day;

	*text = skip_blanks(*text);
	day = take_number(text, 1, 2);
	*text = skip_blanks(*text);
	if (day < 1 || day > 31 ||
	    take_word(text, "JanFebMarAprMayJunJulAugSepOctNovDec") < 0)
		return false;
	*text = skip_blanks(*text);
	return take_number(text, 4, 5) >= 1900;
}

static bool take_time(struct rmt_span *text)
{
	int hour, minute, second = 0;

	*text = skip_blanks(*text);
	hour = take_number(text, 2, 2);
	if (!take(text, ':'))
		return false;
	minute = take_number(text, 2, 2);
	if (take(text, ':'))
		second = take_number(text, 2, 2);
	return hour >= 0 && hour < 24 && minute >= 0 && minute < 60 && second >= 0 &&
	       second <= 60;
}

/* +0100, or a name of RFC 5322, 4.3. */
static bool take_zone(struct rmt_span *text)
{
	*text = skip_blanks(*text);
	if (take(text, '+') || take(text, '-')) {
		int zone = take_number(text, 4, 4);

		return zone >= 0 && zone % 100 < 60;
	}
	return take_word(text, "GMTESTEDTCSTCDTMSTMDTPSTPDT") >= 0 ||
	       (text->len >= 2 && strncasecmp(text->p, "UT", 2) == 0 &&
		(*text = rmt_span_from(*text, 2), true));
}

bool rmt_is_date(struct rmt_span value)
{
	struct rmt_span text = skip_blanks(value);

	if (!take_day_name(&text) || !take_day(&text) || !take_time(&text) ||
	    !take_zone(&text))
		return false;
	text = skip_blanks(text);
	return text.len == 0 || text.p[0] == '(';
}

/* --- identifiers and encoded-words
 * ------------------------------------------------------ */

bool rmt_is_message_id(struct rmt_span value)
{
	struct rmt_span text = rmt_span_trim(value), left, right;
	size_t i;

	if (text.len < 5 || text.p[0] != '<' || text.p[text.len - 1] != '>')
		return false;
	text = rmt_span(text.p + 1, text.len - 2);
	for (i = 0; i < text.len; i++)
		if ((unsigned char)text.p[i] <= ' ' || text.p[i] == '<' ||
		    text.p[i] == '>' || text.p[i] == 0x7f)
			return false;
	return rmt_span_split_last(text, '@', &left, &right) && left.len > 0 &&
	       right.len > 0;
}

/* At "=?": whether an encoded-word stands here. */
static bool is_encoded_word(struct rmt_span text)
{
	struct rmt_span charset, encoding, words, rest;

	text = rmt_span_from(text, 2);
	if (!rmt_span_split(text, '?', &charset, &rest) || charset.len == 0 ||
	    charset.len > 40 || !rmt_span_split(rest, '?', &encoding, &rest) ||
	    encoding.len != 1 || strchr("bBqQ", encoding.p[0]) == NULL ||
	    !rmt_span_split(rest, '?', &words, &rest))
		return false;
	return rest.len > 0 && rest.p[0] == '=';
}

bool rmt_has_encoded_word(struct rmt_span value)
{
	const char *at;

	while (value.len > 4 && (at = memmem(value.p, value.len, "=?", 2)) != NULL) {
		value = rmt_span_from(value, (size_t)(at - value.p));
		if (is_encoded_word(value))
			return true;
		value = rmt_span_from(value, 2);
	}
	return false;
}
