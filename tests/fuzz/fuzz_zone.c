/* SPDX-License-Identifier: MIT */
/* A zone file by chance, and questions for the names in it. */
#include <glib.h>
#include <stdint.h>

#include "common/auth/zone.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ask(struct rmt_zone *zone, struct rmt_span name)
{
	static const enum rmt_dns_type types[] = { RMT_DNS_A, RMT_DNS_TXT, RMT_DNS_MX,
						   RMT_DNS_PTR, RMT_DNS_CNAME };
	size_t i, j;

	for (i = 0; i < G_N_ELEMENTS(types); i++) {
		struct rmt_dns_question question = { types[i], name };
		const struct rmt_dns_answer *answer = rmt_zone_look_up(zone, &question);

		g_assert((answer->count > 0) == (answer->status == RMT_DNS_FOUND));
		for (j = 0; j < answer->count; j++)
			g_assert(types[i] != RMT_DNS_A ||
				 answer->records[j].data.len == 4);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *copy = g_memdup2(data, size);
	struct rmt_span rest = rmt_span(copy, size);
	g_autoptr(rmt_zone) zone = rmt_zone_new();

	while (rest.len > 0) {
		struct rmt_span line = rest, word, tail;

		if (!rmt_span_split(rest, '\n', &line, &rest))
			rest.len = 0;
		if (rmt_zone_add(zone, line, NULL) &&
		    rmt_span_split(line, ' ', &word, &tail))
			ask(zone, word);
	}
	ask(zone, RMT_SPAN("a.b.example.com"));
	return 0;
}
