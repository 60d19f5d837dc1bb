/* SPDX-License-Identifier: MIT */
#include "common/policy/engine_private.h"

#include <string.h>

#include "common/base/log.h"

/* --- generations: a message ends under the settings it began with --- */

void rmt_generation_free(struct rmt_generation *generation)
{
	guint i;

	if (generation == NULL)
		return;
	for (i = 0; i < generation->config->streams->len; i++)
		rmt_stream_state_clear(&generation->pauses[i]);
	for (i = 0; i < generation->config->streams->len; i++)
		g_free(generation->plans[i]);
	g_free(generation->plans);
	g_free(generation->pauses);
	rmt_classifier_free(generation->classifier);
	rmt_config_unref(generation->config);
	g_free(generation);
}

static void free_generation(gpointer generation)
{
	rmt_generation_free(generation);
}

static struct rmt_limit_plan plan_of(const struct rmt_counters *counters,
				     const struct rmt_stream *stream,
				     const struct rmt_limit *limit)
{
	struct rmt_limit_plan plan = { .seed = rmt_key_seed(counters, limit,
							    &limit->amount) };

	plan.share.amount = &limit->amount;
	plan.share.unit = limit->of;
	plan.share.per_recipient = (limit->per & RMT_PER_OF_RECIPIENT) != 0 ||
				   limit->recipient_domains != NULL;
	plan.share.report =
		limit->action == RMT_ACTION_REPORT || stream->mode == RMT_MODE_REPORT;
	plan.is_special = limit->overrides != NULL || limit->exempt != NULL ||
			  limit->recipient_domains != NULL;
	return plan;
}

static struct rmt_limit_plan *plans_of(const struct rmt_counters *counters,
				       const struct rmt_stream *stream)
{
	struct rmt_limit_plan *plans =
		g_new0(struct rmt_limit_plan, stream->limits->len + 1);
	guint i;

	for (i = 0; i < stream->limits->len; i++)
		plans[i] = plan_of(counters, stream, stream->limits->pdata[i]);
	return plans;
}

static struct rmt_generation *new_generation(struct rmt_config *config,
					     const struct rmt_counters *counters)
{
	struct rmt_generation *generation = g_new0(struct rmt_generation, 1);
	guint i;

	generation->config = rmt_config_ref(config);
	generation->classifier = rmt_classifier_new(config);
	generation->pauses = g_new0(struct rmt_stream_state, config->streams->len);
	generation->plans = g_new0(struct rmt_limit_plan *, config->streams->len);
	for (i = 0; i < config->streams->len; i++)
		generation->plans[i] = plans_of(counters, config->streams->pdata[i]);
	generation->charges_all =
		config->charge_own_domains || rmt_list_count(config->own_domains) == 0;
	return generation;
}

static struct rmt_generation *generation_at(const struct rmt_engine *engine, guint i)
{
	return engine->generations->pdata[i];
}

static struct rmt_generation *newest(const struct rmt_engine *engine)
{
	return generation_at(engine, engine->generations->len - 1);
}

/* The generation under which a message began; nearly always there is but one. */
static const struct rmt_generation *generation_of(const struct rmt_engine *engine,
						  uint64_t message)
{
	int64_t began;
	guint i;

	if (engine->generations->len == 1 || message == 0)
		return newest(engine);
	began = rmt_reserve_began(engine->reservations, message);
	for (i = 0; began != 0 && i < engine->generations->len - 1; i++)
		if (began <= generation_at(engine, i)->ended_ns)
			return generation_at(engine, i);
	return newest(engine);
}

/* An old generation is needed while a message that began under it is open. One that
 * goes on asking could keep it for ever, hence the bound of an hour. */
static void drop_old_generations(struct rmt_engine *engine)
{
	const int64_t hour_ns = 3600LL * RMT_NS_PER_SEC;

	while (engine->generations->len > 1 &&
	       (rmt_reservations_open(engine->reservations) == 0 ||
		engine->line_ns - generation_at(engine, 0)->ended_ns > hour_ns))
		g_ptr_array_remove_index(engine->generations, 0);
}

/* --- pauses: followed by the records' version --- */

static void read_pauses(const struct rmt_engine *engine,
			struct rmt_generation *generation, uint64_t version)
{
	guint i;

	generation->pauses_version = version;
	for (i = 0; engine->store != NULL && i < generation->config->streams->len; i++) {
		const struct rmt_stream *stream = generation->config->streams->pdata[i];
		struct rmt_stream_state state = { 0 };
		g_autoptr(GError) err = NULL;

		if (!rmt_stream_state_get(engine->store, stream->name, &state, &err)) {
			rmt_log(RMT_LOG_ERROR,
				"stream '%s': its state cannot be read: %s", stream->name,
				err->message);
			continue; /* what was known goes on to hold */
		}
		rmt_stream_state_clear(&generation->pauses[i]);
		generation->pauses[i] = state;
	}
}

void rmt_engine_follow(struct rmt_engine *engine)
{
	guint i;

	if (engine->store == NULL)
		return;
	rmt_suppress_index_follow(engine->suppressed);
	if (rmt_store_version(engine->store) == engine->records_version)
		return;
	engine->records_version = rmt_store_read_version(engine->store);
	for (i = 0; i < engine->generations->len; i++)
		read_pauses(engine, generation_at(engine, i), engine->records_version);
}

const struct rmt_stream_state *rmt_engine_pause(const struct rmt_work *work,
						int64_t wall_secs)
{
	const struct rmt_stream_state *state =
		&work->generation->pauses[work->stream->index];

	return state->paused && (state->until == 0 || state->until > wall_secs) ? state
										: NULL;
}

/* --- the engine --- */

/* common/limits writes these bits as numbers, since facts.h stands above it. */
G_STATIC_ASSERT(RMT_STAGE_RCPT == 2 && RMT_STAGE_DATA == 3 &&
		RMT_STAGE_END_OF_MESSAGE == 4);

static unsigned stage_bits(const struct rmt_config *config)
{
	static const struct {
		const char *name;
		enum rmt_stage stage;
	} names[] = {
		{ "RCPT", RMT_STAGE_RCPT },
		{ "DATA", RMT_STAGE_DATA },
		{ "END-OF-MESSAGE", RMT_STAGE_END_OF_MESSAGE },
	};
	unsigned bits = 0;
	char **stage;
	size_t i;

	for (stage = config->policyd.stages; stage != NULL && *stage != NULL; stage++)
		for (i = 0; i < G_N_ELEMENTS(names); i++)
			if (g_ascii_strcasecmp(*stage, names[i].name) == 0)
				bits |= 1u << names[i].stage;
	return bits;
}

struct rmt_generation *rmt_engine_compile(const struct rmt_engine *engine,
					  struct rmt_config *config)
{
	struct rmt_generation *generation = new_generation(config, engine->counters);

	if (engine->store != NULL)
		read_pauses(engine, generation, rmt_store_read_version(engine->store));
	return generation;
}

void rmt_engine_adopt(struct rmt_engine *engine, struct rmt_generation *generation)
{
	const struct rmt_config *config = generation->config;

	if (engine->generations->len > 0)
		newest(engine)->ended_ns = engine->line_ns;
	if (generation->pauses_version != engine->records_version)
		read_pauses(engine, generation, engine->records_version);
	g_ptr_array_add(engine->generations, generation);
	rmt_reservations_set_timeout(engine->reservations,
				     config->policyd.reserve_timeout_ns);
	rmt_reservations_set_stages(engine->reservations, stage_bits(config));
	drop_old_generations(engine);
}

void rmt_engine_set_config(struct rmt_engine *engine, struct rmt_config *config)
{
	rmt_engine_adopt(engine, rmt_engine_compile(engine, config));
}

struct rmt_engine *rmt_engine_new(struct rmt_config *config,
				  struct rmt_counters *counters, struct rmt_store *store)
{
	struct rmt_engine *engine = g_new0(struct rmt_engine, 1);

	engine->counters = counters;
	engine->store = store;
	engine->generations = g_ptr_array_new_with_free_func(free_generation);
	engine->reservations =
		rmt_reservations_new(counters, config->policyd.reserve_timeout_ns);
	if (store != NULL) {
		engine->suppressed = rmt_suppress_index_new(store);
		engine->records_version = rmt_store_read_version(store);
	}
	rmt_engine_set_config(engine, config);
	return engine;
}

void rmt_engine_free(struct rmt_engine *engine)
{
	if (engine == NULL)
		return;
	rmt_reservations_free(engine->reservations);
	if (engine->suppressed != NULL)
		rmt_suppress_index_free(engine->suppressed);
	rmt_sealer_free(engine->sealer);
	g_ptr_array_unref(engine->generations);
	g_free(engine);
}

const struct rmt_config *rmt_engine_config(const struct rmt_engine *engine)
{
	return newest(engine)->config;
}

struct rmt_reservations *rmt_engine_reservations(struct rmt_engine *engine)
{
	return engine->reservations;
}

struct rmt_suppress_index *rmt_engine_suppress_index(struct rmt_engine *engine)
{
	return engine->suppressed;
}

void rmt_engine_set_gate(struct rmt_engine *engine, struct rmt_gate *gate)
{
	engine->gate = gate;
}

void rmt_engine_set_sealer(struct rmt_engine *engine, struct rmt_sealer *sealer)
{
	rmt_sealer_free(engine->sealer);
	engine->sealer = sealer;
}

void rmt_engine_closed(struct rmt_engine *engine, unsigned connection,
		       const struct rmt_now *now)
{
	rmt_reserve_closed(engine->reservations, connection, now->line_ns);
}

void rmt_engine_tick(struct rmt_engine *engine, const struct rmt_now *now)
{
	engine->line_ns = now->line_ns;
	rmt_engine_follow(engine);
	rmt_reservations_expire(engine->reservations, now->line_ns);
	rmt_counters_tick(engine->counters, now->line_ns);
	if (engine->generations->len > 1)
		drop_old_generations(engine);
}

/* --- first step: what the request is about --- */

/* peer is a keyed hash already. */
static uint64_t message_id(const struct rmt_engine *engine, uint64_t peer,
			   struct rmt_span instance)
{
	return instance.len > 0
		       ? rmt_key_mix(peer, rmt_counters_hash(engine->counters, instance.p,
							     instance.len))
		       : 0;
}

static bool is_decided_at(enum rmt_stage stage)
{
	return stage == RMT_STAGE_RCPT || stage == RMT_STAGE_DATA ||
	       stage == RMT_STAGE_END_OF_MESSAGE;
}

void rmt_engine_prepare(struct rmt_engine *engine, const struct rmt_facts *facts,
			unsigned connection, uint64_t peer, struct rmt_work *work)
{
	const struct rmt_generation *generation;
	uint64_t id = message_id(engine, peer, facts->instance);

	generation = generation_of(engine, id);
	work->facts = *facts;
	work->one_click = rmt_work_strip_context(&work->facts.policy_context);
	work->generation = generation;
	work->stream = NULL;
	work->share_count = 0;
	work->message.id = id;
	work->message.connection = connection;
	work->message.size = facts->size;
	work->message.queue = 0;
	if (!is_decided_at(facts->stage))
		return;
	rmt_addr_fold(generation->config->fold, facts->sender, &work->sender);
	rmt_addr_fold(generation->config->fold, facts->recipient, &work->recipient);
	rmt_work_begin_parts(engine, work);
	work->stream = rmt_classify(generation->classifier, &work->facts, &work->sender);
	if (facts->stage == RMT_STAGE_END_OF_MESSAGE)
		rmt_work_remember(engine, work);
	if (facts->stage == RMT_STAGE_RCPT) {
		work->recipient_hash = rmt_work_recipient_hash(engine, work);
		rmt_work_shares(engine, work);
	}
}

/* --- second step: the decision --- */

void rmt_decision_clear(struct rmt_decision *decision)
{
	decision->action = decision->would = RMT_ACTION_DUNNO;
	decision->rule = RMT_RULE_NONE;
	decision->stream = NULL;
	decision->limit = NULL;
	decision->usage = (struct rmt_usage){ 0 };
	decision->prepend[0] = '\0';
	strcpy(decision->rule_name, "pass");
	decision->key[0] = decision->text[0] = '\0';
	decision->filter = decision->unknown = NULL;
	decision->would_limits = 0;
	decision->counted = decision->candidates_charged = false;
}

static bool report_mode(const struct rmt_work *work)
{
	return work->stream->mode == RMT_MODE_REPORT;
}

/* What the rule says is done in enforce mode, and only said in report mode. */
void rmt_rule_says(const struct rmt_work *work, enum rmt_rule rule,
		   enum rmt_action action, struct rmt_decision *decision)
{
	decision->rule = rule;
	decision->would = action;
	decision->action = report_mode(work) || action == RMT_ACTION_REPORT
				   ? RMT_ACTION_DUNNO
				   : action;
}

bool rmt_check_pause(const struct rmt_work *work, const struct rmt_now *now,
		     struct rmt_decision *decision)
{
	const struct rmt_stream_state *pause = rmt_engine_pause(work, now->wall_secs);

	if (pause == NULL)
		return false;
	rmt_rule_says(work, RMT_RULE_PAUSE, RMT_ACTION_DEFER, decision);
	rmt_text_pause(pause, work, decision);
	return true;
}

bool rmt_check_suppression(struct rmt_engine *engine, struct rmt_work *work,
			   const struct rmt_now *now, struct rmt_decision *decision)
{
	struct rmt_suppress_hit hit;

	if (engine->suppressed == NULL || work->recipient.whole.len == 0)
		return false;
	switch (rmt_suppress_look_up(engine->suppressed, work->recipient.whole,
				     work->stream->name, work->stream->class,
				     work->stream->suppress, now->wall_secs, &hit)) {
	case RMT_STORE_FOUND:
		rmt_rule_says(work, RMT_RULE_SUPPRESSION, work->stream->suppress_action,
			      decision);
		rmt_text_suppression(&hit, work, decision);
		return true;
	case RMT_STORE_MISSING:
		return false;
	case RMT_STORE_FAILED:
		break;
	}
	rmt_rule_says(work, RMT_RULE_TROUBLE,
		      work->generation->config->policyd.trouble_action, decision);
	rmt_text_trouble("records: suppressions cannot be read", decision);
	return decision->action != RMT_ACTION_DUNNO;
}

enum rmt_action rmt_gate_action(const struct rmt_gate_answer *answer)
{
	switch (answer->level) {
	case RMT_LEVEL_REJECT:
		/* Nothing is refused for good because DNS did not answer. */
		return answer->state == RMT_GATE_SHUT ? RMT_ACTION_REJECT
						      : RMT_ACTION_DEFER;
	case RMT_LEVEL_DEFER:
		return RMT_ACTION_DEFER;
	default:
		return RMT_ACTION_REPORT;
	}
}

bool rmt_check_gate(struct rmt_engine *engine, const struct rmt_work *work,
		    struct rmt_decision *decision)
{
	struct rmt_gate_answer answer = { RMT_GATE_OPEN };

	if (!rmt_work_is_gated(engine, work))
		return false;
	engine->gate->ask(engine->gate, work->stream, &work->sender, &work->facts,
			  &answer);
	if (answer.state == RMT_GATE_UNKNOWN)
		decision->unknown = answer.rule;
	if (answer.state == RMT_GATE_OPEN ||
	    (answer.state == RMT_GATE_UNKNOWN && answer.level < RMT_LEVEL_DEFER))
		return false;
	rmt_rule_says(work, RMT_RULE_GATE, rmt_gate_action(&answer), decision);
	rmt_text_gate(&answer, decision);
	return true;
}

/* How full the fullest limit is costs divisions; only the log tells it of what passes. */
static struct rmt_usage *usage_of(const struct rmt_work *work,
				  struct rmt_decision *decision)
{
	return work->generation->config->policyd.log_passed ? &decision->usage : NULL;
}

/* For a limit that does not fit, where nobody asked for usage before. */
static void want_usage(struct rmt_engine *engine, const struct rmt_work *work, size_t at,
		       struct rmt_decision *decision)
{
	const struct rmt_share *share = &work->shares[at];

	if (usage_of(work, decision) == NULL)
		rmt_counters_fits(engine->counters, share->key, share->amount, 1,
				  work->message.line_ns, &decision->usage);
}

/* Limits that pass but would not have are told by the first of them. */
static void tell_would(struct rmt_engine *engine, const struct rmt_work *work,
		       uint64_t would, struct rmt_decision *decision)
{
	const struct rmt_limit *limit;
	size_t i;

	for (i = 0; i < MIN(work->share_count, 64u); i++) {
		if ((would & (uint64_t)1 << i) == 0)
			continue;
		limit = work->share_limits[i];
		decision->would_limits |= (uint64_t)1 << i;
		if (decision->rule == RMT_RULE_NONE) {
			want_usage(engine, work, i, decision);
			rmt_rule_says(work, RMT_RULE_LIMIT, limit->action, decision);
			rmt_text_limit(limit, work, decision);
		}
	}
}

/* Names are remembered for listing the first time a counter is used. */
static void name_counters(struct rmt_engine *engine, const struct rmt_work *work)
{
	char buffer[RMT_KEY_TEXT_MAX];
	size_t i;

	if (!rmt_counters_nameless(engine->counters))
		return;
	for (i = 0; i < work->share_count; i++)
		if (!rmt_counters_is_named(engine->counters, work->shares[i].key))
			rmt_counters_name(
				engine->counters, work->shares[i].key,
				rmt_span_of(work->share_limits[i]->id),
				rmt_key_text(work, work->share_limits[i], buffer));
}

/* Takes over what the reservations answered. False: a limit says no. */
static bool take_result(struct rmt_engine *engine, const struct rmt_work *work,
			enum rmt_reserve_result result, size_t at, uint64_t would,
			struct rmt_decision *decision)
{
	if (result == RMT_RESERVE_EXCEEDED) {
		decision->limit = work->share_limits[at];
		want_usage(engine, work, at, decision);
		rmt_rule_says(work, RMT_RULE_LIMIT, decision->limit->action, decision);
		rmt_text_limit(decision->limit, work, decision);
		return false;
	}
	decision->counted = true;
	if (work->share_count > 0) {
		if (at < work->share_count && decision->rule == RMT_RULE_NONE)
			decision->limit = work->share_limits[at];
		name_counters(engine, work);
	}
	if (would != 0)
		tell_would(engine, work, would, decision);
	return true;
}

static void reserve(struct rmt_engine *engine, struct rmt_work *work,
		    struct rmt_decision *decision)
{
	enum rmt_reserve_result result;
	size_t at = RMT_ENGINE_SHARES_MAX;
	uint64_t would = 0;

	if (work->stream->limits->len == 0 || work->message.id == 0)
		return;
	result = rmt_reserve(engine->reservations, &work->message, work->recipient_hash,
			     work->shares, work->share_count, false, &at,
			     usage_of(work, decision), &would);
	take_result(engine, work, result, at, would, decision);
	if (decision->action == RMT_ACTION_DISCARD)
		rmt_reserve_release(engine->reservations, work->message.id);
}

static void decide_rcpt(struct rmt_engine *engine, struct rmt_work *work,
			const struct rmt_now *now, struct rmt_decision *decision)
{
	bool barred = rmt_check_pause(work, now, decision) ||
		      rmt_check_suppression(engine, work, now, decision) ||
		      rmt_check_xverp(work, decision) ||
		      rmt_check_gate(engine, work, decision);

	if (barred && decision->action != RMT_ACTION_DUNNO)
		return;
	reserve(engine, work, decision);
}

static struct rmt_commit commit_of(struct rmt_work *work, const struct rmt_engine *engine)
{
	struct rmt_commit commit = {
		.recipient_count = work->facts.recipient_count,
		.size = work->facts.size,
	};

	if (work->recipient.whole.len > 0)
		commit.recipient = rmt_work_recipient_hash(engine, work);
	return commit;
}

/* DATA without a reservation (RCPT is not asked, or it timed out): as many
 * recipients as the server counts are reserved now, nameless where it names none. */
static void reserve_at_data(struct rmt_engine *engine, struct rmt_work *work,
			    struct rmt_decision *decision)
{
	uint64_t i, count = MAX(work->facts.recipient_count, 1);
	const uint64_t named = count == 1 ? commit_of(work, engine).recipient : 0;
	enum rmt_reserve_result result;
	size_t at = RMT_ENGINE_SHARES_MAX;
	uint64_t would = 0, would_any = 0;

	rmt_work_shares(engine, work);
	for (i = 1; i <= count; i++) {
		result = rmt_reserve(engine->reservations, &work->message,
				     named != 0 ? named : i, work->shares,
				     work->share_count, false, &at,
				     usage_of(work, decision), &would);
		would_any |= would;
		if (!take_result(engine, work, result, at, would_any, decision)) {
			rmt_reserve_release(engine->reservations, work->message.id);
			return;
		}
	}
}

static void decide_data(struct rmt_engine *engine, struct rmt_work *work,
			const struct rmt_now *now, struct rmt_decision *decision)
{
	struct rmt_commit commit = commit_of(work, engine);

	if (rmt_check_pause(work, now, decision) && decision->action != RMT_ACTION_DUNNO)
		return;
	if (rmt_work_refuse_several(engine, work, decision))
		return;
	if (work->message.id != 0) {
		if (rmt_reserve_confirm(engine->reservations, &work->message, &commit) ==
			    RMT_COMMIT_UNKNOWN &&
		    work->stream->limits->len > 0)
			reserve_at_data(engine, work, decision);
		decision->candidates_charged = commit.candidates_charged;
	}
	if (decision->action == RMT_ACTION_DUNNO && work->stream->egress_by_filter &&
	    work->stream->egress != NULL && !report_mode(work))
		decision->filter = work->stream->egress->transport;
	if (decision->action == RMT_ACTION_DUNNO)
		rmt_work_prepend(engine, work, decision);
}

static void decide_end(struct rmt_engine *engine, struct rmt_work *work,
		       struct rmt_decision *decision)
{
	struct rmt_commit commit = commit_of(work, engine);
	enum rmt_reserve_result result;
	size_t at = RMT_ENGINE_SHARES_MAX;
	uint64_t would = 0;

	if (work->message.id == 0)
		return;
	if (rmt_reserve_commit(engine->reservations, &work->message, &commit) ==
	    RMT_COMMITTED) {
		decision->counted = true;
		decision->candidates_charged = commit.candidates_charged;
		return;
	}
	rmt_work_shares(engine, work);
	result = rmt_reserve_direct(engine->reservations, &work->message,
				    MAX(work->facts.recipient_count, 1), work->shares,
				    work->share_count, false, &at,
				    usage_of(work, decision), &would);
	take_result(engine, work, result, at, would, decision);
}

void rmt_engine_decide(struct rmt_engine *engine, struct rmt_work *work,
		       const struct rmt_now *now, struct rmt_decision *decision)
{
	rmt_decision_clear(decision);
	work->message.line_ns = now->line_ns;
	if (work->message.id != 0)
		rmt_reserve_instance(engine->reservations, work->message.connection,
				     work->message.id, now->line_ns);
	if (work->one_click) { /* the same message was decided on, or will be */
		if (work->facts.stage == RMT_STAGE_DATA)
			rmt_work_prepend(engine, work, decision);
		return;
	}
	decision->stream = work->stream;
	switch (work->facts.stage) {
	case RMT_STAGE_RCPT:
		decide_rcpt(engine, work, now, decision);
		break;
	case RMT_STAGE_DATA:
		decide_data(engine, work, now, decision);
		break;
	case RMT_STAGE_END_OF_MESSAGE:
		decide_end(engine, work, decision);
		break;
	default:
		break;
	}
}
