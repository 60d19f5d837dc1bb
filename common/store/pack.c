/* SPDX-License-Identifier: MIT */
#include "common/store/pack.h"

void rmt_pack_number(GString *out, uint64_t number)
{
	for (; number > 0x7f; number >>= 7)
		g_string_append_c(out, (char)(number | 0x80));
	g_string_append_c(out, (char)number);
}

void rmt_pack_string(GString *out, struct rmt_span string)
{
	rmt_pack_number(out, string.len);
	g_string_append_len(out, string.p, (gssize)string.len);
}

uint64_t rmt_unpack_number(struct rmt_unpack *in)
{
	uint64_t number = 0;
	unsigned shift = 0, octet;

	while (in->rest.len > 0 && shift < 64) {
		octet = (unsigned char)in->rest.p[0];
		in->rest = rmt_span_from(in->rest, 1);
		number |= (uint64_t)(octet & 0x7f) << shift;
		if (octet <= 0x7f)
			return number;
		shift += 7;
	}
	in->damaged = true;
	in->rest.len = 0;
	return 0;
}

struct rmt_span rmt_unpack_string(struct rmt_unpack *in)
{
	uint64_t len = rmt_unpack_number(in);
	struct rmt_span string;

	if (len > in->rest.len) {
		in->damaged = true;
		in->rest.len = 0;
		return rmt_span(NULL, 0);
	}
	string = rmt_span(in->rest.p, len);
	in->rest = rmt_span_from(in->rest, len);
	return string;
}
