/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <time.h>

#include "common/base/log.h"
#include "common/base/when.h"

#define LAST_SECOND INT64_C(253402300799) /* of the year 9999 */

/* Digits at the start, at most `most`; false where there are none. */
static bool take_number(struct rmt_span *text, size_t most, int64_t *number_r)
{
	size_t i;

	*number_r = 0;
	for (i = 0; i < text->len && i < most && g_ascii_isdigit(text->p[i]); i++)
		*number_r = *number_r * 10 + (text->p[i] - '0');
	*text = rmt_span_from(*text, i);
	return i > 0;
}

static int64_t unit_secs(struct rmt_span unit)
{
	static const struct {
		char name;
		int64_t secs;
	} units[] = {
		{ 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 }, { 'w', 604800 }
	};
	size_t i;

	for (i = 0; unit.len == 1 && i < G_N_ELEMENTS(units); i++)
		if (unit.p[0] == units[i].name)
			return units[i].secs;
	return 0;
}

static bool parse_relative(struct rmt_span text, int64_t now, int64_t *when_r)
{
	int64_t sign = text.p[0] == '-' ? -1 : 1, number;

	text = rmt_span_from(text, 1);
	if (!take_number(&text, 9, &number) || unit_secs(text) == 0)
		return false;
	*when_r = now + sign * number * unit_secs(text);
	return true;
}

static bool take_fixed(struct rmt_span *text, size_t digits, char before, int *number_r)
{
	struct rmt_span rest = *text;
	int64_t number;

	if (before != '\0') {
		if (rest.len == 0 || rest.p[0] != before)
			return false;
		rest = rmt_span_from(rest, 1);
	}
	if (!take_number(&rest, digits, &number) ||
	    text->len - rest.len != digits + (before != '\0'))
		return false;
	*text = rest;
	*number_r = (int)number;
	return true;
}

static bool take_time(struct rmt_span *text, struct tm *tm)
{
	if (!take_fixed(text, 2, 'T', &tm->tm_hour) ||
	    !take_fixed(text, 2, ':', &tm->tm_min) ||
	    !take_fixed(text, 2, ':', &tm->tm_sec) || !rmt_span_eq(*text, RMT_SPAN("Z")))
		return false;
	text->len = 0;
	return true;
}

/* The 31st of February is no day: timegm() would make it one of March. */
static bool is_moment(const struct tm *tm, time_t seconds)
{
	struct tm back;

	return gmtime_r(&seconds, &back) != NULL && back.tm_mday == tm->tm_mday &&
	       back.tm_mon == tm->tm_mon && back.tm_hour == tm->tm_hour &&
	       back.tm_min == tm->tm_min && back.tm_sec == tm->tm_sec;
}

static bool parse_absolute(struct rmt_span text, int64_t *when_r)
{
	struct tm tm = { 0 }, made;
	int year, month;

	if (!take_fixed(&text, 4, '\0', &year) || !take_fixed(&text, 2, '-', &month) ||
	    !take_fixed(&text, 2, '-', &tm.tm_mday))
		return false;
	if (text.len > 0 && !take_time(&text, &tm))
		return false;
	tm.tm_year = year - 1900;
	tm.tm_mon = month - 1;
	made = tm;
	*when_r = timegm(&made);
	return is_moment(&tm, *when_r);
}

bool rmt_when_parse(struct rmt_span text, int64_t now, int64_t *when_r, GError **err)
{
	g_autoptr(GString) shown = NULL;
	bool ok = text.len > 0 && (text.p[0] == '+' || text.p[0] == '-'
					   ? parse_relative(text, now, when_r)
					   : parse_absolute(text, when_r));

	if (ok && *when_r >= 0 && *when_r <= LAST_SECOND)
		return true;
	shown = g_string_new(NULL);
	rmt_log_printable(shown, text, 40);
	g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
		    "'%s' is no time (write 2026-12-31, 2026-12-31T10:00:00Z or +30d)",
		    shown->str);
	return false;
}

const char *rmt_when_format(int64_t when, char out[RMT_WHEN_SIZE])
{
	time_t seconds = CLAMP(when, 0, LAST_SECOND);
	struct tm tm;

	gmtime_r(&seconds, &tm);
	strftime(out, RMT_WHEN_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm);
	return out;
}
