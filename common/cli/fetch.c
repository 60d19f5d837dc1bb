/* SPDX-License-Identifier: MIT */
#include "common/cli/fetch.h"

#include <curl/curl.h>
#include <string.h>

enum { POLL_MS = 200 };

struct rmt_fetch *rmt_fetch_new(const char *host, const char *path)
{
	struct rmt_fetch *fetch = g_new0(struct rmt_fetch, 1);

	fetch->host = g_strdup(host);
	fetch->url = g_strdup_printf("https://%s%s", host, path);
	fetch->addresses = g_ptr_array_new_with_free_func(g_free);
	return fetch;
}

void rmt_fetch_free(struct rmt_fetch *fetch)
{
	if (fetch->body != NULL)
		g_string_free(fetch->body, TRUE);
	g_ptr_array_unref(fetch->addresses);
	g_free(fetch->url);
	g_free(fetch->host);
	g_free(fetch->trouble);
	g_free(fetch->content_type);
	g_free(fetch);
}

/* A fetch that is under way. */
struct running {
	struct rmt_fetch *fetch; /* foreign */
	CURL *curl;              /* own */
	struct curl_slist *resolve;
	GString *body;
	bool too_long;
	char why[CURL_ERROR_SIZE];
};

static size_t take_body(char *data, size_t size, size_t count, void *context)
{
	struct running *running = context;

	(void)size;
	running->too_long = running->body->len + count > running->fetch->octets_max;
	if (running->too_long)
		return 0;
	g_string_append_len(running->body, data, (gssize)count);
	return count;
}

/* "host:443:192.0.2.1,[2001:db8::1]": curl looks up nothing by itself. */
static struct curl_slist *resolve_of(const struct rmt_fetch *fetch)
{
	g_autoptr(GString) line = g_string_new(NULL);
	guint i;

	g_string_printf(line, "%s:443:", fetch->host);
	for (i = 0; i < fetch->addresses->len; i++) {
		const char *address = fetch->addresses->pdata[i];
		const bool is_v6 = strchr(address, ':') != NULL;

		g_string_append_printf(line, "%s%s%s%s", i > 0 ? "," : "",
				       is_v6 ? "[" : "", address, is_v6 ? "]" : "");
	}
	return curl_slist_append(NULL, line->str);
}

static struct running *start(struct rmt_fetch *fetch, const char *ca_file,
			     long timeout_ms)
{
	struct running *running = g_new0(struct running, 1);
	CURL *curl = curl_easy_init();

	running->fetch = fetch;
	running->curl = curl;
	running->resolve = resolve_of(fetch);
	running->body = g_string_new(NULL);
	curl_easy_setopt(curl, CURLOPT_URL, fetch->url);
	curl_easy_setopt(curl, CURLOPT_RESOLVE, running->resolve);
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, timeout_ms);
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "remite");
	curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, running->why);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, running);
	if (ca_file != NULL)
		curl_easy_setopt(curl, CURLOPT_CAINFO, ca_file);
	return running;
}

static void take_answer(struct running *running)
{
	struct rmt_fetch *fetch = running->fetch;
	char *type = NULL;
	long status = 0;

	curl_easy_getinfo(running->curl, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(running->curl, CURLINFO_CONTENT_TYPE, &type);
	fetch->content_type = g_strdup(type);
	if (status == 200)
		fetch->body = g_steal_pointer(&running->body);
	else
		fetch->trouble =
			g_strdup_printf("%s answers with status %ld", fetch->url, status);
}

static void finish(struct running *running, CURLcode code)
{
	struct rmt_fetch *fetch = running->fetch;

	if (code == CURLE_OK)
		take_answer(running);
	else if (running->too_long)
		fetch->trouble = g_strdup_printf("%s has over %zu octets", fetch->url,
						 fetch->octets_max);
	else
		fetch->trouble = g_strdup_printf("%s: %s", fetch->url,
						 running->why[0] != '\0'
							 ? running->why
							 : curl_easy_strerror(code));
}

static void free_running(gpointer data)
{
	struct running *running = data;

	curl_easy_cleanup(running->curl);
	curl_slist_free_all(running->resolve);
	if (running->body != NULL)
		g_string_free(running->body, TRUE);
	g_free(running);
}

static struct running *find(const GPtrArray *all, const CURL *curl)
{
	guint i = 0;

	while (((struct running *)all->pdata[i])->curl != curl)
		i++;
	return all->pdata[i];
}

static void run(CURLM *multi, const GPtrArray *all)
{
	int left = 1, more;
	CURLMsg *message;

	while (left > 0) {
		if (curl_multi_perform(multi, &left) != CURLM_OK)
			return;
		while ((message = curl_multi_info_read(multi, &more)) != NULL)
			if (message->msg == CURLMSG_DONE)
				finish(find(all, message->easy_handle),
				       message->data.result);
		if (left > 0)
			curl_multi_poll(multi, NULL, 0, POLL_MS, NULL);
	}
}

void rmt_fetch_all(const GPtrArray *fetches, const char *ca_file, long timeout_ms)
{
	g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func(free_running);
	CURLM *multi = curl_multi_init();
	guint i;

	for (i = 0; i < fetches->len; i++) {
		g_ptr_array_add(all, start(fetches->pdata[i], ca_file, timeout_ms));
		curl_multi_add_handle(multi, ((struct running *)all->pdata[i])->curl);
	}
	run(multi, all);
	for (i = 0; i < all->len; i++) {
		struct running *running = all->pdata[i];

		curl_multi_remove_handle(multi, running->curl);
		if (running->fetch->body == NULL && running->fetch->trouble == NULL)
			finish(running, CURLE_FAILED_INIT);
	}
	curl_multi_cleanup(multi);
}
