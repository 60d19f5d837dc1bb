/* SPDX-License-Identifier: MIT */
/* Any octets as a header section: an answer, and an address only in order. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/message/from.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rmt_from from;

	if (rmt_from_read(rmt_span((const char *)data, size), &from)) {
		const char *at = strrchr(from.address, '@');

		if (at == NULL || strcasecmp(at + 1, from.domain) != 0 ||
		    from.domain[0] == '\0')
			abort();
	} else if (from.reason[0] == '\0' || from.address[0] != '\0' ||
		   from.offset > size) {
		abort();
	}
	return 0;
}
