/* SPDX-License-Identifier: MIT */
#include "common/token/letters.h"

void rmt_letters_write(const unsigned char *octets, size_t len, GString *out)
{
	static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";
	size_t at = out->len, i;
	unsigned bits = 0, held = 0;

	g_string_set_size(out, at + rmt_letters_count(len));
	for (i = 0; i < len; i++) {
		held = held << 8 | octets[i];
		for (bits += 8; bits >= 5; bits -= 5)
			out->str[at++] = alphabet[held >> (bits - 5) & 31];
		held &= 31;
	}
	if (bits > 0)
		out->str[at] = alphabet[held << (5 - bits) & 31];
}

static int value_of(char c)
{
	if (c >= 'a' && c <= 'z')
		return c - 'a';
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	return c >= '2' && c <= '7' ? c - '2' + 26 : -1;
}

bool rmt_letters_read(struct rmt_span text, unsigned char *octets_r, size_t size,
		      size_t *len_r)
{
	const size_t octets = text.len * 5 / 8;
	unsigned bits = 0, held = 0;
	size_t i, at = 0;
	int value;

	if (octets > size || rmt_letters_count(octets) != text.len)
		return false;
	for (i = 0; i < text.len; i++) {
		value = value_of(text.p[i]);
		if (value < 0)
			return false;
		held = (held << 5 | (unsigned)value) & 0xfff;
		bits += 5;
		if (bits >= 8) {
			bits -= 8;
			octets_r[at++] = (unsigned char)(held >> bits);
		}
	}
	*len_r = at;
	return (held & ((1u << bits) - 1)) == 0;
}
