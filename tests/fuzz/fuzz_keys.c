/* SPDX-License-Identifier: MIT */
/* Any text as a key ring: a ring that survives being written and read, or a
 * sentence. */
#include <stdlib.h>
#include <string.h>

#include "common/token/keys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autoptr(GError) err = NULL;
	g_autoptr(rmt_keys) again = NULL;
	g_autoptr(GString) text = g_string_new(NULL);
	g_autoptr(rmt_keys) keys =
		rmt_keys_parse("ring", rmt_span((const char *)data, size), &err);

	if (keys == NULL) {
		if (err == NULL)
			abort();
		return 0;
	}
	rmt_keys_format(keys, text);
	again = rmt_keys_parse("ring", rmt_span(text->str, text->len), NULL);
	if (again == NULL || memcmp(keys, again, sizeof(*keys)) != 0)
		abort();
	return 0;
}
