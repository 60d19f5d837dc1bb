/* SPDX-License-Identifier: MIT */
/* engine_private.h - shared by engine*.c alone. */
#ifndef RMT_ENGINE_PRIVATE_H
#define RMT_ENGINE_PRIVATE_H

#include "common/policy/engine.h"
#include "common/token/unsub.h"

/* What is the same for all requests that a limit concerns. */
struct rmt_limit_plan {
	struct rmt_share share; /* but for its key */
	uint64_t seed;          /* of the key: see rmt_key_seed() */
	bool is_special; /* overrides, exemptions, recipients' domains: look closer */
};

/* One configuration in force, or still needed by messages that began under it. */
struct rmt_generation {
	struct rmt_config *config;         /* a reference */
	struct rmt_classifier *classifier; /* own */
	struct rmt_stream_state *pauses;   /* own; by stream index */
	struct rmt_limit_plan **plans;     /* own; by stream index, then as its limits */
	bool charges_all;                  /* there are no own domains to be left out */
	uint64_t pauses_version;           /* of the records, that pauses are of */
	int64_t ended_ns; /* 0: in force; else when the next one took over */
};

struct rmt_engine {
	struct rmt_counters *counters;         /* foreign */
	struct rmt_store *store;               /* foreign; or NULL */
	struct rmt_suppress_index *suppressed; /* own; or NULL */
	struct rmt_reservations *reservations; /* own */
	struct rmt_gate *gate;                 /* foreign; or NULL */
	GPtrArray *generations;                /* own; the last one is in force */
	struct rmt_sealer *sealer;             /* own; or NULL */
	uint64_t records_version;
	int64_t line_ns; /* of the last tick */
};

/* The parts of a key, in the order of rmt_per_format(). */
enum { RMT_KEY_PARTS = 7, RMT_KEY_TEXT_MAX = 1600 };

/* A limit's key value as the user would call it: parts joined by '+', or the
 * stream's name. Returns a span into out; p NULL where the message lacks one of the
 * parts (no SASL user, no recipient named): then the limit does not concern it. */
struct rmt_span rmt_key_text(const struct rmt_work *work, const struct rmt_limit *limit,
			     char out[RMT_KEY_TEXT_MAX]);

/* What the limit grants this key value: its override, or its own amount; NULL:
 * exempt. */
const struct rmt_amount *rmt_key_amount(const struct rmt_limit *limit,
					struct rmt_span text);

/* A counter's key is mixed from the seed of its limit and the keyed hashes of the
 * key's parts, so that each part is hashed once however many limits use it. */
uint64_t rmt_key_seed(const struct rmt_counters *counters, const struct rmt_limit *limit,
		      const struct rmt_amount *amount);

/* Both sides are keyed hashes that no stranger knows: multiply and fold. */
static inline uint64_t rmt_key_mix(uint64_t key, uint64_t part_hash)
{
	const __uint128_t product = (__uint128_t)(key ^ 0x9e3779b97f4a7c15u) *
				    (part_hash ^ 0xd1b54a32d192ed03u);
	const uint64_t folded = (uint64_t)product ^ (uint64_t)(product >> 64);

	return folded != 0 ? folded : 1;
}

/* Why nothing is charged for this request; NULL: it is. */
const char *rmt_work_not_charged(const struct rmt_work *work);

/* Why a limit does not concern this request; NULL: it does. */
const char *rmt_limit_not_concerned(const struct rmt_limit *limit,
				    const struct rmt_work *work);

/* Fills work->shares from the stream's limits. */
void rmt_work_shares(const struct rmt_engine *engine, struct rmt_work *work);

/* The hash of the message's envelope, and what else of parts comes first. */
void rmt_work_begin_parts(const struct rmt_engine *engine, struct rmt_work *work);
uint64_t rmt_work_recipient_hash(const struct rmt_engine *engine, struct rmt_work *work);

/* Whether the request asks for the second field alone; the context is then what it
 * would be without. */
bool rmt_work_strip_context(struct rmt_span *context);
/* A message that must be sent to each recipient apart. */
bool rmt_work_has_several(const struct rmt_engine *engine, const struct rmt_work *work);
/* The same, answered so; false: it goes on. */
bool rmt_work_refuse_several(struct rmt_engine *engine, struct rmt_work *work,
			     struct rmt_decision *decision);
/* At DATA: what is put on top of the message. */
void rmt_work_prepend(struct rmt_engine *engine, const struct rmt_work *work,
		      struct rmt_decision *decision);
void rmt_text_several(const struct rmt_work *work, struct rmt_decision *decision);

/* Texts: reply and rule names. */
void rmt_text_pause(const struct rmt_stream_state *state, const struct rmt_work *work,
		    struct rmt_decision *decision);
void rmt_text_suppression(const struct rmt_suppress_hit *hit, const struct rmt_work *work,
			  struct rmt_decision *decision);
void rmt_text_gate(const struct rmt_gate_answer *answer, struct rmt_decision *decision);
void rmt_text_limit(const struct rmt_limit *limit, const struct rmt_work *work,
		    struct rmt_decision *decision);
void rmt_text_trouble(const char *problem, struct rmt_decision *decision);

/* The state of work->stream: paused now, or NULL. */
const struct rmt_stream_state *rmt_engine_pause(const struct rmt_work *work,
						int64_t wall_secs);

/* Whether the gate is to be asked. */
static inline bool rmt_work_is_gated(const struct rmt_engine *engine,
				     const struct rmt_work *work)
{
	return engine->gate != NULL && work->stream->gated && work->sender.whole.len > 0;
}

/* What an answer of the gate comes to, whatever the mode. */
enum rmt_action rmt_gate_action(const struct rmt_gate_answer *answer);

/* At the commit: what is charged is to be found by the queue id, if anybody asks for
 * that (rmt_engine_remember). */
void rmt_work_remember(const struct rmt_engine *engine, struct rmt_work *work);

/* What bars a recipient before any limit does. True: decision has it; its action is
 * DUNNO where it is only said. */
bool rmt_check_pause(const struct rmt_work *work, const struct rmt_now *now,
		     struct rmt_decision *decision);
bool rmt_check_xverp(const struct rmt_work *work, struct rmt_decision *decision);
bool rmt_check_suppression(struct rmt_engine *engine, struct rmt_work *work,
			   const struct rmt_now *now, struct rmt_decision *decision);
bool rmt_check_gate(struct rmt_engine *engine, const struct rmt_work *work,
		    struct rmt_decision *decision);

/* What the rule says is done in enforce mode, and only said in report mode. */
void rmt_rule_says(const struct rmt_work *work, enum rmt_rule rule,
		   enum rmt_action action, struct rmt_decision *decision);

void rmt_decision_clear(struct rmt_decision *decision);

#endif
