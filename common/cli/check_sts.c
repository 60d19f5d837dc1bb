/* SPDX-License-Identifier: MIT */
/* check_sts.c - fetching the MTA-STS policies that domains announce. */
#include "common/auth/mta_sts.h"
#include "common/cli/check.h"
#include "common/cli/fetch.h"
#include "common/unsubscribe/address_filter.h"

#define POLICY_PATH "/.well-known/mta-sts.txt"

enum { TIMEOUT_MAX_MS = 5000 };

/* A stranger's domain may name addresses of this site: not those. */
static void take_addresses(struct rmt_fetch *fetch, const struct rmt_lookup *lookup,
			   const struct rmt_address_filter *filter)
{
	size_t i;

	for (i = 0; i < rmt_lookup_count(lookup); i++) {
		struct rmt_ip ip = { .is_v6 = lookup->type == RMT_DNS_AAAA };
		struct rmt_span octets = rmt_lookup_value(lookup, i);
		GString *text;

		if (octets.len != (ip.is_v6 ? 16 : 4))
			continue;
		memcpy(ip.octets, octets.p, octets.len);
		if (rmt_address_judge(filter, &ip) != RMT_ADDRESS_OPEN)
			continue;
		text = g_string_new(NULL);
		rmt_ip_format(&ip, text);
		g_ptr_array_add(fetch->addresses, g_string_free(text, FALSE));
	}
}

static const char *no_address(const struct rmt_transport *transport)
{
	if (rmt_lookup_count(&transport->sts_a) + rmt_lookup_count(&transport->sts_aaaa) >
	    0)
		return "has only addresses that are not connected to from here "
		       "(unsubscribing.allow)";
	if (rmt_dns_failed(transport->sts_a.status) ||
	    rmt_dns_failed(transport->sts_aaaa.status))
		return "DNS did not answer";
	return "has no address";
}

static void plan(struct rmt_facts *facts, const struct rmt_address_filter *filter,
		 GPtrArray *fetches)
{
	struct rmt_transport *transport = &facts->transport;
	struct rmt_fetch *fetch;

	if (!rmt_transport_has_sts(transport) || transport->policy != NULL)
		return;
	fetch = rmt_fetch_new(transport->sts_a.name, POLICY_PATH);
	fetch->octets_max = RMT_STS_POLICY_MAX;
	fetch->context = transport;
	take_addresses(fetch, &transport->sts_a, filter);
	take_addresses(fetch, &transport->sts_aaaa, filter);
	if (fetch->addresses->len > 0) {
		g_ptr_array_add(fetches, fetch);
		return;
	}
	transport->trouble =
		g_strdup_printf("%s %s", transport->sts_a.name, no_address(transport));
	rmt_fetch_free(fetch);
}

/* RFC 8461, 3.3: text/plain, so that nobody's web application can be made to say it. */
static void take(struct rmt_fetch *fetch)
{
	struct rmt_transport *transport = fetch->context;

	if (fetch->body != NULL &&
	    (fetch->content_type == NULL ||
	     g_ascii_strncasecmp(fetch->content_type, "text/plain", 10) != 0))
		transport->trouble = g_strdup_printf(
			"%s is of type %s, not text/plain", fetch->url,
			fetch->content_type != NULL ? fetch->content_type : "unknown");
	else if (fetch->body != NULL)
		transport->policy = g_steal_pointer(&fetch->body);
	else
		transport->trouble = g_steal_pointer(&fetch->trouble);
}

bool rmt_check_fetch_sts(struct rmt_cli_dns *dns, struct rmt_facts *const *facts,
			 size_t count, GError **err)
{
	g_autoptr(GPtrArray) fetches =
		g_ptr_array_new_with_free_func((GDestroyNotify)rmt_fetch_free);
	const struct rmt_config *config = rmt_cli_dns_config(dns, err);
	g_autoptr(rmt_address_filter) filter = NULL;
	size_t i;

	if (config == NULL)
		return false;
	filter = rmt_address_filter_new(config->unsubscribing.allow,
					config->unsubscribing.deny);
	for (i = 0; i < count; i++)
		plan(facts[i], filter, fetches);
	if (fetches->len > 0)
		rmt_fetch_all(fetches, config->unsubscribing.ca_file,
			      (long)MIN(dns->timeout_ms, TIMEOUT_MAX_MS));
	for (i = 0; i < fetches->len; i++)
		take(fetches->pdata[i]);
	return true;
}
