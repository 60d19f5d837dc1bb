/* SPDX-License-Identifier: MIT */
#include "postfix-policy/milter/message.h"

#include <stdarg.h>

#include "common/base/log.h"
#include "postfix-policy/milter/judge.h"
#include "postfix-policy/milter/milter.h"

/* --- beginning and end ------------------------------------------------------------- */

static void edit_free(gpointer data)
{
	struct rmt_edit *edit = data;

	g_free(edit->name);
	g_free(edit->value);
	g_free(edit->arguments);
	g_free(edit);
}

static const struct rmt_stream *find_stream(const struct rmt_in_force *in_force,
					    const struct rmt_session *session)
{
	struct rmt_facts facts;
	struct rmt_addr sender;

	rmt_session_facts(session, &facts);
	rmt_addr_fold(in_force->config->fold, facts.sender, &sender);
	return rmt_classify(in_force->classifier, &facts, &sender);
}

/* Where streams have conditions that Postfix tells policyd alone, its word holds,
 * unless a field of the header chose an earlier one. */
static const struct rmt_stream *policyds_word(const struct rmt_milter *milter,
					      const struct rmt_in_force *in_force,
					      const struct rmt_session *session,
					      const struct rmt_stream *found)
{
	const struct rmt_stream *said = NULL;
	const char *name;
	json_t *answer;

	if (!in_force->needs_policyd || milter->policyd == NULL || session->local ||
	    session->queue_id == NULL)
		return found;
	answer = rmt_policyd_ask(milter->policyd,
				 json_pack("{s:s,s:s,s:o}", "command", "message", "do",
					   "stream", "queue_id",
					   rmt_policyd_text(session->queue_id)),
				 NULL);
	name = json_string_value(json_object_get(answer, "stream"));
	if (name != NULL)
		said = rmt_config_stream(in_force->config, name);
	json_decref(answer);
	if (said == NULL || (found->headers != NULL && found->index < said->index))
		return found;
	return said;
}

static const char *or_empty(const char *text)
{
	return text != NULL ? text : "";
}

static void set_facts(struct rmt_milter_message *message, struct rmt_session *session)
{
	message->queue_id = or_empty(session->queue_id);
	message->sender = or_empty(session->sender);
	message->recipients = session->recipients;
	message->recipient_count = session->recipient_count;
	message->local = session->local;
	message->session = message->own_session = session;
	message->header = rmt_span(session->header->str, session->header->len);
	message->header_complete = session->complete;
	message->header_octets = session->header_octets;
	message->field_count = session->field_count;
	message->body = rmt_span(session->body->str, session->body->len);
}

void rmt_message_begin(struct rmt_milter_message *message, struct rmt_milter *milter,
		       const struct rmt_in_force *in_force, struct rmt_session *session)
{
	message->place = milter->place;
	message->milter = milter;
	message->config = in_force->config;
	message->stream = NULL;
	if (message->place != RMT_PLACE_INBOUND)
		message->stream = policyds_word(milter, in_force, session,
						find_stream(in_force, session));
	set_facts(message, session);
	message->now = g_get_real_time() / G_USEC_PER_SEC;
	message->deadline_us = g_get_monotonic_time() +
			       (int64_t)(in_force->config->milter.deadline_ns / 1000);
	message->macro = NULL;
	rmt_outcome_init(&message->outcome);
	message->edits = g_ptr_array_new_with_free_func(edit_free);
	message->notes = g_string_new(NULL);
	message->known_so_far = RMT_KNOWN_NOTHING;
}

void rmt_message_finish(struct rmt_milter_message *message)
{
	if (message->known_so_far == RMT_KNOWN_ALL)
		rmt_message_facts_clear(&message->known);
	g_ptr_array_unref(message->edits);
	g_string_free(message->notes, TRUE);
}

/* --- what steps ask -------------------------------------------------------------- */

bool rmt_message_field(const struct rmt_milter_message *message, const char *name,
		       int nth, struct rmt_header_field *field_r)
{
	struct rmt_header_reader reader = rmt_header_read(message->header);
	const struct rmt_span wanted = rmt_span_of(name);

	while (rmt_header_next(&reader, field_r))
		if (rmt_span_eq_nocase(field_r->name, wanted) && --nth == 0)
			return true;
	return false;
}

const char *rmt_message_macro(const struct rmt_milter_message *message, const char *name)
{
	return message->macro != NULL ? message->macro(message->macro_context, name)
				      : NULL;
}

static struct rmt_gather gather_with(const struct rmt_milter_message *message)
{
	return (struct rmt_gather){
		.names = message->milter->names,
		.psl = message->milter->psl,
		.config = message->config,
		.stream = message->stream,
		.sender = rmt_span_of(rmt_message_leaves_from(message)),
		.now = message->now,
		.deadline_us = message->deadline_us,
	};
}

const struct rmt_dkim *rmt_message_dkim(struct rmt_milter_message *message)
{
	const struct rmt_gather with = gather_with(message);

	if (message->known_so_far == RMT_KNOWN_NOTHING) {
		rmt_gather_signatures(&with, message->own_session);
		message->known_so_far = RMT_KNOWN_SIGNATURES;
	}
	return message->session->dkim;
}

const struct rmt_dkim *rmt_message_dkim_so_far(const struct rmt_milter_message *message)
{
	return message->known_so_far != RMT_KNOWN_NOTHING ? message->session->dkim : NULL;
}

const struct rmt_message_facts *rmt_message_known(struct rmt_milter_message *message)
{
	const struct rmt_gather with = gather_with(message);

	g_return_val_if_fail(message->place == RMT_PLACE_AFTER, NULL);
	if (message->known_so_far != RMT_KNOWN_ALL)
		rmt_gather(&with, message->own_session, &message->known);
	message->known_so_far = RMT_KNOWN_ALL;
	return &message->known;
}

enum rmt_kind rmt_message_kind(struct rmt_milter_message *message)
{
	struct rmt_kind_signs signs;

	if (message->place == RMT_PLACE_AFTER)
		return rmt_message_known(message)->kind;
	rmt_kind_look(message->header, &signs);
	return rmt_kind_of(&signs, rmt_span_of(message->sender), false);
}

enum rmt_level rmt_message_level(struct rmt_milter_message *message,
				 enum rmt_rule_group group)
{
	g_return_val_if_fail(message->stream != NULL, RMT_LEVEL_OFF);
	return rmt_judge_level(message->stream, rmt_message_kind(message), group);
}

const char *rmt_message_leaves_from(const struct rmt_milter_message *message)
{
	const char *sender = message->sender;
	guint i;

	for (i = 0; i < message->edits->len; i++) {
		const struct rmt_edit *edit = message->edits->pdata[i];

		if (edit->kind == RMT_EDIT_SENDER)
			sender = edit->value;
	}
	return sender;
}

enum rmt_level rmt_message_level_so_far(const struct rmt_milter_message *message)
{
	return rmt_outcome_highest(&message->outcome);
}

bool rmt_message_passes(const struct rmt_milter_message *message)
{
	return message->outcome.done < RMT_LEVEL_DEFER;
}

/* --- what steps say ---------------------------------------------------------------- */

void rmt_message_find(struct rmt_milter_message *message, enum rmt_level level,
		      const char *rule, const char *code, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	rmt_outcome_add_va(&message->outcome, level, rule, code, format, args);
	va_end(args);
}

void rmt_message_note(struct rmt_milter_message *message, const char *name,
		      const char *format, ...)
{
	enum { NOTE_MAX = 256 };
	g_autofree char *text = NULL;
	va_list args;

	va_start(args, format);
	text = g_strdup_vprintf(format, args);
	va_end(args);
	g_string_append_printf(message->notes, " %s=", name);
	rmt_log_printable(message->notes, rmt_span_of(text), NOTE_MAX);
}

static struct rmt_edit *add_edit(struct rmt_milter_message *message,
				 enum rmt_edit_kind kind, const char *name,
				 const char *value)
{
	struct rmt_edit *edit = g_new0(struct rmt_edit, 1);

	edit->kind = kind;
	edit->name = g_strdup(name);
	edit->value = g_strdup(value);
	g_ptr_array_add(message->edits, edit);
	return edit;
}

void rmt_message_add_field(struct rmt_milter_message *message, const char *name,
			   const char *value)
{
	add_edit(message, RMT_EDIT_ADD, name, value);
}

void rmt_message_insert_field(struct rmt_milter_message *message, const char *name,
			      const char *value)
{
	add_edit(message, RMT_EDIT_INSERT, name, value);
}

void rmt_message_change_field(struct rmt_milter_message *message, const char *name,
			      int nth, const char *value)
{
	add_edit(message, RMT_EDIT_CHANGE, name, value)->nth = nth;
}

void rmt_message_set_sender(struct rmt_milter_message *message, const char *sender,
			    const char *arguments)
{
	add_edit(message, RMT_EDIT_SENDER, NULL, sender)->arguments = g_strdup(arguments);
}

/* What Postfix does with the whole message, and a finding of level log that says so. */
static void settle(struct rmt_milter_message *message, enum rmt_edit_kind kind,
		   const char *rule, const char *format, va_list args)
{
	g_autofree char *text = g_strdup_vprintf(format, args);

	rmt_message_find(message, RMT_LEVEL_LOG, rule, "7.1", "%s", text);
	add_edit(message, kind, NULL, kind == RMT_EDIT_HOLD ? text : NULL);
}

void rmt_message_discard(struct rmt_milter_message *message, const char *rule,
			 const char *format, ...)
{
	va_list args;

	va_start(args, format);
	settle(message, RMT_EDIT_DISCARD, rule, format, args);
	va_end(args);
}

void rmt_message_hold(struct rmt_milter_message *message, const char *rule,
		      const char *format, ...)
{
	va_list args;

	va_start(args, format);
	settle(message, RMT_EDIT_HOLD, rule, format, args);
	va_end(args);
}
