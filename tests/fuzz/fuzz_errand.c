/* SPDX-License-Identifier: MIT */
/* Any octets as an errand of the queue: none, or one that is packed to the same. */
#include <stdlib.h>
#include <string.h>

#include "dovecot-plugin/agent/errand.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autoptr(rmt_errand) errand =
		rmt_errand_unpack(rmt_span((const char *)data, size));
	g_autoptr(rmt_errand) again = NULL;
	g_autoptr(GString) packed = g_string_new(NULL);
	g_autoptr(GString) twice = g_string_new(NULL);

	if (errand == NULL)
		return 0;
	if (errand->stage >= RMT_ERRAND_STAGES || errand->subject == NULL)
		abort();
	rmt_errand_pack(errand, packed);
	again = rmt_errand_unpack(rmt_span(packed->str, packed->len));
	if (again == NULL)
		abort();
	rmt_errand_pack(again, twice);
	if (!g_string_equal(packed, twice))
		abort();
	return 0;
}
