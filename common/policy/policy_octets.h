/* SPDX-License-Identifier: MIT */
/* policy_octets.h - many octets of a request looked at together; private to
 * policy_request.c. With SSE2, which every x86-64 has; elsewhere one by one. */
#ifndef RMT_POLICY_OCTETS_H
#define RMT_POLICY_OCTETS_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* Octets of a name, and of what is looked at for ends. */
enum { RMT_NAME_MAX = 32, RMT_BLOCK = 64 };

struct rmt_marks {
	uint64_t ends; /* a bit for each LF of a block */
	bool control;  /* another control character is among them: a CR, a NUL */
};

#ifdef __SSE2__
static inline __m128i rmt_load16(const char *p)
{
	return _mm_loadu_si128((const __m128i *)(const void *)p);
}

#define RMT_ZEROS_8 "\0\0\0\0\0\0\0\0"
#define RMT_ONES_8  "\377\377\377\377\377\377\377\377"
/* Or-ed to what was compared: behind a name's length anything may stand. */
static const char rmt_any[] = RMT_ZEROS_8 RMT_ZEROS_8 RMT_ZEROS_8 RMT_ZEROS_8 RMT_ONES_8
	RMT_ONES_8 RMT_ONES_8 RMT_ONES_8;

/* p, name: RMT_NAME_MAX octets at least. */
static inline bool rmt_begins_with(const char *p, const char *name, size_t len)
{
	const char *any = rmt_any + RMT_NAME_MAX - len;
	const __m128i low = _mm_cmpeq_epi8(rmt_load16(p), rmt_load16(name));
	const __m128i high = _mm_cmpeq_epi8(rmt_load16(p + 16), rmt_load16(name + 16));
	const __m128i same = _mm_and_si128(_mm_or_si128(low, rmt_load16(any)),
					   _mm_or_si128(high, rmt_load16(any + 16)));

	return _mm_movemask_epi8(same) == 0xffff;
}

/* 16 octets: an LF becomes 255, any other control character less than 32. */
static inline __m128i rmt_mark16(const char *p)
{
	return _mm_add_epi8(_mm_xor_si128(rmt_load16(p), _mm_set1_epi8('\n')),
			    _mm_set1_epi8(-1));
}

static inline uint64_t rmt_ends16(__m128i marked)
{
	return (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(marked, _mm_set1_epi8(-1)));
}

static inline struct rmt_marks rmt_find_marks(const char *p)
{
	const __m128i a = rmt_mark16(p), b = rmt_mark16(p + 16), c = rmt_mark16(p + 32),
		      d = rmt_mark16(p + 48);
	const __m128i least = _mm_min_epu8(_mm_min_epu8(a, b), _mm_min_epu8(c, d));
	const __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(least, _mm_set1_epi8(31)), least);

	return (struct rmt_marks){
		rmt_ends16(a) | rmt_ends16(b) << 16 | rmt_ends16(c) << 32 |
			rmt_ends16(d) << 48,
		_mm_movemask_epi8(low) != 0,
	};
}
#else
static inline bool rmt_begins_with(const char *p, const char *name, size_t len)
{
	return memcmp(p, name, len) == 0;
}

static inline struct rmt_marks rmt_find_marks(const char *p)
{
	struct rmt_marks marks = { 0, false };
	unsigned i;

	for (i = 0; i < RMT_BLOCK; i++) {
		marks.ends |= (uint64_t)(p[i] == '\n') << i;
		marks.control |= (unsigned char)p[i] < 32 && p[i] != '\n';
	}
	return marks;
}
#endif

/* The same of less than a block. */
static inline struct rmt_marks rmt_find_some_marks(const char *p, size_t len)
{
	char block[RMT_BLOCK];

	memset(block, ' ', sizeof(block));
	memcpy(block, p, len);
	return rmt_find_marks(block);
}

#endif
