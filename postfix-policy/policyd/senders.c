/* SPDX-License-Identifier: MIT */
#include "postfix-policy/policyd/senders.h"

#include <inttypes.h>
#include <limits.h>

#include "common/auth/resolver.h"
#include "common/auth/resolver_events.h"
#include "common/auth/zone.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/policy/binding.h"
#include "common/store/selectors.h"

/* Bounds of a turn: what libunbound does is done while requests wait. */
enum { IN_FLIGHT_MAX = 24, START_PER_TURN = 4, TIMERS_PER_TURN = 8 };

/* A domain that is asked about. */
struct run {
	struct rmt_senders *senders; /* foreign */
	struct rmt_ready_job *job;   /* own */
	GPtrArray *askers;           /* the job's: this round's */
	guint started, left;
	int64_t deadline_us;
};

struct rmt_senders {
	struct rmt_gate gate; /* first */
	struct rmt_resolver_host host;
	struct rmt_loop *loop;           /* foreign */
	struct rmt_store *store;         /* foreign */
	struct rmt_config *config;       /* a reference; or NULL */
	struct rmt_readiness *readiness; /* own */
	struct rmt_zone *zone;           /* own; in place of DNS; or NULL */
	char *dns_file;                  /* own; or NULL */
	struct rmt_psl *psl;             /* own; or NULL */
	struct rmt_org_view orgs;
	char text[400];                     /* of an answer */
	struct rmt_resolver_events *events; /* own; or NULL */
	struct rmt_resolver *resolver;      /* own; or NULL */
	GPtrArray *runs;                    /* own; struct run */
	GQueue starting;                    /* foreign; runs with askers to start */
	int64_t now_us;                     /* of the last turn */
	int64_t expires_us;                 /* no deadline before */
	int64_t wall_secs;
};

static struct rmt_senders *senders_of_gate(struct rmt_gate *gate)
{
	return (struct rmt_senders *)(void *)gate;
}

/* --- the gate ----------------------------------------------------------------------- */

static void fill_answer(const struct rmt_ready *ready, struct rmt_gate_answer *answer)
{
	static const enum rmt_gate_state states[] = {
		[RMT_READY] = RMT_GATE_OPEN,
		[RMT_READY_UNKNOWN] = RMT_GATE_UNKNOWN,
		[RMT_NOT_READY] = RMT_GATE_SHUT,
	};

	answer->state = states[ready->state];
	answer->level = ready->level;
	answer->rule = ready->rule;
	answer->code = ready->code;
	answer->text = ready->text;
}

static bool tree_org(void *context, struct rmt_span domain, struct rmt_span *org_r)
{
	struct rmt_senders *senders = context;

	return rmt_readiness_org(senders->readiness, domain, senders->now_us, org_r);
}

static void set_unbound(struct rmt_senders *senders, const struct rmt_stream *stream,
			enum rmt_bound bound, const struct rmt_addr *sender,
			struct rmt_span user, struct rmt_gate_answer *answer)
{
	const bool known = bound == RMT_BOUND_ELSEWHERE;

	g_snprintf(senders->text, sizeof(senders->text),
		   known ? "User %.*s may not send for %.*s"
			 : "DNS has not answered yet whether user %.*s may send for %.*s",
		   (int)MIN(user.len, 128), user.p, RMT_SPAN_ARGS(sender->domain));
	*answer = (struct rmt_gate_answer){
		.state = known ? RMT_GATE_SHUT : RMT_GATE_UNKNOWN,
		.level = (enum rmt_level)(
			known ? stream->binding.level
			      : MIN(stream->on_unknown, stream->binding.level)),
		.rule = "binding",
		.code = "7.1",
		.text = senders->text,
	};
}

/* True: it stands against the message. */
static bool ask_binding(struct rmt_senders *senders, const struct rmt_stream *stream,
			const struct rmt_addr *sender, const struct rmt_facts *facts,
			struct rmt_gate_answer *answer_r)
{
	enum rmt_bound bound = rmt_binding_check(senders->config, stream, &senders->orgs,
						 facts->sasl_user, sender->domain);

	if (bound == RMT_BOUND_HERE)
		return false;
	set_unbound(senders, stream, bound, sender, facts->sasl_user, answer_r);
	return true;
}

/* What is done about the second is more than what is done about the first. */
static bool is_graver(const struct rmt_gate_answer *first,
		      const struct rmt_gate_answer *second)
{
	return first->state == RMT_GATE_OPEN ||
	       (second->state != RMT_GATE_OPEN && second->level > first->level);
}

static void gate_ask(struct rmt_gate *gate, const struct rmt_stream *stream,
		     const struct rmt_addr *sender, const struct rmt_facts *facts,
		     struct rmt_gate_answer *answer_r)
{
	struct rmt_senders *senders = senders_of_gate(gate);
	struct rmt_gate_answer second = { RMT_GATE_OPEN };
	struct rmt_ready ready;

	if (stream->binding.level > RMT_LEVEL_OFF)
		ask_binding(senders, stream, sender, facts, answer_r);
	if (!stream->requires)
		return;
	rmt_readiness_get(senders->readiness, stream, sender->domain, senders->now_us,
			  &ready);
	fill_answer(&ready, &second);
	if (is_graver(answer_r, &second))
		*answer_r = second;
}

static void explain_binding(struct rmt_senders *senders, const struct rmt_stream *stream,
			    const struct rmt_addr *sender, const struct rmt_facts *facts,
			    struct rmt_gate_answer *answer, GString *out)
{
	if (facts->sasl_user.len == 0)
		g_string_append(out, "binding: nobody logged in\n");
	else if (!ask_binding(senders, stream, sender, facts, answer))
		g_string_append(out, "binding: the domain is the user's\n");
	else
		g_string_append_printf(out, "binding: %s -> %s\n", answer->text,
				       rmt_level_name(answer->level));
}

static void gate_explain(struct rmt_gate *gate, const struct rmt_stream *stream,
			 const struct rmt_addr *sender, const struct rmt_facts *facts,
			 struct rmt_gate_answer *answer_r, GString *out)
{
	struct rmt_senders *senders = senders_of_gate(gate);
	struct rmt_gate_answer second = { RMT_GATE_OPEN };
	struct rmt_ready ready;

	if (stream->binding.level > RMT_LEVEL_OFF)
		explain_binding(senders, stream, sender, facts, answer_r, out);
	if (!stream->requires)
		return;
	rmt_readiness_explain(senders->readiness, stream, sender->domain, senders->now_us,
			      &ready, out);
	fill_answer(&ready, &second);
	if (is_graver(answer_r, &second))
		*answer_r = second;
}

struct rmt_gate *rmt_senders_gate(struct rmt_senders *senders)
{
	return &senders->gate;
}

const struct rmt_psl *rmt_senders_psl(const struct rmt_senders *senders)
{
	return senders->psl;
}

/* --- libunbound's sockets in the loop --------------------------------------------------
 */

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

static struct rmt_senders *senders_of_host(struct rmt_resolver_host *host)
{
	return (struct rmt_senders *)(void *)((char *)host -
					      offsetof(struct rmt_senders, host));
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
	if (rmt_loop_add(senders_of_host(host)->loop, &watch->source, events, NULL))
		return watch;
	g_free(watch);
	return NULL;
}

static void host_unwatch(struct rmt_resolver_host *host, void *data)
{
	struct watch *watch = data;

	rmt_loop_remove(senders_of_host(host)->loop, &watch->source);
	g_free(watch);
}

/* --- runs --------------------------------------------------------------------------- */

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
	struct rmt_senders *senders = run->senders;

	rmt_readiness_done(senders->readiness, run->job, senders->now_us);
	g_ptr_array_remove_fast(senders->runs, run);
	g_free(run);
}

/* Askers are started in later turns, never from within the resolver. */
static void next_round(struct run *run)
{
	struct rmt_senders *senders = run->senders;

	run->askers = rmt_ready_job_askers(run->job, senders->wall_secs);
	if (run->askers == NULL) {
		end_run(run);
		return;
	}
	run->started = 0;
	run->left = run->askers->len;
	g_queue_push_tail(&senders->starting, run);
}

static void start_asker(struct rmt_senders *senders, struct run *run,
			struct rmt_asker *asker)
{
	if (senders->zone != NULL)
		rmt_zone_run(senders->zone, asker);
	if (!asker->waits) {
		asker_done(run, asker);
		return;
	}
	senders->expires_us = MIN(senders->expires_us, run->deadline_us);
	rmt_resolver_start(senders->resolver, asker, run->deadline_us, asker_done, run);
}

static void start_some(struct rmt_senders *senders)
{
	unsigned n;

	for (n = 0; n < START_PER_TURN && senders->starting.length > 0; n++) {
		struct run *run = g_queue_peek_head(&senders->starting);
		struct rmt_asker *asker = run->askers->pdata[run->started++];

		if (run->started == run->askers->len)
			g_queue_pop_head(&senders->starting);
		start_asker(senders, run, asker);
	}
}

static void take_jobs(struct rmt_senders *senders)
{
	struct rmt_ready_job *job;

	while (senders->runs->len < IN_FLIGHT_MAX &&
	       (job = rmt_readiness_next(senders->readiness)) != NULL) {
		struct run *run = g_new0(struct run, 1);

		run->senders = senders;
		run->job = job;
		run->deadline_us = g_get_monotonic_time() +
				   (int64_t)(senders->config->dns.deadline_ns / 1000);
		g_ptr_array_add(senders->runs, run);
		next_round(run);
	}
}

/* Before the resolver they wait for is closed. */
static void drop_runs(struct rmt_senders *senders)
{
	guint i, j;

	g_queue_clear(&senders->starting);
	for (i = 0; i < senders->runs->len; i++) {
		struct run *run = senders->runs->pdata[i];

		for (j = 0; senders->resolver != NULL && j < run->askers->len; j++)
			rmt_resolver_forget(senders->resolver, run->askers->pdata[j]);
		rmt_readiness_drop(senders->readiness, run->job);
		g_free(run);
	}
	g_ptr_array_set_size(senders->runs, 0);
}

/* --- the loop's turn ------------------------------------------------------------------
 */

static int64_t next_us(const struct rmt_senders *senders)
{
	int64_t next = senders->runs->len > 0 ? senders->expires_us : INT64_MAX;

	if (senders->events != NULL)
		next = MIN(next, rmt_resolver_events_next(senders->events));
	return next;
}

int rmt_senders_sleep_ms(const struct rmt_senders *senders, int max_ms)
{
	const int64_t next = next_us(senders);
	int64_t left_us;

	if (senders->starting.length > 0)
		return 0;
	if (next == INT64_MAX)
		return max_ms;
	left_us = MAX(next - g_get_monotonic_time(), 0);
	return (int)MIN((left_us + 999) / 1000, max_ms);
}

static void run_timers(struct rmt_senders *senders)
{
	const int64_t now_us = g_get_monotonic_time();

	rmt_resolver_events_due(senders->events, now_us, TIMERS_PER_TURN);
	if (now_us >= senders->expires_us)
		senders->expires_us = rmt_resolver_expire(senders->resolver, now_us);
}

void rmt_senders_turn(struct rmt_senders *senders, int64_t wall_secs)
{
	senders->now_us = g_get_monotonic_time();
	senders->wall_secs = wall_secs;
	if (senders->resolver == NULL && senders->zone == NULL)
		return;
	if (next_us(senders) <= senders->now_us)
		run_timers(senders);
	take_jobs(senders);
	if (senders->starting.length > 0)
		start_some(senders);
}

/* --- life ------------------------------------------------------------------------------
 */

/* Within a turn's time: a look into LMDB, for a domain that is asked about anyway. */
static char **seen_selectors(void *context, struct rmt_span domain)
{
	const struct rmt_senders *senders = context;

	return rmt_selectors_of(senders->store, domain, senders->wall_secs, NULL);
}

struct rmt_senders *rmt_senders_new(struct rmt_loop *loop, struct rmt_store *store,
				    const char *dns_file)
{
	struct rmt_senders *senders = g_new0(struct rmt_senders, 1);

	senders->gate = (struct rmt_gate){ gate_ask, gate_explain };
	senders->host = (struct rmt_resolver_host){ host_watch, host_unwatch };
	senders->loop = loop;
	senders->dns_file = g_strdup(dns_file);
	senders->store = store;
	senders->readiness = rmt_readiness_new();
	rmt_readiness_learns(senders->readiness, seen_selectors, senders);
	senders->psl = rmt_psl_open();
	senders->orgs = (struct rmt_org_view){ senders->psl, tree_org, senders };
	senders->runs = g_ptr_array_new();
	senders->expires_us = INT64_MAX;
	senders->now_us = g_get_monotonic_time();
	return senders;
}

static void close_dns(struct rmt_senders *senders)
{
	drop_runs(senders);
	rmt_resolver_close(&senders->resolver);
	g_clear_pointer(&senders->events, rmt_resolver_events_free);
	g_clear_pointer(&senders->zone, rmt_zone_free);
	senders->expires_us = INT64_MAX;
}

void rmt_senders_free(struct rmt_senders *senders)
{
	if (senders == NULL)
		return;
	close_dns(senders);
	rmt_readiness_free(senders->readiness);
	if (senders->config != NULL)
		rmt_config_unref(senders->config);
	g_ptr_array_unref(senders->runs);
	rmt_psl_close(senders->psl);
	g_free(senders->dns_file);
	g_free(senders);
}

static bool open_dns(struct rmt_senders *senders, const struct rmt_config *config,
		     GError **err)
{
	struct rmt_resolver_settings settings = RMT_RESOLVER_SETTINGS_INIT;

	if (senders->dns_file != NULL) {
		senders->zone = rmt_zone_new();
		return rmt_zone_add_file(senders->zone, senders->dns_file, err);
	}
	rmt_resolver_settings_from(&settings, &config->dns);
	senders->events = rmt_resolver_events_new(&senders->host);
	settings.events = senders->events;
	return rmt_resolver_open(&senders->resolver, &settings, err);
}

static bool asks_dns(const struct rmt_config *config)
{
	guint i;

	for (i = 0; i < config->streams->len; i++)
		if (((const struct rmt_stream *)config->streams->pdata[i])->gated)
			return true;
	return false;
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

bool rmt_senders_configure(struct rmt_senders *senders, struct rmt_config *config,
			   GError **err)
{
	struct rmt_config *old = senders->config;
	const bool keep = old != NULL && senders->resolver != NULL && asks_dns(config) &&
			  same_dns(&old->dns, &config->dns);
	bool ok = true;

	if (!keep)
		close_dns(senders);
	senders->config = rmt_config_ref(config);
	rmt_readiness_configure(senders->readiness, config);
	if (old != NULL)
		rmt_config_unref(old);
	if (!keep && asks_dns(config))
		ok = open_dns(senders, config, err);
	if (!ok)
		close_dns(senders);
	return ok;
}

/* --- in numbers ------------------------------------------------------------------------
 */

void rmt_senders_stats(const struct rmt_senders *senders,
		       struct rmt_senders_stats *stats_r)
{
	uint64_t joined;

	*stats_r = (struct rmt_senders_stats){ .in_flight = senders->runs->len };
	rmt_readiness_stats(senders->readiness, &stats_r->readiness);
	if (senders->resolver != NULL)
		rmt_resolver_stats(senders->resolver, &stats_r->questions, &joined);
}

static void metric(GString *out, const char *name, const char *type, const char *help,
		   uint64_t value)
{
	g_string_append_printf(out, "# HELP %s %s\n# TYPE %s %s\n%s %" PRIu64 "\n", name,
			       help, name, type, name, value);
}

static void answers_metric(GString *out, const char *state, uint64_t value)
{
	g_string_append_printf(
		out, "remite_readiness_answers_total{state=\"%s\"} %" PRIu64 "\n", state,
		value);
}

void rmt_senders_metrics(const struct rmt_senders *senders, GString *out)
{
	struct rmt_senders_stats stats;

	if (senders->config == NULL || !asks_dns(senders->config))
		return;
	rmt_senders_stats(senders, &stats);
	metric(out, "remite_readiness_domains", "gauge",
	       "Senders' domains that are remembered.", stats.readiness.domains);
	metric(out, "remite_readiness_waiting", "gauge", "Those that DNS is asked about.",
	       stats.readiness.waiting + stats.in_flight);
	metric(out, "remite_readiness_refreshes_total", "counter",
	       "Domains that DNS was asked about.", stats.readiness.refreshes);
	metric(out, "remite_readiness_failures_total", "counter",
	       "Those that DNS did not answer all of.", stats.readiness.failures);
	metric(out, "remite_readiness_dropped_total", "counter",
	       "Domains not asked about, since too many waited.",
	       stats.readiness.dropped);
	metric(out, "remite_dns_questions_total", "counter", "Questions sent to DNS.",
	       stats.questions);
	g_string_append(out, "# HELP remite_readiness_answers_total What requests were "
			     "told of the sender's domain.\n"
			     "# TYPE remite_readiness_answers_total counter\n");
	answers_metric(out, "ready", stats.readiness.ready);
	answers_metric(out, "unknown", stats.readiness.unknown);
	answers_metric(out, "not_ready", stats.readiness.not_ready);
}
