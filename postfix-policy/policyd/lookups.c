/* SPDX-License-Identifier: MIT */
#include "postfix-policy/policyd/lookups.h"

#include "common/auth/resolver.h"
#include "common/auth/resolver_events.h"
#include "common/auth/zone.h"
#include "common/base/clock.h"

/* Bounds of a turn: what libunbound does is done while requests wait. */
enum { IN_FLIGHT_MAX = 24, START_PER_TURN = 4, TIMERS_PER_TURN = 8 };

/* A domain that is asked about. */
struct run {
	struct rmt_lookups *lookups; /* foreign */
	struct rmt_ready_job *job;   /* own */
	GPtrArray *askers;           /* the job's: this round's */
	guint started, left;
	int64_t deadline_us;
};

struct rmt_lookups {
	struct rmt_resolver_host host;
	struct rmt_loop *loop;              /* foreign */
	struct rmt_readiness *readiness;    /* foreign */
	char *dns_file;                     /* own; or NULL */
	struct rmt_config *config;          /* a reference; or NULL */
	struct rmt_zone *zone;              /* own; in place of DNS; or NULL */
	struct rmt_resolver_events *events; /* own; or NULL */
	struct rmt_resolver *resolver;      /* own; or NULL */
	GPtrArray *runs;                    /* own; struct run */
	GQueue starting;                    /* foreign; runs with askers to start */
	int64_t now_us;                     /* of the last turn */
	int64_t expires_us;                 /* no deadline before */
	int64_t wall_secs;
};

/* --- libunbound's sockets in the loop --- */

struct watch {
	struct rmt_source source; /* first */
	struct rmt_resolver_event *event;
};

static void watch_ready(struct rmt_source *source, uint32_t events)
{
	struct watch *watch = (struct watch *)(void *)source;
	unsigned what = 0;

	if ((events & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0)
		what |= RMT_RESOLVER_READ;
	if ((events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) != 0)
		what |= RMT_RESOLVER_WRITE;
	rmt_resolver_event_ready(watch->event, what);
}

static struct rmt_lookups *lookups_of_host(struct rmt_resolver_host *host)
{
	return (struct rmt_lookups *)(void *)((char *)host -
					      offsetof(struct rmt_lookups, host));
}

static void *host_watch(struct rmt_resolver_host *host, int fd, unsigned what,
			struct rmt_resolver_event *event)
{
	struct watch *watch = g_new0(struct watch, 1);
	uint32_t events = 0;

	watch->source.fd = fd;
	watch->source.ready = watch_ready;
	watch->event = event;
	if ((what & RMT_RESOLVER_READ) != 0)
		events |= EPOLLIN;
	if ((what & RMT_RESOLVER_WRITE) != 0)
		events |= EPOLLOUT;
	if (rmt_loop_add(lookups_of_host(host)->loop, &watch->source, events, NULL))
		return watch;
	g_free(watch);
	return NULL;
}

static void host_unwatch(struct rmt_resolver_host *host, void *data)
{
	struct watch *watch = data;

	rmt_loop_remove(lookups_of_host(host)->loop, &watch->source);
	g_free(watch);
}

/* --- runs --- */

static void next_round(struct run *run);

static void asker_done(void *context, struct rmt_asker *asker)
{
	struct run *run = context;

	(void)asker;
	if (--run->left == 0)
		next_round(run);
}

static void end_run(struct run *run)
{
	struct rmt_lookups *lookups = run->lookups;

	rmt_readiness_done(lookups->readiness, run->job, lookups->now_us);
	g_ptr_array_remove_fast(lookups->runs, run);
	g_free(run);
}

/* Askers are started in later turns, never from within the resolver. */
static void next_round(struct run *run)
{
	struct rmt_lookups *lookups = run->lookups;

	run->askers = rmt_ready_job_askers(run->job, lookups->wall_secs);
	if (run->askers == NULL) {
		end_run(run);
		return;
	}
	run->started = 0;
	run->left = run->askers->len;
	g_queue_push_tail(&lookups->starting, run);
}

static void start_asker(struct rmt_lookups *lookups, struct run *run,
			struct rmt_asker *asker)
{
	if (lookups->zone != NULL)
		rmt_zone_run(lookups->zone, asker);
	if (!asker->waits) {
		asker_done(run, asker);
		return;
	}
	lookups->expires_us = MIN(lookups->expires_us, run->deadline_us);
	rmt_resolver_start(lookups->resolver, asker, run->deadline_us, asker_done, run);
}

static void start_some(struct rmt_lookups *lookups)
{
	unsigned n;

	for (n = 0; n < START_PER_TURN && lookups->starting.length > 0; n++) {
		struct run *run = g_queue_peek_head(&lookups->starting);
		struct rmt_asker *asker = run->askers->pdata[run->started++];

		if (run->started == run->askers->len)
			g_queue_pop_head(&lookups->starting);
		start_asker(lookups, run, asker);
	}
}

static void take_jobs(struct rmt_lookups *lookups)
{
	struct rmt_ready_job *job;

	while (lookups->runs->len < IN_FLIGHT_MAX &&
	       (job = rmt_readiness_next(lookups->readiness)) != NULL) {
		struct run *run = g_new0(struct run, 1);

		run->lookups = lookups;
		run->job = job;
		run->deadline_us = g_get_monotonic_time() +
				   (int64_t)(lookups->config->dns.deadline_ns / 1000);
		g_ptr_array_add(lookups->runs, run);
		next_round(run);
	}
}

/* Before the resolver they wait for is closed. */
static void drop_runs(struct rmt_lookups *lookups)
{
	guint i, j;

	g_queue_clear(&lookups->starting);
	for (i = 0; i < lookups->runs->len; i++) {
		struct run *run = lookups->runs->pdata[i];

		for (j = 0; lookups->resolver != NULL && j < run->askers->len; j++)
			rmt_resolver_forget(lookups->resolver, run->askers->pdata[j]);
		rmt_readiness_drop(lookups->readiness, run->job);
		g_free(run);
	}
	g_ptr_array_set_size(lookups->runs, 0);
}

/* --- the loop's turn --- */

static int64_t next_us(const struct rmt_lookups *lookups)
{
	int64_t next = lookups->runs->len > 0 ? lookups->expires_us : INT64_MAX;

	if (lookups->events != NULL)
		next = MIN(next, rmt_resolver_events_next(lookups->events));
	return next;
}

int rmt_lookups_sleep_ms(const struct rmt_lookups *lookups, int max_ms)
{
	const int64_t next = next_us(lookups);
	int64_t left_us;

	if (lookups->starting.length > 0)
		return 0;
	if (next == INT64_MAX)
		return max_ms;
	left_us = MAX(next - g_get_monotonic_time(), 0);
	return (int)MIN((left_us + 999) / 1000, max_ms);
}

static void run_timers(struct rmt_lookups *lookups)
{
	const int64_t now_us = g_get_monotonic_time();

	rmt_resolver_events_due(lookups->events, now_us, TIMERS_PER_TURN);
	if (now_us >= lookups->expires_us)
		lookups->expires_us = rmt_resolver_expire(lookups->resolver, now_us);
}

void rmt_lookups_turn(struct rmt_lookups *lookups, int64_t wall_secs)
{
	if (lookups->resolver == NULL && lookups->zone == NULL)
		return;
	lookups->now_us = g_get_monotonic_time();
	lookups->wall_secs = wall_secs;
	if (next_us(lookups) <= lookups->now_us)
		run_timers(lookups);
	take_jobs(lookups);
	if (lookups->starting.length > 0)
		start_some(lookups);
}

/* --- life --- */

struct rmt_lookups *rmt_lookups_new(struct rmt_loop *loop,
				    struct rmt_readiness *readiness, const char *dns_file)
{
	struct rmt_lookups *lookups = g_new0(struct rmt_lookups, 1);

	lookups->host = (struct rmt_resolver_host){ host_watch, host_unwatch };
	lookups->loop = loop;
	lookups->readiness = readiness;
	lookups->dns_file = g_strdup(dns_file);
	lookups->runs = g_ptr_array_new();
	lookups->expires_us = INT64_MAX;
	return lookups;
}

static void close_dns(struct rmt_lookups *lookups)
{
	drop_runs(lookups);
	rmt_resolver_close(&lookups->resolver);
	g_clear_pointer(&lookups->events, rmt_resolver_events_free);
	g_clear_pointer(&lookups->zone, rmt_zone_free);
	lookups->expires_us = INT64_MAX;
}

static bool open_dns(struct rmt_lookups *lookups, const struct rmt_config *config,
		     GError **err)
{
	struct rmt_resolver_settings settings = RMT_RESOLVER_SETTINGS_INIT;

	if (lookups->dns_file != NULL) {
		lookups->zone = rmt_zone_new();
		return rmt_zone_add_file(lookups->zone, lookups->dns_file, err);
	}
	rmt_resolver_settings_from(&settings, &config->dns);
	lookups->events = rmt_resolver_events_new(&lookups->host);
	settings.events = lookups->events;
	return rmt_resolver_open(&lookups->resolver, &settings, err);
}

static bool same_dns(const struct rmt_dns_config *a, const struct rmt_dns_config *b)
{
	const bool both = a->servers != NULL && b->servers != NULL;

	return (both ? g_strv_equal((const char *const *)a->servers,
				    (const char *const *)b->servers)
		     : a->servers == b->servers) &&
	       g_strcmp0(a->trust_anchors, b->trust_anchors) == 0 &&
	       a->ttl_max_ns == b->ttl_max_ns &&
	       a->negative_ttl_max_ns == b->negative_ttl_max_ns;
}

bool rmt_lookups_configure(struct rmt_lookups *lookups, struct rmt_config *config,
			   bool needed, GError **err)
{
	struct rmt_config *old = lookups->config;
	const bool keep = old != NULL && lookups->resolver != NULL && needed &&
			  same_dns(&old->dns, &config->dns);
	bool ok = true;

	if (!keep)
		close_dns(lookups);
	lookups->config = rmt_config_ref(config);
	if (old != NULL)
		rmt_config_unref(old);
	if (!keep && needed)
		ok = open_dns(lookups, config, err);
	if (!ok)
		close_dns(lookups);
	return ok;
}

void rmt_lookups_free(struct rmt_lookups *lookups)
{
	if (lookups == NULL)
		return;
	close_dns(lookups);
	if (lookups->config != NULL)
		rmt_config_unref(lookups->config);
	g_ptr_array_unref(lookups->runs);
	g_free(lookups->dns_file);
	g_free(lookups);
}

void rmt_lookups_stats(const struct rmt_lookups *lookups, unsigned *in_flight_r,
		       uint64_t *questions_r)
{
	uint64_t joined;

	*in_flight_r = lookups->runs->len;
	*questions_r = 0;
	if (lookups->resolver != NULL)
		rmt_resolver_stats(lookups->resolver, questions_r, &joined);
}
