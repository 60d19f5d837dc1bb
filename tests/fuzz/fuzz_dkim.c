/* SPDX-License-Identifier: MIT */
/* A key record, then a message: "RECORD\0MESSAGE". Both verifiers are asked;
 * in pieces and at once the result is the same. */
#include <stdint.h>
#include <stdlib.h>

#include "common/auth/dkim_key.h"
#include "common/auth/dkim_opendkim.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct rmt_dkim_keys *keys;
static struct rmt_dkim_second *second;

static void answer(struct rmt_asker *asker, struct rmt_span record)
{
	struct rmt_dns_record records[] = { { .data = record } };
	struct rmt_dns_answer found = { .status = RMT_DNS_FOUND,
					.count = 1,
					.records = records };

	while (asker->waits)
		rmt_dns_resume(asker, &found);
}

static enum rmt_dkim_reason judge(struct rmt_span record, struct rmt_span message,
				  struct rmt_dkim_second *with)
{
	struct rmt_dkim_settings settings = RMT_DKIM_SETTINGS_DEFAULT;
	enum rmt_dkim_reason reason = RMT_DKIM_SYNTAX;
	struct rmt_dkim *dkim;
	size_t i;

	settings.second = with;
	settings.signatures_max = 3;
	dkim = rmt_dkim_new(&settings, keys);
	rmt_dkim_message(dkim, message);
	answer(rmt_dkim_asker(dkim), record);
	rmt_dkim_finish(dkim, 1700000000);
	for (i = 0; rmt_dkim_get(dkim, i) != NULL; i++) {
		const struct rmt_dkim_signature *one = rmt_dkim_get(dkim, i);
		size_t octets = one->domain.len + one->selector.len + one->b.len;

		if (octets > message.len * 2 || one->result == RMT_DKIM_NONE)
			abort();
		if (i == 0)
			reason = one->reason;
	}
	rmt_dkim_free(dkim);
	return reason;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rmt_span record, message, all = rmt_span((const char *)data, size);
	enum rmt_dkim_reason one, two;

	if (keys == NULL) {
		keys = rmt_dkim_keys_new(16);
		second = rmt_dkim_opendkim_new();
	}
	if (!rmt_span_split(all, '\0', &record, &message))
		return 0;
	one = judge(record, message, NULL);
	two = judge(record, message, second);
	if (one != two && (one != RMT_DKIM_OK || two != RMT_DKIM_DISAGREE))
		abort();
	return 0;
}
