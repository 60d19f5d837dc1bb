/* SPDX-License-Identifier: MIT */
#include "dovecot-plugin/evidence.h"

/* Its text was read, by itself, and the client calls it read: now, or since
 * long. A PEEK at an unread message is a prefetch until \Seen follows. */
static bool was_opened(const struct rmt_sight *sight)
{
	if (!sight->body_read || sight->others_read)
		return false;
	if (sight->became_seen)
		return !sight->others_became;
	return sight->was_seen && !sight->in_a_run;
}

/* A client that has the text already only says that it was read. */
static bool was_opened_offline(enum rmt_evidence rule, const struct rmt_sight *sight)
{
	if (!sight->became_seen || sight->others_became || sight->others_read)
		return false;
	return sight->fetched_before || rule == RMT_EVIDENCE_SEEN;
}

enum rmt_verdict rmt_evidence_judge(enum rmt_evidence rule, const struct rmt_sight *sight)
{
	if (was_opened(sight) || was_opened_offline(rule, sight))
		return rule == RMT_EVIDENCE_STRICT ? RMT_VERDICT_DWELL
						   : RMT_VERDICT_SHOWN;
	return sight->body_read ? RMT_VERDICT_FETCHED : RMT_VERDICT_NOTHING;
}
