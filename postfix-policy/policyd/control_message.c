/* SPDX-License-Identifier: MIT */
/* control_message.c - messages after Postfix's last question, as remite-milter tells
 * of them. What changes is written to the log before the answer. */
#include <string.h>

#include "common/base/log.h"
#include "postfix-policy/policyd/control.h"
#include "postfix-policy/policyd/reload.h"

static struct rmt_span text_of(json_t *request, const char *name)
{
	const json_t *value = json_object_get(request, name);

	return rmt_span(json_string_value(value), json_string_length(value));
}

static void remember(struct rmt_policyd *policyd, struct rmt_talk *talk, json_t *request)
{
	(void)request;
	rmt_engine_remember(policyd->engine);
	rmt_control_end(talk,
			json_pack("{s:I,s:I}", "reloads",
				  (json_int_t)rmt_reload_ended(policyd->reload),
				  "reload_began",
				  (json_int_t)rmt_reload_began_us(policyd->reload)));
}

static void tell_stream(struct rmt_policyd *policyd, struct rmt_talk *talk,
			json_t *request)
{
	const char *name =
		rmt_engine_sent_to(policyd->engine, text_of(request, "queue_id"));

	rmt_control_end(talk, json_pack("{s:s?}", "stream", name));
}

static void give_back(struct rmt_policyd *policyd, struct rmt_talk *talk, json_t *request)
{
	const bool known = rmt_engine_give_back(
		policyd->engine, text_of(request, "queue_id"), &policyd->now);

	rmt_counters_write(policyd->counters);
	rmt_control_end(talk, json_pack("{s:b}", "known", known));
}

/* --- charge --- */

static struct rmt_facts facts_of(json_t *request)
{
	const json_int_t size = json_integer_value(json_object_get(request, "size"));

	return (struct rmt_facts){
		.stage = RMT_STAGE_END_OF_MESSAGE,
		.queue_id = text_of(request, "queue_id"),
		.sender = text_of(request, "sender"),
		.sasl_user = text_of(request, "sasl_user"),
		.client_address = text_of(request, "client_address"),
		.size = size > 0 ? (uint64_t)size : 0,
	};
}

/* Own; NULL: one is no text. */
static struct rmt_span *recipients_of(json_t *list, size_t *count_r)
{
	struct rmt_span *recipients;
	size_t i;

	*count_r = json_array_size(list);
	recipients = g_new0(struct rmt_span, *count_r + 1);
	for (i = 0; i < *count_r; i++) {
		const json_t *one = json_array_get(list, i);

		if (!json_is_string(one)) {
			g_free(recipients);
			return NULL;
		}
		recipients[i] = rmt_span(json_string_value(one), json_string_length(one));
	}
	return recipients;
}

static void log_decision(const struct rmt_facts *facts,
			 const struct rmt_decision *decision, size_t count)
{
	g_autoptr(GString) line = g_string_new(NULL);

	rmt_log_printable(line, facts->queue_id, 32);
	g_string_append_printf(line, ": action=%s", rmt_action_name(decision->action));
	if (decision->would != decision->action)
		g_string_append_printf(line, " would=%s",
				       rmt_action_name(decision->would));
	g_string_append_printf(line, " stream=%s rule=%s stage=MESSAGE sender=<",
			       decision->stream->name, decision->rule_name);
	rmt_log_printable(line, facts->sender, 320);
	g_string_append_printf(line, "> recipients=%zu", count);
	if (decision->key[0] != '\0') {
		g_string_append(line, " key=");
		rmt_log_printable(line, rmt_span_of(decision->key), 320);
	}
	if (decision->text[0] != '\0')
		g_string_append_printf(line, " text=\"%s\"", decision->text);
	rmt_log(RMT_LOG_INFO, "%s", line->str);
}

static void charge(struct rmt_policyd *policyd, struct rmt_talk *talk, json_t *request)
{
	const char *name = json_string_value(json_object_get(request, "stream"));
	const struct rmt_stream *stream =
		name != NULL ? rmt_config_stream(policyd->config, name) : NULL;
	const struct rmt_facts facts = facts_of(request);
	g_autofree struct rmt_span *recipients = NULL;
	struct rmt_decision decision;
	size_t count;

	recipients = recipients_of(json_object_get(request, "recipients"), &count);
	if (stream == NULL || recipients == NULL || facts.queue_id.len == 0) {
		rmt_control_error(talk, "message: %s",
				  stream == NULL       ? "there is no such 'stream'"
				  : recipients == NULL ? "'recipients' are no texts"
						       : "'queue_id' is missing");
		return;
	}
	rmt_engine_whole(policyd->engine, &facts, stream, recipients, count,
			 &policyd->now, &decision);
	rmt_counters_write(policyd->counters);
	if (policyd->config->policyd.log_passed || decision.rule != RMT_RULE_NONE)
		log_decision(&facts, &decision, count);
	rmt_control_end(talk, json_pack("{s:s,s:s,s:s,s:o,s:o}", "action",
					rmt_action_name(decision.action), "would",
					rmt_action_name(decision.would), "rule",
					decision.rule_name, "text",
					rmt_json_text(rmt_span_of(decision.text)), "key",
					rmt_json_text(rmt_span_of(decision.key))));
}

void rmt_control_message(struct rmt_policyd *policyd, struct rmt_talk *talk,
			 json_t *request)
{
	static const struct {
		const char *name;
		void (*run)(struct rmt_policyd *policyd, struct rmt_talk *talk,
			    json_t *request);
	} works[] = {
		{ "remember", remember },
		{ "stream", tell_stream },
		{ "refuse", give_back },
		{ "charge", charge },
	};
	const char *name = json_string_value(json_object_get(request, "do"));
	size_t i;

	for (i = 0; name != NULL && i < G_N_ELEMENTS(works); i++)
		if (strcmp(works[i].name, name) == 0) {
			works[i].run(policyd, talk, request);
			return;
		}
	rmt_control_error(talk,
			  "message: 'do' is none of remember, stream, refuse, charge");
}
