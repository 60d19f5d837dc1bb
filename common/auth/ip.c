/* SPDX-License-Identifier: MIT */
/* ip.c - addresses of hosts. */
#include <arpa/inet.h>

#include "common/auth/ip.h"

/* One number up to 255 without leading zeros; returns octets read, 0: none. */
static size_t read_number(struct rmt_span text, uint8_t *value_r)
{
	unsigned value = 0;
	size_t i;

	for (i = 0; i < text.len && i < 3 && g_ascii_isdigit(text.p[i]); i++)
		value = value * 10 + (unsigned)(text.p[i] - '0');
	if (value > 255 || (i > 1 && text.p[0] == '0'))
		return 0;
	*value_r = (uint8_t)value;
	return i;
}

bool rmt_ip4_parse(struct rmt_span text, uint8_t octets_r[4])
{
	uint8_t octets[4];
	int i;

	for (i = 0; i < 4; i++) {
		size_t read;

		if (i > 0) {
			if (text.len == 0 || text.p[0] != '.')
				return false;
			text = rmt_span_from(text, 1);
		}
		read = read_number(text, &octets[i]);
		if (read == 0)
			return false;
		text = rmt_span_from(text, read);
	}
	if (text.len > 0)
		return false;
	memcpy(octets_r, octets, 4);
	return true;
}

bool rmt_ip_parse(struct rmt_span text, struct rmt_ip *ip_r)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	char copy[INET6_ADDRSTRLEN];
	struct rmt_ip ip = { false, { 0 } };

	if (rmt_ip4_parse(text, ip.octets)) {
		*ip_r = ip;
		return true;
	}
	if (text.len == 0 || text.len >= sizeof(copy) ||
	    memchr(text.p, '\0', text.len) != NULL)
		return false;
	memcpy(copy, text.p, text.len);
	copy[text.len] = '\0';
	if (inet_pton(AF_INET6, copy, ip.octets) != 1)
		return false;
	ip.is_v6 = memcmp(ip.octets, mapped, sizeof(mapped)) != 0;
	if (!ip.is_v6)
		memmove(ip.octets, ip.octets + 12, 4);
	*ip_r = ip;
	return true;
}

void rmt_ip_format(const struct rmt_ip *ip, GString *out)
{
	char text[INET6_ADDRSTRLEN];

	if (inet_ntop(ip->is_v6 ? AF_INET6 : AF_INET, ip->octets, text, sizeof(text)))
		g_string_append(out, text);
}

void rmt_ip_format_dotted(const struct rmt_ip *ip, GString *out)
{
	static const char digits[] = "0123456789ABCDEF";
	int i;

	if (!ip->is_v6) {
		rmt_ip_format(ip, out);
		return;
	}
	for (i = 0; i < 16; i++) {
		const char text[4] = { digits[ip->octets[i] >> 4], '.',
				       digits[ip->octets[i] & 15], '.' };

		g_string_append_len(out, text, i < 15 ? 4 : 3);
	}
}

void rmt_ip_format_reverse(const struct rmt_ip *ip, GString *out)
{
	int i;

	if (!ip->is_v6) {
		g_string_append_printf(out, "%u.%u.%u.%u.in-addr.arpa", ip->octets[3],
				       ip->octets[2], ip->octets[1], ip->octets[0]);
		return;
	}
	for (i = 15; i >= 0; i--)
		g_string_append_printf(out, "%x.%x.", ip->octets[i] & 15,
				       ip->octets[i] >> 4);
	g_string_append(out, "ip6.arpa");
}

bool rmt_ip_match(const uint8_t *a, const uint8_t *b, unsigned prefix_bits)
{
	unsigned whole = prefix_bits / 8, rest = prefix_bits % 8;

	if (memcmp(a, b, whole) != 0)
		return false;
	return rest == 0 || ((a[whole] ^ b[whole]) >> (8 - rest)) == 0;
}
