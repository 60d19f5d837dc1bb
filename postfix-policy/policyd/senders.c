/* SPDX-License-Identifier: MIT */
#include "postfix-policy/policyd/senders.h"

#include <inttypes.h>
#include <limits.h>

#include "common/policy/binding.h"
#include "common/store/selectors.h"
#include "postfix-policy/policyd/lookups.h"

struct rmt_senders {
	struct rmt_gate gate;            /* first */
	struct rmt_store *store;         /* foreign */
	struct rmt_config *config;       /* a reference; or NULL */
	struct rmt_readiness *readiness; /* own */
	struct rmt_lookups *lookups;     /* own */
	struct rmt_psl *psl;             /* own; or NULL */
	struct rmt_org_view orgs;
	char text[400]; /* of an answer */
	int64_t now_us; /* of the last turn */
	int64_t wall_secs;
};

static struct rmt_senders *senders_of_gate(struct rmt_gate *gate)
{
	return (struct rmt_senders *)(void *)gate;
}

/* --- the gate --- */

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

/* --- life --- */

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
	senders->store = store;
	senders->readiness = rmt_readiness_new();
	rmt_readiness_learns(senders->readiness, seen_selectors, senders);
	senders->lookups = rmt_lookups_new(loop, senders->readiness, dns_file);
	senders->psl = rmt_psl_open();
	senders->orgs = (struct rmt_org_view){ senders->psl, tree_org, senders };
	senders->now_us = g_get_monotonic_time();
	return senders;
}

void rmt_senders_free(struct rmt_senders *senders)
{
	if (senders == NULL)
		return;
	rmt_lookups_free(senders->lookups); /* before what its answers are for */
	rmt_readiness_free(senders->readiness);
	if (senders->config != NULL)
		rmt_config_unref(senders->config);
	rmt_psl_close(senders->psl);
	g_free(senders);
}

static bool asks_dns(const struct rmt_config *config)
{
	guint i;

	for (i = 0; i < config->streams->len; i++)
		if (((const struct rmt_stream *)config->streams->pdata[i])->gated)
			return true;
	return false;
}

bool rmt_senders_configure(struct rmt_senders *senders, struct rmt_config *config,
			   GError **err)
{
	struct rmt_config *old = senders->config;
	bool ok = rmt_lookups_configure(senders->lookups, config, asks_dns(config), err);

	senders->config = rmt_config_ref(config);
	rmt_readiness_configure(senders->readiness, config);
	if (old != NULL)
		rmt_config_unref(old);
	return ok;
}

int rmt_senders_sleep_ms(const struct rmt_senders *senders, int max_ms)
{
	return rmt_lookups_sleep_ms(senders->lookups, max_ms);
}

void rmt_senders_turn(struct rmt_senders *senders, int64_t wall_secs)
{
	senders->now_us = g_get_monotonic_time();
	senders->wall_secs = wall_secs;
	rmt_lookups_turn(senders->lookups, wall_secs);
}

/* --- in numbers --- */

void rmt_senders_stats(const struct rmt_senders *senders,
		       struct rmt_senders_stats *stats_r)
{
	rmt_lookups_stats(senders->lookups, &stats_r->in_flight, &stats_r->questions);
	rmt_readiness_stats(senders->readiness, &stats_r->readiness);
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
