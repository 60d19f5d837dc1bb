/* SPDX-License-Identifier: MIT */
#include "postfix-policy/policyd/batch.h"

#include "common/base/log.h"
#include "common/policy/policy_reply.h"
#include "postfix-policy/policyd/policy_session.h"

enum { GROUP = RMT_BATCH_GROUP, ANSWERS = 64 };

/* A request until it is decided. */
struct slot {
	struct rmt_policy_request request;
	struct rmt_span raw;
	struct rmt_work work;
};

/* What is left of it then. */
struct answer {
	void *connection; /* foreign */
	size_t end;       /* of its part of the replies */
};

struct rmt_batch {
	struct rmt_batch_parts parts;
	struct rmt_record *record; /* foreign; or NULL */
	bool log_passed;
	struct rmt_now now;
	int64_t monotonic_ns;
	unsigned taken;          /* of slots */
	unsigned count, decided; /* of answers */
	GString *lines;          /* own; for the log */
	struct answer answers[ANSWERS];
	struct rmt_decision decision;
	struct slot slots[GROUP];
	size_t replied;
	char replies[ANSWERS * RMT_POLICY_REPLY_MAX]; /* one behind the other */
};

struct rmt_batch *rmt_batch_new(const struct rmt_batch_parts *parts)
{
	struct rmt_batch *batch = g_new0(struct rmt_batch, 1);

	batch->parts = *parts;
	batch->lines = g_string_new(NULL);
	return batch;
}

void rmt_batch_free(struct rmt_batch *batch)
{
	if (batch == NULL)
		return;
	g_string_free(batch->lines, TRUE);
	g_free(batch);
}

void rmt_batch_configure(struct rmt_batch *batch, bool log_passed,
			 struct rmt_record *record)
{
	batch->log_passed = log_passed;
	batch->record = record;
}

void rmt_batch_time(struct rmt_batch *batch, const struct rmt_now *now,
		    int64_t monotonic_ns)
{
	batch->now = *now;
	batch->monotonic_ns = monotonic_ns;
}

bool rmt_batch_is_full(const struct rmt_batch *batch)
{
	return batch->count == ANSWERS;
}

struct rmt_policy_request *rmt_batch_request(struct rmt_batch *batch)
{
	return &batch->slots[batch->taken].request;
}

void rmt_batch_take(struct rmt_batch *batch, void *connection, unsigned id, uint64_t peer,
		    const char *bytes)
{
	struct slot *slot = &batch->slots[batch->taken++];

	slot->raw = rmt_span(bytes, slot->request.length);
	batch->answers[batch->count++].connection = connection;
	rmt_engine_prepare(batch->parts.engine, &slot->request.facts, id, peer,
			   &slot->work);
	if (batch->taken == GROUP)
		rmt_batch_decide(batch);
}

/* --- deciding --- */

static void log_decision(struct rmt_batch *batch, const struct rmt_work *work)
{
	const struct rmt_facts *facts = &work->facts;
	GString *lines = batch->lines;

	if (facts->queue_id.len > 0) {
		rmt_log_printable(lines, facts->queue_id, 32);
	} else {
		g_string_append(lines, "NOQUEUE instance=");
		rmt_log_printable(lines, facts->instance, 64);
	}
	g_string_append(lines, ": ");
	rmt_decision_format(work, &batch->decision, lines);
	g_string_append_c(lines, '\n');
}

/* DATA mostly only confirms what the lines of RCPT say; END-OF-MESSAGE tells of it. */
static bool is_worth_a_line(const struct rmt_batch *batch, const struct rmt_work *work)
{
	const struct rmt_decision *decision = &batch->decision;

	if (decision->stream == NULL)
		return false;
	if (decision->rule != RMT_RULE_NONE || decision->candidates_charged)
		return true;
	return batch->log_passed &&
	       (work->facts.stage != RMT_STAGE_DATA || decision->counted);
}

/* A recipient that was accepted, whose provider may count the sender. */
static void count_bulk(const struct rmt_batch *batch, const struct rmt_work *work)
{
	if (work->facts.stage == RMT_STAGE_RCPT && batch->parts.bulk != NULL &&
	    batch->decision.action == RMT_ACTION_DUNNO)
		rmt_bulk_keeper_sent(batch->parts.bulk, work->sender.domain,
				     work->recipient.domain, batch->now.wall_secs);
}

/* reply: "action=X\n\n" */
static void record(struct rmt_batch *batch, const struct slot *slot,
		   struct rmt_span reply)
{
	const size_t head = strlen("action=");

	if (batch->record != NULL)
		rmt_record_add(batch->record, slot->raw, rmt_wall_ns(),
			       rmt_span(reply.p + head, reply.len - head - 2));
}

static void decide(struct rmt_batch *batch, struct slot *slot)
{
	char *reply = batch->replies + batch->replied;
	size_t len;

	rmt_engine_decide(batch->parts.engine, &slot->work, &batch->now,
			  &batch->decision);
	len = rmt_policy_reply(&batch->decision, slot->work.facts.stage, reply);
	batch->replied += len;
	batch->answers[batch->decided++].end = batch->replied;
	rmt_metrics_decision(batch->parts.metrics, &slot->work, &batch->decision);
	count_bulk(batch, &slot->work);
	if (is_worth_a_line(batch, &slot->work))
		log_decision(batch, &slot->work);
	record(batch, slot, rmt_span(reply, len));
}

void rmt_batch_decide(struct rmt_batch *batch)
{
	unsigned i;

	for (i = 0; i < batch->taken; i++)
		decide(batch, &batch->slots[i]);
	batch->taken = 0;
}

/* --- answering --- */

static void send_all(const struct rmt_batch *batch, rmt_batch_send *send)
{
	const struct answer *answers = batch->answers;
	size_t start = 0;
	unsigned i;

	for (i = 0; i < batch->count; i++) {
		if (i + 1 < batch->count &&
		    answers[i + 1].connection == answers[i].connection)
			continue;
		send(answers[i].connection, batch->replies + start,
		     answers[i].end - start);
		start = answers[i].end;
	}
}

void rmt_batch_answer(struct rmt_batch *batch, rmt_batch_send *send)
{
	if (batch->count == 0)
		return;
	rmt_batch_decide(batch);
	/* A disk that refuses is logged there; what was decided stands. */
	rmt_counters_write(batch->parts.counters);
	send_all(batch, send);
	rmt_metrics_answered(batch->parts.metrics, batch->count,
			     rmt_boot_ns() - batch->monotonic_ns);
	batch->count = batch->decided = 0;
	batch->replied = 0;
	/* Nobody waits for this part. */
	rmt_log_lines(RMT_LOG_INFO, batch->lines);
	if (batch->record != NULL && !rmt_record_write(batch->record))
		rmt_metrics_counts(batch->parts.metrics)->record_errors++;
}
