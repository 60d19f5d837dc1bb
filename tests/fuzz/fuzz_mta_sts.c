/* SPDX-License-Identifier: MIT */
/* MTA-STS policies: what is taken keeps its bounds. */
#include "common/auth/mta_sts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct rmt_span text = rmt_span((const char *)data, size);
	struct rmt_sts_policy policy;

	if (rmt_sts_policy_read(text, &policy, NULL)) {
		if (policy.max_age_secs > RMT_STS_AGE_MAX ||
		    (policy.mode != RMT_STS_NONE && policy.mx->len == 0))
			__builtin_trap();
		rmt_sts_policy_allows(&policy, text);
		rmt_sts_policy_allows(&policy, RMT_SPAN("mail.example.com"));
	}
	rmt_sts_policy_clear(&policy);
	return 0;
}
