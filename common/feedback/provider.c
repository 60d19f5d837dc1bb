/* SPDX-License-Identifier: MIT */
#include "common/feedback/provider.h"

#include <glib.h>

/* A domain, or its first label where a provider has it in many countries. */
static const struct {
	const char *domain, *provider;
	bool first_label;
} domains[] = {
	{ "gmail.com", "gmail", false },
	{ "googlemail.com", "gmail", false },
	{ "yahoo", "yahoo", true },
	{ "ymail.com", "yahoo", false },
	{ "rocketmail.com", "yahoo", false },
	{ "aol", "yahoo", true },
	{ "aim.com", "yahoo", false },
	{ "outlook", "microsoft", true },
	{ "hotmail", "microsoft", true },
	{ "live", "microsoft", true },
	{ "msn.com", "microsoft", false },
	{ "icloud.com", "apple", false },
	{ "me.com", "apple", false },
	{ "mac.com", "apple", false },
	{ "comcast.net", "comcast", false },
	{ "fastmail", "fastmail", true },
	{ "gmx", "gmx", true },
	{ "web.de", "gmx", false },
	{ "mail.ru", "mail.ru", false },
	{ "yandex", "yandex", true },
	{ "orange.fr", "orange", false },
	{ "wanadoo.fr", "orange", false },
	{ "laposte.net", "laposte", false },
	{ "qq.com", "qq", false },
};

static bool fits(size_t i, struct rmt_span domain)
{
	struct rmt_span name = rmt_span_of(domains[i].domain);

	if (!domains[i].first_label)
		return rmt_span_eq(domain, name);
	/* "yahoo.co.uk": two labels behind it at most */
	return domain.len > name.len + 2 && domain.len <= name.len + 7 &&
	       rmt_span_starts(domain, name) && domain.p[name.len] == '.';
}

const char *rmt_feedback_provider(struct rmt_span domain)
{
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(domains); i++)
		if (fits(i, domain))
			return domains[i].provider;
	return "other";
}

bool rmt_provider_complains(const char *provider)
{
	static const char *const names[] = { "yahoo",    "microsoft", "comcast",
					     "fastmail", "mail.ru",   "laposte",
					     "orange",   NULL };

	return g_strv_contains(names, provider);
}
