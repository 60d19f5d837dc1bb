/* SPDX-License-Identifier: MIT */
/* An answer by chance, as a lying server might send it. */
#include <glib.h>
#include <stdint.h>

#include "common/auth/dns_packet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void touch(const struct rmt_dns_answer *answer, unsigned char *sum)
{
	size_t i, j;

	g_assert((answer->count > 0) == (answer->status == RMT_DNS_FOUND));
	for (i = 0; i < answer->count; i++)
		for (j = 0; j < answer->records[i].data.len; j++)
			*sum ^= (unsigned char)answer->records[i].data.p[j];
	for (j = 0; j < answer->canonical.len; j++)
		*sum ^= (unsigned char)answer->canonical.p[j];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum rmt_dns_type types[] = { RMT_DNS_A,   RMT_DNS_AAAA, RMT_DNS_TXT,
						   RMT_DNS_MX,  RMT_DNS_PTR,  RMT_DNS_SOA,
						   RMT_DNS_TLSA };
	g_autofree char *copy = g_memdup2(data, size);
	struct rmt_dns_packet packet;
	volatile unsigned char sink;
	unsigned char sum = 0;
	size_t i;

	rmt_dns_packet_init(&packet);
	for (i = 0; i < G_N_ELEMENTS(types); i++) {
		rmt_dns_packet_read(&packet, rmt_span(copy, size), types[i]);
		touch(&packet.answer, &sum);
	}
	rmt_dns_packet_finish(&packet);
	sink = sum;
	(void)sink;
	return 0;
}
