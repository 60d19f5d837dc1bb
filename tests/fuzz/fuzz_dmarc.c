/* SPDX-License-Identifier: MIT */
/* A policy record and domains by chance: DMARC ends, asks no more than a walk
 * may, and never aligns what is not related.
 *
 * Input: lines: author's domain, SPF's, a signature's, records. */
#include <glib.h>
#include <stdint.h>

#include "common/auth/dmarc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct rmt_span next_line(struct rmt_span *rest)
{
	struct rmt_span line = *rest;

	if (!rmt_span_split(*rest, '\n', &line, rest))
		rest->len = 0;
	return line;
}

static void run(struct rmt_asker *asker, struct rmt_span rest)
{
	while (asker->waits) {
		struct rmt_span line = next_line(&rest);
		struct rmt_dns_record record = { .data = line };
		struct rmt_dns_answer answer = { .status = RMT_DNS_FOUND,
						 .ttl_secs = 60,
						 .count = 1,
						 .records = &record };

		g_assert(rmt_dns_name_ok(asker->question.name));
		if (line.len < 2) {
			answer.status =
				line.len == 0 ? RMT_DNS_NXDOMAIN : RMT_DNS_SERVFAIL;
			answer.count = 0;
		}
		rmt_dns_resume(asker, &answer);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct rmt_psl *psl;
	g_autofree char *copy = g_memdup2(data, size);
	g_autoptr(rmt_dmarc) dmarc = rmt_dmarc_new();
	struct rmt_span rest = rmt_span(copy, size);
	struct rmt_dmarc_identity signature = { .result = RMT_DMARC_AUTH_PASS };
	struct rmt_dmarc_query query = { .dkim = &signature, .dkim_count = 1 };
	const struct rmt_dmarc_result *result;

	if (psl == NULL)
		psl = rmt_psl_open();
	query.psl = psl;
	query.from = next_line(&rest);
	query.spf.domain = next_line(&rest);
	query.spf.result = RMT_DMARC_AUTH_PASS;
	signature.domain = next_line(&rest);
	run(rmt_dmarc_start(dmarc, &query), rest);
	result = rmt_dmarc_result(dmarc);
	g_assert(result->questions <= 3 * RMT_WALK_MAX + 2);
	g_assert(result->tree.verdict != RMT_DMARC_PASS || result->tree.spf_aligned ||
		 result->tree.dkim_aligned);
	g_assert(result->tree.verdict != RMT_DMARC_FAIL || result->tree.record.len > 0);
	return 0;
}
