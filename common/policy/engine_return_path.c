/* SPDX-License-Identifier: MIT */
/* Where Postfix appends the recipient to the sender (XVERP), it looks at no length: it
 * would send local parts of 150 octets, which others refuse (RFC 5321, 4.5.3.1.1). Such
 * a recipient is refused by himself, at RCPT. */
#include <stdio.h>

#include "common/policy/engine_private.h"

#include "common/token/verp.h"

/* As long as the milter's; which message it is, is not known yet. */
static const char any_message[] = "aaaaaaaa";

static bool has_room(const struct rmt_return_setting *path, struct rmt_span recipient)
{
	const struct rmt_span ids[RMT_VERP_IDS_MAX] = { rmt_span_of(path->id),
							rmt_span_of(any_message),
							rmt_span_of(any_message) };
	struct rmt_verp_form form;

	return !rmt_verp_form(rmt_span_of(path->address), path->ids, &form, NULL) ||
	       rmt_verp_has_room(&form, ids, recipient);
}

bool rmt_check_xverp(const struct rmt_work *work, struct rmt_decision *decision)
{
	const struct rmt_return_setting *path = &work->stream->return_path;

	if (!path->xverp || path->address == NULL || path->keep ||
	    work->recipient.whole.len == 0 || has_room(path, work->recipient.whole))
		return false;
	rmt_rule_says(work, RMT_RULE_RETURN_PATH, RMT_ACTION_REJECT, decision);
	g_strlcpy(decision->rule_name, "return-path", sizeof(decision->rule_name));
	snprintf(decision->text, sizeof(decision->text),
		 "5.1.3 This address is too long for the return paths of stream %s: they "
		 "have %d octets (send to it apart, without XVERP)",
		 work->stream->name, RMT_VERP_LOCAL_MAX);
	return true;
}
