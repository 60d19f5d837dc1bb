/* SPDX-License-Identifier: MIT */
/* mta_sts.h - the policy behind https://mta-sts.DOMAIN/.well-known/mta-sts.txt
 * (RFC 8461, 3.2): which hosts of a domain's MX other servers may deliver to. */
#ifndef RMT_MTA_STS_H
#define RMT_MTA_STS_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/base/span.h"

enum {
	RMT_STS_POLICY_MAX = 64 * 1024, /* octets that are read: RFC 8461, 3.3 */
	RMT_STS_AGE_MAX = 31557600,     /* seconds */
};

enum rmt_sts_mode { RMT_STS_NONE, RMT_STS_TESTING, RMT_STS_ENFORCE };

struct rmt_sts_policy {
	enum rmt_sts_mode mode;
	uint32_t max_age_secs;
	GPtrArray *mx; /* own; char *, lower case: "mail.example.com", "*.example.net" */
};

/* False: no policy, for which senders go on as if there were none; the sentence says
 * what is wrong. policy_r is then empty. */
bool rmt_sts_policy_read(struct rmt_span text, struct rmt_sts_policy *policy_r,
			 GError **err);
void rmt_sts_policy_clear(struct rmt_sts_policy *policy);

/* A name of the MX is one the policy lists; "*." stands for one label. */
bool rmt_sts_policy_allows(const struct rmt_sts_policy *policy, struct rmt_span host);

const char *rmt_sts_mode_name(enum rmt_sts_mode mode); /* "none", "testing", "enforce" */

#endif
