/* SPDX-License-Identifier: MIT */
#include "common/policy/policy_request.h"

#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define NO_EQUALS SIZE_MAX

/* A hash without collisions among the names Postfix sends, known or not (found
 * by trying factors; the compiler would warn of two entries in one place). */
#define PLACE(len, first, last) (((len) << 2 ^ (first) ^ (last) << 6) & 127)
#define NAME(first, last, string, member)                                                \
	[PLACE(sizeof(string) - 1, first, last)] = {                                     \
		string, sizeof(string) - 1, offsetof(struct rmt_policy_request, member)  \
	}
enum { NAMES = 128, NAME_MAX_OCTETS = 24 };
static const struct {
	char text[NAME_MAX_OCTETS]; /* padded with NUL, if there is room */
	uint32_t len;
	uint32_t span_at; /* offset of the span it goes to */
} names[NAMES] = {
	NAME('r', 't', "request", request),
	NAME('p', 'e', "protocol_state", state),
	NAME('r', 't', "recipient_count", count),
	NAME('s', 'e', "size", size),
	NAME('i', 'e', "instance", facts.instance),
	NAME('q', 'd', "queue_id", facts.queue_id),
	NAME('s', 'r', "sender", facts.sender),
	NAME('r', 't', "recipient", facts.recipient),
	NAME('s', 'e', "sasl_username", facts.sasl_user),
	NAME('c', 's', "client_address", facts.client_address),
	NAME('c', 'e', "client_name", facts.client_name),
	NAME('r', 'e', "reverse_client_name", facts.reverse_client_name),
	NAME('h', 'e', "helo_name", facts.helo),
	NAME('c', 't', "ccert_subject", facts.cert_subject),
	NAME('c', 'r', "ccert_issuer", facts.cert_issuer),
	NAME('c', 't', "ccert_fingerprint", facts.cert_fingerprint),
	NAME('c', 't', "ccert_pubkey_fingerprint", facts.cert_pubkey_fingerprint),
	NAME('p', 't', "policy_context", facts.policy_context),
	NAME('r', 'e', "remite_time", remite_time),
	NAME('r', 'n', "remite_action", remite_action),
};

static inline uint64_t word(const char *p)
{
	uint64_t w;

	memcpy(&w, p, sizeof(w));
	return w;
}

/* memcmp() for the lengths of names, 4 to 24, without the call. */
static inline bool same_name(const char *a, const char *b, size_t len)
{
	if (len < 8)
		return memcmp(a, b, 4) == 0 && memcmp(a + len - 4, b + len - 4, 4) == 0;
	return word(a) == word(b) && word(a + len - 8) == word(b + len - 8) &&
	       (len <= 16 || word(a + 8) == word(b + 8));
}

/* Where the value of this name goes, or NULL. Most of what a request costs is
 * thirty of these. */
static inline struct rmt_span *span_of(struct rmt_policy_request *request,
				       const char *name, size_t len)
{
	size_t at = PLACE(len, (unsigned char)name[0], (unsigned char)name[len - 1]);

	if (names[at].len != len || !same_name(names[at].text, name, len))
		return NULL;
	return (struct rmt_span *)(void *)((char *)request + names[at].span_at);
}

/* Where in up to 64 octets the ones stand that matter: a bit each. */
struct marks {
	uint64_t ends, equals;
	bool nul; /* somewhere */
};

#ifdef __SSE2__
static inline uint64_t bits_where(const __m128i *octets, char c)
{
	const __m128i wanted = _mm_set1_epi8(c);
	unsigned a = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(octets[0], wanted));
	unsigned b = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(octets[1], wanted));
	unsigned third = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(octets[2], wanted));
	unsigned d = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(octets[3], wanted));

	return (uint64_t)(d << 16 | third) << 32 | (b << 16 | a);
}

static inline struct marks mark_block(const char *p)
{
	const __m128i *from = (const __m128i *)(const void *)p;
	const __m128i octets[4] = { _mm_loadu_si128(from), _mm_loadu_si128(from + 1),
				    _mm_loadu_si128(from + 2),
				    _mm_loadu_si128(from + 3) };
	const __m128i least = _mm_min_epu8(_mm_min_epu8(octets[0], octets[1]),
					   _mm_min_epu8(octets[2], octets[3]));
	const __m128i zero = _mm_cmpeq_epi8(least, _mm_setzero_si128());

	return (struct marks){ bits_where(octets, '\n'), bits_where(octets, '='),
			       _mm_movemask_epi8(zero) != 0 };
}
#else
static inline struct marks mark_block(const char *p)
{
	struct marks marks = { 0, 0, false };
	unsigned i;

	for (i = 0; i < 64; i++) {
		marks.ends |= (uint64_t)(p[i] == '\n') << i;
		marks.equals |= (uint64_t)(p[i] == '=') << i;
		marks.nul |= p[i] == '\0';
	}
	return marks;
}
#endif

static inline struct marks mark(const char *p, size_t len)
{
	char tail[64];

	if (len >= sizeof(tail))
		return mark_block(p);
	memset(tail, ' ', sizeof(tail));
	memcpy(tail, p, len);
	return mark_block(tail);
}

void rmt_policy_request_init(struct rmt_policy_request *request)
{
	memset(request, 0, sizeof(*request));
	request->equals = NO_EQUALS;
}

static enum rmt_request_result broken(struct rmt_policy_request *request, const char *why)
{
	request->broken = why;
	return RMT_REQUEST_BROKEN;
}

/* The bytes moved between two calls: so do the spans that look into them. */
static void follow_bytes(struct rmt_policy_request *request, const char *bytes)
{
	struct rmt_span *span;
	size_t i;

	for (i = 0; i < NAMES && request->bytes != NULL; i++) {
		span = (struct rmt_span *)(void *)((char *)request + names[i].span_at);
		if (names[i].len > 0 && span->p != NULL)
			span->p = bytes + (span->p - request->bytes);
	}
	request->bytes = bytes;
}

/* NAME=VALUE with the '=' at name_len. */
static inline void take_line(struct rmt_policy_request *request, const char *line,
			     size_t name_len, size_t len)
{
	struct rmt_span *span = span_of(request, line, name_len);

	if (span != NULL && span->p == NULL)
		*span = rmt_span(line + name_len + 1, len - name_len - 1);
}

/* The empty value is 0: Postfix leaves out what it does not know. */
static bool to_number(struct rmt_span text, uint64_t *number_r)
{
	uint64_t n = 0;
	size_t i;

	if (text.len > 18)
		return false;
	for (i = 0; i < text.len; i++) {
		if (text.p[i] < '0' || text.p[i] > '9')
			return false;
		n = n * 10 + (uint64_t)(text.p[i] - '0');
	}
	*number_r = n;
	return true;
}

static enum rmt_stage stage_of(struct rmt_span state)
{
	if (rmt_span_eq(state, RMT_SPAN("RCPT")))
		return RMT_STAGE_RCPT;
	if (rmt_span_eq(state, RMT_SPAN("DATA")))
		return RMT_STAGE_DATA;
	if (rmt_span_eq(state, RMT_SPAN("END-OF-MESSAGE")))
		return RMT_STAGE_END_OF_MESSAGE;
	if (rmt_span_eq(state, RMT_SPAN("VRFY")))
		return RMT_STAGE_VRFY;
	return RMT_STAGE_OTHER;
}

static enum rmt_request_result finish(struct rmt_policy_request *request, size_t length)
{
	struct rmt_facts *facts = &request->facts;

	if (request->nul && memchr(request->bytes, '\0', length) != NULL)
		return broken(request, "holds a NUL octet");
	if (!rmt_span_eq(request->request, RMT_SPAN("smtpd_access_policy")))
		return broken(request, "no request=smtpd_access_policy");
	if (!to_number(request->count, &facts->recipient_count))
		return broken(request, "recipient_count is not a number");
	if (!to_number(request->size, &facts->size))
		return broken(request, "size is not a number");
	facts->stage = stage_of(request->state);
	request->length = length;
	return RMT_REQUEST_DONE;
}

/* The lines that end in the 64 octets at request->scanned. */
static inline enum rmt_request_result take_block(struct rmt_policy_request *request,
						 const char *bytes, struct marks marks)
{
	const size_t block = request->scanned;
	size_t line = request->line, equals = request->equals, end, next;

	for (; marks.ends != 0; marks.ends &= marks.ends - 1) {
		end = block + (size_t)__builtin_ctzll(marks.ends);
		next = end + 1;
		if (equals == NO_EQUALS && marks.equals != 0)
			equals = block + (size_t)__builtin_ctzll(marks.equals);
		if (bytes[end - (end > line)] == '\r')
			end--;
		if (equals >= end || equals == line)
			return end == line ? finish(request, next)
					   : broken(request, "a line without NAME=");
		take_line(request, bytes + line, equals - line, end - line);
		marks.equals &= ~(marks.ends ^ (marks.ends - 1));
		line = next;
		equals = NO_EQUALS;
	}
	if (equals == NO_EQUALS && marks.equals != 0)
		equals = block + (size_t)__builtin_ctzll(marks.equals);
	request->line = line;
	request->equals = equals;
	return RMT_REQUEST_MORE;
}

enum rmt_request_result rmt_policy_request_read(struct rmt_policy_request *request,
						const char *bytes, size_t len, size_t max)
{
	enum rmt_request_result result;
	struct marks marks;
	size_t limit = len < max ? len : max;
	size_t n;

	if (request->bytes != bytes)
		follow_bytes(request, bytes);
	while (request->scanned < limit) {
		n = limit - request->scanned < 64 ? limit - request->scanned : 64;
		marks = mark(bytes + request->scanned, n);
		request->nul |= marks.nul;
		result = take_block(request, bytes, marks);
		if (result != RMT_REQUEST_MORE)
			return result;
		request->scanned += n;
	}
	if (len >= max) /* whatever comes, it would be one octet longer at least */
		return broken(request, "longer than policyd.max_request");
	return RMT_REQUEST_MORE;
}
