/* SPDX-License-Identifier: MIT */
/* leave.h - mail to the mailto address of List-Unsubscribe. */
#ifndef RMT_FEEDBACK_LEAVE_H
#define RMT_FEEDBACK_LEAVE_H

#include "common/feedback/feedback.h"

/* NULL: it has no token of ours. Own. */
struct rmt_event *rmt_feedback_leave(struct rmt_feedback *feedback,
				     const struct rmt_feedback_item *item, int64_t now);

#endif
