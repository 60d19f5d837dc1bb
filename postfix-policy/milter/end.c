/* SPDX-License-Identifier: MIT */
#include "postfix-policy/milter/end.h"

#include "common/base/log.h"

bool rmt_end_edits(const struct rmt_milter_message *message)
{
	const enum rmt_mode mode =
		message->stream != NULL ? message->stream->mode : message->config->mode;

	return mode == RMT_MODE_ENFORCE && rmt_message_passes(message) &&
	       message->edits->len > 0;
}

bool rmt_end_discards(const struct rmt_milter_message *message)
{
	guint i;

	for (i = 0; rmt_end_edits(message) && i < message->edits->len; i++)
		if (((const struct rmt_edit *)message->edits->pdata[i])->kind ==
		    RMT_EDIT_DISCARD)
			return true;
	return false;
}

static const char *word_of(enum rmt_level done)
{
	return done >= RMT_LEVEL_DEFER ? rmt_level_name(done) : "pass";
}

static void append_text(GString *line, const char *name, const char *text)
{
	g_string_append_printf(line, " %s=", name);
	rmt_log_printable(line, rmt_span_of(text), 256);
}

/* "add:X-Stream,change:Subject" */
static void append_edits(GString *line, const struct rmt_milter_message *message)
{
	static const char *const words[] = { "add",    "insert", "change",
					     "sender", "hold",   "discard" };
	guint i;

	if (message->edits->len == 0)
		return;
	g_string_append(line, rmt_end_edits(message) ? " edits=" : " would-edit=");
	for (i = 0; i < message->edits->len; i++) {
		const struct rmt_edit *edit = message->edits->pdata[i];

		g_string_append_printf(line, "%s%s", i > 0 ? "," : "", words[edit->kind]);
		if (edit->name != NULL)
			g_string_append_printf(line, ":%s", edit->name);
	}
}

static void append_why(GString *line, const struct rmt_outcome *outcome)
{
	size_t i;

	for (i = 0; i < outcome->count; i++)
		g_string_append_printf(line, "%s%s", i == 0 ? " why=\"" : "; ",
				       outcome->found[i].text);
	if (outcome->count > 0)
		g_string_append_c(line, '"');
}

/* At `after` the stage is called as before there were others. */
static const char *stage_of(const struct rmt_milter_message *message)
{
	return message->place == RMT_PLACE_AFTER ? "message"
						 : rmt_place_name(message->place);
}

static void log_line(const struct rmt_milter_message *message)
{
	const struct rmt_outcome *outcome = &message->outcome;
	g_autoptr(GString) line = g_string_sized_new(512);

	if (message->queue_id[0] != '\0')
		rmt_log_printable(line, rmt_span_of(message->queue_id), 32);
	else
		g_string_append(line, "NOQUEUE");
	g_string_append_printf(line, ": action=%s",
			       rmt_end_discards(message) ? "discard"
							 : word_of(outcome->done));
	if (outcome->done != outcome->level)
		append_text(line, "would", rmt_level_name(outcome->level));
	if (message->stream != NULL)
		append_text(line, "stream", message->stream->name);
	g_string_append(line, " rules=");
	rmt_outcome_rules(outcome, line);
	g_string_append_printf(line, " stage=%s sender=<", stage_of(message));
	rmt_log_printable(line, rmt_span_of(message->sender), 256);
	g_string_append_printf(line, "> recipients=%zu", message->recipient_count);
	g_string_append_len(line, message->notes->str, (gssize)message->notes->len);
	if (outcome->open != NULL)
		append_text(line, "open", outcome->open);
	append_edits(line, message);
	append_why(line, outcome);
	rmt_log(RMT_LOG_INFO, "%s", line->str);
}

/* What passes has its line at `after`; elsewhere a line is for what was done. */
static bool is_worth_a_line(const struct rmt_milter_message *message)
{
	if (message->outcome.level > RMT_LEVEL_OFF || message->outcome.open != NULL ||
	    message->edits->len > 0)
		return true;
	return message->config->milter.log_passed &&
	       (message->place == RMT_PLACE_AFTER || message->notes->len > 0);
}

void rmt_end_of_message(struct rmt_milter *milter, struct rmt_in_force *in_force,
			struct rmt_session *session,
			const char *(*macro)(void *context, const char *name),
			void *macro_context, struct rmt_milter_message *message_r)
{
	const int64_t begun_us = g_get_monotonic_time();

	rmt_message_begin(message_r, milter, in_force, session);
	message_r->macro = macro;
	message_r->macro_context = macro_context;
	rmt_steps_run(milter, message_r);
	rmt_counts_message(milter->counts, milter->place, &message_r->outcome,
			   rmt_end_edits(message_r), g_get_monotonic_time() - begun_us);
	if (is_worth_a_line(message_r))
		log_line(message_r);
}
