/* SPDX-License-Identifier: MIT */
/* attribute.h - whose mail is a report about, and who says so?
 *
 * In this order: a return path of ours, where it came to or anywhere in it (nobody
 * else can make one); for mail that came to the bare root, the envelope id and the
 * Message-ID of what is returned; for complaints signed by a loop that is listed,
 * the Message-ID. Anything else is a stranger's.
 */
#ifndef RMT_FEEDBACK_ATTRIBUTE_H
#define RMT_FEEDBACK_ATTRIBUTE_H

#include "common/feedback/feedback.h"
#include "common/feedback/mailed.h"

struct rmt_attribution {
	enum rmt_proof proof;            /* NONE: a stranger's */
	const struct rmt_stream *stream; /* of the configuration; NULL: gone since */
	char *message;                   /* own; key of "sent"; "" */
	char *recipient; /* own; whom the return path is for; "" where it is for several
			  */
	int64_t sent_at;
	struct rmt_mailed *sent;     /* own; or NULL */
	enum rmt_verp_result result; /* what the address it came to is */
};
void rmt_attribution_clear(struct rmt_attribution *who);

/* message: as it was put in; report: what it says. */
bool rmt_attribute(struct rmt_feedback *feedback, const struct rmt_feedback_item *item,
		   const struct rmt_report *report, int64_t now,
		   struct rmt_attribution *who_r, GError **err);

/* Whether a listed loop signed it, as our own Authentication-Results say. */
bool rmt_attribute_signed(const struct rmt_feedback_config *config,
			  struct rmt_span message);

#endif
