/* SPDX-License-Identifier: MIT */
/* span.h - pointer and length into someone else's bytes.
 *
 * A span owns nothing: it is valid as long as the bytes it looks into, is not
 * NUL-terminated, and is never kept past the call it was given to. What is
 * kept is copied.
 *
 *	struct rmt_span local, domain;
 *	if (rmt_span_split_last(address, '@', &local, &domain)) ...
 */
#ifndef RMT_SPAN_H
#define RMT_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

struct rmt_span {
	const char *p; /* foreign; may be NULL when len is 0 */
	size_t len;
};

/* For printf: printf("%.*s", RMT_SPAN_ARGS(span)) */
#define RMT_SPAN_ARGS(span) (int)(span).len, ((span).p != NULL ? (span).p : "")

/* A span over a string literal. */
#define RMT_SPAN(literal) ((struct rmt_span){ literal, sizeof(literal) - 1 })

static inline struct rmt_span rmt_span(const char *p, size_t len)
{
	return (struct rmt_span){ p, len };
}

/* NULL gives the empty span. */
static inline struct rmt_span rmt_span_of(const char *string)
{
	return rmt_span(string, string != NULL ? strlen(string) : 0);
}

static inline bool rmt_span_eq(struct rmt_span a, struct rmt_span b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

/* ASCII case only: the rest of UTF-8 compares byte by byte. */
static inline bool rmt_span_eq_nocase(struct rmt_span a, struct rmt_span b)
{
	return a.len == b.len && (a.len == 0 || strncasecmp(a.p, b.p, a.len) == 0);
}

static inline bool rmt_span_ends_nocase(struct rmt_span s, struct rmt_span tail)
{
	return s.len >= tail.len &&
	       rmt_span_eq_nocase(rmt_span(s.p + s.len - tail.len, tail.len), tail);
}

static inline bool rmt_span_starts(struct rmt_span s, struct rmt_span head)
{
	return s.len >= head.len && (head.len == 0 || memcmp(s.p, head.p, head.len) == 0);
}

static inline struct rmt_span rmt_span_from(struct rmt_span s, size_t offset)
{
	return offset >= s.len ? rmt_span(s.p, 0)
			       : rmt_span(s.p + offset, s.len - offset);
}

/* Without leading and trailing blanks (space, tab, CR, LF). */
static inline struct rmt_span rmt_span_trim(struct rmt_span s)
{
	while (s.len > 0 && strchr(" \t\r\n", s.p[0]) != NULL && s.p[0] != '\0')
		s = rmt_span_from(s, 1);
	while (s.len > 0 && strchr(" \t\r\n", s.p[s.len - 1]) != NULL &&
	       s.p[s.len - 1] != '\0')
		s.len--;
	return s;
}

/* At the first sep; false (and nothing written) when there is none. */
static inline bool rmt_span_split(struct rmt_span s, char sep, struct rmt_span *before_r,
				  struct rmt_span *after_r)
{
	const char *at = s.len > 0 ? memchr(s.p, sep, s.len) : NULL;

	if (at == NULL)
		return false;
	*before_r = rmt_span(s.p, (size_t)(at - s.p));
	*after_r = rmt_span(at + 1, s.len - (size_t)(at - s.p) - 1);
	return true;
}

/* At the last sep; false (and nothing written) when there is none. */
static inline bool rmt_span_split_last(struct rmt_span s, char sep,
				       struct rmt_span *before_r,
				       struct rmt_span *after_r)
{
	size_t i = s.len;

	while (i > 0 && s.p[i - 1] != sep)
		i--;
	if (i == 0)
		return false;
	*before_r = rmt_span(s.p, i - 1);
	*after_r = rmt_span(s.p + i, s.len - i);
	return true;
}

#endif
