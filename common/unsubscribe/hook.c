/* SPDX-License-Identifier: MIT */
#include "common/unsubscribe/hook.h"

#include <curl/curl.h>
#include <string.h>
#include <sys/stat.h>

#include "common/config/error.h"
#include "common/unsubscribe/post.h"

char *rmt_hook_signature(struct rmt_span secret, struct rmt_span body, int64_t now)
{
	GHmac *hmac = g_hmac_new(G_CHECKSUM_SHA256, (const guchar *)secret.p, secret.len);
	g_autofree char *head = g_strdup_printf("%" G_GINT64_FORMAT ".", now);
	char *field;

	g_hmac_update(hmac, (const guchar *)head, (gssize)strlen(head));
	g_hmac_update(hmac, (const guchar *)body.p, (gssize)body.len);
	field = g_strdup_printf("t=%" G_GINT64_FORMAT ",v1=%s", now,
				g_hmac_get_string(hmac));
	g_hmac_unref(hmac);
	return field;
}

bool rmt_hook_secret(const char *path, GString *secret_r, GError **err)
{
	g_autofree char *text = NULL;
	struct rmt_span line, rest;
	struct stat file;
	gsize len;

	if (!g_file_get_contents(path, &text, &len, err))
		return false;
	line = rmt_span(text, len);
	rmt_span_split(line, '\n', &line, &rest);
	line = rmt_span_trim(line);
	if (stat(path, &file) != 0 || (file.st_mode & 07) != 0 || line.len < 16) {
		g_set_error(err, RMT_CONFIG_ERROR, 0,
			    line.len < 16 ? "%s: the secret is shorter than 16 octets "
					    "(openssl rand -hex 32 makes one)"
					  : "%s: others can read it (chmod 0640)",
			    path);
		return false;
	}
	g_string_assign(secret_r, "");
	g_string_append_len(secret_r, line.p, (gssize)line.len);
	return true;
}

static size_t take_nothing(char *data, size_t size, size_t count, void *context)
{
	(void)data, (void)context;
	return size * count;
}

static struct curl_slist *fields_of(struct rmt_span secret, struct rmt_span body,
				    int64_t now)
{
	g_autofree char *signature = rmt_hook_signature(secret, body, now);
	g_autofree char *field = g_strconcat("X-Remite-Signature: ", signature, NULL);
	struct curl_slist *fields =
		curl_slist_append(NULL, "Content-Type: application/json");

	fields = curl_slist_append(fields, "Expect:");
	return curl_slist_append(fields, field);
}

static CURL *prepare(const char *url, struct rmt_span body, struct curl_slist *fields,
		     long timeout_ms)
{
	CURL *curl = curl_easy_init();

	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.p);
	curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)body.len);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, fields);
	curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, timeout_ms);
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "remite");
	curl_easy_setopt(curl, CURLOPT_MAXFILESIZE, 65536L);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_nothing);
	return curl;
}

bool rmt_hook_post(const char *url, struct rmt_span secret, struct rmt_span body,
		   int64_t now, long timeout_ms, GString *why_r, bool *gone_r)
{
	struct curl_slist *fields = fields_of(secret, body, now);
	long status = 0;
	CURL *curl;
	CURLcode code;

	*gone_r = false;
	rmt_post_init();
	curl = prepare(url, body, fields, timeout_ms);
	code = curl_easy_perform(curl);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_cleanup(curl);
	curl_slist_free_all(fields);
	if (code == CURLE_OK && status >= 200 && status < 300)
		return true;
	*gone_r = status == 410;
	if (code != CURLE_OK)
		g_string_printf(why_r, "%s", curl_easy_strerror(code));
	else
		g_string_printf(why_r, "it answered %ld", status);
	return false;
}
