/* SPDX-License-Identifier: MIT */
#include "common/policy/header_match.h"

#include <glib.h>

#include "common/message/header.h"

enum { VALUE_MAX = 998 };

/* The part behind the last '*' that was passed is tried again an octet later:
 * no more than pattern times value steps. */
static bool glob(struct rmt_span pattern, struct rmt_span text)
{
	size_t p = 0, t = 0, star = 0, from = 0;
	bool has_star = false;

	while (t < text.len) {
		if (p < pattern.len && pattern.p[p] == '*') {
			has_star = true;
			star = ++p;
			from = t;
		} else if (p < pattern.len &&
			   g_ascii_tolower(pattern.p[p]) == g_ascii_tolower(text.p[t])) {
			p++;
			t++;
		} else if (has_star) {
			p = star;
			t = ++from;
		} else {
			return false;
		}
	}
	while (p < pattern.len && pattern.p[p] == '*')
		p++;
	return p == pattern.len;
}

/* Without line ends; what is over VALUE_MAX is cut. */
static struct rmt_span unfold(struct rmt_span value, char *out)
{
	size_t i, n = 0;

	for (i = 0; i < value.len && n < VALUE_MAX; i++)
		if (value.p[i] != '\r' && value.p[i] != '\n')
			out[n++] = value.p[i];
	return rmt_span_trim(rmt_span(out, n));
}

static bool holds(const char *condition, const struct rmt_header_field *field)
{
	struct rmt_span name = rmt_span_of(condition), pattern;
	const bool any = !rmt_span_split(name, ':', &name, &pattern);
	char text[VALUE_MAX];

	if (!rmt_span_eq_nocase(name, field->name))
		return false;
	return any || glob(rmt_span_trim(pattern), unfold(field->value, text));
}

bool rmt_headers_match(char *const *conditions, struct rmt_span section)
{
	struct rmt_span looked =
		rmt_span(section.p, MIN(section.len, RMT_HEADER_MATCH_MAX));
	struct rmt_header_reader reader = rmt_header_read(looked);
	struct rmt_header_field field;
	char *const *condition;

	while (rmt_header_next(&reader, &field))
		for (condition = conditions; *condition != NULL; condition++)
			if (field.name.len > 0 && holds(*condition, &field))
				return true;
	return false;
}
