/* SPDX-License-Identifier: MIT */
#include "common/unsubscribe/leave.h"

#include <ifaddrs.h>

#include "common/auth/resolver.h"
#include "common/auth/zone.h"
#include "common/base/clock.h"
#include "common/message/from.h"
#include "common/message/header.h"

enum { KEYS_MAX = 64, ADDRESSES_MAX = 16, PORTS_MAX = 16 };

struct rmt_leave {
	const struct rmt_config *config;   /* foreign */
	struct rmt_zone *zone;             /* own; NULL: the resolver */
	struct rmt_resolver *resolver;     /* own; or NULL */
	struct rmt_psl *psl;               /* own; or NULL */
	struct rmt_dkim_keys *keys;        /* own */
	struct rmt_address_filter *filter; /* own */
};

/* --- opening ----------------------------------------------------------------------- */

static void add_own(struct rmt_address_filter *filter, const char *text)
{
	struct rmt_ip ip;

	if (rmt_ip_parse(rmt_span_of(text), &ip))
		rmt_address_filter_add_own(filter, &ip);
}

static void add_interfaces(struct rmt_address_filter *filter)
{
	struct ifaddrs *all, *one;
	struct rmt_ip ip;

	if (getifaddrs(&all) != 0)
		return;
	for (one = all; one != NULL; one = one->ifa_next)
		if (one->ifa_addr != NULL &&
		    rmt_ip_of_socket(one->ifa_addr, sizeof(struct sockaddr_storage), &ip))
			rmt_address_filter_add_own(filter, &ip);
	freeifaddrs(all);
}

static struct rmt_address_filter *make_filter(const struct rmt_config *config)
{
	struct rmt_address_filter *filter = rmt_address_filter_new(
		config->unsubscribing.allow, config->unsubscribing.deny);
	guint i;

	add_interfaces(filter);
	for (i = 0; i < config->egresses->len; i++) {
		const struct rmt_egress *egress = g_ptr_array_index(config->egresses, i);
		char **address;

		for (address = egress->addresses; *address != NULL; address++)
			add_own(filter, *address);
	}
	return filter;
}

static bool open_dns(struct rmt_leave *leave, const char *dns_file, GError **err)
{
	struct rmt_resolver_settings settings = RMT_RESOLVER_SETTINGS_INIT;

	if (dns_file != NULL) {
		leave->zone = rmt_zone_new();
		return rmt_zone_add_file(leave->zone, dns_file, err);
	}
	settings.servers = (const char *const *)leave->config->dns.servers;
	settings.trust_anchors = leave->config->dns.trust_anchors;
	return rmt_resolver_open(&leave->resolver, &settings, err);
}

bool rmt_leave_open(struct rmt_leave **leave_r, const struct rmt_config *config,
		    const char *dns_file, GError **err)
{
	struct rmt_leave *leave = g_new0(struct rmt_leave, 1);

	leave->config = config;
	leave->psl = rmt_psl_open();
	leave->keys = rmt_dkim_keys_new(KEYS_MAX);
	leave->filter = make_filter(config);
	if (!open_dns(leave, dns_file, err)) {
		rmt_leave_close(leave);
		return false;
	}
	*leave_r = leave;
	return true;
}

void rmt_leave_close(struct rmt_leave *leave)
{
	if (leave == NULL)
		return;
	rmt_resolver_close(&leave->resolver);
	rmt_zone_free(leave->zone);
	rmt_psl_close(leave->psl);
	rmt_dkim_keys_free(leave->keys);
	rmt_address_filter_free(leave->filter);
	g_free(leave);
}

static void ask(struct rmt_leave *leave, struct rmt_asker *const *askers, size_t count)
{
	const int64_t timeout_ms = (int64_t)(leave->config->dns.deadline_ns / 1000000);
	size_t i;

	if (leave->resolver != NULL) {
		rmt_resolver_run(leave->resolver, askers, count, timeout_ms);
		return;
	}
	for (i = 0; i < count; i++)
		rmt_zone_run(leave->zone, askers[i]);
}

/* --- the way out -------------------------------------------------------------------- */

static unsigned *ports_of(const struct rmt_config *config, unsigned ports[PORTS_MAX + 1])
{
	char **port = config->unsubscribing.ports;
	size_t count = 0;

	for (; port != NULL && *port != NULL && count < PORTS_MAX; port++)
		ports[count++] = (unsigned)g_ascii_strtoull(*port, NULL, 10);
	ports[count] = 0;
	return ports;
}

static enum rmt_target_result read_target(const struct rmt_leave *leave, const char *url,
					  struct rmt_target *target)
{
	unsigned ports[PORTS_MAX + 1];

	return rmt_target_read(rmt_span_of(url), ports_of(leave->config, ports), target);
}

static void verify(struct rmt_leave *leave, struct rmt_span message, int64_t now,
		   struct rmt_covered *covered)
{
	g_autoptr(rmt_dkim) dkim = rmt_dkim_new(&RMT_DKIM_SETTINGS_DEFAULT, leave->keys);
	struct rmt_asker *asker = rmt_dkim_asker(dkim);
	struct rmt_span header, body;
	struct rmt_from from;

	rmt_header_split(message, &header, &body);
	rmt_dkim_message(dkim, message);
	ask(leave, &asker, 1);
	rmt_dkim_finish(dkim, now);
	rmt_from_read(header, &from);
	rmt_covered_read(
		&(struct rmt_covered_query){
			.dkim = dkim,
			.from = rmt_span_of(from.result == RMT_FROM_OK ? from.domain
								       : ""),
			.psl = leave->psl,
			.aligned = leave->config->unsubscribing.require_alignment,
		},
		covered);
}

/* The key may be gone, or Sieve or a list's footer changed the message since. */
static bool leaves_it_to_the_record(enum rmt_covered_result result)
{
	return result == RMT_COVERED_UNKNOWN || result == RMT_COVERED_INVALID;
}

static void take_url(struct rmt_leave *leave, const char *url, struct rmt_leave_way *way)
{
	struct rmt_target target;

	if (url == NULL || url[0] == '\0')
		return;
	way->target = read_target(leave, url, &target);
	way->url = target.url;
	way->host = target.host;
}

static void take_mailto(const char *uri, struct rmt_leave_way *way)
{
	if (uri != NULL && uri[0] != '\0')
		way->mailto_is = rmt_mailto_read(rmt_span_of(uri), &way->mailto);
}

void rmt_leave_look(struct rmt_leave *leave, struct rmt_span message,
		    const struct rmt_proof *record, int64_t now,
		    struct rmt_leave_way *way_r)
{
	struct rmt_leave_way *way = way_r;

	*way = (struct rmt_leave_way){ .by_record = false };
	verify(leave, message, now, &way->covered);
	way->by_record = record != NULL && leaves_it_to_the_record(way->covered.result);
	if (way->by_record) {
		take_url(leave, record->url, way);
		take_mailto(record->mailto, way);
		way->domain = g_strdup(record->domain);
		way->list_id =
			record->list_id[0] != '\0' ? g_strdup(record->list_id) : NULL;
		return;
	}
	take_url(leave, way->covered.url, way);
	take_mailto(way->covered.mailto, way);
	way->domain = g_strdup(way->covered.domain);
	way->list_id = g_strdup(way->covered.list_id);
}

void rmt_leave_way_clear(struct rmt_leave_way *way)
{
	rmt_covered_clear(&way->covered);
	rmt_mailto_clear(&way->mailto);
	g_clear_pointer(&way->url, g_free);
	g_clear_pointer(&way->host, g_free);
	g_clear_pointer(&way->list_id, g_free);
	g_clear_pointer(&way->domain, g_free);
}

/* --- addresses -----------------------------------------------------------------------
 */

struct lookup {
	struct rmt_asker asker;
	struct rmt_ip addresses[ADDRESSES_MAX];
	size_t count;
};

static void answered(struct rmt_asker *asker, const struct rmt_dns_answer *answer)
{
	struct lookup *lookup = RMT_ASKER_OWNER(asker, struct lookup, asker);
	const bool is_v6 = asker->question.type == RMT_DNS_AAAA;
	size_t i;

	for (i = 0; i < answer->count && lookup->count < ADDRESSES_MAX; i++) {
		const struct rmt_span data = answer->records[i].data;
		struct rmt_ip *ip = &lookup->addresses[lookup->count];

		if (data.len != (is_v6 ? 16u : 4u))
			continue;
		*ip = (struct rmt_ip){ .is_v6 = is_v6 };
		memcpy(ip->octets, data.p, data.len);
		lookup->count++;
	}
}

/* Absolute names, both families, no search domains: pitfall 21. */
static size_t resolve(struct rmt_leave *leave, const char *host,
		      struct rmt_ip out[2 * ADDRESSES_MAX])
{
	struct lookup v4 = { .asker.answered = answered };
	struct lookup v6 = { .asker.answered = answered };
	struct rmt_asker *askers[] = { &v4.asker, &v6.asker };

	rmt_dns_ask(&v4.asker, RMT_DNS_A, rmt_span_of(host));
	rmt_dns_ask(&v6.asker, RMT_DNS_AAAA, rmt_span_of(host));
	ask(leave, askers, G_N_ELEMENTS(askers));
	memcpy(out, v4.addresses, v4.count * sizeof(out[0]));
	memcpy(out + v4.count, v6.addresses, v6.count * sizeof(out[0]));
	return v4.count + v6.count;
}

void rmt_leave_post(struct rmt_leave *leave, const char *url, unsigned posts_max,
		    struct rmt_leave_posted *posted_r)
{
	struct rmt_post_settings settings = RMT_POST_SETTINGS_INIT;
	const struct rmt_unsubscribing *set = &leave->config->unsubscribing;
	struct rmt_ip addresses[2 * ADDRESSES_MAX];
	struct rmt_target target;
	size_t count;

	*posted_r = (struct rmt_leave_posted){ .last.outcome = RMT_POST_CONNECT };
	if (read_target(leave, url, &target) != RMT_TARGET_OK) {
		posted_r->last.outcome = RMT_POST_FORBIDDEN;
		return;
	}
	settings.filter = leave->filter;
	settings.ca_file = set->ca_file;
	settings.timeout_ms = (long)(set->timeout_ns / 1000000);
	settings.connect_timeout_ms = settings.timeout_ms / 2;
	count = resolve(leave, target.host, addresses);
	posted_r->resolved = count > 0;
	while (count > 0 && posted_r->posts < MIN(posts_max, 2)) {
		rmt_post(&settings, &target, addresses, count,
			 posted_r->posts == 0 ? RMT_POST_MULTIPART : RMT_POST_URLENCODED,
			 &posted_r->last);
		posted_r->posts++;
		if (posted_r->last.outcome != RMT_POST_FORM)
			break;
	}
	rmt_target_clear(&target);
}
