/* SPDX-License-Identifier: MIT */
/* resolver.h - DNS for evaluators, by libunbound: asynchronous, caching, and
 * with one deadline for all an asker will ever ask.
 *
 * A command waits:
 *
 *	rmt_resolver_run(resolver, askers, count, 2000);
 *
 * A loop watches rmt_resolver_fd() and calls rmt_resolver_process() when it is
 * readable and rmt_resolver_expire() when time is up; or gives its own
 * libevent base, and only the latter is left to do.
 *
 * Equal questions that are under way are asked once. Past its deadline an asker
 * gets RMT_DNS_TIMEOUT for every question, at once, so it always ends. One
 * resolver belongs to one thread; open it after fork.
 */
#ifndef RMT_RESOLVER_H
#define RMT_RESOLVER_H

#include "common/auth/dns.h"

struct event_base;
struct rmt_resolver_events; /* resolver_events.h */
struct rmt_dns_config;

struct rmt_resolver_settings {
	const char *const *servers; /* "192.0.2.53", "::1@5353"; NULL: resolv.conf's */
	const char *resolv_conf;    /* NULL: /etc/resolv.conf */
	const char *trust_anchors;  /* a file; NULL: answers are not validated */
	uint32_t ttl_max_secs;
	uint32_t negative_ttl_max_secs;     /* people mend records and test again */
	struct event_base *event_base;      /* foreign; NULL: a thread of libunbound's */
	struct rmt_resolver_events *events; /* foreign; the same in a loop of one's own */
	const char *const
		*options; /* "name: value" of unbound.conf, for tests; or NULL */
};

#define RMT_RESOLVER_SETTINGS_INIT                                                       \
	{                                                                                \
		.ttl_max_secs = 3600, .negative_ttl_max_secs = 300                       \
	}

/* As the section `dns` of the configuration says; looks into it. */
void rmt_resolver_settings_from(struct rmt_resolver_settings *settings,
				const struct rmt_dns_config *config);

struct rmt_resolver;

bool rmt_resolver_open(struct rmt_resolver **resolver_r,
		       const struct rmt_resolver_settings *settings, GError **err);
/* Askers that wait are forgotten. Sets the pointer to NULL; takes NULL. */
void rmt_resolver_close(struct rmt_resolver **resolver);

/* Answers all askers at once and returns when every one is done: within
 * timeout_ms and what they then do with RMT_DNS_TIMEOUT. Not in event mode. */
void rmt_resolver_run(struct rmt_resolver *resolver, struct rmt_asker *const *askers,
		      size_t count, int64_t timeout_ms);

/* Answers asker until it is done, then calls done; that may be before start
 * returns. Times are of g_get_monotonic_time(): microseconds. */
typedef void rmt_resolver_done(void *context, struct rmt_asker *asker);
void rmt_resolver_start(struct rmt_resolver *resolver, struct rmt_asker *asker,
			int64_t deadline_us, rmt_resolver_done *done, void *context);

/* The asker will not be touched again, nor done called for it. */
void rmt_resolver_forget(struct rmt_resolver *resolver, const struct rmt_asker *asker);

/* -1 in event mode. */
int rmt_resolver_fd(const struct rmt_resolver *resolver);
void rmt_resolver_process(struct rmt_resolver *resolver);

/* Times out what is late. Returns the next deadline, INT64_MAX without one. */
int64_t rmt_resolver_expire(struct rmt_resolver *resolver, int64_t now_us);

/* Questions sent so far, and questions that joined one under way. */
void rmt_resolver_stats(const struct rmt_resolver *resolver, uint64_t *asked_r,
			uint64_t *joined_r);

#endif
