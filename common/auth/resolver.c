/* SPDX-License-Identifier: MIT */
/* resolver.c - DNS for evaluators, by libunbound. A flight is one question
 * under way; jobs are the askers, each of which waits for one flight. */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unbound.h>
#include <unbound-event.h>

#include "common/auth/dns_packet.h"
#include "common/auth/resolver.h"
#include "common/auth/resolver_events_base.h"
#include "common/base/clock.h"
#include "common/config/config.h"

enum { CLASS_IN = 1, BOGUS_IN_EVENT = 1, SECURE_IN_EVENT = 2 };

struct flight {
	struct rmt_resolver *resolver; /* foreign */
	enum rmt_dns_type type;
	GString *name;      /* own; lower case */
	GPtrArray *waiters; /* own; foreign struct job */
	int async_id;
	struct rmt_dns_packet packet; /* own; the answer, once it is there */
};

struct job {
	struct rmt_asker *asker; /* foreign */
	int64_t deadline_us;
	rmt_resolver_done *done; /* may be NULL */
	void *context;
	struct flight *flight; /* foreign; the one it waits for */
};

struct rmt_resolver {
	struct ub_ctx *ctx; /* own */
	bool event_mode;
	uint32_t ttl_max_secs, negative_ttl_max_secs;
	GHashTable *flights; /* own; struct flight, under way */
	GQueue landed;       /* own; struct flight, with an answer nobody has seen */
	bool delivering;
	GPtrArray *jobs; /* own; struct job */
	uint64_t asked, joined;
};

static guint hash_flight(gconstpointer pointer)
{
	const struct flight *flight = pointer;

	return g_string_hash(flight->name) * 31 + (guint)flight->type;
}

static gboolean equal_flights(gconstpointer a, gconstpointer b)
{
	const struct flight *one = a, *other = b;

	return one->type == other->type && g_string_equal(one->name, other->name);
}

static void free_flight(gpointer pointer)
{
	struct flight *flight = pointer;

	g_string_free(flight->name, TRUE);
	g_ptr_array_unref(flight->waiters);
	rmt_dns_packet_finish(&flight->packet);
	g_free(flight);
}

/* --- opening and closing ----------------------------------------------------------- */

static bool check(int code, const char *what, const char *value, GError **err)
{
	if (code == 0)
		return true;
	g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_INVAL, "resolver: %s '%s': %s", what,
		    value, ub_strerror(code));
	return false;
}

static bool set_number(struct ub_ctx *ctx, const char *option, uint32_t number,
		       GError **err)
{
	char text[16];

	g_snprintf(text, sizeof(text), "%u", number);
	return check(ub_ctx_set_option(ctx, option, text), option, text, err);
}

static bool set_servers(struct ub_ctx *ctx, const struct rmt_resolver_settings *settings,
			GError **err)
{
	const char *const *server;

	if (settings->servers == NULL) {
		/* Without the file, from the root servers down. */
		ub_ctx_resolvconf(ctx, settings->resolv_conf);
		return true;
	}
	for (server = settings->servers; *server != NULL; server++)
		if (!check(ub_ctx_set_fwd(ctx, *server), "server", *server, err))
			return false;
	return true;
}

/* "name: value" */
static bool set_option(struct ub_ctx *ctx, const char *option, GError **err)
{
	const char *colon = strchr(option, ':');
	g_autofree char *name =
		colon != NULL ? g_strndup(option, colon + 1 - option) : NULL;

	if (name == NULL)
		return check(UB_SYNTAX, "option", option, err);
	return check(ub_ctx_set_option(ctx, name, g_strchug((char *)colon + 1)), "option",
		     option, err);
}

/* A server that was silent for a while is asked again soon, not in 15 minutes. What
 * an older library does not know it goes without. */
static void forgive_soon(struct ub_ctx *ctx)
{
	ub_ctx_set_option(ctx, "infra-host-ttl:", "60");
	ub_ctx_set_option(ctx, "infra-cache-max-rtt:", "4000");
	ub_ctx_set_option(ctx, "infra-keep-probing:", "yes");
}

static bool configure(struct ub_ctx *ctx, const struct rmt_resolver_settings *settings,
		      GError **err)
{
	const char *const *option;

	ub_ctx_debugout(ctx, NULL); /* what matters comes back as an answer */
	forgive_soon(ctx);
	/* A stub on 127.0.0.53 is what resolv.conf names on many hosts. */
	if (!check(ub_ctx_set_option(ctx, "do-not-query-localhost:", "no"), "option",
		   "do-not-query-localhost", err) ||
	    !set_number(ctx, "cache-max-ttl:", settings->ttl_max_secs, err) ||
	    !set_number(ctx, "cache-max-negative-ttl:", settings->negative_ttl_max_secs,
			err) ||
	    !set_servers(ctx, settings, err))
		return false;
	if (settings->trust_anchors != NULL &&
	    !check(ub_ctx_add_ta_file(ctx, settings->trust_anchors), "trust anchors",
		   settings->trust_anchors, err))
		return false;
	for (option = settings->options; option != NULL && *option != NULL; option++)
		if (!set_option(ctx, *option, err))
			return false;
	return true;
}

void rmt_resolver_settings_from(struct rmt_resolver_settings *settings,
				const struct rmt_dns_config *config)
{
	settings->servers = (const char *const *)config->servers;
	settings->trust_anchors = config->trust_anchors;
	settings->ttl_max_secs = (uint32_t)(config->ttl_max_ns / RMT_NS_PER_SEC);
	settings->negative_ttl_max_secs =
		(uint32_t)(config->negative_ttl_max_ns / RMT_NS_PER_SEC);
}

static struct ub_ctx *new_context(const struct rmt_resolver_settings *settings)
{
	if (settings->events != NULL)
		return ub_ctx_create_ub_event(rmt_resolver_events_base(settings->events));
	return settings->event_base != NULL ? ub_ctx_create_event(settings->event_base)
					    : ub_ctx_create();
}

bool rmt_resolver_open(struct rmt_resolver **resolver_r,
		       const struct rmt_resolver_settings *settings, GError **err)
{
	struct rmt_resolver *resolver = g_new0(struct rmt_resolver, 1);

	resolver->event_mode = settings->event_base != NULL || settings->events != NULL;
	resolver->ttl_max_secs = settings->ttl_max_secs;
	resolver->negative_ttl_max_secs = settings->negative_ttl_max_secs;
	resolver->flights = g_hash_table_new_full(hash_flight, equal_flights, NULL, NULL);
	resolver->jobs = g_ptr_array_new_with_free_func(g_free);
	g_queue_init(&resolver->landed);
	resolver->ctx = new_context(settings);
	if (resolver->ctx == NULL)
		check(UB_NOMEM, "context of", "libunbound", err);
	if (resolver->ctx == NULL || !configure(resolver->ctx, settings, err)) {
		rmt_resolver_close(&resolver);
		return false;
	}
	if (!resolver->event_mode)
		ub_ctx_async(resolver->ctx, 1);
	*resolver_r = resolver;
	return true;
}

static void cancel_flight(struct rmt_resolver *resolver, struct flight *flight)
{
	ub_cancel(resolver->ctx, flight->async_id);
	g_hash_table_remove(resolver->flights, flight);
	free_flight(flight);
}

void rmt_resolver_close(struct rmt_resolver **resolver_ptr)
{
	struct rmt_resolver *resolver = *resolver_ptr;
	GHashTableIter flights;
	gpointer flight;

	*resolver_ptr = NULL;
	if (resolver == NULL)
		return;
	g_hash_table_iter_init(&flights, resolver->flights);
	while (g_hash_table_iter_next(&flights, &flight, NULL)) {
		ub_cancel(resolver->ctx, ((struct flight *)flight)->async_id);
		free_flight(flight);
	}
	while ((flight = g_queue_pop_head(&resolver->landed)) != NULL)
		free_flight(flight);
	g_hash_table_unref(resolver->flights);
	if (resolver->ctx != NULL)
		ub_ctx_delete(resolver->ctx);
	g_ptr_array_unref(resolver->jobs);
	g_free(resolver);
}

/* --- flights --------------------------------------------------------------------------
 */

static void deliver(struct rmt_resolver *resolver);

static void cap_ttl(const struct rmt_resolver *resolver, struct rmt_dns_answer *answer)
{
	uint32_t max = answer->status == RMT_DNS_FOUND ? resolver->ttl_max_secs
						       : resolver->negative_ttl_max_secs;

	answer->ttl_secs = MIN(answer->ttl_secs, max);
}

/* What DNSSEC makes of an answer; UNJUDGED without trust anchors, too. */
enum security { UNJUDGED, SECURE, BOGUS };

static void land(struct flight *flight, struct rmt_span message, enum security security)
{
	struct rmt_resolver *resolver = flight->resolver;

	rmt_dns_packet_read(&flight->packet, message, flight->type);
	flight->packet.answer.secure = security == SECURE;
	flight->packet.answer.bogus = security == BOGUS;
	cap_ttl(resolver, &flight->packet.answer);
	g_hash_table_remove(resolver->flights, flight);
	g_queue_push_tail(&resolver->landed, flight);
	deliver(resolver);
}

static void landed_in_thread(void *context, int error, struct ub_result *result)
{
	struct rmt_span message = { NULL, 0 };
	enum security security = UNJUDGED;

	if (error == 0 && result->bogus)
		security = BOGUS;
	else if (error == 0 && result->secure)
		security = SECURE;
	if (error == 0 && !result->bogus)
		message = rmt_span(result->answer_packet, (size_t)result->answer_len);
	land(context, message, security);
	if (error == 0)
		ub_resolve_free(result);
}

static void landed_in_event(void *context, int rcode, void *packet, int length,
			    int security, char *why_bogus, int was_ratelimited)
{
	const bool bogus = security == BOGUS_IN_EVENT || why_bogus != NULL;
	const bool usable = rcode == 0 && !bogus && packet != NULL && length > 0;
	enum security judged = security == SECURE_IN_EVENT ? SECURE : UNJUDGED;

	(void)was_ratelimited;
	land(context, usable ? rmt_span(packet, (size_t)length) : rmt_span(NULL, 0),
	     bogus ? BOGUS : judged);
}

/* Presentation form: every octet that could mean something else as \DDD. */
static void format_name(struct rmt_span name, GString *out)
{
	size_t i;

	for (i = 0; i < name.len; i++)
		if (g_ascii_isalnum(name.p[i]) ||
		    (name.p[i] != 0 && strchr("-_./*", name.p[i]) != NULL))
			g_string_append_c(out, name.p[i]);
		else
			g_string_append_printf(out, "\\%03u", (unsigned char)name.p[i]);
	g_string_append_c(out, '.');
}

static int send_question(struct rmt_resolver *resolver, struct flight *flight)
{
	g_autoptr(GString) name = g_string_sized_new(128);

	resolver->asked++;
	format_name(rmt_span(flight->name->str, flight->name->len), name);
	if (resolver->event_mode)
		return ub_resolve_event(resolver->ctx, name->str, (int)flight->type,
					CLASS_IN, flight, landed_in_event,
					&flight->async_id);
	return ub_resolve_async(resolver->ctx, name->str, (int)flight->type, CLASS_IN,
				flight, landed_in_thread, &flight->async_id);
}

static struct flight *new_flight(struct rmt_resolver *resolver,
				 const struct rmt_dns_question *question)
{
	struct flight *flight = g_new0(struct flight, 1);

	flight->resolver = resolver;
	flight->type = question->type;
	flight->name = g_string_new_len(question->name.p, (gssize)question->name.len);
	g_string_ascii_down(flight->name);
	flight->waiters = g_ptr_array_new();
	rmt_dns_packet_init(&flight->packet);
	return flight;
}

static void wait_for(struct flight *flight, struct job *job)
{
	if (job == NULL)
		return;
	job->flight = flight;
	g_ptr_array_add(flight->waiters, job);
}

/* Joins or starts the flight of a question; job NULL: nobody waits for it. */
static void board(struct rmt_resolver *resolver, const struct rmt_dns_question *question,
		  struct job *job)
{
	struct flight *flight = new_flight(resolver, question), *same;

	same = g_hash_table_lookup(resolver->flights, flight);
	if (same != NULL) {
		resolver->joined++;
		free_flight(flight);
		wait_for(same, job);
		return;
	}
	g_hash_table_add(resolver->flights, flight);
	wait_for(flight, job);
	if (send_question(resolver, flight) != 0)
		land(flight, rmt_span(NULL, 0), UNJUDGED);
}

/* --- jobs
 * ------------------------------------------------------------------------------- */

static void end_job(struct rmt_resolver *resolver, struct job *job)
{
	struct rmt_asker *asker = job->asker;
	rmt_resolver_done *done = job->done;
	void *context = job->context;

	g_ptr_array_remove_fast(resolver->jobs, job);
	if (done != NULL)
		done(context, asker);
}

static void time_out(struct rmt_resolver *resolver, struct job *job)
{
	static const struct rmt_dns_answer answer = { .status = RMT_DNS_TIMEOUT };

	while (job->asker->waits)
		rmt_dns_resume(job->asker, &answer);
	end_job(resolver, job);
}

/* Asks what the asker wants to know next, or ends. */
static void advance(struct rmt_resolver *resolver, struct job *job)
{
	struct rmt_asker *asker = job->asker;
	size_t i;

	if (!asker->waits) {
		end_job(resolver, job);
		return;
	}
	if (g_get_monotonic_time() >= job->deadline_us) {
		time_out(resolver, job);
		return;
	}
	for (i = 0; i < asker->hint_count; i++)
		board(resolver, &asker->hints[i], NULL);
	board(resolver, &asker->question, job);
}

static void deliver_one(struct rmt_resolver *resolver, struct flight *flight)
{
	while (flight->waiters->len > 0) {
		struct job *job = g_ptr_array_remove_index_fast(flight->waiters, 0);

		job->flight = NULL;
		rmt_dns_resume(job->asker, &flight->packet.answer);
		advance(resolver, job);
	}
}

/* Not from within itself: answers at hand would nest as deep as there are. */
static void deliver(struct rmt_resolver *resolver)
{
	struct flight *flight;

	if (resolver->delivering)
		return;
	resolver->delivering = true;
	while ((flight = g_queue_pop_head(&resolver->landed)) != NULL) {
		deliver_one(resolver, flight);
		free_flight(flight);
	}
	resolver->delivering = false;
}

void rmt_resolver_start(struct rmt_resolver *resolver, struct rmt_asker *asker,
			int64_t deadline_us, rmt_resolver_done *done, void *context)
{
	struct job *job = g_new0(struct job, 1);

	job->asker = asker;
	job->deadline_us = deadline_us;
	job->done = done;
	job->context = context;
	g_ptr_array_add(resolver->jobs, job);
	advance(resolver, job);
}

/* The flight goes on for others, and ends when there are none. */
static void leave_flight(struct rmt_resolver *resolver, struct job *job)
{
	struct flight *flight = job->flight;

	if (flight == NULL)
		return;
	job->flight = NULL;
	g_ptr_array_remove_fast(flight->waiters, job);
	if (flight->waiters->len == 0 &&
	    g_hash_table_lookup(resolver->flights, flight) == flight)
		cancel_flight(resolver, flight);
}

void rmt_resolver_forget(struct rmt_resolver *resolver, const struct rmt_asker *asker)
{
	guint i;

	for (i = 0; i < resolver->jobs->len; i++) {
		struct job *job = g_ptr_array_index(resolver->jobs, i);

		if (job->asker != asker)
			continue;
		leave_flight(resolver, job);
		g_ptr_array_remove_index_fast(resolver->jobs, i);
		return;
	}
}

int rmt_resolver_fd(const struct rmt_resolver *resolver)
{
	return resolver->event_mode ? -1 : ub_fd(resolver->ctx);
}

void rmt_resolver_process(struct rmt_resolver *resolver)
{
	if (!resolver->event_mode)
		ub_process(resolver->ctx);
}

/* One that is late, or NULL; next_r: the earliest deadline of the others. */
static struct job *find_late(struct rmt_resolver *resolver, int64_t now_us,
			     int64_t *next_r)
{
	guint i;

	*next_r = INT64_MAX;
	for (i = 0; i < resolver->jobs->len; i++) {
		struct job *job = g_ptr_array_index(resolver->jobs, i);

		if (job->deadline_us <= now_us)
			return job;
		*next_r = MIN(*next_r, job->deadline_us);
	}
	return NULL;
}

int64_t rmt_resolver_expire(struct rmt_resolver *resolver, int64_t now_us)
{
	struct job *job;
	int64_t next_us;

	while ((job = find_late(resolver, now_us, &next_us)) != NULL) {
		leave_flight(resolver, job);
		time_out(resolver, job);
	}
	return next_us;
}

static void wait_readable(int fd, int64_t until_us)
{
	int64_t left_us = until_us - g_get_monotonic_time();
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

	if (left_us > 0)
		poll(&poll_fd, 1, (int)MIN(left_us / 1000 + 1, 60000));
}

static void count_down(void *context, struct rmt_asker *asker)
{
	size_t *left = context;

	(void)asker;
	--*left;
}

void rmt_resolver_run(struct rmt_resolver *resolver, struct rmt_asker *const *askers,
		      size_t count, int64_t timeout_ms)
{
	int64_t deadline_us = g_get_monotonic_time() + timeout_ms * 1000;
	size_t i, left = count;

	for (i = 0; i < count; i++)
		rmt_resolver_start(resolver, askers[i], deadline_us, count_down, &left);
	while (left > 0) {
		wait_readable(rmt_resolver_fd(resolver), deadline_us);
		rmt_resolver_process(resolver);
		rmt_resolver_expire(resolver, g_get_monotonic_time());
	}
}

void rmt_resolver_stats(const struct rmt_resolver *resolver, uint64_t *asked_r,
			uint64_t *joined_r)
{
	*asked_r = resolver->asked;
	*joined_r = resolver->joined;
}
