/* SPDX-License-Identifier: MIT */
#include "common/policy/policy_request.h"

#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* The names in the order Postfix sends them (smtpd_check.c, 3.10): which one
 * comes next can be guessed, and a guess costs one comparison. Any other order
 * is read as well, by looking further. */
#define NAME(string, member)                                                             \
	{                                                                                \
		string "=", sizeof(string), (1u << sizeof(string)) - 1,                  \
			offsetof(struct rmt_policy_request, member)                      \
	}
enum { NAME_MAX_OCTETS = 32, BLOCK = 64 };
static const struct name {
	char text[NAME_MAX_OCTETS]; /* with the '=' */
	uint32_t len;               /* with the '=' */
	uint32_t mask;              /* as many ones */
	size_t span_at;             /* offset of the span the value goes to */
} names[] = {
	NAME("request", request),
	NAME("protocol_state", state),
	NAME("protocol_name", ignored),
	NAME("client_address", facts.client_address),
	NAME("client_name", facts.client_name),
	NAME("client_port", ignored),
	NAME("reverse_client_name", facts.reverse_client_name),
	NAME("server_address", ignored),
	NAME("server_port", ignored),
	NAME("helo_name", facts.helo),
	NAME("sender", facts.sender),
	NAME("recipient", facts.recipient),
	NAME("recipient_count", count),
	NAME("queue_id", facts.queue_id),
	NAME("instance", facts.instance),
	NAME("size", size),
	NAME("etrn_domain", ignored),
	NAME("stress", ignored),
	NAME("sasl_method", ignored),
	NAME("sasl_username", facts.sasl_user),
	NAME("sasl_sender", ignored),
	NAME("ccert_subject", facts.cert_subject),
	NAME("ccert_issuer", facts.cert_issuer),
	NAME("ccert_fingerprint", facts.cert_fingerprint),
	NAME("ccert_pubkey_fingerprint", facts.cert_pubkey_fingerprint),
	NAME("encryption_protocol", ignored),
	NAME("encryption_cipher", ignored),
	NAME("encryption_keysize", ignored),
	NAME("policy_context", facts.policy_context),
	NAME("compatibility_level", ignored),
	NAME("mail_version", ignored),
	NAME("remite_time", remite_time),
	NAME("remite_action", remite_action),
	{ "", 0, UINT32_MAX, 0 }, /* no line begins so */
};
enum { NAMES = sizeof(names) / sizeof(names[0]) - 1 };

void rmt_policy_request_init(struct rmt_policy_request *request)
{
	memset(request, 0, sizeof(*request));
}

static enum rmt_request_result broken(struct rmt_policy_request *request, const char *why)
{
	request->broken = why;
	return RMT_REQUEST_BROKEN;
}

static struct rmt_span *span_of(struct rmt_policy_request *request,
				const struct name *name)
{
	return (struct rmt_span *)(void *)((char *)request + name->span_at);
}

/* The bytes moved between two calls: so do the spans that look into them. */
static void follow_bytes(struct rmt_policy_request *request, const char *bytes)
{
	const char *old = request->bytes;
	struct rmt_span *span;
	size_t i;

	request->ignored = rmt_span(NULL, 0); /* shared: must not move twice */
	for (i = 0; i < NAMES && old != NULL; i++) {
		span = span_of(request, &names[i]);
		if (span->p != NULL && span != &request->ignored)
			span->p = bytes + (span->p - old);
	}
	request->bytes = bytes;
}

/* Of a repeated name the first value stands. */
static inline void take_value(struct rmt_policy_request *request, const struct name *name,
			      const char *value, size_t len)
{
	struct rmt_span *span = span_of(request, name);
	const bool first = span->p == NULL;

	/* without a branch: it would be foretold wrongly at every ignored name */
	span->len = first ? len : span->len;
	span->p = first ? value : span->p;
}

#ifdef __SSE2__
static inline uint32_t equal_octets(const char *p, __m128i wanted)
{
	const __m128i octets = _mm_loadu_si128((const __m128i *)(const void *)p);

	return (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(octets, wanted));
}

/* p: NAME_MAX_OCTETS at least. */
static inline bool begins_with(const char *p, const struct name *name)
{
	const __m128i *text = (const __m128i *)(const void *)name->text;
	uint32_t same = equal_octets(p, _mm_loadu_si128(text)) |
			equal_octets(p + 16, _mm_loadu_si128(text + 1)) << 16;

	return (same & name->mask) == name->mask;
}

/* A bit for each LF in BLOCK octets. */
static inline uint64_t find_ends(const char *p)
{
	const __m128i lf = _mm_set1_epi8('\n');
	uint32_t low = equal_octets(p, lf) | equal_octets(p + 16, lf) << 16;
	uint32_t high = equal_octets(p + 32, lf) | equal_octets(p + 48, lf) << 16;

	return (uint64_t)high << 32 | low;
}
#else
static inline bool begins_with(const char *p, const struct name *name)
{
	return memcmp(p, name->text, name->len) == 0;
}

static inline uint64_t find_ends(const char *p)
{
	uint64_t ends = 0;
	unsigned i;

	for (i = 0; i < BLOCK; i++)
		ends |= (uint64_t)(p[i] == '\n') << i;
	return ends;
}
#endif

static inline uint64_t find_some_ends(const char *p, size_t len)
{
	char block[BLOCK] = "";

	memcpy(block, p, len);
	return find_ends(block);
}

/* Any line. False: it is none. */
static bool take_line(struct rmt_policy_request *request, const char *line, size_t len)
{
	const char *equals = memchr(line, '=', len);
	size_t i, at, name_len;

	if (equals == NULL || equals == line)
		return false;
	name_len = (size_t)(equals - line) + 1;
	for (i = 0; i < NAMES; i++) {
		at = (request->guess + i) % NAMES;
		if (names[at].len == name_len &&
		    memcmp(names[at].text, line, name_len) == 0) {
			take_value(request, &names[at], equals + 1, len - name_len);
			request->guess = (unsigned)at + 1;
			break;
		}
	}
	return true;
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

	if (memchr(request->bytes, '\0', length) != NULL)
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

/* A line that does not begin as guessed, the empty one that ends all among them.
 * Kept out of the loop below, which needs the registers. */
static __attribute__((noinline)) enum rmt_request_result take_other_line(
	struct rmt_policy_request *request, const char *line, const char *end)
{
	size_t len = (size_t)(end - line);

	if (len > 0 && end[-1] == '\r')
		len--;
	if (len == 0)
		return finish(request, (size_t)(end - request->bytes) + 1);
	if (!take_line(request, line, len))
		return broken(request, "a line without NAME=");
	return RMT_REQUEST_MORE;
}

/* The lines that end in the block at p; `ends` has a bit for each LF. All ends of
 * a block are known before any of its lines is looked at, so that the processor
 * need not wait for one line to begin the next. limit: end of all bytes. */
static inline enum rmt_request_result take_block(struct rmt_policy_request *request,
						 const char *p, uint64_t ends,
						 const char *limit)
{
	const struct name *name = &names[request->guess];
	const struct name *const last = &names[NAMES];
	const char *line = request->bytes + request->line, *end, *value;
	enum rmt_request_result result;

	for (; ends != 0; ends &= ends - 1, line = end + 1) {
		end = p + __builtin_ctzll(ends);
		if (limit - line >= NAME_MAX_OCTETS && name != last &&
		    begins_with(line, name)) {
			value = line + name->len;
			take_value(request, name, value,
				   (size_t)(end - value) - (end[-1] == '\r'));
			name++;
			continue;
		}
		request->guess = (unsigned)(name - names);
		result = take_other_line(request, line, end);
		if (result != RMT_REQUEST_MORE)
			return result;
		name = &names[request->guess];
	}
	request->line = (size_t)(line - request->bytes);
	request->guess = (unsigned)(name - names);
	return RMT_REQUEST_MORE;
}

enum rmt_request_result rmt_policy_request_read(struct rmt_policy_request *request,
						const char *bytes, size_t len, size_t max)
{
	const size_t limit = len < max ? len : max;
	enum rmt_request_result result;
	uint64_t ends;
	size_t n;

	if (request->bytes != bytes)
		follow_bytes(request, bytes);
	for (; request->scanned < limit; request->scanned += n) {
		const char *p = bytes + request->scanned;

		n = limit - request->scanned < BLOCK ? limit - request->scanned : BLOCK;
		ends = n == BLOCK ? find_ends(p) : find_some_ends(p, n);
		result = take_block(request, p, ends, bytes + limit);
		if (result != RMT_REQUEST_MORE)
			return result;
	}
	if (len >= max) /* whatever comes, it would be one octet longer at least */
		return broken(request, "longer than policyd.max_request");
	return RMT_REQUEST_MORE;
}
