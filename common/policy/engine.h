/* SPDX-License-Identifier: MIT */
/* engine.h - the decision about one request: pure, with its reasons.
 *
 * Enters: facts, the configuration in force, counters, records. Leaves: an
 * action, the sentence the sender reads, and what decided it. Two steps, so
 * that a host can prepare many requests before it decides any of them:
 *
 *	rmt_engine_prepare(engine, &facts, connection, peer, &work);
 *		folds, classifies, hashes, prefetches
 *	rmt_engine_decide(engine, &work, &now, &decision);
 *
 * Work and decision look into the configuration: they are good until the next
 * rmt_engine_tick() or rmt_engine_set_config().
 */
#ifndef RMT_ENGINE_H
#define RMT_ENGINE_H

#include "common/limits/reserve.h"
#include "common/policy/classify.h"
#include "common/policy/gate.h"
#include "common/store/stream_state.h"
#include "common/store/suppress.h"

struct rmt_engine;

/* store may be NULL: no suppressions and pauses. All foreign but the reference
 * it takes on config. */
struct rmt_engine *rmt_engine_new(struct rmt_config *config,
				  struct rmt_counters *counters, struct rmt_store *store);
void rmt_engine_free(struct rmt_engine *engine);

/* From now on; messages under way end under the settings they began with. */
void rmt_engine_set_config(struct rmt_engine *engine, struct rmt_config *config);

/* The same in two steps: what takes time is done by any thread, while requests are
 * decided; what is left takes none. Who does not adopt it frees it. */
struct rmt_generation;
struct rmt_generation *rmt_engine_compile(const struct rmt_engine *engine,
					  struct rmt_config *config);
void rmt_engine_adopt(struct rmt_engine *engine, struct rmt_generation *generation);
void rmt_generation_free(struct rmt_generation *generation); /* takes NULL */

const struct rmt_config *rmt_engine_config(const struct rmt_engine *engine);
struct rmt_reservations *rmt_engine_reservations(struct rmt_engine *engine);
struct rmt_suppress_index *rmt_engine_suppress_index(
	struct rmt_engine *engine); /* or NULL */

/* foreign; NULL, as at first: streams that require something get nothing refused
 * for it. */
void rmt_engine_set_gate(struct rmt_engine *engine, struct rmt_gate *gate);

enum {
	RMT_ENGINE_SHARES_MAX = 64,
	RMT_RULE_MAX = 160,
	RMT_TEXT_MAX = 400,
	RMT_PREPEND_MAX = 1000
};

/* One request on its way through. Of the caller; spans of facts must stay valid
 * until decided. */
struct rmt_work {
	struct rmt_facts facts;
	struct rmt_addr sender, recipient;
	const struct rmt_stream *stream;
	struct rmt_message message;
	const struct rmt_generation *generation; /* private */
	uint64_t part_hashes[7];                 /* private; by bit of enum rmt_per */
	unsigned parts_known, parts_missing;     /* private; bits of enum rmt_per */
	bool one_click; /* asked for the second field of RFC 8058 alone */
	size_t share_count;
	struct rmt_share shares[RMT_ENGINE_SHARES_MAX];
	const struct rmt_limit *share_limits[RMT_ENGINE_SHARES_MAX];
	uint64_t recipient_hash;
};

enum rmt_rule {
	RMT_RULE_NONE,
	RMT_RULE_PAUSE,
	RMT_RULE_SUPPRESSION,
	RMT_RULE_LIMIT,
	RMT_RULE_SEVERAL,     /* one message for several, of whom each needs a link */
	RMT_RULE_RETURN_PATH, /* XVERP would make a sender of more than 64 octets */
	RMT_RULE_GATE,        /* the sender's domain is not ready, or not the user's */
	RMT_RULE_TROUBLE,     /* our own */
};

struct rmt_decision {
	enum rmt_action action; /* what to answer: DUNNO in report mode */
	enum rmt_action would;  /* what the rule says, whatever the mode */
	enum rmt_rule rule;
	const struct rmt_stream *stream; /* NULL where nothing was decided (VRFY, ...) */
	const struct rmt_limit
		*limit; /* RULE_LIMIT: the one that decided; else the fullest, or NULL
			   (also where policyd.log_passed is off) */
	struct rmt_usage usage;       /* of limit */
	char rule_name[RMT_RULE_MAX]; /* "limit:day", "suppressed:unsubscribe", "paused",
					 "R2", "pass" */
	char key[RMT_RULE_MAX];       /* the limit's key, as the user would call it */
	char text[RMT_TEXT_MAX]; /* reply text, one line, printable ASCII; "" for DUNNO */
	const char *filter;      /* transport for FILTER at DATA, or NULL */
	char prepend[RMT_PREPEND_MAX]; /* field for PREPEND at DATA, or "" */
	uint64_t would_limits; /* report limits that did not fit: bits over stream->limits
				*/
	const char *unknown;   /* rule that DNS did not answer for yet: static; or NULL */
	bool counted;          /* something was charged or held by this request */
	bool candidates_charged; /* see rmt_commit */
};

/* What makes the links of streams with `unsubscribe`; taken, may be NULL: then none
 * are made. */
struct rmt_sealer;
void rmt_engine_set_sealer(struct rmt_engine *engine, struct rmt_sealer *sealer);

void rmt_engine_prepare(struct rmt_engine *engine, const struct rmt_facts *facts,
			unsigned connection, uint64_t peer, struct rmt_work *work);
void rmt_engine_decide(struct rmt_engine *engine, struct rmt_work *work,
		       const struct rmt_now *now, struct rmt_decision *decision_r);

/* The connection is gone. */
void rmt_engine_closed(struct rmt_engine *engine, unsigned connection,
		       const struct rmt_now *now);

/* Takes in what other programs changed in the records. Before the requests of a
 * turn are prepared; cheap where nothing changed. */
void rmt_engine_follow(struct rmt_engine *engine);

/* Upkeep: follows records, expires reservations, ticks the counters. Once per
 * turn, after its answers, and at least every 100 ms. */
void rmt_engine_tick(struct rmt_engine *engine, const struct rmt_now *now);

/* The same decision, every step to it in words (a line each), changing nothing. */
void rmt_engine_explain(struct rmt_engine *engine, const struct rmt_facts *facts,
			const struct rmt_now *now, GString *steps_r,
			struct rmt_decision *decision_r);

/* --- a message as a whole -----------------------------------------------------
 *
 * For who sees messages after the last stage here (remite-milter): what was charged
 * is found by the queue id. Nothing is remembered before this call. */
void rmt_engine_remember(struct rmt_engine *engine);

/* The stream that a message was charged to at its end; NULL: not known. */
const char *rmt_engine_sent_to(const struct rmt_engine *engine, struct rmt_span queue_id);

/* It is not sent after all. False: not known. */
bool rmt_engine_give_back(struct rmt_engine *engine, struct rmt_span queue_id,
			  const struct rmt_now *now);

/* A message of this stream (of the configuration in force) with all its recipients:
 * what it was charged under its queue id is given back; if nothing is against it, it
 * is charged anew, all or nothing. decision_r->key tells the recipient a suppression
 * is about. facts: stage, recipient and recipient_count are not looked at. */
void rmt_engine_whole(struct rmt_engine *engine, const struct rmt_facts *facts,
		      const struct rmt_stream *stream, const struct rmt_span *recipients,
		      size_t count, const struct rmt_now *now,
		      struct rmt_decision *decision_r);

/* The decision as one log line, "stream=news rule=limit:day ..." */
void rmt_decision_format(const struct rmt_work *work, const struct rmt_decision *decision,
			 GString *out);

/* The counter's key of a limit for key values as a user writes them
 * ("ann@example.org", or "ann+example.org" for joined keys in the order of
 * rmt_per_format): for `remite limits reset`. False: not as many parts. */
bool rmt_engine_key(struct rmt_engine *engine, const struct rmt_stream *stream,
		    const struct rmt_limit *limit, struct rmt_span value,
		    uint64_t *key_r);

#endif
