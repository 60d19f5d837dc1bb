/* SPDX-License-Identifier: MIT */
/* provider.h - who keeps a mailbox: rates are compared within a provider, since each
 * has its own idea of what is too much, and most report no complaints at all. */
#ifndef RMT_FEEDBACK_PROVIDER_H
#define RMT_FEEDBACK_PROVIDER_H

#include <stdbool.h>

#include "common/base/span.h"

/* "gmail", "yahoo", "microsoft", "apple", ... or "other"; domain: folded. */
const char *rmt_feedback_provider(struct rmt_span domain);

/* Sends reports of single complaints to who asks for them: there is a denominator.
 * False: "no data", whatever was counted. */
bool rmt_provider_complains(const char *provider);

#endif
