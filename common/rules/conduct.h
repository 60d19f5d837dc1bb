/* SPDX-License-Identifier: MIT */
/* conduct.h - rules about how mail is handled here: whether who left is left in peace
 * (R15), how mail of others is passed on (R21), and whether kinds of mail are kept apart
 * (R22). All are notes.
 */
#ifndef RMT_CONDUCT_H
#define RMT_CONDUCT_H

#include "common/config/config.h"
#include "common/rules/rules.h"

/* Mail of others that passes through. */
struct rmt_forward_facts {
	bool is_forwarded;    /* not ours by origin: a list's, or redirected */
	bool signature_holds; /* one of the author's domain */
	bool unknown;         /* DNS did not answer about it */
	bool has_arc;         /* an ARC-Seal field */
	bool own_return_path; /* the envelope sender is ours: SRS, or a list's bounces */
};
void rmt_rule_forwarded(const struct rmt_forward_facts *facts,
			struct rmt_rule_findings *findings); /* R21 */

/* Of a message's recipients. */
struct rmt_left_facts {
	size_t soon, late;    /* who unsubscribed within two days, and before */
	int64_t longest_secs; /* the time since, of who waits longest */
};
enum { RMT_LEFT_LATE_SECS = 2 * 86400 };
void rmt_rule_unsubscribed(const struct rmt_left_facts *facts,
			   struct rmt_rule_findings *findings); /* R15 */

/* Streams that offer to be left, and do not suppress who left. */
void rmt_rule_unsubscribe_honoured(const struct rmt_config *config,
				   struct rmt_rule_findings *findings); /* R15 */

/* Whether an envelope sender was rewritten by SRS: SRS0=..., SRS1=... */
bool rmt_is_srs(struct rmt_span sender);

/* Kinds of mail (class) that leave by the same egress, or are signed by the same domain
 * from it. */
void rmt_rule_streams_apart(const struct rmt_config *config,
			    struct rmt_rule_findings *findings); /* R22 */

#endif
