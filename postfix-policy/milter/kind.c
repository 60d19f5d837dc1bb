/* SPDX-License-Identifier: MIT */
#include "postfix-policy/milter/kind.h"

#include <glib.h>

#include "common/message/header.h"
#include "common/rules/conduct.h"

const char *rmt_kind_name(enum rmt_kind kind)
{
	static const char *const names[] = { "direct", "notice", "indirect" };

	return names[kind];
}

static bool starts_nocase(struct rmt_span text, struct rmt_span head)
{
	return text.len >= head.len &&
	       rmt_span_eq_nocase(rmt_span(text.p, head.len), head);
}

static bool has_word(struct rmt_span text, struct rmt_span word)
{
	for (; text.len >= word.len; text = rmt_span_from(text, 1))
		if (starts_nocase(text, word))
			return true;
	return false;
}

/* multipart/report; report-type=delivery-status */
static bool is_report(struct rmt_span value)
{
	enum { LOOKED_AT = 998 };
	struct rmt_span text = rmt_span_trim(value);

	text.len = MIN(text.len, LOOKED_AT);
	return starts_nocase(text, RMT_SPAN("multipart/report")) &&
	       (has_word(text, RMT_SPAN("delivery-status")) ||
		has_word(text, RMT_SPAN("disposition-notification")));
}

void rmt_kind_look(struct rmt_span section, struct rmt_kind_signs *signs_r)
{
	struct rmt_header_reader reader = rmt_header_read(section);
	struct rmt_header_field field;

	*signs_r = (struct rmt_kind_signs){ false, false, false };
	while (rmt_header_next(&reader, &field)) {
		if (rmt_span_eq_nocase(field.name, RMT_SPAN("Content-Type")))
			signs_r->report |= is_report(field.value);
		else if (rmt_span_eq_nocase(field.name, RMT_SPAN("List-Id")))
			signs_r->list_id = true;
		else if (starts_nocase(field.name, RMT_SPAN("Resent-")))
			signs_r->resent = true;
	}
}

enum rmt_kind rmt_kind_of(const struct rmt_kind_signs *signs, struct rmt_span sender,
			  bool foreign_signature)
{
	if (sender.len == 0)
		return RMT_KIND_NOTICE;
	if (signs->resent || rmt_is_srs(sender) || (signs->list_id && foreign_signature))
		return RMT_KIND_INDIRECT;
	return signs->report ? RMT_KIND_NOTICE : RMT_KIND_DIRECT;
}
