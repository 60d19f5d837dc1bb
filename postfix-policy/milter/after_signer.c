/* SPDX-License-Identifier: MIT */
#include "postfix-policy/milter/after_signer.h"

#include "common/base/clock.h"
#include "common/base/log.h"

static const struct rmt_stream *find_stream(const struct rmt_in_force *in_force,
					    const struct rmt_session *session)
{
	struct rmt_facts facts;
	struct rmt_addr sender;

	rmt_session_facts(session, &facts);
	rmt_addr_fold(in_force->config->fold, facts.sender, &sender);
	return rmt_classify(in_force->classifier, &facts, &sender);
}

static void append_text(GString *line, const char *name, const char *text)
{
	g_string_append_printf(line, " %s=", name);
	rmt_log_printable(line, rmt_span_of(text), 256);
}

static void append_spf(GString *line, const struct rmt_spf_fact *spf)
{
	if (!spf->evaluated) {
		g_string_append(line, " spf=not-evaluated");
		return;
	}
	g_string_append_printf(line, " spf=%s/", rmt_spf_verdict_name(spf->result));
	rmt_log_printable(line, rmt_span_of(spf->domain), 128);
	if (spf->address != NULL)
		g_string_append_printf(line, " egress=%s", spf->address);
}

static void append_facts(GString *line, const struct rmt_message_facts *facts)
{
	static const char *const known[] = { "no", "yes", "unknown" };

	append_text(line, "from",
		    facts->from.result == RMT_FROM_OK
			    ? facts->from.domain
			    : rmt_from_result_name(facts->from.result));
	append_spf(line, &facts->spf);
	g_string_append_printf(line, " dkim=%s aligned=%s", facts->dkim_text->str,
			       known[facts->aligned]);
	if (facts->divergent)
		g_string_append(line, " divergent=yes");
	if (facts->kind != RMT_KIND_DIRECT)
		g_string_append_printf(line, " kind=%s", rmt_kind_name(facts->kind));
}

static const char *word_of(enum rmt_level done)
{
	return done >= RMT_LEVEL_DEFER ? rmt_level_name(done) : "pass";
}

static void log_line(const struct rmt_session *session, const struct rmt_stream *stream,
		     const struct rmt_message_facts *facts,
		     const struct rmt_outcome *verdict)
{
	g_autoptr(GString) line = g_string_sized_new(512);
	size_t i;

	rmt_log_printable(line, rmt_span_of(session->queue_id), 32);
	g_string_append_printf(line, "%s: action=%s",
			       session->queue_id == NULL ? "NOQUEUE" : "",
			       word_of(verdict->done));
	if (verdict->done != verdict->level)
		append_text(line, "would", rmt_level_name(verdict->level));
	append_text(line, "stream", stream->name);
	g_string_append(line, " rules=");
	rmt_outcome_rules(verdict, line);
	g_string_append(line, " stage=message");
	g_string_append(line, " sender=<");
	rmt_log_printable(line, rmt_span_of(session->sender), 256);
	g_string_append_printf(line, "> recipients=%u", session->recipients);
	append_facts(line, facts);
	if (verdict->open != NULL)
		append_text(line, "open", verdict->open);
	for (i = 0; i < verdict->count; i++)
		g_string_append_printf(line, "%s%s", i == 0 ? " why=\"" : "; ",
				       verdict->found[i].text);
	if (verdict->count > 0)
		g_string_append_c(line, '"');
	rmt_log(RMT_LOG_INFO, "%s", line->str);
}

static void set_end(const struct rmt_outcome *verdict, struct rmt_end *end_r)
{
	*end_r = (struct rmt_end){ .done = verdict->done };
	if (verdict->done >= RMT_LEVEL_DEFER)
		rmt_outcome_reply(verdict, &end_r->reply);
	if (verdict->done == RMT_LEVEL_HEADER) {
		end_r->field = g_string_new(NULL);
		rmt_outcome_field(verdict, end_r->field);
	}
}

void rmt_end_clear(struct rmt_end *end)
{
	if (end->field != NULL)
		g_string_free(end->field, TRUE);
	end->field = NULL;
}

void rmt_after_signer(struct rmt_milter *milter, struct rmt_session *session,
		      struct rmt_end *end_r)
{
	struct rmt_in_force *in_force = rmt_milter_in_force(milter);
	const struct rmt_milter_config *settings = &in_force->config->milter;
	const struct rmt_gather with = {
		.names = milter->names,
		.psl = milter->psl,
		.config = in_force->config,
		.stream = find_stream(in_force, session),
		.now = g_get_real_time() / G_USEC_PER_SEC,
		.deadline_us =
			g_get_monotonic_time() + (int64_t)(settings->deadline_ns / 1000),
	};
	struct rmt_message_facts facts;
	struct rmt_outcome verdict;

	rmt_gather(&with, session, &facts);
	rmt_judge(&facts, with.stream, &verdict);
	g_atomic_int_inc(&milter->messages);
	g_atomic_int_inc(&milter->would[verdict.level]);
	if (settings->log_passed || verdict.level > RMT_LEVEL_OFF || verdict.open != NULL)
		log_line(session, with.stream, &facts, &verdict);
	set_end(&verdict, end_r);
	rmt_message_facts_clear(&facts);
	rmt_in_force_unref(in_force);
}
