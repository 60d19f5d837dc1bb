/* SPDX-License-Identifier: MIT */
/* Any octets as X-Remite-Unsubscribe, as a header that may have one, and as Received:
 * what is read is within bounds, and is read again as it is written. */
#include <stdlib.h>
#include <string.h>

#include "common/unsubscribe/proof.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct rmt_proof *proof)
{
	char value[8 * 1024];
	struct rmt_proof again;
	size_t len = rmt_proof_write(proof, value, sizeof(value));

	if (proof->url[0] == '\0' && proof->mailto[0] == '\0')
		abort(); /* a record of nothing */
	if (len == 0)
		return;
	if (!rmt_proof_read(rmt_span(value, len), &again) ||
	    strcmp(again.url, proof->url) != 0 ||
	    strcmp(again.mailto, proof->mailto) != 0 ||
	    strcmp(again.domain, proof->domain) != 0 ||
	    strcmp(again.selector, proof->selector) != 0 ||
	    strcmp(again.list_id, proof->list_id) != 0 || again.time != proof->time)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const own[] = { "mx.example.test", NULL };
	/* Without a NUL behind it: an over-read shows. */
	const struct rmt_span text = rmt_span((const char *)data, size);
	struct rmt_span host = rmt_received_by(text);
	struct rmt_proof proof;

	if (host.len > 0 && (host.p < text.p || host.p + host.len > text.p + text.len))
		abort();
	if (rmt_proof_read(text, &proof))
		check(&proof);
	if (rmt_proof_find(text, own, &proof))
		check(&proof);
	return 0;
}
