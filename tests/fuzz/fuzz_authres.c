/* SPDX-License-Identifier: MIT */
/* Any octets as a header section, and as the value of a property: removals go
 * down, and what we write around it stays one field that is ours. */
#include <stdint.h>
#include <stdlib.h>

#include "common/auth/authres.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_and_read(struct rmt_span text)
{
	g_autoptr(GString) value = g_string_new(NULL);
	const char *at;

	rmt_authres_begin(value, "a.example");
	rmt_authres_method(value, "spf", "pass");
	rmt_authres_property(value, "smtp.mailfrom", text);
	rmt_authres_end(value);
	if (rmt_authres_owner(rmt_span(value->str, value->len), "a.example") !=
	    RMT_AUTHRES_OURS)
		abort();
	for (at = value->str; (at = strchr(at, '\n')) != NULL; at++)
		if (at[1] != '\t' || at[-1] != '\r')
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rmt_span section = rmt_span((const char *)data, size);
	g_autoptr(GArray) removals = rmt_authres_removals(section, "a.example");
	guint i;

	for (i = 1; i < removals->len; i++)
		if (g_array_index(removals, guint, i) >=
		    g_array_index(removals, guint, i - 1))
			abort();
	write_and_read(section);
	return 0;
}
