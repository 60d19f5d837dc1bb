/* SPDX-License-Identifier: MIT */
#include "common/unsubscribe/post.h"

#include <curl/curl.h>
#include <sys/socket.h>

/* The same for everybody: RFC 8058, 6. */
#define USER_AGENT "one-click-unsubscribe/1 (RFC 8058)"
#define NAME       "List-Unsubscribe"
#define VALUE      "One-Click"

enum { STATUS_LINES_MAX = 8 }; /* of 1xx responses before the one that counts */

struct posting {
	const struct rmt_post_settings *settings;
	const struct rmt_target *target;
	struct rmt_post_result *result;
	CURL *curl;
	struct curl_slist *resolve, *headers;
	curl_mime *mime;
	size_t header_octets, body_octets;
	unsigned status_lines;
	bool forbidden, flooded;
	bool header_ended; /* of the response that is read last */
	char error[CURL_ERROR_SIZE];
};

const char *rmt_post_word(enum rmt_post_outcome outcome)
{
	static const char *const words[RMT_POST_COUNT] = {
		[RMT_POST_DONE] = "done",         [RMT_POST_FORM] = "form",
		[RMT_POST_REDIRECT] = "redirect", [RMT_POST_REFUSED] = "refused",
		[RMT_POST_LATER] = "later",       [RMT_POST_FORBIDDEN] = "forbidden",
		[RMT_POST_TLS] = "tls",           [RMT_POST_CONNECT] = "connect",
		[RMT_POST_TIMEOUT] = "timeout",   [RMT_POST_BROKEN] = "broken",
	};

	return words[outcome];
}

bool rmt_post_is_open(enum rmt_post_outcome outcome)
{
	return outcome == RMT_POST_LATER || outcome == RMT_POST_CONNECT ||
	       outcome == RMT_POST_TIMEOUT || outcome == RMT_POST_BROKEN;
}

bool rmt_post_init(void)
{
	return curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}

/* --- what libcurl asks us ---------------------------------------------------------- */

static void set_address(struct rmt_post_result *result, const struct rmt_ip *ip)
{
	g_autoptr(GString) text = g_string_new(NULL);

	rmt_ip_format(ip, text);
	g_strlcpy(result->address, text->str, sizeof(result->address));
}

/* The last word on where we go: the address of this very socket. */
static curl_socket_t open_socket(void *context, curlsocktype purpose,
				 struct curl_sockaddr *address)
{
	struct posting *posting = context;
	struct rmt_ip ip;

	if (purpose != CURLSOCKTYPE_IPCXN ||
	    !rmt_ip_of_socket(&address->addr, address->addrlen, &ip)) {
		posting->forbidden = true;
		return CURL_SOCKET_BAD;
	}
	set_address(posting->result, &ip);
	if (rmt_address_judge(posting->settings->filter, &ip) != RMT_ADDRESS_OPEN) {
		posting->forbidden = true;
		return CURL_SOCKET_BAD;
	}
	return socket(address->family, address->socktype | SOCK_CLOEXEC,
		      address->protocol);
}

static size_t take_header(char *line, size_t one, size_t len, void *context)
{
	struct posting *posting = context;

	len *= one;
	posting->header_octets += len;
	posting->header_ended = len <= 2 && line[0] != ' ';
	if (len >= 5 && g_ascii_strncasecmp(line, "HTTP/", 5) == 0)
		posting->status_lines++;
	if (posting->header_octets > posting->settings->octets_max ||
	    posting->status_lines > STATUS_LINES_MAX) {
		posting->flooded = true;
		return 0;
	}
	return len;
}

/* The status is known by now; what else is said does not matter. */
static size_t drop_body(char *octets, size_t one, size_t len, void *context)
{
	struct posting *posting = context;

	(void)octets;
	len *= one;
	posting->body_octets += len;
	return posting->body_octets > posting->settings->octets_max ? 0 : len;
}

/* --- the request ------------------------------------------------------------------- */

#define SET(option, value)                                                               \
	(ok = ok && curl_easy_setopt(posting->curl, option, value) == CURLE_OK)

static bool set_limits(struct posting *posting)
{
	const struct rmt_post_settings *settings = posting->settings;
	bool ok = true;

	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_TIMEOUT_MS, settings->timeout_ms);
	SET(CURLOPT_CONNECTTIMEOUT_MS, settings->connect_timeout_ms);
	SET(CURLOPT_BUFFERSIZE, 16384L);
	SET(CURLOPT_HEADERFUNCTION, take_header);
	SET(CURLOPT_HEADERDATA, posting);
	SET(CURLOPT_WRITEFUNCTION, drop_body);
	SET(CURLOPT_WRITEDATA, posting);
	SET(CURLOPT_ERRORBUFFER, posting->error);
	return ok;
}

/* No Accept-Encoding is sent and nothing is unpacked: no gzip bombs. */
static bool set_privacy(struct posting *posting)
{
	bool ok = true;

	SET(CURLOPT_PROTOCOLS_STR, "https");
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_PROXY, ""); /* nor that of the environment */
	SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	SET(CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
	SET(CURLOPT_FRESH_CONNECT, 1L);
	SET(CURLOPT_FORBID_REUSE, 1L);
	SET(CURLOPT_SSL_SESSIONID_CACHE, 0L);
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_USERAGENT, USER_AGENT);
	return ok;
}

static bool set_server(struct posting *posting)
{
	const char *ca_file = posting->settings->ca_file;
	bool ok = true;

	SET(CURLOPT_URL, posting->target->url);
	SET(CURLOPT_PATH_AS_IS, 1L);
	SET(CURLOPT_RESOLVE, posting->resolve);
	SET(CURLOPT_OPENSOCKETFUNCTION, open_socket);
	SET(CURLOPT_OPENSOCKETDATA, posting);
	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (ca_file != NULL)
		SET(CURLOPT_CAINFO, ca_file);
	return ok;
}

static bool set_multipart(struct posting *posting)
{
	curl_mimepart *part;
	bool ok = true;

	posting->mime = curl_mime_init(posting->curl);
	part = curl_mime_addpart(posting->mime);
	ok = curl_mime_name(part, NAME) == CURLE_OK &&
	     curl_mime_data(part, VALUE, CURL_ZERO_TERMINATED) == CURLE_OK;
	SET(CURLOPT_MIMEPOST, posting->mime);
	return ok;
}

static bool set_body(struct posting *posting, enum rmt_post_form form)
{
	bool ok = true;

	/* Without it a second is lost at servers that do not know it. */
	posting->headers = curl_slist_append(NULL, "Expect:");
	SET(CURLOPT_HTTPHEADER, posting->headers);
	if (form == RMT_POST_MULTIPART)
		return ok && set_multipart(posting);
	SET(CURLOPT_POSTFIELDS, NAME "=" VALUE);
	return ok;
}

/* "host:port:address,[address]": libcurl resolves nothing by itself. */
static void pin_addresses(struct posting *posting, const struct rmt_ip *addresses,
			  size_t count)
{
	g_autoptr(GString) text = g_string_new(NULL);
	size_t i;

	g_string_printf(text, "%s:%u:", posting->target->host, posting->target->port);
	for (i = 0; i < count; i++) {
		if (i > 0)
			g_string_append_c(text, ',');
		if (addresses[i].is_v6)
			g_string_append_c(text, '[');
		rmt_ip_format(&addresses[i], text);
		if (addresses[i].is_v6)
			g_string_append_c(text, ']');
	}
	posting->resolve = curl_slist_append(NULL, text->str);
}

/* --- the answer -------------------------------------------------------------------- */

static enum rmt_post_outcome of_status(long status)
{
	if (status >= 200 && status < 300)
		return RMT_POST_DONE;
	if (status == 400 || status == 415 || status == 422)
		return RMT_POST_FORM;
	if (status == 408 || status == 425 || status == 429 || status >= 500)
		return RMT_POST_LATER;
	if (status >= 400)
		return RMT_POST_REFUSED;
	return status >= 300 ? RMT_POST_REDIRECT : RMT_POST_BROKEN;
}

static enum rmt_post_outcome of_failure(CURLcode code)
{
	switch (code) {
	case CURLE_OPERATION_TIMEDOUT:
		return RMT_POST_TIMEOUT;
	case CURLE_COULDNT_CONNECT:
	case CURLE_COULDNT_RESOLVE_HOST:
		return RMT_POST_CONNECT;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CACERT_BADFILE:
		return RMT_POST_TLS;
	default:
		return RMT_POST_BROKEN;
	}
}

/* A status is an answer once its header ended, also where the body never does. */
static void judge(struct posting *posting, CURLcode code)
{
	struct rmt_post_result *result = posting->result;
	const bool answered = posting->header_ended && result->status >= 200;

	if (posting->forbidden)
		result->outcome = RMT_POST_FORBIDDEN;
	else if (posting->flooded)
		result->outcome = RMT_POST_BROKEN;
	else if (answered)
		result->outcome = of_status(result->status);
	else
		result->outcome = of_failure(code);
	if (code != CURLE_OK)
		g_strlcpy(result->text,
			  posting->flooded ? "the header of the answer is too long"
			  : posting->error[0] != '\0' ? posting->error
						      : curl_easy_strerror(code),
			  sizeof(result->text));
}

static void perform(struct posting *posting, enum rmt_post_form form)
{
	CURLcode code = CURLE_FAILED_INIT;

	posting->curl = curl_easy_init();
	if (posting->curl != NULL && set_limits(posting) && set_privacy(posting) &&
	    set_server(posting) && set_body(posting, form))
		code = curl_easy_perform(posting->curl);
	if (posting->curl != NULL)
		curl_easy_getinfo(posting->curl, CURLINFO_RESPONSE_CODE,
				  &posting->result->status);
	judge(posting, code);
	curl_easy_cleanup(posting->curl);
	curl_mime_free(posting->mime);
	curl_slist_free_all(posting->headers);
	curl_slist_free_all(posting->resolve);
}

void rmt_post(const struct rmt_post_settings *settings, const struct rmt_target *target,
	      const struct rmt_ip *addresses, size_t address_count,
	      enum rmt_post_form form, struct rmt_post_result *result_r)
{
	struct posting posting = { .settings = settings,
				   .target = target,
				   .result = result_r };
	size_t i;

	*result_r = (struct rmt_post_result){ .outcome = RMT_POST_FORBIDDEN };
	for (i = 0; i < address_count; i++) {
		set_address(result_r, &addresses[i]);
		if (rmt_address_judge(settings->filter, &addresses[i]) !=
		    RMT_ADDRESS_OPEN)
			return;
	}
	if (address_count == 0)
		return;
	result_r->address[0] = '\0';
	pin_addresses(&posting, addresses, address_count);
	perform(&posting, form);
}
