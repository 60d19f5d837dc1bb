/* SPDX-License-Identifier: MIT */
#include "common/policy/policy_request.h"

#include <glib.h>
#include <string.h>

#include "common/policy/policy_octets.h"

/* The names in the order Postfix sends them (smtpd_check.c, 3.10): which one
 * comes next can be guessed, and a guess costs one comparison. Any other order
 * is read as well, by looking further. */
#define NAME(string, member)                                                             \
	{                                                                                \
		string "=", sizeof(string), offsetof(struct rmt_policy_request, member)  \
	}
static const struct name {
	_Alignas(16) char text[RMT_NAME_MAX]; /* with the '=' */
	uint32_t len;                         /* with the '=' */
	uint32_t span_at;                     /* offset of the span its value goes to */
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
	{ "\r", 1, 0 }, /* no line begins so where it is not read carefully */
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
static void take_value(struct rmt_policy_request *request, const struct name *name,
		       const char *value, size_t len)
{
	struct rmt_span *span = span_of(request, name);

	if (span->p == NULL)
		*span = rmt_span(value, len);
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
			request->careful |= at < request->guess;
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

	if (request->careful && memchr(request->bytes, '\0', length) != NULL)
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

static enum rmt_request_result read_carefully(struct rmt_policy_request *request,
					      const char *limit)
{
	const char *line = request->bytes + request->line;
	const char *from = MAX(line, request->bytes + request->scanned), *end;
	enum rmt_request_result result;

	for (; (end = memchr(from, '\n', (size_t)(limit - from))) != NULL;
	     line = from = end + 1) {
		result = take_other_line(request, line, end);
		if (result != RMT_REQUEST_MORE)
			return result;
	}
	request->line = (size_t)(line - request->bytes);
	request->scanned = (size_t)(limit - request->bytes);
	return RMT_REQUEST_MORE;
}

/* Where a request is read: the line it is at, and the name it may begin with. */
struct reading {
	const char *line;
	const struct name *name;
};

static inline void take_expected(struct rmt_policy_request *request,
				 const struct reading *at, const char *end)
{
	const char *value = at->line + at->name->len;

	*span_of(request, at->name) = rmt_span(value, (size_t)(end - value));
}

/* The lines that end in the block at p. All ends of a block are known before any of
 * its lines is looked at, so that the processor need not wait for one line to begin
 * the next. safe: a line that begins later has not room for every name behind it. */
static inline __attribute__((always_inline)) enum rmt_request_result take_lines(
	struct rmt_policy_request *request, struct reading *at, const char *p,
	uint64_t ends, const char *safe)
{
	enum rmt_request_result result;
	const char *end;

	for (; ends != 0; ends &= ends - 1, at->line = end + 1) {
		end = p + (unsigned)__builtin_ctzll(ends);
		if (at->line <= safe &&
		    rmt_begins_with(at->line, at->name->text, at->name->len)) {
			take_expected(request, at, end);
			at->name++;
			continue;
		}
		request->guess = (unsigned)(at->name - names);
		result = take_other_line(request, at->line, end);
		if (result != RMT_REQUEST_MORE)
			return result;
		at->name = &names[request->guess];
		if (request->careful)
			ends = 0; /* from the next line on */
	}
	return RMT_REQUEST_MORE;
}

/* As long as names come in their order, so each once, and nothing but LF ends a line,
 * a value needs no second look. Otherwise request->careful is set, and what is left
 * is for read_carefully(). */
static enum rmt_request_result read_quickly(struct rmt_policy_request *request,
					    const char *limit)
{
	const char *const bytes = request->bytes, *p = bytes + request->scanned;
	const char *const safe =
		limit - bytes >= RMT_NAME_MAX ? limit - RMT_NAME_MAX : NULL;
	struct reading at = { bytes + request->line, &names[request->guess] };
	enum rmt_request_result result;
	struct rmt_marks marks;
	size_t n;

	for (; p < limit && !request->careful; p += n) {
		n = MIN((size_t)(limit - p), (size_t)RMT_BLOCK);
		marks = n == RMT_BLOCK ? rmt_find_marks(p) : rmt_find_some_marks(p, n);
		request->careful = marks.control;
		if (marks.control)
			break;
		result = take_lines(request, &at, p, marks.ends, safe);
		if (result != RMT_REQUEST_MORE)
			return result;
		if (request->careful) {
			p = at.line;
			break;
		}
	}
	request->line = (size_t)(at.line - bytes);
	request->scanned = (size_t)(p - bytes);
	request->guess = (unsigned)(at.name - names);
	return RMT_REQUEST_MORE;
}

enum rmt_request_result rmt_policy_request_read(struct rmt_policy_request *request,
						const char *bytes, size_t len, size_t max)
{
	const char *const limit = bytes + MIN(len, max);
	enum rmt_request_result result = RMT_REQUEST_MORE;

	if (request->bytes != bytes)
		follow_bytes(request, bytes);
	if (!request->careful)
		result = read_quickly(request, limit);
	if (request->careful && result == RMT_REQUEST_MORE)
		result = read_carefully(request, limit);
	if (result != RMT_REQUEST_MORE)
		return result;
	if (len >= max) /* whatever comes, it would be one octet longer at least */
		return broken(request, "longer than policyd.max_request");
	return RMT_REQUEST_MORE;
}
