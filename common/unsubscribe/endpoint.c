/* SPDX-License-Identifier: MIT */
#include "common/unsubscribe/endpoint.h"

#include <curl/curl.h>
#include <string.h>

#include "common/unsubscribe/post.h"

enum { ANSWER_MAX = 256 * 1024, SLOW_MS = 5000 };

#define URLENCODED "Content-Type: application/x-www-form-urlencoded"
#define MULTIPART  "Content-Type: multipart/form-data; boundary=remite"
#define PAIR       "List-Unsubscribe=One-Click"

static const char multipart_pair[] =
	"--remite\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\n"
	"One-Click\r\n--remite--\r\n";

struct question {
	const char *method;      /* "GET", "HEAD", "POST" */
	const char *body, *type; /* or NULL */
	bool chunked;
};

struct answer {
	CURLcode code;
	long status;
	double seconds;
	bool cookie, location;
	GString *body; /* own */
};

struct check {
	const struct rmt_endpoint_settings *settings;
	const char *url;
	GPtrArray *findings;
};

/* --- asking ----------------------------------------------------------------------- */

static size_t take_body(char *data, size_t size, size_t count, void *context)
{
	GString *body = context;

	(void)size;
	if (body->len + count > ANSWER_MAX)
		return 0;
	g_string_append_len(body, data, (gssize)count);
	return count;
}

static size_t take_header(char *data, size_t size, size_t count, void *context)
{
	struct answer *answer = context;

	(void)size;
	answer->cookie |= count > 11 && g_ascii_strncasecmp(data, "Set-Cookie:", 11) == 0;
	answer->location |= count > 9 && g_ascii_strncasecmp(data, "Location:", 9) == 0;
	return count;
}

/* Of chunked bodies: all in one chunk. */
static size_t give_body(char *out, size_t size, size_t count, void *context)
{
	const char **rest = context;
	const size_t len = MIN(strlen(*rest), size * count);

	memcpy(out, *rest, len);
	*rest += len;
	return len;
}

static void set_common(CURL *curl, const struct check *check, struct answer *answer)
{
	curl_easy_setopt(curl, CURLOPT_URL, check->url);
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, check->settings->timeout_ms);
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "remite");
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer->body);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, answer);
	if (check->settings->ca_file != NULL)
		curl_easy_setopt(curl, CURLOPT_CAINFO, check->settings->ca_file);
}

static void set_method(CURL *curl, const struct question *question, const char **body)
{
	if (strcmp(question->method, "HEAD") == 0)
		curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
	if (strcmp(question->method, "POST") != 0)
		return;
	curl_easy_setopt(curl, CURLOPT_POST, 1L);
	if (question->chunked) {
		curl_easy_setopt(curl, CURLOPT_READFUNCTION, give_body);
		curl_easy_setopt(curl, CURLOPT_READDATA, body);
	} else {
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, question->body);
	}
}

static struct curl_slist *fields_of(const struct question *question)
{
	struct curl_slist *fields = NULL;

	if (question->type != NULL)
		fields = curl_slist_append(fields, question->type);
	if (question->chunked)
		fields = curl_slist_append(fields, "Transfer-Encoding: chunked");
	return fields;
}

static void ask(const struct check *check, const struct question *question,
		struct answer *answer)
{
	struct curl_slist *fields = fields_of(question);
	const char *body = question->body;
	CURL *curl = curl_easy_init();

	*answer = (struct answer){ .body = g_string_new(NULL) };
	set_common(curl, check, answer);
	set_method(curl, question, &body);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, fields);
	answer->code = curl_easy_perform(curl);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer->status);
	curl_easy_getinfo(curl, CURLINFO_TOTAL_TIME, &answer->seconds);
	curl_easy_cleanup(curl);
	curl_slist_free_all(fields);
}

static void forget(struct answer *answer)
{
	g_string_free(answer->body, TRUE);
}

/* --- finding ---------------------------------------------------------------------- */

static void free_finding(void *data)
{
	struct rmt_endpoint_finding *finding = data;

	g_free(finding->text);
	g_free(finding);
}

static void find(struct check *check, bool fault, const char *id, const char *format, ...)
	G_GNUC_PRINTF(4, 5);

static void find(struct check *check, bool fault, const char *id, const char *format, ...)
{
	struct rmt_endpoint_finding *finding = g_new0(struct rmt_endpoint_finding, 1);
	va_list args;

	va_start(args, format);
	*finding = (struct rmt_endpoint_finding){ fault, id,
						  g_strdup_vprintf(format, args) };
	va_end(args);
	g_ptr_array_add(check->findings, finding);
}

static bool is_good(const struct answer *answer)
{
	return answer->code == CURLE_OK && answer->status >= 200 && answer->status < 300;
}

static bool holds(const GString *text, const char *word)
{
	g_autofree char *lower = g_ascii_strdown(text->str, (gssize)text->len);

	return strstr(lower, word) != NULL;
}

/* --- what is looked at ------------------------------------------------------------ */

static bool check_url(struct check *check)
{
	g_autoptr(GUri) uri = g_uri_parse(check->url, G_URI_FLAGS_NON_DNS, NULL);

	if (uri == NULL || g_strcmp0(g_uri_get_scheme(uri), "https") != 0) {
		find(check, true, "E01",
		     "the address is not https: no provider will offer it");
		return false;
	}
	if (g_uri_get_userinfo(uri) != NULL || g_uri_get_fragment(uri) != NULL)
		find(check, true, "E01",
		     "the address has a user or a fragment: leave them out");
	if (g_uri_get_port(uri) != -1 && g_uri_get_port(uri) != 443)
		find(check, false, "E01",
		     "the address has a port of its own: some providers ask at 443 "
		     "alone");
	return true;
}

/* Before anything was posted. */
static void check_page(struct check *check, const GString *page)
{
	static const char *const said[] = { "been unsubscribed",
					    "successfully unsubscribed",
					    "unsubscribe successful",
					    "are now unsubscribed", "dado de baja" };
	size_t i;

	if (!holds(page, "<form") || !holds(page, "post"))
		find(check, true, "E03",
		     "GET shows no form with method post: if following the link is "
		     "enough, scanners unsubscribe people");
	for (i = 0; i < G_N_ELEMENTS(said); i++)
		if (holds(page, said[i])) {
			find(check, false, "E03",
			     "GET says '%s': unless this link was used before, following "
			     "it is enough, and scanners unsubscribe people",
			     said[i]);
			break;
		}
}

/* What a scanner's look shows. False: there is no point in going on. */
static bool check_get(struct check *check)
{
	const struct question question = { .method = "GET" };
	struct answer answer;
	bool reached;

	ask(check, &question, &answer);
	reached = answer.code == CURLE_OK || answer.status > 0;
	if (!reached)
		find(check, true,
		     answer.code == CURLE_PEER_FAILED_VERIFICATION ||
				     answer.code == CURLE_SSL_CONNECT_ERROR
			     ? "TLS"
			     : "connect",
		     "nothing can be asked: %s", curl_easy_strerror(answer.code));
	else if (answer.location)
		find(check, false, "E04",
		     "GET redirects: a page at the very address is safer against "
		     "scanners");
	else if (!is_good(&answer))
		find(check, false, "E03",
		     "GET answers %ld: people who follow the link see an error",
		     answer.status);
	else
		check_page(check, answer.body);
	forget(&answer);
	return reached;
}

static void check_head(struct check *check)
{
	const struct question question = { .method = "HEAD" };
	struct answer answer;

	ask(check, &question, &answer);
	if (answer.code != CURLE_OK)
		find(check, false, "E03", "HEAD, which scanners ask, fails: %s",
		     curl_easy_strerror(answer.code));
	else if (answer.status >= 500)
		find(check, false, "E03", "HEAD, which scanners ask, gets %ld",
		     answer.status);
	forget(&answer);
}

static void check_wrong_body(struct check *check)
{
	const struct question question = { "POST", "something=else", URLENCODED, false };
	struct answer answer;

	ask(check, &question, &answer);
	if (is_good(&answer))
		find(check, true, "E03",
		     "a POST without " PAIR " gets %ld: only the pair may unsubscribe",
		     answer.status);
	forget(&answer);
}

static void check_answer(struct check *check, const char *what,
			 const struct answer *answer)
{
	if (answer->code == CURLE_OPERATION_TIMEDOUT)
		find(check, true, "E04", "%s gets no answer in time", what);
	else if (answer->code != CURLE_OK)
		find(check, true, "E04", "%s fails: %s", what,
		     curl_easy_strerror(answer->code));
	else if (answer->status >= 300 && answer->status < 400)
		find(check, true, "E04",
		     "%s is redirected (%ld): RFC 8058, 3.1 forbids it, and nobody "
		     "follows",
		     what, answer->status);
	else if (answer->status == 401 || answer->status == 407)
		find(check, true, "E04", "%s is asked to log in (%ld)", what,
		     answer->status);
	else if (!is_good(answer))
		find(check, true, "E03", "%s gets %ld in place of 200", what,
		     answer->status);
	else if (holds(answer->body, "<form") && holds(answer->body, "confirm"))
		find(check, false, "E04",
		     "%s gets a form to confirm it: nobody will, one click must be "
		     "enough",
		     what);
	if (answer->cookie)
		find(check, true, "E04",
		     "%s gets a cookie: clients send none back, nothing may depend on it",
		     what);
	if (answer->code == CURLE_OK && answer->seconds * 1000 > SLOW_MS)
		find(check, false, "E04", "%s takes %.1f s: providers give up early",
		     what, answer->seconds);
}

static void check_pair(struct check *check)
{
	static const struct {
		const char *what;
		struct question question;
	} cases[] = {
		{ "the pair as multipart/form-data (RFC 8058, 3.2)",
		  { "POST", multipart_pair, MULTIPART, false } },
		{ "the pair as urlencoded, for a second time",
		  { "POST", PAIR, URLENCODED, false } },
		{ "the pair in chunks", { "POST", PAIR, URLENCODED, true } },
	};
	struct answer answer;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		ask(check, &cases[i].question, &answer);
		check_answer(check, cases[i].what, &answer);
		forget(&answer);
	}
}

GPtrArray *rmt_endpoint_check(const struct rmt_endpoint_settings *settings,
			      const char *url)
{
	struct check check = { settings, url,
			       g_ptr_array_new_with_free_func(free_finding) };

	if (!rmt_post_init())
		find(&check, true, "connect", "libcurl cannot be started");
	else if (check_url(&check) && check_get(&check)) {
		check_head(&check);
		check_wrong_body(&check);
		check_pair(&check);
	}
	return check.findings;
}
