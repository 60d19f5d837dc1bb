/* SPDX-License-Identifier: MIT */
/* Whether what comes back reaches us: the bounce domain, and the delimiter. */
#include <string.h>
#include <unistd.h>

#include "common/cli/doctor.h"

static bool has_domain(const struct rmt_doctor *d, const char *parameter,
		       const char *domain)
{
	struct rmt_span rest = rmt_span_of(rmt_postfix_get(d->pf, NULL, parameter)), word;

	while (rmt_postfix_word(&rest, &word))
		if (rmt_span_eq_nocase(word, rmt_span_of(domain)))
			return true;
	return false;
}

/* A domain in a table is there where the table is asked, or cannot be. */
static bool is_in_tables(const struct rmt_doctor *d, const char *parameter,
			 const char *domain)
{
	struct rmt_span rest = rmt_span_of(rmt_postfix_get(d->pf, NULL, parameter)), word;
	g_autoptr(GString) value = g_string_new(NULL);

	while (rmt_postfix_word(&rest, &word)) {
		g_autofree char *table = g_strndup(word.p, word.len);

		if (strchr(table, ':') == NULL)
			continue;
		if (d->query == NULL || strchr(table, '{') != NULL ||
		    d->query(d->query_context, table, domain, value))
			return true;
	}
	return false;
}

static bool is_accepted(const struct rmt_doctor *d, const char *domain)
{
	static const char *const lists[] = { "mydestination", "virtual_mailbox_domains",
					     "virtual_alias_domains", "relay_domains" };
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(lists); i++)
		if (has_domain(d, lists[i], domain) || is_in_tables(d, lists[i], domain))
			return true;
	return is_in_tables(d, "transport_maps", domain);
}

static void check_domain(struct rmt_doctor *d, const struct rmt_stream *stream)
{
	const char *domain = strchr(stream->return_path.address, '@') + 1;
	g_autofree char *remedy = NULL;

	if (is_accepted(d, domain))
		return;
	remedy = g_strdup_printf("relay_domains = %s\ntransport_maps = inline:{ { %s = "
				 "remite-feedback: } }",
				 domain, domain);
	rmt_find(&d->findings, RMT_SEVERITY_ERROR, "main.cf", remedy,
		 "stream '%s' has return paths in %s, which Postfix does not take mail "
		 "for: "
		 "bounces are lost",
		 stream->name, domain);
}

static void check_delimiter(struct rmt_doctor *d, const struct rmt_stream *stream)
{
	const char *delimiter = rmt_postfix_get(d->pf, NULL, "recipient_delimiter");

	if (strchr(delimiter, '+') == NULL)
		rmt_find(&d->findings, RMT_SEVERITY_WARNING, "main.cf",
			 "recipient_delimiter = +",
			 "stream '%s' has return paths with '+', but recipient_delimiter "
			 "is "
			 "'%s': a mailbox or an alias for %s does not get them",
			 stream->name, delimiter, stream->return_path.address);
}

void rmt_doctor_feedback(struct rmt_doctor *d)
{
	bool any = false;
	guint i;

	for (i = 0; i < d->config->streams->len; i++) {
		const struct rmt_stream *stream =
			g_ptr_array_index(d->config->streams, i);

		if (stream->return_path.address == NULL)
			continue;
		check_domain(d, stream);
		if (!any)
			check_delimiter(d, stream);
		any = true;
	}
	if (any && access(d->config->keys, F_OK) != 0)
		rmt_find(&d->findings, RMT_SEVERITY_ERROR, d->config->keys,
			 "remite keys make",
			 "there is no key ring: no return paths are made");
}
