/* SPDX-License-Identifier: MIT */
/* engine_whole.c - messages after their last stage: found again by queue id, and
 * decided with all their recipients at once. */
#include "common/policy/engine_private.h"

#include <string.h>

#include "common/limits/keyed.h"

void rmt_engine_remember(struct rmt_engine *engine)
{
	rmt_reservations_remember(engine->reservations, true);
}

/* 0: none. */
static uint64_t queue_of(const struct rmt_engine *engine, struct rmt_span queue_id)
{
	return queue_id.len > 0
		       ? rmt_counters_hash(engine->counters, queue_id.p, queue_id.len)
		       : 0;
}

void rmt_work_remember(const struct rmt_engine *engine, struct rmt_work *work)
{
	if (!rmt_reservations_remembers(engine->reservations))
		return;
	work->message.queue = queue_of(engine, work->facts.queue_id);
	work->message.stream = g_intern_string(work->stream->name);
}

const char *rmt_engine_sent_to(const struct rmt_engine *engine, struct rmt_span queue_id)
{
	return rmt_reserve_sent_to(engine->reservations, queue_of(engine, queue_id));
}

bool rmt_engine_give_back(struct rmt_engine *engine, struct rmt_span queue_id,
			  const struct rmt_now *now)
{
	return rmt_reserve_give_back(engine->reservations, queue_of(engine, queue_id),
				     now->line_ns);
}

/* --- all recipients ------------------------------------------------------------------
 */

/* A counter that the message concerns. */
struct counter {
	uint64_t key;
	const struct rmt_amount *amount;
	const struct rmt_limit *limit;
	size_t recipients, first; /* how many; the first of them */
};

struct whole {
	struct rmt_engine *engine;
	const struct rmt_now *now;
	const struct rmt_span *recipients;
	size_t count;
	struct rmt_work work; /* of the recipient looked at */
	struct rmt_keyed counters;
	struct rmt_decision *decision;
};

static void look_at(struct whole *whole, size_t i)
{
	struct rmt_work *work = &whole->work;

	work->facts.recipient = whole->recipients[i];
	rmt_addr_fold(work->generation->config->fold, work->facts.recipient,
		      &work->recipient);
	rmt_work_begin_parts(whole->engine, work);
}

/* True: it cannot go. What is only said does not keep others from being said, so the
 * first that is done comes first. */
static bool is_barred(struct whole *whole)
{
	struct rmt_decision said = *whole->decision;

	if (!rmt_check_suppression(whole->engine, &whole->work, whole->now, &said))
		return false;
	if (whole->decision->rule == RMT_RULE_NONE || said.action != RMT_ACTION_DUNNO) {
		*whole->decision = said;
		g_strlcpy(whole->decision->key, whole->work.recipient.text,
			  sizeof(whole->decision->key));
	}
	return said.action != RMT_ACTION_DUNNO;
}

static void add_shares(struct whole *whole, size_t recipient)
{
	const struct rmt_work *work = &whole->work;
	size_t i;

	for (i = 0; i < work->share_count; i++) {
		const struct rmt_share *share = &work->shares[i];
		uint32_t at = rmt_keyed_find(&whole->counters, share->key);
		struct counter *counter;

		if (at == RMT_KEYED_NONE) {
			counter = rmt_keyed_add(&whole->counters, share->key);
			counter->amount = share->amount;
			counter->limit = work->share_limits[i];
			counter->recipients = 0;
			counter->first = recipient;
		} else {
			counter = rmt_keyed_at(&whole->counters, at);
		}
		counter->recipients++;
	}
}

/* True: no mail of the stream, or of the sender, can go. */
static bool is_stream_barred(struct whole *whole)
{
	return (rmt_check_pause(&whole->work, whole->now, whole->decision) ||
		rmt_check_gate(whole->engine, &whole->work, whole->decision)) &&
	       whole->decision->action != RMT_ACTION_DUNNO;
}

/* False: one is barred. */
static bool look_at_all(struct whole *whole)
{
	size_t i;

	for (i = 0; i < whole->count; i++) {
		look_at(whole, i);
		if (is_barred(whole))
			return false;
		rmt_work_shares(whole->engine, &whole->work);
		add_shares(whole, i);
	}
	return true;
}

/* --- the counters
 * ------------------------------------------------------------------------ */

static uint64_t units_of(const struct counter *counter, uint64_t size)
{
	if (counter->limit->of == RMT_UNIT_RECIPIENTS)
		return counter->recipients;
	return counter->limit->of == RMT_UNIT_BYTES ? MAX(size, 1) : 1;
}

static void say_limit(struct whole *whole, const struct counter *counter)
{
	look_at(whole, counter->first);
	whole->decision->limit = counter->limit;
	rmt_rule_says(&whole->work, RMT_RULE_LIMIT, counter->limit->action,
		      whole->decision);
	rmt_text_limit(counter->limit, &whole->work, whole->decision);
}

static void name_counter(struct whole *whole, const struct counter *counter)
{
	char buffer[RMT_KEY_TEXT_MAX];

	if (rmt_counters_is_named(whole->engine->counters, counter->key))
		return;
	look_at(whole, counter->first);
	rmt_counters_name(whole->engine->counters, counter->key,
			  rmt_span_of(counter->limit->id),
			  rmt_key_text(&whole->work, counter->limit, buffer));
}

static struct rmt_bill *make_bills(const struct whole *whole)
{
	struct rmt_bill *bills = g_new0(struct rmt_bill, whole->counters.count);
	uint32_t i;

	for (i = 0; i < whole->counters.count; i++) {
		const struct counter *counter = rmt_keyed_at(&whole->counters, i);

		bills[i] = (struct rmt_bill){
			.key = counter->key,
			.amount = counter->amount,
			.units = units_of(counter, whole->work.facts.size),
			.report = counter->limit->action == RMT_ACTION_REPORT,
		};
	}
	return bills;
}

/* The first one that did not fit, and only said so. */
static void say_would(struct whole *whole, const struct rmt_bill *bills)
{
	uint32_t i;

	for (i = 0; i < whole->counters.count; i++)
		if (!bills[i].fits && whole->decision->rule == RMT_RULE_NONE)
			say_limit(whole, rmt_keyed_at(&whole->counters, i));
}

static void charge(struct whole *whole)
{
	g_autofree struct rmt_bill *bills = make_bills(whole);
	size_t at = 0;
	uint32_t i;

	if (!rmt_reserve_whole(whole->engine->reservations, &whole->work.message, bills,
			       whole->counters.count, &at, &whole->decision->usage)) {
		say_limit(whole, rmt_keyed_at(&whole->counters, (uint32_t)at));
		return;
	}
	whole->decision->counted = true;
	for (i = 0; i < whole->counters.count; i++)
		name_counter(whole, rmt_keyed_at(&whole->counters, i));
	say_would(whole, bills);
}

static void begin(struct whole *whole, const struct rmt_facts *facts,
		  const struct rmt_stream *stream)
{
	struct rmt_engine *engine = whole->engine;
	struct rmt_work *work = &whole->work;

	work->facts = *facts;
	work->facts.stage = RMT_STAGE_RCPT;
	work->generation = engine->generations->pdata[engine->generations->len - 1];
	work->stream = stream;
	work->share_count = 0;
	work->message = (struct rmt_message){ .size = facts->size,
					      .line_ns = whole->now->line_ns };
	rmt_work_remember(engine, work);
	rmt_addr_fold(work->generation->config->fold, facts->sender, &work->sender);
	whole->counters.stride = sizeof(struct counter);
	rmt_decision_clear(whole->decision);
	whole->decision->stream = stream;
}

void rmt_engine_whole(struct rmt_engine *engine, const struct rmt_facts *facts,
		      const struct rmt_stream *stream, const struct rmt_span *recipients,
		      size_t count, const struct rmt_now *now,
		      struct rmt_decision *decision_r)
{
	g_autofree struct whole *whole = g_new0(struct whole, 1);

	*whole = (struct whole){ .engine = engine,
				 .now = now,
				 .recipients = recipients,
				 .count = count,
				 .decision = decision_r };
	begin(whole, facts, stream);
	rmt_engine_give_back(engine, facts->queue_id, now);
	if (!is_stream_barred(whole) && look_at_all(whole))
		charge(whole);
	rmt_keyed_finish(&whole->counters);
}
