/* SPDX-License-Identifier: MIT */
#include <xxhash.h>

#include "common/store/suppress_record.h"

/* Part of the format. A collision costs a comparison, not an answer: the full
 * address is stored. */
static const uint64_t hash_seed = 0x72656d697465;

uint64_t rmt_suppress_hash(struct rmt_span address)
{
	return XXH3_64bits_withSeed(address.p, address.len, hash_seed);
}

struct rmt_span rmt_suppress_key(uint64_t hash, char key[RMT_SUPPRESS_KEY])
{
	uint64_t big_endian = GUINT64_TO_BE(hash);

	memcpy(key, &big_endian, sizeof(big_endian));
	return rmt_span(key, sizeof(big_endian));
}

struct rmt_suppress_view rmt_suppress_view_of(const struct rmt_suppression *entry)
{
	return (struct rmt_suppress_view){
		.scope = rmt_span_of(entry->scope),
		.address = rmt_span_of(entry->address),
		.reason = rmt_span_of(entry->reason),
		.source = rmt_span_of(entry->source),
		.note = rmt_span_of(entry->note),
		.since = entry->since,
		.until = entry->until,
	};
}

static char *copy(struct rmt_span span)
{
	return g_strndup(span.len > 0 ? span.p : "", span.len);
}

struct rmt_suppression *rmt_suppress_copy(const struct rmt_suppress_view *view)
{
	struct rmt_suppression *entry = g_new0(struct rmt_suppression, 1);

	entry->scope = copy(view->scope);
	entry->address = copy(view->address);
	entry->reason = copy(view->reason);
	entry->source = copy(view->source);
	entry->note = copy(view->note);
	entry->since = view->since;
	entry->until = view->until;
	return entry;
}

void rmt_suppress_read(struct rmt_suppress_reader *reader, struct rmt_span value)
{
	*reader = (struct rmt_suppress_reader){ { value, false }, false };
	if (value.len == 0 || rmt_unpack_number(&reader->in) == RMT_SUPPRESS_VERSION)
		return;
	reader->newer = !reader->in.damaged;
	reader->in = (struct rmt_unpack){ rmt_span(value.p, 0), true };
}

bool rmt_suppress_unpack(struct rmt_unpack *in, struct rmt_suppress_view *view_r)
{
	struct rmt_unpack body = { rmt_unpack_string(in), false };

	view_r->scope = rmt_unpack_string(&body);
	view_r->address = rmt_unpack_string(&body);
	view_r->reason = rmt_unpack_string(&body);
	view_r->source = rmt_unpack_string(&body);
	view_r->note = rmt_unpack_string(&body);
	view_r->since = (int64_t)rmt_unpack_number(&body);
	view_r->until = (int64_t)rmt_unpack_number(&body);
	in->damaged |= body.damaged;
	return !in->damaged;
}

bool rmt_suppress_next(struct rmt_suppress_reader *reader,
		       struct rmt_suppress_view *view_r)
{
	return !reader->in.damaged && reader->in.rest.len > 0 &&
	       rmt_suppress_unpack(&reader->in, view_r);
}

static void pack_body(GString *out, const struct rmt_suppress_view *view)
{
	rmt_pack_string(out, view->scope);
	rmt_pack_string(out, view->address);
	rmt_pack_string(out, view->reason);
	rmt_pack_string(out, view->source);
	rmt_pack_string(out, view->note);
	rmt_pack_number(out, (uint64_t)MAX(view->since, 0));
	rmt_pack_number(out, (uint64_t)MAX(view->until, 0));
}

/* The body's length stands before it and is not known yet: one octet is kept
 * for it, which is enough for nearly all. */
void rmt_suppress_pack(GString *out, const struct rmt_suppress_view *view)
{
	gsize start = out->len, len;
	g_autoptr(GString) head = NULL;

	g_string_append_c(out, 0);
	pack_body(out, view);
	len = out->len - start - 1;
	if (len <= 0x7f) {
		out->str[start] = (char)len;
		return;
	}
	head = g_string_new(NULL);
	rmt_pack_number(head, len);
	g_string_erase(out, (gssize)start, 1);
	g_string_insert_len(out, (gssize)start, head->str, (gssize)head->len);
}

void rmt_suppress_append(GString *value, const struct rmt_suppress_view *view)
{
	if (value->len == 0)
		rmt_pack_number(value, RMT_SUPPRESS_VERSION);
	rmt_suppress_pack(value, view);
}

static bool same_place(const struct rmt_suppress_view *a,
		       const struct rmt_suppress_view *b)
{
	return rmt_span_eq(a->address, b->address) && rmt_span_eq(a->scope, b->scope);
}

enum rmt_store_verdict rmt_suppress_merge(void *context, struct rmt_span old,
					  GString *value_r)
{
	struct rmt_suppress_merge *merge = context;
	struct rmt_suppress_view added = merge->view, view;
	struct rmt_suppress_reader reader;

	merge->was_there_r = false;
	rmt_suppress_read(&reader, old);
	while (rmt_suppress_next(&reader, &view)) {
		if (!same_place(&view, &added)) {
			rmt_suppress_append(value_r, &view);
		} else if (rmt_suppress_stands(&view, added.since)) {
			added.since = MIN(view.since, added.since);
			merge->was_there_r = true;
		}
	}
	if (reader.in.damaged)
		return RMT_STORE_REFUSE;
	rmt_suppress_append(value_r, &added);
	return rmt_span_eq(old, rmt_span(value_r->str, value_r->len)) ? RMT_STORE_KEEP
								      : RMT_STORE_PUT;
}

static bool names(struct rmt_span scope, struct rmt_span kind, const char *name)
{
	return name != NULL && rmt_span_starts(scope, kind) &&
	       rmt_span_eq(rmt_span_from(scope, kind.len), rmt_span_of(name));
}

static bool reason_counts(char *const *reasons, struct rmt_span reason)
{
	if (reasons == NULL)
		return true;
	for (; *reasons != NULL; reasons++)
		if (rmt_span_eq(reason, rmt_span_of(*reasons)))
			return true;
	return false;
}

enum rmt_suppress_judgement rmt_suppress_judge_view(const struct rmt_suppress_view *view,
						    const char *stream, const char *class,
						    char *const *reasons, int64_t now)
{
	if (!rmt_suppress_stands(view, now))
		return RMT_SUPPRESS_EXPIRED;
	if (!rmt_span_eq(view->scope, RMT_SPAN("all")) &&
	    !names(view->scope, RMT_SPAN("stream:"), stream) &&
	    !names(view->scope, RMT_SPAN("class:"), class))
		return RMT_SUPPRESS_OTHER_SCOPE;
	return reason_counts(reasons, view->reason) ? RMT_SUPPRESS_BARS
						    : RMT_SUPPRESS_OTHER_REASON;
}

enum rmt_suppress_judgement rmt_suppress_judge(const struct rmt_suppression *entry,
					       const char *stream, const char *class,
					       char *const *reasons, int64_t now)
{
	struct rmt_suppress_view view = rmt_suppress_view_of(entry);

	return rmt_suppress_judge_view(&view, stream, class, reasons, now);
}

struct rmt_store_change rmt_journal_change(GString *record, const uint64_t *hashes,
					   size_t count)
{
	char key[RMT_SUPPRESS_KEY];
	size_t i;

	g_string_truncate(record, 0);
	rmt_pack_number(record, RMT_SUPPRESS_VERSION);
	for (i = 0; i < count; i++) {
		rmt_suppress_key(hashes[i], key);
		g_string_append_len(record, key, sizeof(key));
	}
	return (struct rmt_store_change){ .table = RMT_SUPPRESS_JOURNAL,
					  .value = rmt_span(record->str, record->len),
					  .append_keep = RMT_JOURNAL_KEEP };
}

bool rmt_journal_begin(struct rmt_span *record)
{
	struct rmt_unpack in = { *record, false };
	uint64_t version = rmt_unpack_number(&in);

	*record = in.rest;
	return version == RMT_SUPPRESS_VERSION && in.rest.len % RMT_SUPPRESS_KEY == 0;
}

bool rmt_journal_next(struct rmt_span *record, uint64_t *hash_r)
{
	uint64_t big_endian;

	if (record->len < sizeof(big_endian))
		return false;
	memcpy(&big_endian, record->p, sizeof(big_endian));
	*hash_r = GUINT64_FROM_BE(big_endian);
	*record = rmt_span_from(*record, sizeof(big_endian));
	return true;
}
