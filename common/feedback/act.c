/* SPDX-License-Identifier: MIT */
/* What an event does: a suppression, counts, and perhaps a pause. */
#include <string.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/feedback/feedback.h"
#include "common/feedback/judge.h"
#include "common/feedback/leaving.h"
#include "common/feedback/rates.h"

enum { DAY_SECS = 86400 };

static int64_t seconds(uint64_t ns)
{
	return (int64_t)(ns / RMT_NS_PER_SEC);
}

/* --- who is not mailed again ------------------------------------------------------- */

struct sentence {
	char *scope; /* own */
	const char *reason;
	int64_t until; /* 0: for good */
};

static bool is_soft(enum rmt_report_class class)
{
	return class == RMT_CLASS_MAILBOX_FULL || class == RMT_CLASS_INACTIVE;
}

/* Days on which mail to him met a full or closed mailbox, this one among them. */
static bool count_soft_days(struct rmt_feedback *f, const struct rmt_event *event,
			    unsigned *days_r, GError **err)
{
	int64_t from = event->at - seconds(f->config->feedback.soft_ns);
	g_autoptr(GHashTable) days = g_hash_table_new(NULL, NULL);
	GPtrArray *events;
	guint i;

	if (!rmt_events_of(f->store, event->recipient, &events, err))
		return false;
	for (i = 0; i < events->len; i++) {
		const struct rmt_event *other = g_ptr_array_index(events, i);

		if (is_soft(other->class) && !other->alias && other->at >= from &&
		    other->action != RMT_ACTION_DELAYED)
			g_hash_table_add(days, GINT_TO_POINTER(other->at / DAY_SECS));
	}
	g_ptr_array_unref(events);
	g_hash_table_add(days, GINT_TO_POINTER(event->at / DAY_SECS));
	*days_r = g_hash_table_size(days);
	return true;
}

static bool judge_soft(struct rmt_feedback *f, const struct rmt_event *event,
		       struct sentence *sentence, GError **err)
{
	const struct rmt_feedback_config *settings = &f->config->feedback;
	bool full = event->class == RMT_CLASS_MAILBOX_FULL;
	unsigned days;

	if (event->action == RMT_ACTION_DELAYED)
		return true;
	if (!count_soft_days(f, event, &days, err))
		return false;
	if (days < settings->soft_times)
		return true;
	sentence->scope = g_strdup("all");
	sentence->reason = full ? "full" : "inactive";
	sentence->until =
		event->at + seconds(full ? settings->full_ns : settings->inactive_ns);
	return true;
}

/* Nothing in scope: nobody is suppressed. */
static bool judge_recipient(struct rmt_feedback *f, const struct rmt_event *event,
			    const struct rmt_stream *stream, struct sentence *sentence,
			    GError **err)
{
	if (event->alias || event->proof == RMT_PROOF_NONE)
		return true;
	if (event->class == RMT_CLASS_UNSUBSCRIBE) {
		sentence->scope = rmt_wish_scope(stream, event->stream);
		sentence->reason = "unsubscribe";
	} else if (stream == NULL) {
		return true;
	} else if (event->class == RMT_CLASS_COMPLAINT) {
		sentence->scope = g_strdup_printf("class:%s", stream->class);
		sentence->reason = "complaint";
	} else if (event->hard) {
		sentence->scope = g_strdup("all");
		sentence->reason = "dead";
		sentence->until = event->at + seconds(f->config->feedback.dead_ns);
	} else if (is_soft(event->class)) {
		return judge_soft(f, event, sentence, err);
	}
	return true;
}

static char *note_of(const struct rmt_event *event)
{
	g_autoptr(GString) note = g_string_new(NULL);

	g_string_append_printf(note, "%s by %s, message ",
			       rmt_report_class_name(event->class),
			       event->rule[0] != '\0' ? event->rule : "no rule");
	rmt_log_printable(note,
			  rmt_span_of(event->message_id[0] != '\0' ? event->message_id
								   : event->message),
			  200);
	g_string_append(note, ": ");
	rmt_log_printable(note, rmt_span_of(event->evidence), 400);
	return g_string_free(g_steal_pointer(&note), FALSE);
}

static int64_t sent_at(const struct rmt_event *event)
{
	return event->sent_at > 0 ? event->sent_at : event->at;
}

/* A wish by mail does what one by a link does: it leaves a complaint a complaint, the
 * list software is told, and it counts once. */
static bool fulfil(struct rmt_feedback *f, const struct rmt_event *event,
		   const struct rmt_suppression *entry, GError **err)
{
	struct rmt_wish wish = { .entry = *entry,
				 .stream = event->stream,
				 .by = "mail",
				 .lists = event->lists != NULL ? event->lists : "" };
	struct rmt_leaving leaving = { .wish = &wish, .sent_at = sent_at(event) };
	struct rmt_leaving *one = &leaving;
	const struct rmt_wish *done = &wish;
	g_autoptr(rmt_deal) deal = rmt_deal_new();
	struct rmt_suppress_deal parts;

	wish.webhook = rmt_wish_is_news(
		f->store, rmt_config_stream(f->config, event->stream), &wish);
	rmt_suppress_deal_begin(&parts, deal);
	rmt_leavings_put(&parts, &one, 1, event->at * G_USEC_PER_SEC);
	rmt_suppress_deal_end(&parts);
	if (!rmt_suppress_check(entry, err) ||
	    !rmt_deal_commit(f->store, deal, NULL, err))
		return false;
	rmt_wish_log(&done, 1);
	return true;
}

static bool suppress(struct rmt_feedback *f, struct rmt_event *event,
		     const struct sentence *sentence, GError **err)
{
	g_autofree char *note = note_of(event);
	g_autofree char *source = g_strdup_printf("feedback %s", event->source);
	struct rmt_suppression entry = {
		.scope = sentence->scope,
		.address = event->recipient,
		.reason = (char *)sentence->reason,
		.source = source,
		.note = note,
		.since = event->at,
		.until = sentence->until,
	};

	g_free(event->effect);
	event->effect = g_strdup_printf("suppressed in %s, %s", sentence->scope,
					sentence->reason);
	return event->class == RMT_CLASS_UNSUBSCRIBE
		       ? fulfil(f, event, &entry, err)
		       : rmt_suppress_add(f->store, &entry, err);
}

/* --- counts ------------------------------------------------------------------------ */

/* An unsubscribe was counted with its entry (leaving.h), if it made one. */
static void count(const struct rmt_event *event, struct rmt_rates_change *change)
{
	rmt_rates_change(change, event->stream, event->provider, sent_at(event));
	change->delta[RMT_RATE_CLASSES + event->class] =
		event->class != RMT_CLASS_UNSUBSCRIBE || event->alias;
	if (event->class == RMT_CLASS_COMPLAINT) {
		change->delta[RMT_RATE_COMPLAINTS] = 1;
		change->delta[RMT_RATE_ARMED_COMPLAINTS] = 1;
	} else if (event->rule != NULL && strcmp(event->rule, "not-spam") == 0) {
		change->delta[RMT_RATE_COMPLAINTS] = -1;
		change->delta[RMT_RATE_ARMED_COMPLAINTS] = -1;
		change->delta[RMT_RATE_RETRACTED] = 1;
	} else if (event->hard && !event->alias) {
		change->delta[RMT_RATE_ARMED_DEAD] = 1;
	}
}

/* --- all together ------------------------------------------------------------------ */

static bool commit(struct rmt_feedback *f, struct rmt_event *event, bool *fresh_r,
		   GError **err)
{
	g_autoptr(rmt_deal) deal = rmt_deal_new();
	struct rmt_rates_change change;

	count(event, &change);
	rmt_deal_if_event_new(deal, event);
	rmt_deal_put_event(deal, event);
	rmt_deal_put_rates(deal, &change);
	return rmt_deal_commit(f->store, deal, fresh_r, err);
}

static bool moves_breaker(const struct rmt_event *event)
{
	return !event->alias && (event->hard || event->class == RMT_CLASS_COMPLAINT ||
				 event->class == RMT_CLASS_UNSUBSCRIBE);
}

bool rmt_feedback_act(struct rmt_feedback *feedback, struct rmt_event *event, int64_t now,
		      bool *fresh_r, GError **err)
{
	const struct rmt_stream *stream =
		rmt_config_stream(feedback->config, event->stream);
	struct sentence sentence = { NULL };
	bool known, ok;

	*fresh_r = false;
	if (!rmt_event_known(feedback->store, event, &known, err))
		return false;
	if (known)
		return true;
	ok = judge_recipient(feedback, event, stream, &sentence, err);
	/* First the suppression: made twice it is the same, and after a crash the
	 * event is not there yet, so all of this comes again. */
	if (ok && sentence.scope != NULL)
		ok = suppress(feedback, event, &sentence, err);
	ok = ok && commit(feedback, event, fresh_r, err);
	if (ok && *fresh_r && stream != NULL && moves_breaker(event))
		ok = rmt_judge_stream(feedback->store, stream, now, err);
	g_free(sentence.scope);
	return ok;
}
