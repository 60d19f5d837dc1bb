/* SPDX-License-Identifier: MIT */
/* The context, and the table "inbox": microseconds of arrival and a hash of the
 * message (eight octets each, big-endian) -> version (1), at, unread, source,
 * recipient, sender, queue id, and the message as the rest. */
#include <string.h>
#include <xxhash.h>

#include "common/base/clock.h"
#include "common/feedback/aggregate.h"
#include "common/feedback/feedback.h"
#include "common/feedback/rates.h"
#include "common/feedback/mailed.h"
#include "common/store/pack.h"
#include "common/token/keys.h"

#define TABLE "inbox"
enum { VERSION = 1, DAY_SECS = 86400 };

/* --- context ----------------------------------------------------------------------- */

static void read_keys(struct rmt_feedback *feedback, int64_t now)
{
	g_autoptr(GError) err = NULL;
	g_autoptr(rmt_keys) keys = rmt_keys_read(feedback->config->keys, &err);

	feedback->ring = rmt_verp_ring_new();
	if (keys == NULL) {
		feedback->key_trouble = g_strdup(err->message);
		return;
	}
	rmt_verp_ring_take(feedback->ring, keys, now);
	feedback->sealer = rmt_sealer_new(keys, RMT_PURPOSE_UNSUBSCRIBE, now);
}

struct rmt_feedback *rmt_feedback_new(struct rmt_config *config, struct rmt_store *store,
				      int64_t now)
{
	struct rmt_feedback *feedback = g_new0(struct rmt_feedback, 1);

	feedback->config = rmt_config_ref(config);
	feedback->store = store;
	feedback->reader = rmt_report_reader_new();
	read_keys(feedback, now);
	return feedback;
}

void rmt_feedback_free(struct rmt_feedback *feedback)
{
	if (feedback == NULL)
		return;
	rmt_config_unref(feedback->config);
	rmt_report_reader_free(feedback->reader);
	rmt_verp_ring_free(feedback->ring);
	rmt_sealer_free(feedback->sealer);
	g_free(feedback->key_trouble);
	g_free(feedback);
}

void rmt_feedback_done_clear(struct rmt_feedback_done *done)
{
	if (done->line != NULL)
		g_string_free(done->line, TRUE);
	*done = (struct rmt_feedback_done){ RMT_REPORT_OTHER };
}

/* --- inbox ------------------------------------------------------------------------- */

static void pack_text(GString *out, const char *text)
{
	rmt_pack_string(out, rmt_span_of(text));
}

static GString *pack_item(const struct rmt_feedback_item *item, int64_t now, bool unread)
{
	GString *out = g_string_sized_new(item->message.len + 256);

	rmt_pack_number(out, VERSION);
	rmt_pack_number(out, (uint64_t)MAX(now, 0));
	rmt_pack_number(out, unread);
	pack_text(out, item->source);
	pack_text(out, item->recipient);
	pack_text(out, item->sender);
	pack_text(out, item->queue_id);
	g_string_append_len(out, item->message.p, (gssize)item->message.len);
	return out;
}

static void make_id(const struct rmt_feedback_item *item, struct rmt_inbox_id *id_r)
{
	uint64_t at = GUINT64_TO_BE((uint64_t)g_get_real_time());
	uint64_t hash = XXH3_64bits(item->message.p, item->message.len);

	memcpy(id_r->key, &at, sizeof(at));
	memcpy(id_r->key + 8, &hash, sizeof(hash));
}

bool rmt_feedback_take(struct rmt_feedback *feedback,
		       const struct rmt_feedback_item *item, int64_t now,
		       struct rmt_inbox_id *id_r, GError **err)
{
	struct rmt_feedback_item cut = *item;
	struct rmt_store_change change = { .table = TABLE };
	g_autoptr(GString) value = NULL;

	cut.message.len = MIN(cut.message.len, RMT_REPORT_OCTETS_MAX);
	value = pack_item(&cut, now, true);
	make_id(&cut, id_r);
	change.key = rmt_span(id_r->key, RMT_INBOX_ID);
	change.value = rmt_span(value->str, value->len);
	return rmt_store_commit(feedback->store, &change, 1, NULL, err);
}

static char *unpack_text(struct rmt_unpack *in)
{
	struct rmt_span text = rmt_unpack_string(in);

	return g_strndup(text.p != NULL ? text.p : "", text.len);
}

void rmt_inbox_row_clear(struct rmt_inbox_row *row)
{
	g_free(row->source);
	g_free(row->recipient);
	g_free(row->sender);
	g_free(row->queue_id);
	memset(row, 0, sizeof(*row));
}

bool rmt_inbox_read(struct rmt_span key, struct rmt_span value,
		    struct rmt_inbox_row *row_r)
{
	struct rmt_unpack in = { value, false };
	struct rmt_inbox_row row = { .at = 0 };

	memset(row_r, 0, sizeof(*row_r));
	if (key.len != RMT_INBOX_ID || rmt_unpack_number(&in) != VERSION)
		return false;
	memcpy(row.id.key, key.p, RMT_INBOX_ID);
	row.at = (int64_t)rmt_unpack_number(&in);
	row.unread = rmt_unpack_number(&in) != 0;
	row.source = unpack_text(&in);
	row.recipient = unpack_text(&in);
	row.sender = unpack_text(&in);
	row.queue_id = unpack_text(&in);
	row.message = in.rest;
	if (in.damaged) {
		rmt_inbox_row_clear(&row);
		return false;
	}
	*row_r = row;
	return true;
}

struct walk {
	rmt_inbox_each *each;
	void *context;
};

static bool visit(void *context, struct rmt_span key, struct rmt_span value)
{
	const struct walk *walk = context;
	struct rmt_inbox_row row;
	bool more;

	if (!rmt_inbox_read(key, value, &row))
		return true;
	more = walk->each(walk->context, &row);
	rmt_inbox_row_clear(&row);
	return more;
}

bool rmt_inbox_walk(struct rmt_store *store, rmt_inbox_each *each, void *context,
		    GError **err)
{
	struct walk walk = { each, context };

	return rmt_store_walk(store, TABLE, rmt_span(NULL, 0), visit, &walk, err);
}

bool rmt_inbox_remove(struct rmt_store *store, const struct rmt_inbox_id *id,
		      bool *removed_r, GError **err)
{
	struct rmt_store_change change = { .table = TABLE,
					   .key = rmt_span(id->key, RMT_INBOX_ID),
					   .remove = true };
	size_t removed;

	if (!rmt_store_commit(store, &change, 1, &removed, err))
		return false;
	if (removed_r != NULL)
		*removed_r = removed > 0;
	return true;
}

/* --- forgetting -------------------------------------------------------------------- */

struct prune {
	struct rmt_store *store;
	int64_t before;
	uint64_t left, removed;
	GError *err;
};

static bool count_read(void *context, const struct rmt_inbox_row *row)
{
	((struct prune *)context)->left += !row->unread;
	return true;
}

/* Oldest first: their keys are times. */
static bool prune_one(void *context, const struct rmt_inbox_row *row)
{
	struct prune *prune = context;

	if (row->unread || (row->at >= prune->before && prune->left <= RMT_INBOX_KEEP))
		return true;
	prune->left--;
	prune->removed++;
	return rmt_inbox_remove(prune->store, &row->id, NULL, &prune->err);
}

static bool prune_inbox(struct rmt_store *store, int64_t before, uint64_t *removed,
			GError **err)
{
	struct prune prune = { .store = store, .before = before };

	if (!rmt_inbox_walk(store, count_read, &prune, err) ||
	    !rmt_inbox_walk(store, prune_one, &prune, err))
		return false;
	*removed += prune.removed;
	if (prune.err == NULL)
		return true;
	g_propagate_error(err, prune.err);
	return false;
}

bool rmt_feedback_expire(struct rmt_feedback *feedback, int64_t now, uint64_t *removed_r,
			 GError **err)
{
	int64_t before =
		now - (int64_t)(feedback->config->feedback.keep_ns / RMT_NS_PER_SEC);
	uint64_t sent = 0, events = 0, rates = 0, reports = 0;

	*removed_r = 0;
	if (!rmt_mailed_expire(feedback->store, before, &sent, err) ||
	    !rmt_events_expire(feedback->store, before, &events, err) ||
	    !rmt_rates_expire(feedback->store, before / DAY_SECS, &rates, err) ||
	    !rmt_aggregate_expire(feedback->store, before, &reports, err) ||
	    !prune_inbox(feedback->store, before, removed_r, err))
		return false;
	*removed_r += sent + events + rates + reports;
	return true;
}
