/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "common/rules/conduct.h"

/* --- R15 ------------------------------------------------------------------------------
 */

void rmt_rule_unsubscribed(const struct rmt_left_facts *facts,
			   struct rmt_rule_findings *findings)
{
	if (facts->late > 0)
		rmt_rule_add(findings, RMT_R15, RMT_RULE_BROKEN, "recipients",
			     "%zu unsubscribed more than two days ago, one of them %d "
			     "days",
			     facts->late, (int)(facts->longest_secs / 86400));
	else if (facts->soon > 0)
		rmt_rule_add(findings, RMT_R15, RMT_RULE_HOLDS, "recipients",
			     "%zu unsubscribed within the last two days", facts->soon);
	else
		rmt_rule_add(findings, RMT_R15, RMT_RULE_HOLDS, "recipients",
			     "none has unsubscribed");
}

static bool suppresses_unsubscribed(const struct rmt_stream *stream)
{
	return stream->suppress == NULL ||
	       g_strv_contains((const char *const *)stream->suppress, "unsubscribe");
}

void rmt_rule_unsubscribe_honoured(const struct rmt_config *config,
				   struct rmt_rule_findings *findings)
{
	guint i;

	for (i = 0; i < config->streams->len; i++) {
		const struct rmt_stream *stream = config->streams->pdata[i];

		if (!rmt_has_unsubscribe(stream))
			continue;
		if (suppresses_unsubscribed(stream))
			rmt_rule_add(findings, RMT_R15, RMT_RULE_HOLDS, stream->name,
				     "the stream does not mail who unsubscribed");
		else
			rmt_rule_add(findings, RMT_R15, RMT_RULE_BROKEN, stream->name,
				     "the stream offers to be left, and its setting "
				     "suppress lacks \"unsubscribe\": who left is "
				     "mailed on");
	}
}

/* --- R21 ------------------------------------------------------------------------------
 */

bool rmt_is_srs(struct rmt_span sender)
{
	return sender.len > 5 &&
	       (strncasecmp(sender.p, "SRS0", 4) == 0 ||
		strncasecmp(sender.p, "SRS1", 4) == 0) &&
	       memchr("=+-", sender.p[4], 3) != NULL;
}

void rmt_rule_forwarded(const struct rmt_forward_facts *facts,
			struct rmt_rule_findings *findings)
{
	if (!facts->is_forwarded) {
		rmt_rule_add(findings, RMT_R21, RMT_RULE_HOLDS, "message",
			     "is not forwarded");
		return;
	}
	if (!facts->own_return_path)
		rmt_rule_add(findings, RMT_R21, RMT_RULE_BROKEN, "return path",
			     "is still the author's, so SPF fails for it (SRS rewrites "
			     "it)");
	if (facts->unknown)
		rmt_rule_add(findings, RMT_R21, RMT_RULE_UNKNOWN, "signature",
			     "DNS did not answer");
	else if (!facts->signature_holds)
		rmt_rule_add(findings, RMT_R21, RMT_RULE_BROKEN, "signature",
			     facts->has_arc ? "of the author's domain does not hold; ARC "
					      "may speak for it"
					    : "of the author's domain does not hold, and "
					      "there is no ARC");
	if (facts->own_return_path && facts->signature_holds)
		rmt_rule_add(findings, RMT_R21, RMT_RULE_HOLDS, "message",
			     "was passed on with its signature intact");
}

/* --- R22 ------------------------------------------------------------------------------
 */

static bool sign_alike(const struct rmt_stream *a, const struct rmt_stream *b)
{
	return a->dkim.domain == NULL || b->dkim.domain == NULL ||
	       g_ascii_strcasecmp(a->dkim.domain, b->dkim.domain) == 0;
}

static bool judge_pair(const struct rmt_stream *a, const struct rmt_stream *b,
		       struct rmt_rule_findings *findings)
{
	if (a->egress == NULL || a->egress != b->egress ||
	    strcmp(a->class, b->class) == 0 || !sign_alike(a, b))
		return false;
	rmt_rule_add(findings, RMT_R22, RMT_RULE_BROKEN, a->egress->name,
		     "streams %s and %s share this egress, so one harms the other",
		     a->name, b->name);
	return true;
}

void rmt_rule_streams_apart(const struct rmt_config *config,
			    struct rmt_rule_findings *findings)
{
	bool broken = false, any = false;
	guint i, j;

	for (i = 0; i < config->streams->len; i++) {
		const struct rmt_stream *a = config->streams->pdata[i];

		any = any || a->egress != NULL;
		for (j = i + 1; j < config->streams->len; j++)
			broken = judge_pair(a, config->streams->pdata[j], findings) ||
				 broken;
	}
	if (any && !broken)
		rmt_rule_add(findings, RMT_R22, RMT_RULE_HOLDS, "streams",
			     "each kind of mail leaves by its own egress or is signed by "
			     "its own domain");
}
