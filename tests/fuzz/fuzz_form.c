/* SPDX-License-Identifier: MIT */
/* Any content type (first line) and body as a form, and as a request to the site's
 * reading parts: nothing is read past the end, nothing found that is not there. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dovecot-plugin/http/form.h"
#include "dovecot-plugin/http/page.h"
#include "dovecot-plugin/http/route.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rmt_span input = { (const char *)data, size }, type = { NULL, 0 }, token;
	struct rmt_span body = input;
	g_autoptr(GString) value = g_string_new(NULL);

	rmt_span_split(input, '\n', &type, &body);
	if (rmt_form_get(type, body, "List-Unsubscribe", value)
		    ? value->len > size || !rmt_form_is(type)
		    : value->len > 0)
		abort();
	if (rmt_route_find(input, &token) != RMT_ROUTE_NONE &&
	    (token.len == 0 || token.len > size))
		abort();
	if (rmt_language_of(input) >= RMT_LANGUAGES)
		abort();
	return 0;
}
