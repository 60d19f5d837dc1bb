/* SPDX-License-Identifier: MIT */
/* pack.h - numbers and strings one after another in a stored value.
 *
 * Numbers take 7 bits an octet, the low ones first; a string is its length and
 * its octets. Reading never passes the end: it gives zeros and empty strings
 * from there on and sets damaged, to be asked once at the end.
 */
#ifndef RMT_PACK_H
#define RMT_PACK_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/base/span.h"

void rmt_pack_number(GString *out, uint64_t number);
void rmt_pack_string(GString *out, struct rmt_span string);

struct rmt_unpack {
	struct rmt_span rest;
	bool damaged;
};
uint64_t rmt_unpack_number(struct rmt_unpack *in);
struct rmt_span rmt_unpack_string(struct rmt_unpack *in);

#endif
