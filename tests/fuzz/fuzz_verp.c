/* SPDX-License-Identifier: MIT */
/* Any address as a return path: what is proven was made by the ring, and what is
 * made of any recipient is read again. */
#include <stdlib.h>

#include "common/token/verp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { NOW = 1795312800, AGE = 60 * 86400 };

static const struct rmt_span ids[] = { { "news", 4 }, { "k3f9q2ab", 8 } };

static void make_and_read(const struct rmt_verp_ring *ring,
			  const struct rmt_verp_form *form, struct rmt_span recipient)
{
	struct rmt_verp_made made;
	struct rmt_verp_parts parts;
	enum rmt_verp_result result;

	if (!rmt_verp_make(ring, form, ids, recipient, NOW, &made, NULL))
		abort();
	if (strcspn(made.address, "@") > RMT_VERP_LOCAL_MAX)
		abort();
	result = rmt_verp_read(ring, form, rmt_span_of(made.address), NOW, AGE, &parts);
	if (result != (made.is_short        ? RMT_VERP_SHORT
		       : recipient.len == 0 ? RMT_VERP_MESSAGE
					    : RMT_VERP_PROVEN))
		abort();
	if (result == RMT_VERP_PROVEN && !rmt_span_eq(parts.recipient, recipient))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rmt_span text = rmt_span((const char *)data, size);
	struct rmt_verp_ring *ring = rmt_verp_ring_new();
	struct rmt_verp_parts parts;
	struct rmt_verp_form form, any;
	char out[RMT_VERP_INPUT_MAX + 1];

	rmt_verp_ring_add(ring, 3, (const unsigned char *)"secret", 6);
	if (!rmt_verp_form(RMT_SPAN("b@b.example"), 2, &form, NULL))
		abort();
	rmt_verp_form(text, 2, &any, NULL);
	if (rmt_verp_unwrap(text, out) > RMT_VERP_INPUT_MAX)
		abort();
	rmt_verp_read(ring, &form, text, NOW, AGE, &parts);
	make_and_read(ring, &form, text);
	rmt_verp_ring_free(ring);
	return 0;
}
