/* SPDX-License-Identifier: MIT */
#include "common/store/suppress_deal.h"

#include "common/store/suppress_record.h"

/* One address' record, changed. */
struct part {
	struct rmt_suppression *entry; /* own */
	bool changed;                  /* by the commit's last run */
};

static void free_part(void *data)
{
	struct part *part = data;

	rmt_suppression_free(part->entry);
	g_free(part);
}

void rmt_suppress_deal_begin(struct rmt_suppress_deal *parts, struct rmt_deal *deal)
{
	parts->deal = deal;
	parts->hashes = g_array_new(FALSE, FALSE, sizeof(uint64_t));
}

void rmt_suppress_deal_end(struct rmt_suppress_deal *parts)
{
	const uint64_t *hashes = (const uint64_t *)(void *)parts->hashes->data;
	g_autoptr(GString) record = g_string_new(NULL);
	guint at;

	for (at = 0; at < parts->hashes->len; at += RMT_JOURNAL_HASHES) {
		struct rmt_store_change change = rmt_journal_change(
			record, hashes + at,
			MIN(parts->hashes->len - at, (guint)RMT_JOURNAL_HASHES));

		rmt_deal_append(parts->deal, change.table, change.value,
				change.append_keep);
	}
	g_array_unref(parts->hashes);
	parts->hashes = NULL;
}

static bool is_same(const struct rmt_suppress_view *a, const struct rmt_suppress_view *b)
{
	return rmt_span_eq(a->scope, b->scope) && rmt_span_eq(a->address, b->address);
}

/* Copies what is there, without what the new entry replaces. stands_r: one stays that
 * does the same. */
static bool copy_others(struct rmt_span old, const struct rmt_suppress_view *new,
			int64_t now, GString *value_r, bool *stands_r)
{
	struct rmt_suppress_reader reader;
	struct rmt_suppress_view view;

	rmt_suppress_read(&reader, old);
	while (rmt_suppress_next(&reader, &view)) {
		if (!is_same(&view, new)) {
			rmt_suppress_append(value_r, &view);
		} else if (rmt_suppress_stands(&view, now)) {
			rmt_suppress_append(value_r, &view);
			*stands_r = true;
		}
	}
	return !reader.in.damaged;
}

static enum rmt_store_verdict put(void *context, struct rmt_span old, GString *value_r)
{
	struct part *part = context;
	const struct rmt_suppress_view view = rmt_suppress_view_of(part->entry);
	bool stands = false;

	if (!copy_others(old, &view, part->entry->since, value_r, &stands))
		return RMT_STORE_REFUSE;
	if (!stands)
		rmt_suppress_append(value_r, &view);
	part->changed = !stands;
	return RMT_STORE_PUT;
}

static enum rmt_store_verdict retract(void *context, struct rmt_span old,
				      GString *value_r)
{
	struct part *part = context;
	const struct rmt_suppress_view gone = rmt_suppress_view_of(part->entry);
	struct rmt_suppress_reader reader;
	struct rmt_suppress_view view;

	part->changed = false;
	rmt_suppress_read(&reader, old);
	while (rmt_suppress_next(&reader, &view))
		if (!is_same(&view, &gone) || !rmt_span_eq(view.reason, gone.reason))
			rmt_suppress_append(value_r, &view);
		else
			part->changed = true;
	if (reader.in.damaged)
		return RMT_STORE_REFUSE;
	return value_r->len > 0 ? RMT_STORE_PUT : RMT_STORE_REMOVE;
}

static const bool *add(struct rmt_suppress_deal *parts,
		       const struct rmt_suppression *entry, bool is_retraction)
{
	const struct rmt_suppress_view view = rmt_suppress_view_of(entry);
	const uint64_t hash = rmt_suppress_hash(view.address);
	struct part *part = rmt_deal_own(parts->deal, g_new0(struct part, 1), free_part);
	char key[RMT_SUPPRESS_KEY];

	part->entry = rmt_suppress_copy(&view);
	g_array_append_val(parts->hashes, hash);
	rmt_deal_change(parts->deal, RMT_SUPPRESS_TABLE, rmt_suppress_key(hash, key),
			is_retraction ? retract : put, part);
	return &part->changed;
}

const bool *rmt_suppress_deal_put(struct rmt_suppress_deal *parts,
				  const struct rmt_suppression *entry)
{
	return add(parts, entry, false);
}

const bool *rmt_suppress_deal_retract(struct rmt_suppress_deal *parts, const char *scope,
				      const char *address, const char *reason)
{
	const struct rmt_suppression gone = {
		.scope = (char *)scope,
		.address = (char *)address,
		.reason = (char *)reason,
		.source = (char *)"",
		.note = (char *)"",
	};

	return add(parts, &gone, true);
}
