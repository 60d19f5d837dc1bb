/* SPDX-License-Identifier: MIT */
/* end.h - the end of a message: its steps run, one line says what came of it, and
 * the host gets what it has to do. */
#ifndef RMT_MILTER_END_H
#define RMT_MILTER_END_H

#include "postfix-policy/milter/milter.h"
#include "postfix-policy/milter/step.h"

/* macro: asks libmilter; may be NULL. message_r is finished by the caller, who does
 * what message_r->outcome.done says, and message_r->edits where rmt_end_edits(). */
void rmt_end_of_message(struct rmt_milter *milter, struct rmt_in_force *in_force,
			struct rmt_session *session,
			const char *(*macro)(void *context, const char *name),
			void *macro_context, struct rmt_milter_message *message_r);

/* Whether the edits are made: not in report mode, and not to what is refused. */
bool rmt_end_edits(const struct rmt_milter_message *message);

/* One of the edits throws it away. */
bool rmt_end_discards(const struct rmt_milter_message *message);

#endif
