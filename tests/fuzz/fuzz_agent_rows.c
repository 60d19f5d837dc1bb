/* SPDX-License-Identifier: MIT */
/* What remite-agent stores and reads again: the first octet chooses which. */
#include <stddef.h>
#include <stdint.h>

#include "common/store/claims.h"
#include "common/store/jobs.h"
#include "common/store/prompts.h"
#include "dovecot-plugin/agent/receipt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_order(struct rmt_span value)
{
	struct rmt_receipt_order order = { .receipt = NULL };
	g_autoptr(GString) again = g_string_new(NULL);

	if (!rmt_receipt_order_unpack(value, &order))
		return;
	rmt_receipt_order_pack(&order, again);
	rmt_receipt_order_clear(&order);
	g_assert(rmt_receipt_order_unpack(rmt_span(again->str, again->len), &order));
	rmt_receipt_order_clear(&order);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rmt_span value;
	g_autoptr(GString) id = NULL;

	if (size == 0)
		return 0;
	value = rmt_span((const char *)data + 1, size - 1);
	switch (data[0] % 6) {
	case 0:
		rmt_claim_free(rmt_claim_read(value));
		break;
	case 1:
		rmt_job_free(rmt_job_read(RMT_SPAN("receipt\0one"), value));
		break;
	case 2:
		rmt_prompt_free(rmt_prompt_read(RMT_SPAN("ann\0key"), value));
		break;
	case 3:
		rmt_case_free(rmt_case_unpack(value));
		break;
	case 4:
		read_order(value);
		break;
	case 5:
		id = g_string_new(NULL);
		rmt_claim_id(value, id);
		g_assert(id->len <= RMT_CLAIM_ID_MAX);
		break;
	}
	return 0;
}
