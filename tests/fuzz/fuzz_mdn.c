/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "common/receipts/mdn.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autoptr(rmt_mdn) mdn = rmt_mdn_read(rmt_span((const char *)data, size));

	if (mdn->final_recipient != NULL &&
	    (strpbrk(mdn->final_recipient, "\r\n") != NULL ||
	     !g_utf8_validate(mdn->final_recipient, -1, NULL)))
		abort();
	if (mdn->original_message_id != NULL &&
	    strpbrk(mdn->original_message_id, "\r\n") != NULL)
		abort();
	return 0;
}
