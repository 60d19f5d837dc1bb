/* SPDX-License-Identifier: MIT */
/* What an event does: a suppression, counts, and perhaps a pause. */
#include <string.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/feedback/breaker.h"
#include "common/feedback/feedback.h"
#include "common/feedback/provider.h"
#include "common/feedback/rates.h"
#include "common/store/stream_state.h"
#include "common/store/wish.h"

enum { DAY_SECS = 86400, WINDOW_DAYS = 30 };

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

/* A wish by mail does what one by a link does: it leaves a complaint a complaint, and
 * the list software is told. */
static bool fulfil(struct rmt_feedback *f, const struct rmt_event *event,
		   const struct rmt_suppression *entry, GError **err)
{
	struct rmt_wish wish = { .entry = *entry,
				 .stream = event->stream,
				 .by = "mail",
				 .lists = event->lists != NULL ? event->lists : "" };
	g_autoptr(rmt_deal) deal = rmt_deal_new();
	struct rmt_suppress_deal parts;

	wish.webhook = rmt_wish_is_news(
		f->store, rmt_config_stream(f->config, event->stream), &wish);
	rmt_suppress_deal_begin(&parts, deal);
	rmt_wish_put(&parts, &wish, event->at * G_USEC_PER_SEC);
	rmt_suppress_deal_end(&parts);
	if (!rmt_suppress_check(entry, err) ||
	    !rmt_deal_commit(f->store, deal, NULL, err))
		return false;
	rmt_wish_log(&wish);
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

static void count(const struct rmt_event *event, struct rmt_rates_change *change)
{
	int64_t sent = event->sent_at > 0 ? event->sent_at : event->at;

	rmt_rates_change(change, event->stream, event->provider, sent);
	change->delta[RMT_RATE_CLASSES + event->class] = 1;
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

/* --- the breaker ------------------------------------------------------------------- */

struct sums {
	struct rmt_tally all, worst; /* worst: the day with most of them */
};

struct tallies {
	GHashTable *providers; /* own; name -> struct both */
};

struct both {
	struct sums complaints, bounces;
};

static void add_day(struct sums *sums, uint64_t n, uint64_t k)
{
	sums->all.n += n;
	sums->all.k += k;
	if (n >= k && k > sums->worst.k)
		sums->worst = (struct rmt_tally){ n, k };
}

static struct both *both_of(struct tallies *tallies, const char *name)
{
	struct both *both = g_hash_table_lookup(tallies->providers, name);

	if (both == NULL) {
		both = g_new0(struct both, 1);
		g_hash_table_insert(tallies->providers, g_strdup(name), both);
	}
	return both;
}

static bool add_rates(void *context, const struct rmt_rates *rates)
{
	struct tallies *tallies = context;
	struct both *both = both_of(tallies, rates->provider);
	struct both *all = both_of(tallies, "");
	uint64_t sent = rates->counts[RMT_RATE_ARMED_SENT];
	uint64_t complaints = rates->counts[RMT_RATE_ARMED_COMPLAINTS];
	uint64_t accepted = rmt_rates_armed_accepted(rates);

	/* Who reports no complaints is no denominator for them. */
	if (rmt_provider_complains(rates->provider) || complaints > 0) {
		add_day(&both->complaints, accepted, complaints);
		add_day(&all->complaints, accepted, complaints);
	}
	add_day(&both->bounces, sent, rates->counts[RMT_RATE_ARMED_DEAD]);
	add_day(&all->bounces, sent, rates->counts[RMT_RATE_ARMED_DEAD]);
	return true;
}

static enum rmt_breaker_verdict judge_sums(const struct rmt_pause_test *test,
					   const struct sums *sums)
{
	/* More came back than left: what left was not counted. No data. */
	if (sums->all.n < sums->all.k || sums->all.n == 0)
		return RMT_BREAKER_RUN;
	return rmt_breaker_judge(test, &sums->all, &sums->worst);
}

struct finding {
	enum rmt_breaker_verdict verdict;
	char *reason; /* own */
};

static void find(struct finding *finding, const struct rmt_pause_test *test,
		 const struct sums *sums, const char *what, const char *provider)
{
	enum rmt_breaker_verdict verdict = judge_sums(test, sums);
	double low, high;

	if (verdict <= finding->verdict)
		return;
	rmt_share_interval(sums->all, &low, &high);
	finding->verdict = verdict;
	g_free(finding->reason);
	finding->reason = g_strdup_printf(
		"%s%s%s: %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT
		" mails (%.2f%%, 95%% between %.2f and %.2f; accepted %.2g%%)",
		what, provider[0] != '\0' ? " at " : "", provider, (guint64)sums->all.k,
		(guint64)sums->all.n, 100 * (double)sums->all.k / (double)sums->all.n,
		100 * low, 100 * high, 100 * test->accept);
}

static void judge_all(const struct rmt_stream *stream, struct tallies *tallies,
		      struct finding *finding)
{
	GHashTableIter iter;
	gpointer name, both;

	g_hash_table_iter_init(&iter, tallies->providers);
	while (g_hash_table_iter_next(&iter, &name, &both)) {
		find(finding, &stream->pause.complaints,
		     &((struct both *)both)->complaints, "complaints", name);
		find(finding, &stream->pause.bounces, &((struct both *)both)->bounces,
		     "dead addresses", name);
	}
}

static bool pause_stream(struct rmt_feedback *f, const struct rmt_stream *stream,
			 const char *reason, int64_t now, GError **err)
{
	struct rmt_stream_state state;
	bool paused;

	if (!stream->pause.on) {
		rmt_log(RMT_LOG_WARNING, "stream %s would pause (no setting pause): %s",
			stream->name, reason);
		return true;
	}
	if (!rmt_stream_state_get(f->store, stream->name, &state, err))
		return false;
	paused = rmt_stream_is_paused(&state, now);
	rmt_stream_state_clear(&state);
	if (paused)
		return true;
	rmt_log(RMT_LOG_ERROR, "stream %s paused: %s (remite stream resume %s)",
		stream->name, reason, stream->name);
	return rmt_stream_pause(f->store, stream->name, reason, "breaker", now, 0, err);
}

bool rmt_feedback_judge(struct rmt_feedback *feedback, const struct rmt_stream *stream,
			int64_t now, GError **err)
{
	struct tallies tallies = { g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
							 g_free) };
	struct finding finding = { RMT_BREAKER_RUN, NULL };
	bool ok = rmt_rates_walk(feedback->store, stream->name,
				 now / DAY_SECS - WINDOW_DAYS, add_rates, &tallies, err);

	if (ok)
		judge_all(stream, &tallies, &finding);
	if (ok && finding.verdict == RMT_BREAKER_PAUSE)
		ok = pause_stream(feedback, stream, finding.reason, now, err);
	else if (ok && finding.verdict == RMT_BREAKER_WARN)
		rmt_log(RMT_LOG_WARNING, "stream %s nears a pause: %s", stream->name,
			finding.reason);
	g_free(finding.reason);
	g_hash_table_unref(tallies.providers);
	return ok;
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
	return !event->alias && (event->hard || event->class == RMT_CLASS_COMPLAINT);
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
		ok = rmt_feedback_judge(feedback, stream, now, err);
	g_free(sentence.scope);
	return ok;
}
