/* SPDX-License-Identifier: MIT */
/* engine_explain.c - the same decision in words, changing nothing. */
#include "common/policy/engine_private.h"

#include <inttypes.h>

#include "common/base/log.h"

static void step(GString *out, const char *format, ...) G_GNUC_PRINTF(2, 3);
static void step(GString *out, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	g_string_append_vprintf(out, format, args);
	va_end(args);
	g_string_append_c(out, '\n');
}

static void explain_stream(const struct rmt_work *work, GString *out)
{
	unsigned i;

	for (i = 0; i < work->stream->index; i++) {
		const struct rmt_stream *stream =
			work->generation->config->streams->pdata[i];
		const char *why =
			rmt_classify_why_not(stream, &work->facts, &work->sender);

		step(out, "stream %s: no, its condition '%s' does not hold", stream->name,
		     why != NULL ? why : "?");
	}
	step(out, "stream %s: yes, class %s, %s mode", work->stream->name,
	     work->stream->class,
	     work->stream->mode == RMT_MODE_REPORT ? "report" : "enforce");
}

static void explain_pause(const struct rmt_work *work, const struct rmt_now *now,
			  struct rmt_decision *decision, GString *out)
{
	const struct rmt_stream_state *pause = rmt_engine_pause(work, now->wall_secs);

	if (pause == NULL) {
		step(out, "pause: none");
		return;
	}
	decision->rule = RMT_RULE_PAUSE;
	decision->would = RMT_ACTION_DEFER;
	rmt_text_pause(pause, work, decision);
	step(out, "pause: by %s: %s -> defer", pause->by != NULL ? pause->by : "?",
	     pause->reason != NULL ? pause->reason : "no reason given");
}

static void explain_suppression(struct rmt_engine *engine, struct rmt_work *work,
				const struct rmt_now *now, struct rmt_decision *decision,
				GString *out)
{
	struct rmt_suppress_hit hit;

	if (engine->suppressed == NULL) {
		step(out, "suppression: no records here");
		return;
	}
	rmt_suppress_index_follow(engine->suppressed);
	if (rmt_suppress_look_up(engine->suppressed, work->recipient.whole,
				 work->stream->name, work->stream->class,
				 work->stream->suppress, now->wall_secs,
				 &hit) != RMT_STORE_FOUND) {
		step(out, "suppression: %.*s may be mailed by this stream",
		     RMT_SPAN_ARGS(work->recipient.whole));
		return;
	}
	step(out, "suppression: %.*s is listed: scope %s, reason %s -> %s",
	     RMT_SPAN_ARGS(work->recipient.whole), hit.scope, hit.reason,
	     rmt_action_name(work->stream->suppress_action));
	if (decision->rule != RMT_RULE_NONE)
		return;
	decision->rule = RMT_RULE_SUPPRESSION;
	decision->would = work->stream->suppress_action;
	rmt_text_suppression(&hit, work, decision);
}

static void explain_return_path(const struct rmt_work *work,
				struct rmt_decision *decision, GString *out)
{
	struct rmt_decision *found = g_new0(struct rmt_decision, 1);

	if (rmt_check_xverp(work, found)) {
		step(out, "return path: %s", found->text);
		if (decision->rule == RMT_RULE_NONE) {
			decision->rule = found->rule;
			decision->would = found->would;
			strcpy(decision->rule_name, found->rule_name);
			strcpy(decision->text, found->text);
		}
	}
	g_free(found);
}

static void explain_gate(struct rmt_engine *engine, const struct rmt_work *work,
			 struct rmt_decision *decision, GString *out)
{
	struct rmt_gate_answer answer = { RMT_GATE_OPEN };

	if (!work->stream->gated)
		return;
	if (!rmt_work_is_gated(engine, work)) {
		step(out, "require, binding: not asked of %s",
		     engine->gate == NULL ? "DNS here, as remite-policyd would"
					  : "the null sender");
		return;
	}
	engine->gate->explain(engine->gate, work->stream, &work->sender, &work->facts,
			      &answer, out);
	if (decision->rule != RMT_RULE_NONE || answer.state == RMT_GATE_OPEN ||
	    (answer.state == RMT_GATE_UNKNOWN && answer.level < RMT_LEVEL_DEFER))
		return;
	decision->rule = RMT_RULE_GATE;
	decision->would = rmt_gate_action(&answer);
	rmt_text_gate(&answer, decision);
}

static void explain_fit(struct rmt_engine *engine, struct rmt_work *work, size_t i,
			struct rmt_span key, struct rmt_decision *decision, GString *out)
{
	const struct rmt_share *share = &work->shares[i];
	const struct rmt_limit *limit = work->share_limits[i];
	uint64_t n = share->unit == RMT_UNIT_BYTES ? work->facts.size : 1, would;
	struct rmt_usage usage, told;
	size_t at;
	bool fits;

	rmt_counters_fits(engine->counters, share->key, share->amount, n,
			  work->message.line_ns, &usage);
	fits = rmt_reserve(engine->reservations, &work->message, work->recipient_hash,
			   share, 1, true, &at, &told, &would) == RMT_RESERVED &&
	       would == 0;
	step(out, "limit %s: key %.*s, %" PRIu64 " of %" PRIu64 " %s used: %s%s",
	     limit->id, RMT_SPAN_ARGS(key), usage.used, usage.limit,
	     rmt_unit_name(limit->of), fits ? "fits" : "does not fit -> ",
	     fits ? "" : rmt_action_name(limit->action));
	if (fits || decision->rule != RMT_RULE_NONE)
		return;
	decision->rule = RMT_RULE_LIMIT;
	decision->would = limit->action;
	decision->limit = limit;
	decision->usage = usage;
	rmt_text_limit(limit, work, decision);
}

static void explain_limit(struct rmt_engine *engine, struct rmt_work *work,
			  const struct rmt_limit *limit, struct rmt_decision *decision,
			  GString *out)
{
	const char *why = rmt_limit_not_concerned(limit, work);
	char buffer[RMT_KEY_TEXT_MAX];
	struct rmt_span key = rmt_key_text(work, limit, buffer);
	size_t i;

	if (why == NULL && key.p == NULL)
		why = "the message has no value for its key";
	if (why == NULL && rmt_key_amount(limit, key) == NULL)
		why = "its key is exempt";
	if (why != NULL) {
		step(out, "limit %s: does not concern it: %s", limit->id, why);
		return;
	}
	for (i = 0; i < work->share_count; i++)
		if (work->share_limits[i] == limit)
			explain_fit(engine, work, i, key, decision, out);
}

static void explain_limits(struct rmt_engine *engine, struct rmt_work *work,
			   struct rmt_decision *decision, GString *out)
{
	const char *why = rmt_work_not_charged(work);
	guint i;

	if (work->stream->limits->len == 0)
		step(out, "limits: this stream has none");
	else if (why != NULL)
		step(out, "limits: none is charged: %s", why);
	else if (work->message.id == 0)
		step(out, "limits: none is charged: the request names no instance");
	for (i = 0; why == NULL && i < work->stream->limits->len; i++)
		explain_limit(engine, work, work->stream->limits->pdata[i], decision,
			      out);
}

static void explain_unsubscribe(struct rmt_engine *engine, struct rmt_work *work,
				struct rmt_decision *decision, GString *out)
{
	if (work->facts.stage != RMT_STAGE_DATA || !rmt_has_unsubscribe(work->stream) ||
	    decision->rule != RMT_RULE_NONE)
		return;
	if (rmt_work_has_several(engine, work)) {
		decision->rule = RMT_RULE_SEVERAL;
		decision->would = RMT_ACTION_REJECT;
		rmt_text_several(work, decision);
		step(out, "unsubscribe: for several recipients -> reject");
		return;
	}
	rmt_work_prepend(engine, work, decision);
	step(out, "unsubscribe: %s",
	     decision->prepend[0] != '\0'
		     ? decision->prepend
		     : "no field is added here (mode, keys, or 'add')");
}

static void explain_answer(const struct rmt_work *work, struct rmt_decision *decision,
			   GString *out)
{
	if (work->stream->mode == RMT_MODE_ENFORCE &&
	    decision->would != RMT_ACTION_REPORT)
		decision->action = decision->would;
	if (decision->action != decision->would)
		step(out, "answer: %s (%s mode; the rule says %s)",
		     rmt_action_name(decision->action),
		     work->stream->mode == RMT_MODE_REPORT ? "report" : "enforce",
		     rmt_action_name(decision->would));
	else
		step(out, "answer: %s %s", rmt_action_name(decision->action),
		     decision->text);
}

void rmt_engine_explain(struct rmt_engine *engine, const struct rmt_facts *facts,
			const struct rmt_now *now, GString *out,
			struct rmt_decision *decision)
{
	g_autofree struct rmt_work *work = g_new0(struct rmt_work, 1);

	rmt_decision_clear(decision);
	rmt_engine_prepare(engine, facts, 0, 0, work);
	work->message.line_ns = now->line_ns;
	if (work->stream == NULL) {
		step(out, "nothing is decided at this stage -> dunno");
	} else {
		explain_stream(work, out);
		explain_pause(work, now, decision, out);
		if (facts->stage == RMT_STAGE_RCPT) {
			explain_suppression(engine, work, now, decision, out);
			explain_return_path(work, decision, out);
			explain_gate(engine, work, decision, out);
		} else {
			rmt_work_shares(engine, work);
		}
		explain_limits(engine, work, decision, out);
		explain_unsubscribe(engine, work, decision, out);
		explain_answer(work, decision, out);
	}
	decision->stream = NULL;
	decision->limit = NULL;
}
