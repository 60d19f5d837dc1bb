/* SPDX-License-Identifier: MIT */
/* Any URL: one that is taken, libcurl takes for the same place, and it reads the
 * same again. */
#include <curl/curl.h>
#include <glib.h>
#include <stdint.h>
#include <stdlib.h>

#include "common/unsubscribe/target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *part(CURLU *url, CURLUPart what)
{
	char *text = NULL;

	return curl_url_get(url, what, &text, CURLU_DEFAULT_PORT) == CURLUE_OK ? text
									       : NULL;
}

static void check_curl_agrees(const struct rmt_target *target)
{
	CURLU *url = curl_url();
	char *host, *port, *scheme, *user;

	g_assert(curl_url_set(url, CURLUPART_URL, target->url, CURLU_PATH_AS_IS) ==
		 CURLUE_OK);
	host = part(url, CURLUPART_HOST);
	port = part(url, CURLUPART_PORT);
	scheme = part(url, CURLUPART_SCHEME);
	user = part(url, CURLUPART_USER);
	g_assert(g_strcmp0(host, target->host) == 0 && g_strcmp0(scheme, "https") == 0);
	g_assert(user == NULL && port != NULL && strtoul(port, NULL, 10) == target->port);
	curl_free(host);
	curl_free(port);
	curl_free(scheme);
	curl_free(user);
	curl_url_cleanup(url);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const unsigned ports[] = { 443, 8443, 0 };
	g_autoptr(GString) text = g_string_new("https://");
	struct rmt_target target, again;

	g_string_append_len(text, (const char *)data, (gssize)size);
	if (rmt_target_read(rmt_span(text->str, text->len), ports, &target) !=
	    RMT_TARGET_OK)
		return 0;
	check_curl_agrees(&target);
	if (strlen(target.url) <= RMT_TARGET_MAX) {
		g_assert(rmt_target_read(rmt_span_of(target.url), ports, &again) ==
			 RMT_TARGET_OK);
		g_assert(g_strcmp0(again.url, target.url) == 0);
		rmt_target_clear(&again);
	}
	rmt_target_clear(&target);
	return 0;
}
