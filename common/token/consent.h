/* SPDX-License-Identifier: MIT */
/* consent.h - links by which a user answers whether a receipt may be sent.
 *
 * The token says whose question and which, and until when it may be answered. It
 * opens the page; the answer is checked by remite-agent against the open prompt,
 * so that one that was answered, or whose time is over, is not asked again.
 */
#ifndef RMT_CONSENT_H
#define RMT_CONSENT_H

#include "common/token/token.h"

enum { RMT_CONSENT_KEY = 16, RMT_CONSENT_USER_MAX = 255 };

struct rmt_consent {
	char user[RMT_CONSENT_USER_MAX + 1];
	unsigned char key[RMT_CONSENT_KEY]; /* of the claim (common/store/claims.h) */
	int64_t until;                      /* Unix seconds */
};

/* sealer: of RMT_PURPOSE_CONSENT. Appends the token. */
void rmt_consent_seal(struct rmt_sealer *sealer, const struct rmt_consent *consent,
		      GString *out);
/* until is not looked at. */
enum rmt_token_result rmt_consent_open(struct rmt_sealer *sealer, struct rmt_span text,
				       struct rmt_consent *consent_r);

#endif
