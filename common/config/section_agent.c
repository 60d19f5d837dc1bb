/* SPDX-License-Identifier: MIT */
/* section_agent.c - how mail of our own is submitted, what remite-agent keeps, and
 * how users are asked: `submission`, `agent`, `prompts`. */
#include "common/config/error.h"
#include "common/config/reader.h"

static bool refuse(GError **err, struct rmt_span text, const char *why)
{
	g_set_error(err, RMT_CONFIG_ERROR, 0, "'%.*s' %s", (int)MIN(text.len, 80),
		    text.p != NULL ? text.p : "", why);
	return false;
}

static bool is_plain(struct rmt_span text, const char *without)
{
	size_t i;

	for (i = 0; i < text.len; i++)
		if ((unsigned char)text.p[i] <= ' ' || text.p[i] == '\x7f' ||
		    strchr(without, text.p[i]) != NULL)
			return false;
	return text.len > 0;
}

bool rmt_check_host(struct rmt_span text, GError **err)
{
	return rmt_check_ip(text, NULL) || rmt_check_domain(text, NULL) ||
	       refuse(err, text, "is no host (write mail.example.com or 192.0.2.25)");
}

/* A token is put behind it as it stands. */
bool rmt_check_https(struct rmt_span text, GError **err)
{
	return (rmt_span_starts(text, RMT_SPAN("https://")) && text.len > 8 &&
		text.len <= 200 && is_plain(text, "<>\"'\\`")) ||
	       refuse(err, text, "is no URL (write https://mail.example.com/receipt/)");
}

bool rmt_check_address(struct rmt_span text, GError **err)
{
	struct rmt_span local, domain;

	return (rmt_span_split_last(text, '@', &local, &domain) &&
		is_plain(local, "<>()[]:;,\"\\@") && local.len <= 64 &&
		rmt_check_domain(domain, NULL)) ||
	       refuse(err, text, "is no address (write receipts@example.com)");
}

void *rmt_begin_submission(struct rmt_reading *reading, void *parent, const char *name,
			   const config_setting_t *group)
{
	(void)parent, (void)name, (void)group;
	return &reading->config->submission;
}

void *rmt_begin_agent(struct rmt_reading *reading, void *parent, const char *name,
		      const config_setting_t *group)
{
	(void)parent, (void)name, (void)group;
	return &reading->config->agent;
}

void *rmt_begin_prompts(struct rmt_reading *reading, void *parent, const char *name,
			const config_setting_t *group)
{
	(void)parent, (void)name, (void)group;
	return &reading->config->prompts;
}

static bool is_loopback(const char *host)
{
	return strcmp(host, "localhost") == 0 || strcmp(host, "::1") == 0 ||
	       g_str_has_prefix(host, "127.");
}

void rmt_end_submission(struct rmt_reading *reading, void *parent, void *object,
			const config_setting_t *group)
{
	const struct rmt_submission_config *submission = object;

	(void)parent;
	if ((submission->user == NULL) != (submission->password_file == NULL))
		rmt_complain(reading, config_setting_get_elem(group, 0),
			     "needs both 'user' and 'password_file'");
	if (submission->sendmail != NULL && rmt_member(group, "host") != NULL)
		rmt_warn(reading, rmt_member_place(group, "host"),
			 "host: is not used, because sendmail is set");
	if (submission->user != NULL && submission->tls == RMT_TLS_NONE &&
	    !is_loopback(submission->host))
		rmt_complain(reading, rmt_member_place(group, "tls"),
			     "tls: without it the password goes over the network for "
			     "everybody to read (write \"starttls\")");
}

void rmt_agent_clear(struct rmt_config *config)
{
	g_free(config->submission.sendmail);
	g_free(config->submission.host);
	g_free(config->submission.ca);
	g_free(config->submission.user);
	g_free(config->submission.password_file);
	g_free(config->submission.helo);
	g_strfreev(config->agent.accounts);
	g_free(config->agent.host);
	g_free(config->prompts.link);
	g_free(config->prompts.from);
}
