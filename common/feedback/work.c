/* SPDX-License-Identifier: MIT */
/* From a message in the inbox to events. */
#include <string.h>

#include "common/base/log.h"
#include "common/feedback/aggregate.h"
#include "common/feedback/attribute.h"
#include "common/feedback/leave.h"
#include "common/feedback/provider.h"
#include "common/feedback/rates.h"
#include "common/store/pack.h"

#define TABLE "inbox"
enum { KEPT_MAX = 64 * 1024 }; /* octets of what is not understood */

struct work {
	struct rmt_feedback *f;
	struct rmt_inbox_row *row;
	const struct rmt_report *report;
	struct rmt_attribution who;
	int64_t now;
	struct rmt_feedback_done *done;
};

/* --- whom is it about? ------------------------------------------------------------- */

static char *fold(const struct work *w, const char *address)
{
	struct rmt_addr folded;

	if (address == NULL || address[0] == '\0')
		return g_strdup("");
	rmt_addr_fold(w->f->config->fold, rmt_span_of(address), &folded);
	return g_strndup(folded.whole.p, folded.whole.len);
}

/* "ann" is ann@example.org where it was delivered. */
static bool is_same(const char *said, const char *ours)
{
	size_t len = strlen(said);

	if (strcmp(said, ours) == 0)
		return true;
	return strchr(said, '@') == NULL && strncmp(said, ours, len) == 0 &&
	       ours[len] == '@';
}

static bool is_other(const char *said, const char *ours)
{
	return said[0] != '\0' && !is_same(said, ours);
}

/* Bounces that name another than the one we mailed come from behind an alias or
 * a forward: no reason to bury either. */
static bool is_alias(enum rmt_report_class class, const char *ours, const char *final,
		     const char *original)
{
	if (class == RMT_CLASS_COMPLAINT || class == RMT_CLASS_UNSUBSCRIBE)
		return false;
	return is_other(final, ours) || is_other(original, ours);
}

/* Own; NULL: nobody of this message. */
static char *recipient_of(const struct work *w, const char *final, const char *original)
{
	const char *candidates[] = { w->who.recipient, original, final };
	size_t i;

	if (w->who.proof == RMT_PROOF_TAG)
		return fold(w, w->who.recipient);
	if (w->who.sent == NULL)
		return NULL;
	for (i = 0; i < G_N_ELEMENTS(candidates); i++) {
		g_autofree char *folded = fold(w, candidates[i]);

		if (folded[0] != '\0' && rmt_mailed_has(w->who.sent, rmt_span_of(folded)))
			return g_steal_pointer(&folded);
	}
	return NULL;
}

/* --- events ------------------------------------------------------------------------ */

static const char *domain_of(const char *address)
{
	const char *at = strrchr(address, '@');

	return at != NULL ? at + 1 : "";
}

static const char *text(const char *string)
{
	return string != NULL ? string : "";
}

static struct rmt_event *event_of(const struct work *w,
				  const struct rmt_report_event *told, char *recipient,
				  bool alias)
{
	struct rmt_event *event = g_new0(struct rmt_event, 1);
	const struct rmt_mailed *sent = w->who.sent;
	bool not_spam = strcmp(told->feedback_type, "not-spam") == 0;

	event->at = w->now;
	event->sent_at = w->who.sent_at;
	event->recipient = recipient;
	event->stream = g_strdup(w->who.stream->name);
	event->provider =
		g_strdup(rmt_feedback_provider(rmt_span_of(domain_of(recipient))));
	event->message = g_strdup(w->who.message);
	event->message_id =
		g_strdup(sent != NULL ? sent->message_id : text(w->report->message_id));
	event->queue_id = g_strdup(sent != NULL ? sent->queue_id : "");
	event->class = told->class;
	event->action = told->action;
	event->proof = w->who.proof;
	event->hard = told->hard;
	event->alias = alias;
	event->status = g_strdup(told->status);
	event->reply = g_strdup(told->reply);
	event->rule = g_strdup(not_spam ? "not-spam" : told->rule);
	event->evidence = g_strdup(told->evidence);
	event->source = g_strdup(w->row->source);
	event->effect = g_strdup("");
	return event;
}

static void log_event(const struct work *w, const struct rmt_event *event, bool fresh)
{
	GString *line = w->done->line;

	g_string_append(line, " recipient=<");
	rmt_log_printable(line, rmt_span_of(event->recipient), 256);
	g_string_append_printf(line, "> class=%s%s stream=%s proof=%s rule=%s",
			       rmt_report_class_name(event->class),
			       event->alias ? " alias=yes" : "", event->stream,
			       rmt_proof_name(event->proof),
			       event->rule[0] != '\0' ? event->rule : "-");
	if (!fresh)
		g_string_append(line, " known=yes");
	else if (event->effect[0] != '\0')
		g_string_append_printf(line, " effect=\"%s\"", event->effect);
}

/* A complaint about a message to several whose To is all that names them: at most one
 * of them complained. It counts, once, and buries nobody. */
static bool is_guess(const struct work *w)
{
	const struct rmt_report_event *first;

	if (w->report->kind != RMT_REPORT_COMPLAINT || w->who.proof == RMT_PROOF_TAG ||
	    w->report->events->len < 2)
		return false;
	first = g_ptr_array_index(w->report->events, 0);
	return first->source == RMT_SOURCE_ORIGINAL;
}

static bool act_on(struct work *w, const struct rmt_report_event *told, GError **err)
{
	g_autofree char *final = fold(w, told->recipient);
	g_autofree char *original = fold(w, told->original_recipient);
	char *recipient = recipient_of(w, told->recipient, told->original_recipient);
	g_autoptr(rmt_event) event = NULL;
	bool fresh;

	if (recipient == NULL) {
		w->done->strangers++;
		return true;
	}
	event = event_of(w, told, recipient,
			 is_guess(w) ||
				 is_alias(told->class, recipient, final, original));
	if (!rmt_feedback_act(w->f, event, w->now, &fresh, err))
		return false;
	w->done->events++;
	w->done->fresh += fresh;
	log_event(w, event, fresh);
	return true;
}

/* --- the row's end ----------------------------------------------------------------- */

static bool count_stranger(struct work *w, struct rmt_deal *deal,
			   struct rmt_rates_change *change)
{
	(void)w;
	rmt_rates_change(change, "", "", w->now);
	change->delta[RMT_RATE_STRANGERS] = 1;
	rmt_deal_put_rates(deal, change);
	return true;
}

static GString *pack_kept(const struct rmt_inbox_row *row)
{
	GString *out = g_string_new(NULL);

	rmt_pack_number(out, 1);
	rmt_pack_number(out, (uint64_t)row->at);
	rmt_pack_number(out, 0);
	rmt_pack_string(out, rmt_span_of(row->source));
	rmt_pack_string(out, rmt_span_of(row->recipient));
	rmt_pack_string(out, rmt_span_of(row->sender));
	rmt_pack_string(out, rmt_span_of(row->queue_id));
	g_string_append_len(out, row->message.p, (gssize)MIN(row->message.len, KEPT_MAX));
	return out;
}

static bool is_there(void *context, struct rmt_span stored)
{
	(void)context;
	return stored.p != NULL;
}

/* What was delivered into a mailbox stays there. */
static bool is_only_here(const struct rmt_inbox_row *row)
{
	return strcmp(row->source, "lmtp") != 0 && strcmp(row->source, "maildir") != 0;
}

/* Understood: the row goes. Else it stays, read. A stranger's is counted once. */
static bool finish(struct work *w, GError **err)
{
	struct rmt_span key = rmt_span(w->row->id.key, RMT_INBOX_ID);
	g_autoptr(rmt_deal) deal = rmt_deal_new();
	g_autoptr(GString) kept = NULL;
	struct rmt_rates_change change;

	rmt_deal_if(deal, TABLE, key, is_there, NULL);
	if (w->report->kind == RMT_REPORT_OTHER && is_only_here(w->row)) {
		kept = pack_kept(w->row);
		rmt_deal_put(deal, TABLE, key, rmt_span(kept->str, kept->len));
	} else {
		rmt_deal_remove(deal, TABLE, key);
	}
	if (w->done->strangers > 0)
		count_stranger(w, deal, &change);
	return rmt_deal_commit(w->f->store, deal, NULL, err);
}

/* --- all together ------------------------------------------------------------------ */

static bool is_about_mail(enum rmt_report_kind kind)
{
	return kind == RMT_REPORT_BOUNCE || kind == RMT_REPORT_COMPLAINT ||
	       kind == RMT_REPORT_UNSUBSCRIBE || kind == RMT_REPORT_RECEIPT;
}

static bool act(struct work *w, GError **err)
{
	guint i;

	if (!is_about_mail(w->report->kind))
		return true;
	if (w->who.proof == RMT_PROOF_NONE) {
		w->done->strangers = 1;
		g_string_append_printf(w->done->line, " stranger=yes return_path=%s",
				       rmt_verp_result_name(w->who.result));
		return true;
	}
	/* An unforgeable return path is known, but the words name nobody. */
	for (i = 0; i < w->report->events->len && !(is_guess(w) && w->done->events > 0);
	     i++)
		if (!act_on(w, g_ptr_array_index(w->report->events, i), err))
			return false;
	return true;
}

/* A token of ours is not a report: nothing else is read of it. */
static bool leave(struct work *w, struct rmt_event *event, GError **err)
{
	bool fresh;

	if (!rmt_feedback_act(w->f, event, w->now, &fresh, err))
		return false;
	w->done->kind = RMT_REPORT_UNSUBSCRIBE;
	w->done->events = 1;
	w->done->fresh = fresh;
	g_string_append_printf(w->done->line, "kind=unsubscribe source=%s",
			       w->row->source);
	log_event(w, event, fresh);
	return rmt_inbox_remove(w->f->store, &w->row->id, NULL, err);
}

static bool read_report(struct work *w, const struct rmt_feedback_item *item,
			GError **err)
{
	g_autoptr(rmt_report) report = rmt_report_read(w->f->reader, w->row->message);
	bool ok;

	w->report = report;
	w->done->kind = report->kind;
	g_string_append_printf(w->done->line, "kind=%s source=%s",
			       rmt_report_kind_name(report->kind), w->row->source);
	if (!rmt_attribute(w->f, item, report, w->now, &w->who, err))
		return false;
	ok = act(w, err) && finish(w, err);
	rmt_attribution_clear(&w->who);
	return ok;
}

/* True in *taken_r: it was DMARC's, and is done with. */
static bool take_aggregate(struct work *w, bool *taken_r, GError **err)
{
	unsigned rows;

	if (!rmt_aggregate_take_mail(w->f->store, w->row->message, w->now, &rows, err))
		return false;
	*taken_r = rows > 0;
	if (rows == 0)
		return true;
	g_string_append_printf(w->done->line, "kind=dmarc source=%s rows=%u",
			       w->row->source, rows);
	return rmt_inbox_remove(w->f->store, &w->row->id, NULL, err);
}

static bool work_row(struct rmt_feedback *feedback, struct rmt_inbox_row *row,
		     int64_t now, struct rmt_feedback_done *done, GError **err)
{
	const struct rmt_feedback_item item = { row->source, row->recipient, row->sender,
						row->queue_id, row->message };
	g_autoptr(rmt_event) leaves = rmt_feedback_leave(feedback, &item, now);
	struct work w = { feedback, row, .now = now, .done = done };
	bool taken;

	if (leaves != NULL)
		return leave(&w, leaves, err);
	if (!take_aggregate(&w, &taken, err))
		return false;
	return taken || read_report(&w, &item, err);
}

bool rmt_feedback_work(struct rmt_feedback *feedback, const struct rmt_inbox_id *id,
		       int64_t now, struct rmt_feedback_done *done_r, GError **err)
{
	g_autoptr(GBytes) value = NULL;
	struct rmt_inbox_row row;
	gsize len;
	const char *p;
	bool ok;

	*done_r = (struct rmt_feedback_done){ .line = g_string_new(NULL) };
	if (!rmt_deal_read(feedback->store, TABLE, rmt_span(id->key, RMT_INBOX_ID),
			   &value, err))
		return false;
	if (value == NULL)
		return true;
	p = g_bytes_get_data(value, &len);
	if (!rmt_inbox_read(rmt_span(id->key, RMT_INBOX_ID), rmt_span(p, len), &row)) {
		g_set_error(err, RMT_STORE_ERROR, RMT_STORE_ERROR_DAMAGED,
			    "table 'inbox': a row is damaged or of a newer program");
		return false;
	}
	ok = work_row(feedback, &row, now, done_r, err);
	rmt_inbox_row_clear(&row);
	return ok;
}

struct rest {
	struct rmt_feedback *feedback;
	int64_t now;
	unsigned count;
	GError *err;
};

static bool work_one(void *context, const struct rmt_inbox_row *row)
{
	struct rest *rest = context;
	struct rmt_feedback_done done;
	bool ok;

	if (!row->unread)
		return true;
	ok = rmt_feedback_work(rest->feedback, &row->id, rest->now, &done, &rest->err);
	if (ok)
		rmt_log(RMT_LOG_INFO, "feedback: %s", done.line->str);
	rest->count += ok;
	rmt_feedback_done_clear(&done);
	return ok;
}

bool rmt_feedback_work_rest(struct rmt_feedback *feedback, int64_t now, unsigned *count_r,
			    GError **err)
{
	struct rest rest = { feedback, now, 0, NULL };
	bool ok = rmt_inbox_walk(feedback->store, work_one, &rest, err);

	*count_r = rest.count;
	if (rest.err == NULL)
		return ok;
	g_propagate_error(err, rest.err);
	return false;
}
