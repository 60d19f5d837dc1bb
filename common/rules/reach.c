/* SPDX-License-Identifier: MIT */
#include "common/rules/reach.h"

#include "common/auth/orgdomain.h"
#include "common/message/addr.h"

static void host_free(struct rmt_reach_host *host)
{
	rmt_lookup_clear(&host->a);
	rmt_lookup_clear(&host->aaaa);
	g_free(host);
}

void rmt_reach_init(struct rmt_reach *reach, struct rmt_span domain)
{
	char out[RMT_DOMAIN_MAX + 1];
	struct rmt_span name = rmt_domain_fold(domain, out);

	*reach = (struct rmt_reach){ .domain = g_strndup(name.p, name.len) };
	reach->soa = g_ptr_array_new_with_free_func((GDestroyNotify)rmt_lookup_free);
	reach->hosts = g_ptr_array_new_with_free_func((GDestroyNotify)host_free);
}

void rmt_reach_clear(struct rmt_reach *reach)
{
	rmt_lookup_clear(&reach->mx);
	rmt_lookup_clear(&reach->a);
	rmt_lookup_clear(&reach->aaaa);
	g_clear_pointer(&reach->soa, g_ptr_array_unref);
	g_clear_pointer(&reach->hosts, g_ptr_array_unref);
	g_clear_pointer(&reach->domain, g_free);
}

/* --- asking --------------------------------------------------------------------- */

static void ask(struct rmt_lookup *lookup, enum rmt_dns_type type, struct rmt_span name,
		GPtrArray *askers)
{
	rmt_lookup_start(lookup, type, "%.*s", RMT_SPAN_ARGS(name));
	g_ptr_array_add(askers, &lookup->asker);
}

/* SOA of the domain and of every name above it but the top: one of them is the
 * apex of its zone. */
static void ask_zone(struct rmt_reach *reach, GPtrArray *askers)
{
	struct rmt_span name = rmt_span_of(reach->domain);

	do {
		struct rmt_lookup *soa = rmt_lookup_new();

		g_ptr_array_add(reach->soa, soa);
		ask(soa, RMT_DNS_SOA, name, askers);
		name = rmt_dns_parent(name);
	} while (rmt_dns_label_count(name) > 1 && reach->soa->len < RMT_WALK_MAX);
}

static void ask_hosts(struct rmt_reach *reach, GPtrArray *askers)
{
	size_t i;

	if (rmt_reach_null_mx(reach))
		return;
	for (i = 0; i < MIN(rmt_lookup_count(&reach->mx), RMT_REACH_HOSTS_MAX); i++) {
		struct rmt_reach_host *host = g_new0(struct rmt_reach_host, 1);
		struct rmt_span name = rmt_lookup_value(&reach->mx, i);

		g_ptr_array_add(reach->hosts, host);
		ask(&host->a, RMT_DNS_A, name, askers);
		ask(&host->aaaa, RMT_DNS_AAAA, name, askers);
	}
}

bool rmt_reach_ask(struct rmt_reach *reach, GPtrArray *askers)
{
	const struct rmt_span domain = rmt_span_of(reach->domain);
	const guint before = askers->len;

	if (reach->round == 0) {
		ask(&reach->mx, RMT_DNS_MX, domain, askers);
		ask(&reach->a, RMT_DNS_A, domain, askers);
		ask(&reach->aaaa, RMT_DNS_AAAA, domain, askers);
		ask_zone(reach, askers);
	} else if (reach->round == 1) {
		ask_hosts(reach, askers);
	}
	reach->round++;
	return askers->len > before;
}

uint32_t rmt_reach_ttl(const struct rmt_reach *reach)
{
	uint32_t ttl = UINT32_MAX;
	guint i;

	rmt_lookup_least_ttl(&reach->mx, &ttl);
	rmt_lookup_least_ttl(&reach->a, &ttl);
	rmt_lookup_least_ttl(&reach->aaaa, &ttl);
	for (i = 0; i < reach->hosts->len; i++) {
		const struct rmt_reach_host *host = reach->hosts->pdata[i];

		/* One of them that answers is enough. */
		if (!rmt_dns_failed(host->a.status))
			rmt_lookup_least_ttl(&host->a, &ttl);
		if (!rmt_dns_failed(host->aaaa.status))
			rmt_lookup_least_ttl(&host->aaaa, &ttl);
	}
	return ttl;
}

/* --- what follows at once ------------------------------------------------------- */

bool rmt_reach_null_mx(const struct rmt_reach *reach)
{
	return rmt_lookup_count(&reach->mx) == 1 &&
	       rmt_lookup_value(&reach->mx, 0).len == 0;
}

const char *rmt_reach_zone(const struct rmt_reach *reach, bool *known_r)
{
	guint i;

	*known_r = true;
	for (i = 0; i < reach->soa->len; i++) {
		const struct rmt_lookup *soa = reach->soa->pdata[i];

		if (soa->status == RMT_DNS_FOUND && !soa->alias)
			return soa->name;
		if (rmt_dns_failed(soa->status))
			*known_r = false;
	}
	return NULL;
}

static bool exists_not(const struct rmt_reach *reach)
{
	return reach->mx.status == RMT_DNS_NXDOMAIN ||
	       reach->a.status == RMT_DNS_NXDOMAIN;
}

static bool has_address(const struct rmt_reach *reach)
{
	return reach->a.status == RMT_DNS_FOUND || reach->aaaa.status == RMT_DNS_FOUND;
}

static bool dns_failed(const struct rmt_reach *reach)
{
	return rmt_dns_failed(reach->mx.status) ||
	       (reach->mx.status != RMT_DNS_FOUND && !has_address(reach) &&
		(rmt_dns_failed(reach->a.status) || rmt_dns_failed(reach->aaaa.status)));
}

/* --- R17 ------------------------------------------------------------------------ */

static struct rmt_rule_finding *broken(struct rmt_rule_findings *findings,
				       enum rmt_rule_number number,
				       const struct rmt_reach *reach, const char *role,
				       const char *problem)
{
	g_autofree char *place =
		g_strconcat(role, *role != '\0' ? " " : "", reach->domain, NULL);

	return rmt_rule_add(findings, number, RMT_RULE_BROKEN, place, "%s", problem);
}

void rmt_rule_resolves(const struct rmt_reach *reach, const char *role,
		       struct rmt_rule_findings *findings)
{
	bool known;
	const char *zone = rmt_reach_zone(reach, &known);

	if (exists_not(reach))
		broken(findings, RMT_R17, reach, role, "does not exist in DNS");
	else if (rmt_reach_null_mx(reach))
		broken(findings, RMT_R17, reach, role,
		       "refuses all mail (null MX), so its own is refused, too")
			->remedy = g_strdup("publish an MX with a host, or no MX");
	else if ((zone == NULL && !known) || dns_failed(reach))
		rmt_rule_add(findings, RMT_R17, RMT_RULE_UNKNOWN, reach->domain,
			     "DNS did not answer");
	else if (zone == NULL)
		broken(findings, RMT_R17, reach, role,
		       "has no SOA record, nor has any name above");
	else
		rmt_rule_add(findings, RMT_R17, RMT_RULE_HOLDS, reach->domain,
			     "is in zone %s", zone);
}

/* --- R18 ------------------------------------------------------------------------ */

/* 1: some host has an address; 0: none has; -1: DNS did not answer. */
static int hosts_reachable(const struct rmt_reach *reach)
{
	int reachable = 0;
	guint i;

	for (i = 0; i < reach->hosts->len; i++) {
		const struct rmt_reach_host *host = reach->hosts->pdata[i];

		if (host->a.status == RMT_DNS_FOUND || host->aaaa.status == RMT_DNS_FOUND)
			return 1;
		if (rmt_dns_failed(host->a.status) || rmt_dns_failed(host->aaaa.status))
			reachable = -1;
	}
	return reachable;
}

static void judge_hosts(const struct rmt_reach *reach, const char *role,
			struct rmt_rule_findings *findings)
{
	const struct rmt_reach_host *first = reach->hosts->pdata[0];
	const int reachable = hosts_reachable(reach);
	g_autofree char *problem = NULL;

	if (reachable > 0) {
		rmt_rule_add(findings, RMT_R18, RMT_RULE_HOLDS, reach->domain,
			     "its MX has an address");
	} else if (reachable < 0) {
		rmt_rule_add(findings, RMT_R18, RMT_RULE_UNKNOWN, reach->domain,
			     "DNS did not answer");
	} else {
		problem = g_strdup_printf("no host of its MX has an address (%s)",
					  first->a.name);
		broken(findings, RMT_R18, reach, role, problem);
	}
}

void rmt_rule_answerable(const struct rmt_reach *reach, const char *role,
			 struct rmt_rule_findings *findings)
{
	if (dns_failed(reach))
		rmt_rule_add(findings, RMT_R18, RMT_RULE_UNKNOWN, reach->domain,
			     "DNS did not answer");
	else if (rmt_reach_null_mx(reach))
		broken(findings, RMT_R18, reach, role, "takes no mail (null MX)");
	else if (reach->hosts->len > 0)
		judge_hosts(reach, role, findings);
	else if (has_address(reach))
		rmt_rule_add(findings, RMT_R18, RMT_RULE_HOLDS, reach->domain,
			     "has no MX; mail goes to its own address");
	else
		broken(findings, RMT_R18, reach, role, "has neither MX nor address");
}
