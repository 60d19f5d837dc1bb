/* SPDX-License-Identifier: MIT */
/* Any URI: what is taken has one address, a Subject of one line, and sizes. */
#include <glib.h>
#include <stdint.h>

#include "common/unsubscribe/mailto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *text, size_t max, const char *allowed)
{
	const char *p;

	g_assert(strlen(text) <= max && g_utf8_validate(text, -1, NULL));
	for (p = text; *p != '\0'; p++)
		g_assert((unsigned char)*p >= ' ' || strchr(allowed, *p) != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autoptr(GString) uri = g_string_new("mailto:");
	struct rmt_mailto mailto;
	const char *at;

	g_string_append_len(uri, (const char *)data, (gssize)size);
	if (rmt_mailto_read(rmt_span(uri->str, uri->len), &mailto) != RMT_MAILTO_OK) {
		g_assert(mailto.to == NULL && mailto.subject == NULL &&
			 mailto.body == NULL);
		return 0;
	}
	at = strchr(mailto.to, '@');
	g_assert(at != NULL && strchr(at + 1, '@') == NULL);
	g_assert(strpbrk(mailto.to, " <>\",;:()[]\\") == NULL);
	check_text(mailto.to, RMT_MAILTO_ADDRESS_MAX, "");
	check_text(mailto.subject, RMT_MAILTO_SUBJECT_MAX, "");
	check_text(mailto.body, RMT_MAILTO_BODY_MAX, "\n\t");
	rmt_mailto_is_role(rmt_span_of(mailto.to));
	rmt_mailto_clear(&mailto);
	return 0;
}
