/* SPDX-License-Identifier: MIT */
#include <curl/curl.h>
#include <errno.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "dovecot-plugin/agent/submit.h"
#include "dovecot-plugin/agent/submit_program.h"

enum { CONNECT_SECS = 15, PASSWORD_MAX = 1024, REPLY_MAX = 300 };

struct rmt_submission {
	const struct rmt_submission_config *config; /* foreign */
	CURL *curl;                                 /* own */
	char *url;                                  /* own */
	char error[CURL_ERROR_SIZE];
	/* Of the message under way. */
	const struct rmt_mail *mail;
	size_t at;
	bool ended;     /* last() was called and said yes */
	GString *reply; /* own; the server's last line */
};

const char *rmt_submitted_name(enum rmt_submitted result)
{
	static const char *const names[] = { "taken", "later", "refused", "unknown" };

	return names[result];
}

static bool is_loopback(const char *host)
{
	return strcmp(host, "localhost") == 0 || strcmp(host, "::1") == 0 ||
	       g_str_has_prefix(host, "127.");
}

static bool wants_starttls(const struct rmt_submission_config *config)
{
	return config->tls == RMT_TLS_STARTTLS ||
	       (config->tls == RMT_TLS_AUTO && !is_loopback(config->host));
}

static char *url_of(const struct rmt_submission_config *config)
{
	bool is_v6 = strchr(config->host, ':') != NULL;
	const char *helo = config->helo != NULL ? config->helo : g_get_host_name();

	return g_strdup_printf(
		"%s://%s%s%s:%u/%s", config->tls == RMT_TLS_IMPLICIT ? "smtps" : "smtp",
		is_v6 ? "[" : "", config->host, is_v6 ? "]" : "", config->port, helo);
}

struct rmt_submission *rmt_submission_new(const struct rmt_submission_config *config)
{
	struct rmt_submission *submission = g_new0(struct rmt_submission, 1);

	submission->config = config;
	submission->reply = g_string_new(NULL);
	if (config->sendmail == NULL) {
		submission->url = url_of(config);
		submission->curl = curl_easy_init();
	}
	return submission;
}

void rmt_submission_free(struct rmt_submission *submission)
{
	if (submission == NULL)
		return;
	if (submission->curl != NULL)
		curl_easy_cleanup(submission->curl);
	g_free(submission->url);
	g_string_free(submission->reply, TRUE);
	g_free(submission);
}

/* Asked for more than there is: the end, after which the server may take it. */
static size_t give(char *buffer, size_t size, size_t count, void *context)
{
	struct rmt_submission *submission = context;
	const struct rmt_mail *mail = submission->mail;
	size_t len = MIN(size * count, mail->text.len - submission->at);

	if (len > 0) {
		memcpy(buffer, mail->text.p + submission->at, len);
		submission->at += len;
		return len;
	}
	if (!submission->ended && mail->last != NULL && !mail->last(mail->context))
		return CURL_READFUNC_ABORT;
	submission->ended = true;
	return 0;
}

static size_t note_reply(char *line, size_t size, size_t count, void *context)
{
	struct rmt_submission *submission = context;

	g_string_truncate(submission->reply, 0);
	rmt_log_printable(submission->reply, rmt_span_trim(rmt_span(line, size * count)),
			  REPLY_MAX);
	return size * count;
}

/* NULL with a sentence in *why_r. Own. */
static char *read_password(const char *path, char **why_r)
{
	g_autoptr(GError) err = NULL;
	char *text = NULL;

	if (!g_file_get_contents(path, &text, NULL, &err)) {
		*why_r = g_strdup_printf("submission.password_file: %s", err->message);
		return NULL;
	}
	text[strcspn(text, "\r\n")] = '\0';
	return text;
}

static void set_tls(CURL *curl, const struct rmt_submission_config *config)
{
	if (wants_starttls(config))
		curl_easy_setopt(curl, CURLOPT_USE_SSL, (long)CURLUSESSL_ALL);
	curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
	if (config->ca != NULL) {
		curl_easy_setopt(curl, CURLOPT_CAINFO, config->ca);
		curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
	}
}

static void set_times(CURL *curl, const struct rmt_submission_config *config)
{
	long secs = (long)(config->timeout_ns / RMT_NS_PER_SEC);

	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, MIN(secs, (long)CONNECT_SECS));
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, secs);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
}

static bool set_login(CURL *curl, const struct rmt_submission_config *config,
		      char **why_r)
{
	g_autofree char *password = NULL;

	if (config->user == NULL)
		return true;
	password = read_password(config->password_file, why_r);
	if (password == NULL)
		return false;
	curl_easy_setopt(curl, CURLOPT_USERNAME, config->user);
	curl_easy_setopt(curl, CURLOPT_PASSWORD, password);
	return true;
}

static struct curl_slist *recipients_of(const struct rmt_mail *mail)
{
	struct curl_slist *list = NULL;
	const char *const *one;

	for (one = mail->recipients; *one != NULL; one++)
		list = curl_slist_append(list, *one);
	return list;
}

static bool set_up(struct rmt_submission *submission, const struct rmt_mail *mail,
		   char **why_r)
{
	CURL *curl = submission->curl;

	curl_easy_reset(curl); /* the connection stays */
	curl_easy_setopt(curl, CURLOPT_URL, submission->url);
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, submission->error);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, note_reply);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, submission);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, note_reply);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, submission);
	curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
	curl_easy_setopt(curl, CURLOPT_READFUNCTION, give);
	curl_easy_setopt(curl, CURLOPT_READDATA, submission);
	curl_easy_setopt(curl, CURLOPT_MAIL_FROM, mail->sender);
	set_times(curl, submission->config);
	set_tls(curl, submission->config);
	return set_login(curl, submission->config, why_r);
}

/* What went wrong between us and the server, before it said anything of the mail. */
static bool is_about_the_way(CURLcode code)
{
	switch (code) {
	case CURLE_LOGIN_DENIED:
	case CURLE_USE_SSL_FAILED:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_SSL_CERTPROBLEM:
		return true;
	default:
		return false;
	}
}

static enum rmt_submitted judge(const struct rmt_submission *submission, CURLcode code)
{
	long reply = 0;

	curl_easy_getinfo(submission->curl, CURLINFO_RESPONSE_CODE, &reply);
	if (code == CURLE_OK)
		return RMT_SUBMITTED_TAKEN;
	if (submission->ended && reply < 400)
		return RMT_SUBMITTED_UNKNOWN;
	if (reply >= 500 && !is_about_the_way(code))
		return RMT_SUBMITTED_REFUSED;
	return RMT_SUBMITTED_LATER;
}

static char *say(const struct rmt_submission *submission, CURLcode code)
{
	const char *text = submission->error[0] != '\0' ? submission->error
							: curl_easy_strerror(code);

	if (code == CURLE_OK)
		return g_strdup(submission->reply->str);
	if (is_about_the_way(code))
		rmt_log(RMT_LOG_ERROR,
			"submission to %s port %u: %s: mail of ours waits (settings "
			"submission.tls, submission.ca, submission.user)",
			submission->config->host, submission->config->port, text);
	return g_strdup_printf("%s%s%s", submission->reply->str,
			       submission->reply->len > 0 ? "; " : "", text);
}

static enum rmt_submitted submit_by_smtp(struct rmt_submission *submission,
					 const struct rmt_mail *mail, char **reply_r)
{
	struct curl_slist *recipients;
	CURLcode code;

	submission->mail = mail;
	submission->at = 0;
	submission->ended = false;
	submission->error[0] = '\0';
	g_string_truncate(submission->reply, 0);
	if (!set_up(submission, mail, reply_r)) {
		rmt_log(RMT_LOG_ERROR, "%s", *reply_r);
		return RMT_SUBMITTED_LATER;
	}
	recipients = recipients_of(mail);
	curl_easy_setopt(submission->curl, CURLOPT_MAIL_RCPT, recipients);
	code = curl_easy_perform(submission->curl);
	*reply_r = say(submission, code);
	curl_slist_free_all(recipients);
	return judge(submission, code);
}

enum rmt_submitted rmt_submit(struct rmt_submission *submission,
			      const struct rmt_mail *mail, char **reply_r)
{
	if (submission->config->sendmail != NULL)
		return rmt_submit_to_program(submission->config, mail, reply_r);
	return submit_by_smtp(submission, mail, reply_r);
}
