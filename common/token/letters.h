/* SPDX-License-Identifier: MIT */
/* letters.h - octets as letters that survive any change of case (RFC 4648, 6; lower
 * case, without padding). */
#ifndef RMT_LETTERS_H
#define RMT_LETTERS_H

#include <glib.h>
#include <stdbool.h>

#include "common/base/span.h"

static inline size_t rmt_letters_count(size_t octets)
{
	return (octets * 8 + 4) / 5;
}

/* Appends rmt_letters_count(len) letters. */
void rmt_letters_write(const unsigned char *octets, size_t len, GString *out);

/* Either case. False for a foreign letter, for a length that no number of octets
 * has, for bits left over that are not zero, and for more than size octets. */
bool rmt_letters_read(struct rmt_span text, unsigned char *octets_r, size_t size,
		      size_t *len_r);

#endif
