/* SPDX-License-Identifier: MIT */
/* engine_unsubscribe.c - the fields of RFC 8058 for a message of one recipient: at
 * DATA, where Postfix takes them once and signers see them.
 *
 * An answer holds one field, so Postfix asks twice: the second time with a
 * policy_context that is "one-click", or ends in "/one-click" behind the context
 * that the stream is found by. */
#include <stdio.h>
#include <string.h>

#include "common/base/log.h"
#include "common/policy/engine_private.h"

bool rmt_work_strip_context(struct rmt_span *context)
{
	const struct rmt_span word = RMT_SPAN("one-click"), tail = RMT_SPAN("/one-click");

	if (rmt_span_eq(*context, word)) {
		*context = rmt_span(context->p, 0);
		return true;
	}
	if (!rmt_span_ends_nocase(*context, tail))
		return false;
	context->len -= tail.len;
	return true;
}

static bool concerns(const struct rmt_engine *engine, const struct rmt_work *work)
{
	return engine->sealer != NULL &&
	       work->stream->unsubscribe.add == RMT_UNSUBSCRIBE_BY_POLICYD &&
	       rmt_has_unsubscribe(work->stream);
}

bool rmt_work_has_several(const struct rmt_engine *engine, const struct rmt_work *work)
{
	return concerns(engine, work) && work->facts.recipient_count > 1 &&
	       work->stream->unsubscribe.several == RMT_SEVERAL_REJECT;
}

/* The stream's address alone, which says nothing of who it is. */
static void append_mailto(const struct rmt_work *work, GString *out)
{
	const char *mailto = work->stream->unsubscribe.mailto;

	if (mailto != NULL)
		g_string_append_printf(out, "<mailto:%s?subject=unsubscribe>", mailto);
}

static bool append_links(struct rmt_engine *engine, const struct rmt_work *work,
			 GString *out)
{
	const struct rmt_unsubscribe *settings = &work->stream->unsubscribe;
	struct rmt_unsub unsub = { .stream = rmt_span_of(work->stream->name),
				   .recipient = work->facts.recipient };
	g_autoptr(GString) token = g_string_sized_new(256);
	g_autoptr(GError) err = NULL;

	rmt_unsub_set_lists(&unsub, settings->lists);
	if (!rmt_unsub_token_make(engine->sealer, &unsub, token, &err)) {
		rmt_log(RMT_LOG_WARNING, "%s", err->message);
		return false;
	}
	rmt_unsub_header(rmt_span_of(settings->https), rmt_span_of(settings->mailto),
			 rmt_span(token->str, token->len), out);
	return true;
}

static void prepend(struct rmt_engine *engine, const struct rmt_work *work, GString *out)
{
	const bool several =
		work->facts.recipient_count > 1 || work->facts.recipient.len == 0;

	if (work->one_click) {
		if (!several && work->stream->unsubscribe.https != NULL)
			g_string_append(out,
					"List-Unsubscribe-Post: " RMT_UNSUB_POST_VALUE);
		return;
	}
	g_string_append(out, "List-Unsubscribe: ");
	if (several)
		append_mailto(work, out);
	else if (!append_links(engine, work, out))
		g_string_truncate(out, 0);
	if (g_str_has_suffix(out->str, ": "))
		g_string_truncate(out, 0);
}

void rmt_work_prepend(struct rmt_engine *engine, const struct rmt_work *work,
		      struct rmt_decision *decision)
{
	g_autoptr(GString) out = NULL;

	if (!concerns(engine, work) || work->stream->mode == RMT_MODE_REPORT)
		return;
	out = g_string_sized_new(RMT_PREPEND_MAX);
	prepend(engine, work, out);
	if (out->len < RMT_PREPEND_MAX)
		memcpy(decision->prepend, out->str, out->len + 1);
}

void rmt_text_several(const struct rmt_work *work, struct rmt_decision *decision)
{
	strcpy(decision->rule_name, "several-recipients");
	snprintf(decision->text, sizeof(decision->text),
		 "5.7.1 Mail of stream %s must be sent to each recipient apart, so that "
		 "each gets an unsubscribe link of its own",
		 work->stream->name);
}

bool rmt_work_refuse_several(struct rmt_engine *engine, struct rmt_work *work,
			     struct rmt_decision *decision)
{
	if (!rmt_work_has_several(engine, work))
		return false;
	rmt_rule_says(work, RMT_RULE_SEVERAL, RMT_ACTION_REJECT, decision);
	rmt_text_several(work, decision);
	if (decision->action == RMT_ACTION_DUNNO)
		return false;
	rmt_reserve_release(engine->reservations, work->message.id);
	return true;
}
