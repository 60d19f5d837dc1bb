/* SPDX-License-Identifier: MIT */
#include "common/unsubscribe/proof.h"

#include <inttypes.h>
#include <stdio.h>

#include "common/message/header.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* --- reading --------------------------------------------------------------------- */

/* Printable ASCII without the characters that end things; blanks only within "<>",
 * where they are folds and dropped. */
static bool copy_text(struct rmt_span text, bool folded, char *out, size_t max)
{
	size_t i, len = 0;

	for (i = 0; i < text.len; i++) {
		if (folded && is_blank(text.p[i]))
			continue;
		if (text.p[i] <= ' ' || text.p[i] > '~' ||
		    strchr("<>;\"", text.p[i]) != NULL)
			if (!folded || text.p[i] != ';')
				return false;
		if (len == max)
			return false;
		out[len++] = text.p[i];
	}
	out[len] = '\0';
	return len > 0;
}

static bool read_number(struct rmt_span text, int64_t *number_r)
{
	size_t i;

	*number_r = 0;
	if (text.len == 0 || text.len > 12)
		return false;
	for (i = 0; i < text.len; i++) {
		if (text.p[i] < '0' || text.p[i] > '9')
			return false;
		*number_r = *number_r * 10 + (text.p[i] - '0');
	}
	return true;
}

/* From '<' to '>', or up to ';'. */
static bool take_value(struct rmt_span *rest, struct rmt_span *value_r, bool *bracket_r)
{
	struct rmt_span before;

	*bracket_r = rest->len > 0 && rest->p[0] == '<';
	if (*bracket_r) {
		if (!rmt_span_split(rmt_span_from(*rest, 1), '>', value_r, rest))
			return false;
		if (!rmt_span_split(*rest, ';', &before, rest)) {
			before = *rest;
			*rest = rmt_span_from(*rest, rest->len);
		}
		return rmt_span_trim(before).len == 0;
	}
	if (!rmt_span_split(*rest, ';', value_r, rest)) {
		*value_r = *rest;
		*rest = rmt_span_from(*rest, rest->len);
	}
	*value_r = rmt_span_trim(*value_r);
	return true;
}

static bool set_tag(struct rmt_proof *record, char tag, struct rmt_span value,
		    bool bracket)
{
	if (bracket != (tag == 'u' || tag == 'm'))
		return false;
	switch (tag) {
	case 'v':
		return rmt_span_eq(value, RMT_SPAN("1"));
	case 't':
		return read_number(value, &record->time);
	case 'd':
		return copy_text(value, false, record->domain, RMT_PROOF_NAME_MAX);
	case 's':
		return copy_text(value, false, record->selector, RMT_PROOF_NAME_MAX);
	case 'l':
		return copy_text(value, false, record->list_id, RMT_PROOF_NAME_MAX);
	case 'u':
		return copy_text(value, true, record->url, RMT_PROOF_URI_MAX);
	case 'm':
		return copy_text(value, true, record->mailto, RMT_PROOF_URI_MAX);
	default:
		return false;
	}
}

bool rmt_proof_read(struct rmt_span value, struct rmt_proof *proof_r)
{
	struct rmt_span rest = rmt_span_trim(value), text;
	unsigned seen = 0;
	bool bracket;

	memset(proof_r, 0, sizeof(*proof_r));
	while (rest.len > 0) {
		const char tag = rest.p[0];

		if (rest.len < 2 || rest.p[1] != '=' || tag < 'a' || tag > 'z' ||
		    (seen & 1u << (tag - 'a')) != 0)
			return false;
		seen |= 1u << (tag - 'a');
		rest = rmt_span_from(rest, 2);
		if (!take_value(&rest, &text, &bracket) ||
		    !set_tag(proof_r, tag, text, bracket))
			return false;
		rest = rmt_span_trim(rest);
	}
	return (seen & 1u << ('v' - 'a')) != 0 && proof_r->time > 0 &&
	       proof_r->domain[0] != '\0' && proof_r->selector[0] != '\0' &&
	       (proof_r->url[0] != '\0' || proof_r->mailto[0] != '\0');
}

/* --- where it stands ------------------------------------------------------------- */

/* The next word, comments and blanks passed over; empty at the end or at ';'. */
static struct rmt_span next_word(struct rmt_span *rest)
{
	struct rmt_span word;
	size_t depth = 0;

	while (rest->len > 0 &&
	       (depth > 0 || is_blank(rest->p[0]) || rest->p[0] == '(')) {
		if (rest->p[0] == '\\' && depth > 0)
			*rest = rmt_span_from(*rest, 1);
		else if (rest->p[0] == '(')
			depth++;
		else if (rest->p[0] == ')')
			depth--;
		*rest = rmt_span_from(*rest, 1);
	}
	word = rmt_span(rest->p, 0);
	while (word.len < rest->len && !is_blank(rest->p[word.len]) &&
	       strchr("();", rest->p[word.len]) == NULL)
		word.len++;
	*rest = rmt_span_from(*rest, word.len);
	return word;
}

struct rmt_span rmt_received_by(struct rmt_span value)
{
	struct rmt_span rest = value, word;

	while ((word = next_word(&rest)).len > 0)
		if (rmt_span_eq_nocase(word, RMT_SPAN("by")))
			return next_word(&rest);
	return rmt_span(NULL, 0);
}

static bool is_own(struct rmt_span host, const char *const *own)
{
	for (; own != NULL && *own != NULL; own++)
		if (host.len > 0 && rmt_span_eq_nocase(host, rmt_span_of(*own)))
			return true;
	return false;
}

bool rmt_proof_find(struct rmt_span header, const char *const *own,
		    struct rmt_proof *proof_r)
{
	struct rmt_header_reader reader = rmt_header_read(header);
	struct rmt_header_field field;
	int received = 0;

	while (rmt_header_next(&reader, &field)) {
		if (rmt_span_eq_nocase(field.name, RMT_SPAN(RMT_PROOF_FIELD)))
			return rmt_proof_read(field.value, proof_r);
		if (rmt_span_eq_nocase(field.name, RMT_SPAN("Received")) &&
		    (++received > RMT_PROOF_OWN_MAX ||
		     !is_own(rmt_received_by(field.value), own)))
			return false;
	}
	return false;
}

/* --- writing --------------------------------------------------------------------- */

struct writer {
	char *out;
	size_t len, size;
	bool full;
};

static void put(struct writer *writer, const char *text, size_t len)
{
	if (writer->full || writer->len + len >= writer->size) {
		writer->full = true;
		return;
	}
	memcpy(writer->out + writer->len, text, len);
	writer->len += len;
	writer->out[writer->len] = '\0';
}

static void put_string(struct writer *writer, const char *text)
{
	put(writer, text, strlen(text));
}

/* Lines of the header stay below 998 octets (RFC 5322, 2.1.1). */
static void put_uri(struct writer *writer, const char *tag, const char *uri)
{
	enum { LINE_MAX_ = 900 };
	size_t left = strlen(uri);

	if (left == 0)
		return;
	put_string(writer, ";\n\t");
	put_string(writer, tag);
	put_string(writer, "=<");
	while (left > LINE_MAX_) {
		put(writer, uri, LINE_MAX_);
		put_string(writer, "\n\t");
		uri += LINE_MAX_;
		left -= LINE_MAX_;
	}
	put(writer, uri, left);
	put_string(writer, ">");
}

size_t rmt_proof_write(const struct rmt_proof *record, char *out, size_t size)
{
	struct writer writer = { .out = out, .size = size };
	char time[32];

	snprintf(time, sizeof(time), "; t=%" PRId64, record->time);
	put_string(&writer, "v=1; d=");
	put_string(&writer, record->domain);
	put_string(&writer, "; s=");
	put_string(&writer, record->selector);
	put_string(&writer, time);
	if (record->list_id[0] != '\0') {
		put_string(&writer, ";\n\tl=");
		put_string(&writer, record->list_id);
	}
	put_uri(&writer, "u", record->url);
	put_uri(&writer, "m", record->mailto);
	return writer.full ? 0 : writer.len;
}
