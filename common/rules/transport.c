/* SPDX-License-Identifier: MIT */
#include "common/rules/transport.h"

enum { CAA_MAX = 64 }; /* names asked for */

void rmt_transport_init(struct rmt_transport *transport)
{
	*transport = (struct rmt_transport){ .can_verify = false };
	transport->tlsa = g_ptr_array_new_with_free_func((GDestroyNotify)rmt_lookup_free);
	transport->caa = g_ptr_array_new_with_free_func((GDestroyNotify)rmt_lookup_free);
}

void rmt_transport_clear(struct rmt_transport *transport)
{
	rmt_lookup_clear(&transport->mta_sts);
	rmt_lookup_clear(&transport->tls_rpt);
	rmt_lookup_clear(&transport->sts_a);
	rmt_lookup_clear(&transport->sts_aaaa);
	rmt_lookup_clear(&transport->ds);
	g_clear_pointer(&transport->tlsa, g_ptr_array_unref);
	g_clear_pointer(&transport->caa, g_ptr_array_unref);
	if (transport->policy != NULL)
		g_string_free(transport->policy, TRUE);
	g_free(transport->trouble);
}

/* --- asking --------------------------------------------------------------------- */

static struct rmt_lookup *find_caa(const struct rmt_transport *transport,
				   struct rmt_span name)
{
	guint i;

	for (i = 0; i < transport->caa->len; i++) {
		struct rmt_lookup *caa = transport->caa->pdata[i];

		if (rmt_span_eq_nocase(rmt_span_of(caa->name), name))
			return caa;
	}
	return NULL;
}

/* The name and all above it but the top; each once. */
static void ask_caa(struct rmt_transport *transport, struct rmt_span name,
		    GPtrArray *askers)
{
	for (; rmt_dns_label_count(name) > 1; name = rmt_dns_parent(name)) {
		struct rmt_lookup *caa;

		if (find_caa(transport, name) != NULL || transport->caa->len >= CAA_MAX)
			return;
		caa = rmt_lookup_new();
		rmt_lookup_start(caa, RMT_DNS_CAA, "%.*s", RMT_SPAN_ARGS(name));
		g_ptr_array_add(transport->caa, caa);
		g_ptr_array_add(askers, &caa->asker);
	}
}

static void ask(struct rmt_lookup *lookup, enum rmt_dns_type type, const char *prefix,
		const char *domain, GPtrArray *askers)
{
	rmt_lookup_start(lookup, type, "%s%s", prefix, domain);
	g_ptr_array_add(askers, &lookup->asker);
}

static void ask_domain(struct rmt_transport *transport, const char *domain,
		       GPtrArray *askers)
{
	ask(&transport->mta_sts, RMT_DNS_TXT, "_mta-sts.", domain, askers);
	ask(&transport->sts_a, RMT_DNS_A, "mta-sts.", domain, askers);
	ask(&transport->sts_aaaa, RMT_DNS_AAAA, "mta-sts.", domain, askers);
	ask(&transport->tls_rpt, RMT_DNS_TXT, "_smtp._tls.", domain, askers);
	ask_caa(transport, rmt_span_of(domain), askers);
}

/* RFC 7672, 2.2.3: at the name the MX gives. */
static void ask_hosts(struct rmt_transport *transport, const struct rmt_reach *reach,
		      GPtrArray *askers)
{
	size_t i;

	if (rmt_reach_null_mx(reach))
		return;
	for (i = 0; i < MIN(rmt_lookup_count(&reach->mx), RMT_REACH_HOSTS_MAX); i++) {
		struct rmt_span host = rmt_lookup_value(&reach->mx, i);
		struct rmt_lookup *tlsa = rmt_lookup_new();

		rmt_lookup_start(tlsa, RMT_DNS_TLSA, "_25._tcp.%.*s",
				 RMT_SPAN_ARGS(host));
		g_ptr_array_add(transport->tlsa, tlsa);
		g_ptr_array_add(askers, &tlsa->asker);
		ask_caa(transport, host, askers);
	}
}

void rmt_transport_ask(struct rmt_transport *transport, const struct rmt_reach *reach,
		       unsigned round, GPtrArray *askers)
{
	const char *zone;
	bool known;

	if (round == 0) {
		ask_domain(transport, reach->domain, askers);
		return;
	}
	ask_hosts(transport, reach, askers);
	zone = rmt_reach_zone(reach, &known);
	if (zone != NULL)
		ask(&transport->ds, RMT_DNS_DS, "", zone, askers);
}

/* --- what follows at once ------------------------------------------------------- */

bool rmt_transport_has_sts(const struct rmt_transport *transport)
{
	size_t i, found = 0;

	for (i = 0; i < rmt_lookup_count(&transport->mta_sts); i++)
		found += rmt_span_starts(rmt_lookup_value(&transport->mta_sts, i),
					 RMT_SPAN("v=STSv1"));
	return found == 1;
}

const struct rmt_lookup *rmt_transport_caa(const struct rmt_transport *transport,
					   struct rmt_span name, bool *known_r)
{
	const struct rmt_lookup *caa;

	*known_r = true;
	for (; rmt_dns_label_count(name) > 1; name = rmt_dns_parent(name)) {
		caa = find_caa(transport, name);
		if (caa == NULL || rmt_dns_failed(caa->status))
			*known_r = false;
		else if (caa->status == RMT_DNS_FOUND)
			return caa;
		if (!*known_r)
			return NULL;
	}
	return NULL;
}
