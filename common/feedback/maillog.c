/* SPDX-License-Identifier: MIT */
#include "common/feedback/maillog.h"

#include <string.h>

#include "common/base/log.h"
#include "common/feedback/provider.h"
#include "common/feedback/rates.h"
#include "common/feedback/mailed.h"
#include "common/report/text.h"

#define STATE_TABLE "feedback-state"

/* --- a line ------------------------------------------------------------------------ */

/* "to=<ann@example.org>" behind at; empty: not there. */
static struct rmt_span angle_value(struct rmt_span line, const char *name)
{
	gssize at = rmt_text_find(line, name);
	const char *end;

	if (at < 0)
		return rmt_span("", 0);
	line = rmt_span_from(line, (size_t)at + strlen(name));
	end = memmem(line.p, line.len, ">,", 2);
	return end != NULL ? rmt_span(line.p, (size_t)(end - line.p)) : rmt_span("", 0);
}

static struct rmt_span comma_value(struct rmt_span line, const char *name)
{
	gssize at = rmt_text_find(line, name);
	struct rmt_span value, rest;

	if (at < 0)
		return rmt_span("", 0);
	line = rmt_span_from(line, (size_t)at + strlen(name));
	return rmt_span_split(line, ',', &value, &rest) ? value : line;
}

static bool is_queue_id(struct rmt_span id)
{
	size_t i;

	for (i = 0; i < id.len; i++)
		if (!g_ascii_isalnum(id.p[i]))
			return false;
	return id.len >= 5 && id.len <= 40;
}

static bool read_status(struct rmt_span line, struct rmt_maillog *log)
{
	static const struct {
		const char *word;
		enum rmt_maillog_status status;
	} words[] = { { "sent ", RMT_MAILLOG_SENT },
		      { "deferred ", RMT_MAILLOG_DEFERRED },
		      { "bounced ", RMT_MAILLOG_BOUNCED } };
	gssize at = rmt_text_find(line, ", status=");
	struct rmt_span rest;
	size_t i;

	if (at < 0)
		return false;
	rest = rmt_span_from(line, (size_t)at + strlen(", status="));
	for (i = 0; i < G_N_ELEMENTS(words); i++) {
		if (!rmt_text_starts(rest, words[i].word))
			continue;
		log->status = words[i].status;
		rest = rmt_span_trim(rmt_span_from(rest, strlen(words[i].word)));
		if (rest.len >= 2 && rest.p[0] == '(' && rest.p[rest.len - 1] == ')')
			rest = rmt_span(rest.p + 1, rest.len - 2);
		log->text = rest;
		return true;
	}
	return false;
}

bool rmt_maillog_read(struct rmt_span line, struct rmt_maillog *log_r)
{
	gssize to = rmt_text_find(line, ": to=<");
	struct rmt_maillog log = { { NULL } };
	size_t start;

	if (to <= 0)
		return false;
	for (start = (size_t)to; start > 0 && line.p[start - 1] != ' '; start--)
		;
	log.queue_id = rmt_span(line.p + start, (size_t)to - start);
	if (!is_queue_id(log.queue_id))
		return false;
	line = rmt_span_from(line, (size_t)to + 2);
	if (!read_status(line, &log))
		return false;
	line.len = (size_t)(log.text.p - line.p);
	log.recipient = angle_value(line, "to=<");
	log.original = angle_value(line, "orig_to=<");
	log.relay = comma_value(line, ", relay=");
	log.status_code = comma_value(line, ", dsn=");
	*log_r = log;
	return log.recipient.len > 0;
}

struct rmt_span rmt_maillog_said(const struct rmt_maillog *log)
{
	gssize at = rmt_text_find(log->text, " said: ");

	return at < 0 ? log->text : rmt_span_from(log->text, (size_t)at + 7);
}

/* --- counts ------------------------------------------------------------------------ */

struct rmt_maillog_reader {
	struct rmt_feedback *feedback; /* foreign */
	GHashTable *changes; /* own; key as text -> struct rmt_rates_change, own */
	uint64_t lines, events;
};

struct rmt_maillog_reader *rmt_maillog_reader_new(struct rmt_feedback *feedback)
{
	struct rmt_maillog_reader *reader = g_new0(struct rmt_maillog_reader, 1);

	reader->feedback = feedback;
	reader->changes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	return reader;
}

void rmt_maillog_reader_free(struct rmt_maillog_reader *reader)
{
	if (reader == NULL)
		return;
	g_hash_table_unref(reader->changes);
	g_free(reader);
}

static void count(struct rmt_maillog_reader *reader, const struct rmt_mailed *sent,
		  const char *provider, enum rmt_rate rate)
{
	char *key = g_strdup_printf("%s %s %" G_GINT64_FORMAT, sent->stream, provider,
				    (gint64)(sent->at / 86400));
	struct rmt_rates_change *change = g_hash_table_lookup(reader->changes, key);

	if (change == NULL) {
		change = g_new(struct rmt_rates_change, 1);
		rmt_rates_change(change, sent->stream, provider, sent->at);
		g_hash_table_insert(reader->changes, key, change);
	} else {
		g_free(key);
	}
	change->delta[rate]++;
}

/* --- refusals ---------------------------------------------------------------------- */

static char *copy(struct rmt_span span)
{
	return g_strndup(span.p != NULL ? span.p : "", span.len);
}

static struct rmt_event *event_of(struct rmt_maillog_reader *reader,
				  const struct rmt_maillog *log,
				  const struct rmt_mailed *sent, const char *recipient,
				  const char *provider, int64_t now)
{
	g_autofree char *code = copy(log->status_code);
	struct rmt_report_event *told =
		rmt_report_classify(reader->feedback->reader, log->text,
				    strlen(code) < 12 ? code : "", "", RMT_ACTION_FAILED);
	struct rmt_event *event = g_new0(struct rmt_event, 1);

	event->at = now;
	event->sent_at = sent->at;
	event->recipient = g_strdup(recipient);
	event->stream = g_strdup(sent->stream);
	event->provider = g_strdup(provider);
	event->message = g_strdup(sent->key);
	event->message_id = g_strdup(sent->message_id);
	event->queue_id = g_strdup(sent->queue_id);
	event->class = told->class;
	event->action = RMT_ACTION_FAILED;
	event->proof = RMT_PROOF_LOG;
	event->hard = told->hard;
	event->status = g_strdup(told->status);
	event->reply = g_strdup(told->reply);
	event->rule = g_strdup(told->rule);
	event->evidence = g_strdup(told->evidence);
	event->source = g_strdup("log");
	event->effect = g_strdup("");
	rmt_report_event_free(told);
	return event;
}

static bool refuse(struct rmt_maillog_reader *reader, const struct rmt_maillog *log,
		   const struct rmt_mailed *sent, const char *recipient, bool alias,
		   const char *provider, int64_t now, GError **err)
{
	g_autoptr(rmt_event) event =
		event_of(reader, log, sent, recipient, provider, now);
	bool fresh;

	event->alias = alias;
	if (!rmt_feedback_act(reader->feedback, event, now, &fresh, err))
		return false;
	reader->events += fresh;
	return true;
}

/* --- a line of ours ---------------------------------------------------------------- */

/* The one we mailed: what stands in to=, or what it came from. Own; NULL: neither. */
static char *recipient_of(const struct rmt_maillog_reader *reader,
			  const struct rmt_maillog *log, const struct rmt_mailed *sent,
			  bool *alias_r)
{
	const struct rmt_span tries[] = { log->recipient, log->original };
	struct rmt_addr folded;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(tries); i++) {
		if (tries[i].len == 0)
			continue;
		rmt_addr_fold(reader->feedback->config->fold, tries[i], &folded);
		if (!rmt_mailed_has(sent, folded.whole))
			continue;
		*alias_r = i > 0;
		return copy(folded.whole);
	}
	return NULL;
}

static bool act_on(struct rmt_maillog_reader *reader, const struct rmt_maillog *log,
		   const struct rmt_mailed *sent, int64_t now, GError **err)
{
	static const enum rmt_rate rates[] = { RMT_RATE_ACCEPTED, RMT_RATE_DEFERRED };
	bool alias = false;
	g_autofree char *recipient = recipient_of(reader, log, sent, &alias);
	const char *at, *provider;

	if (recipient == NULL)
		return true;
	reader->lines++;
	at = strrchr(recipient, '@');
	provider = rmt_feedback_provider(rmt_span_of(at != NULL ? at + 1 : ""));
	if (log->status == RMT_MAILLOG_BOUNCED)
		return refuse(reader, log, sent, recipient, alias, provider, now, err);
	count(reader, sent, provider, rates[log->status]);
	return true;
}

bool rmt_maillog_line(struct rmt_maillog_reader *reader, struct rmt_span line,
		      int64_t now, GError **err)
{
	g_autoptr(rmt_mailed) sent = NULL;
	g_autofree char *queue_id = NULL;
	struct rmt_maillog log;

	if (!rmt_maillog_read(line, &log))
		return true;
	queue_id = copy(log.queue_id);
	if (!rmt_mailed_by_queue_id(reader->feedback->store, queue_id, &sent, err))
		return false;
	return sent == NULL || act_on(reader, &log, sent, now, err);
}

/* --- the place in the log ---------------------------------------------------------- */

static struct rmt_span state_key(const char *name, char key[RMT_STORE_KEY_MAX])
{
	g_snprintf(key, RMT_STORE_KEY_MAX, "log:%s", name);
	return rmt_span_of(key);
}

bool rmt_maillog_commit(struct rmt_maillog_reader *reader, const char *name,
			struct rmt_span mark, GError **err)
{
	g_autoptr(rmt_deal) deal = rmt_deal_new();
	char key[RMT_STORE_KEY_MAX];
	GHashTableIter iter;
	gpointer change;
	bool ok;

	rmt_deal_put(deal, STATE_TABLE, state_key(name, key), mark);
	g_hash_table_iter_init(&iter, reader->changes);
	while (g_hash_table_iter_next(&iter, NULL, &change))
		rmt_deal_put_rates(deal, change);
	ok = rmt_deal_commit(reader->feedback->store, deal, NULL, err);
	if (ok)
		g_hash_table_remove_all(reader->changes);
	return ok;
}

bool rmt_maillog_mark(struct rmt_feedback *feedback, const char *name, GBytes **mark_r,
		      GError **err)
{
	char key[RMT_STORE_KEY_MAX];

	*mark_r = NULL;
	return rmt_deal_read(feedback->store, STATE_TABLE, state_key(name, key), mark_r,
			     err);
}

void rmt_maillog_totals(const struct rmt_maillog_reader *reader, uint64_t *lines_r,
			uint64_t *events_r)
{
	*lines_r = reader->lines;
	*events_r = reader->events;
}
