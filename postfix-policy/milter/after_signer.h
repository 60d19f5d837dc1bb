/* SPDX-License-Identifier: MIT */
/* after_signer.h - the end of a message behind the signer: gather, judge, answer
 * and say so in one line. */
#ifndef RMT_MILTER_AFTER_SIGNER_H
#define RMT_MILTER_AFTER_SIGNER_H

#include "postfix-policy/milter/milter.h"
#include "postfix-policy/milter/session.h"
#include "postfix-policy/milter/verdict.h"

/* What the host does to the message. */
struct rmt_end {
	enum rmt_level done;    /* DEFER and REJECT: with reply; HEADER: with field */
	struct rmt_reply reply; /* own by value */
	GString *field;         /* own; NULL unless HEADER */
};

void rmt_after_signer(struct rmt_milter *milter, struct rmt_session *session,
		      struct rmt_end *end_r);
void rmt_end_clear(struct rmt_end *end);

#endif
