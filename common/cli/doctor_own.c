/* SPDX-License-Identifier: MIT */
/* doctor_own.c - mail that comes in passes smtpd as well: where remite.conf does not
 * say which domains are at home here, a limit per client counts what Gmail delivers,
 * and enforced it refuses that. */
#include <string.h>

#include "common/cli/doctor.h"

static const char *const parameters[] = { "mydestination", "virtual_mailbox_domains",
					  "virtual_alias_domains" };

static bool has_limits(const struct rmt_config *config)
{
	guint i;

	for (i = 0; i < config->streams->len; i++) {
		const struct rmt_stream *stream = g_ptr_array_index(config->streams, i);

		if (stream->limits != NULL && stream->limits->len > 0)
			return true;
	}
	return false;
}

/* Whose names are no domains that mail comes in for from others. */
static bool is_the_host(const struct rmt_postfix *pf, const char *domain)
{
	return strcmp(domain, rmt_postfix_get(pf, NULL, "myhostname")) == 0 ||
	       strcmp(domain, "localhost") == 0 ||
	       g_str_has_prefix(domain, "localhost.") || strchr(domain, '.') == NULL;
}

/* "hash:/etc/...", "mysql:...", "/etc/postfix/domains", "!pattern", "$unknown". */
static bool is_table(const char *word)
{
	return strpbrk(word, ":/!$") != NULL;
}

/* Adds what is not named to missing; false: a table that cannot be looked through. */
static bool look_at(const struct rmt_doctor *d, const char *parameter, GPtrArray *missing)
{
	struct rmt_span rest = rmt_span_of(rmt_postfix_get(d->pf, NULL, parameter)), word;
	bool all_seen = true;

	while (rmt_postfix_word(&rest, &word)) {
		g_autofree char *domain = g_ascii_strdown(word.p, (gssize)word.len);

		if (is_table(domain))
			all_seen = false;
		else if (!is_the_host(d->pf, domain) &&
			 !rmt_list_has(d->config->own_domains, rmt_span_of(domain)) &&
			 !g_ptr_array_find_with_equal_func(missing, domain, g_str_equal,
							   NULL))
			g_ptr_array_add(missing, g_steal_pointer(&domain));
	}
	return all_seen;
}

/* The setting with these domains added to what it has. Own: g_free. */
static char *setting_with(const struct rmt_config *config, const GPtrArray *missing)
{
	GString *out = g_string_new("organization = [");
	char *const *domain = config->organization;
	guint i;

	for (; domain != NULL && *domain != NULL; domain++)
		g_string_append_printf(out, "\"%s\", ", *domain);
	for (i = 0; i < missing->len; i++)
		g_string_append_printf(out, "%s\"%s\"", i > 0 ? ", " : "",
				       (char *)missing->pdata[i]);
	return g_string_free(g_string_append_c(out, ']'), FALSE);
}

void rmt_doctor_own(struct rmt_doctor *d)
{
	g_autoptr(GPtrArray) missing = g_ptr_array_new_with_free_func(g_free);
	g_autofree char *remedy = NULL;
	size_t i;

	if (!has_limits(d->config) || d->config->charge_own_domains)
		return;
	for (i = 0; i < G_N_ELEMENTS(parameters); i++) {
		g_autofree char *place = g_strdup_printf("main.cf: %s", parameters[i]);

		if (!look_at(d, parameters[i], missing) &&
		    rmt_list_count(d->config->own_domains) == 0)
			rmt_find(&d->findings, RMT_SEVERITY_WARNING, place,
				 "organization = [\"example.com\"]",
				 "mail to the domains of its tables is counted as if it "
				 "left: name them in remite.conf");
	}
	if (missing->len == 0)
		return;
	remedy = setting_with(d->config, missing);
	rmt_find(&d->findings, RMT_SEVERITY_WARNING, "organization", remedy,
		 "mail that comes in here for %s is counted as if it left, and limits "
		 "would refuse it",
		 (char *)missing->pdata[0]);
}
