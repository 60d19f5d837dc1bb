/* SPDX-License-Identifier: MIT */
/* "aggregate": hash of reporter and id (8 octets) -> version (1), begin, end,
 * reporter, count, and for each row source, domain, aligned, unaligned. */
#include <string.h>
#include <xxhash.h>
#include <zlib.h>

#include "common/feedback/aggregate.h"
#include "common/store/deal.h"
#include "common/store/pack.h"

#define TABLE "aggregate"
enum { VERSION = 1, CHUNK = 64 * 1024, TEXT_MAX = 300, DEPTH_MAX = 16 };

static void free_row(gpointer data)
{
	struct rmt_aggregate_row *row = data;

	g_free(row->source);
	g_free(row->domain);
	g_free(row);
}

void rmt_aggregate_free(struct rmt_aggregate *aggregate)
{
	if (aggregate == NULL)
		return;
	g_free(aggregate->reporter);
	g_free(aggregate->id);
	g_ptr_array_unref(aggregate->rows);
	g_free(aggregate);
}

static void fail(GError **err, const char *text)
{
	g_set_error_literal(err, g_quark_from_static_string("remite-aggregate"), 0, text);
}

/* --- unpacking --------------------------------------------------------------------- */

/* bits: zlib's window: 31 for gzip, -15 for what stands in a zip. */
static GString *inflate_all(struct rmt_span octets, int bits, GError **err)
{
	size_t max = MIN((size_t)RMT_AGGREGATE_OCTETS_MAX,
			 octets.len * RMT_AGGREGATE_RATIO_MAX + CHUNK);
	GString *out = g_string_sized_new(MIN(octets.len * 8, max));
	char chunk[CHUNK];
	z_stream z = { .next_in = (Bytef *)octets.p, .avail_in = (uInt)octets.len };
	int code;

	if (inflateInit2(&z, bits) != Z_OK) {
		g_string_free(out, TRUE);
		fail(err, "zlib does not start");
		return NULL;
	}
	do {
		z.next_out = (Bytef *)chunk;
		z.avail_out = sizeof(chunk);
		code = inflate(&z, Z_NO_FLUSH);
		g_string_append_len(out, chunk, (gssize)(sizeof(chunk) - z.avail_out));
	} while (code == Z_OK && out->len <= max && z.avail_out < sizeof(chunk));
	inflateEnd(&z);
	if (code == Z_STREAM_END && out->len <= max)
		return out;
	fail(err, out->len > max ? "it unpacks to more than any report (a bomb?)"
				 : "the packed data is damaged");
	g_string_free(out, TRUE);
	return NULL;
}

static unsigned number_at(struct rmt_span octets, size_t at, size_t len)
{
	unsigned number = 0;

	while (len-- > 0)
		number = number << 8 | (guchar)octets.p[at + len];
	return number;
}

/* The first file of a zip: its local header (30 octets, name, extra), then data. */
static GString *unzip(struct rmt_span octets, GError **err)
{
	size_t skip;
	unsigned method;

	if (octets.len < 30)
		goto damaged;
	method = number_at(octets, 8, 2);
	skip = 30 + number_at(octets, 26, 2) + number_at(octets, 28, 2);
	if (skip >= octets.len)
		goto damaged;
	octets = rmt_span_from(octets, skip);
	if (method == 8)
		return inflate_all(octets, -15, err);
	if (method == 0)
		return g_string_new_len(octets.p, (gssize)octets.len);
damaged:
	fail(err, "the zip file is damaged, or packed in a way nobody uses");
	return NULL;
}

GString *rmt_aggregate_unpack(struct rmt_span octets, GError **err)
{
	if (octets.len > RMT_AGGREGATE_OCTETS_MAX) {
		fail(err, "it is longer than any report");
		return NULL;
	}
	if (octets.len >= 2 && memcmp(octets.p, "\x1f\x8b", 2) == 0)
		return inflate_all(octets, 31, err);
	if (octets.len >= 4 && memcmp(octets.p, "PK\3\4", 4) == 0)
		return unzip(octets, err);
	return g_string_new_len(octets.p, (gssize)octets.len);
}

/* --- XML --------------------------------------------------------------------------- */

struct reading {
	struct rmt_aggregate *report;
	GString *text;
	unsigned depth;
	/* Of the record. */
	char *source, *domain; /* own */
	uint64_t count;
	bool aligned, in_record, in_policy;
};

static void start_element(GMarkupParseContext *context, const char *name,
			  const char **names, const char **values, gpointer data,
			  GError **err)
{
	struct reading *r = data;

	(void)context, (void)names, (void)values;
	if (++r->depth > DEPTH_MAX) {
		fail(err, "elements within elements: no report");
		return;
	}
	g_string_truncate(r->text, 0);
	if (strcmp(name, "record") == 0) {
		r->in_record = true;
		r->aligned = false;
		r->count = 0;
		g_clear_pointer(&r->source, g_free);
		g_clear_pointer(&r->domain, g_free);
	} else if (strcmp(name, "policy_evaluated") == 0) {
		r->in_policy = true;
	}
}

static void keep(char **field, const GString *text)
{
	g_free(*field);
	*field = g_strndup(text->str, MIN(text->len, TEXT_MAX));
	g_strstrip(*field);
}

static void end_record(struct reading *r)
{
	struct rmt_aggregate_row *row;

	r->in_record = false;
	if (r->source == NULL || r->domain == NULL)
		return;
	if (r->report->rows->len >= RMT_AGGREGATE_ROWS_MAX) {
		r->report->cut = true;
		return;
	}
	row = g_new0(struct rmt_aggregate_row, 1);
	row->source = g_steal_pointer(&r->source);
	row->domain = g_steal_pointer(&r->domain);
	*(r->aligned ? &row->aligned : &row->unaligned) = r->count;
	g_ptr_array_add(r->report->rows, row);
}

static void end_element(GMarkupParseContext *context, const char *name, gpointer data,
			GError **err)
{
	struct reading *r = data;
	const char *text = r->text->str;

	(void)context, (void)err;
	r->depth--;
	if (strcmp(name, "record") == 0)
		end_record(r);
	else if (strcmp(name, "policy_evaluated") == 0)
		r->in_policy = false;
	else if (strcmp(name, "org_name") == 0)
		keep(&r->report->reporter, r->text);
	else if (strcmp(name, "report_id") == 0)
		keep(&r->report->id, r->text);
	else if (strcmp(name, "begin") == 0)
		r->report->begin = g_ascii_strtoll(text, NULL, 10);
	else if (strcmp(name, "end") == 0)
		r->report->end = g_ascii_strtoll(text, NULL, 10);
	else if (r->in_record && strcmp(name, "source_ip") == 0)
		keep(&r->source, r->text);
	else if (r->in_record && strcmp(name, "header_from") == 0)
		keep(&r->domain, r->text);
	else if (r->in_record && strcmp(name, "count") == 0)
		r->count = MIN(g_ascii_strtoull(text, NULL, 10), G_MAXUINT32);
	else if (r->in_policy && (strcmp(name, "dkim") == 0 || strcmp(name, "spf") == 0))
		r->aligned |= strstr(text, "pass") != NULL;
	g_string_truncate(r->text, 0);
}

static void take_text(GMarkupParseContext *context, const char *text, gsize len,
		      gpointer data, GError **err)
{
	struct reading *r = data;

	(void)context, (void)err;
	if (r->text->len < TEXT_MAX)
		g_string_append_len(r->text, text,
				    (gssize)MIN(len, TEXT_MAX - r->text->len));
}

struct rmt_aggregate *rmt_aggregate_read(struct rmt_span xml, GError **err)
{
	static const GMarkupParser parser = { start_element, end_element, take_text, NULL,
					      NULL };
	struct reading r = { .text = g_string_new(NULL) };
	GMarkupParseContext *context;
	bool ok;

	if (xml.len >= 3 && memcmp(xml.p, "\xef\xbb\xbf", 3) == 0)
		xml = rmt_span_from(xml, 3);
	r.report = g_new0(struct rmt_aggregate, 1);
	r.report->rows = g_ptr_array_new_with_free_func(free_row);
	context = g_markup_parse_context_new(&parser, G_MARKUP_TREAT_CDATA_AS_TEXT, &r,
					     NULL);
	ok = g_markup_parse_context_parse(context, xml.p, (gssize)xml.len, err) &&
	     g_markup_parse_context_end_parse(context, err);
	g_markup_parse_context_free(context);
	g_string_free(r.text, TRUE);
	g_free(r.source);
	g_free(r.domain);
	if (ok && (r.report->id == NULL || r.report->reporter == NULL)) {
		fail(err, "it has no org_name and report_id: no aggregate report");
		ok = false;
	}
	if (!ok)
		g_clear_pointer(&r.report, rmt_aggregate_free);
	return r.report;
}

/* --- keeping ----------------------------------------------------------------------- */

static void add_to(GHashTable *sums, const struct rmt_aggregate_row *row)
{
	g_autofree char *key = g_strconcat(row->source, " ", row->domain, NULL);
	struct rmt_aggregate_row *sum = g_hash_table_lookup(sums, key);

	if (sum == NULL) {
		sum = g_new0(struct rmt_aggregate_row, 1);
		sum->source = g_strdup(row->source);
		sum->domain = g_strdup(row->domain);
		g_hash_table_insert(sums, g_steal_pointer(&key), sum);
	}
	sum->aligned += row->aligned;
	sum->unaligned += row->unaligned;
}

static GString *pack(const struct rmt_aggregate *report, unsigned *rows_r)
{
	GHashTable *sums =
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_row);
	GString *out = g_string_new(NULL);
	GHashTableIter iter;
	gpointer value;
	guint i;

	for (i = 0; i < report->rows->len; i++)
		add_to(sums, g_ptr_array_index(report->rows, i));
	rmt_pack_number(out, VERSION);
	rmt_pack_number(out, (uint64_t)MAX(report->begin, 0));
	rmt_pack_number(out, (uint64_t)MAX(report->end, 0));
	rmt_pack_string(out, rmt_span_of(report->reporter));
	*rows_r = g_hash_table_size(sums);
	rmt_pack_number(out, *rows_r);
	g_hash_table_iter_init(&iter, sums);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		const struct rmt_aggregate_row *row = value;

		rmt_pack_string(out, rmt_span_of(row->source));
		rmt_pack_string(out, rmt_span_of(row->domain));
		rmt_pack_number(out, row->aligned);
		rmt_pack_number(out, row->unaligned);
	}
	g_hash_table_unref(sums);
	return out;
}

bool rmt_aggregate_take(struct rmt_store *store, struct rmt_span octets, int64_t now,
			unsigned *rows_r, GError **err)
{
	GString *xml = rmt_aggregate_unpack(octets, err);
	struct rmt_aggregate *report;
	bool ok;

	if (xml == NULL)
		return false;
	report = rmt_aggregate_read(rmt_span(xml->str, xml->len), err);
	g_string_free(xml, TRUE);
	if (report == NULL)
		return false;
	ok = rmt_aggregate_put(store, report, now, rows_r, err);
	rmt_aggregate_free(report);
	return ok;
}

uint64_t rmt_aggregate_count(struct rmt_store *store)
{
	return rmt_store_count(store, TABLE);
}

bool rmt_aggregate_put(struct rmt_store *store, struct rmt_aggregate *report, int64_t now,
		       unsigned *rows_r, GError **err)
{
	struct rmt_store_change change = { .table = TABLE };
	GString *value;
	uint64_t hash;
	bool ok;

	if (report->end <= 0 || report->end > now + 86400)
		report->end = now;
	hash = XXH3_64bits_withSeed(
		report->id, strlen(report->id),
		XXH3_64bits(report->reporter, strlen(report->reporter)));
	value = pack(report, rows_r);
	change.key = rmt_span((const char *)&hash, sizeof(hash));
	change.value = rmt_span(value->str, value->len);
	ok = rmt_store_commit(store, &change, 1, NULL, err);
	g_string_free(value, TRUE);
	return ok;
}

struct sums {
	struct rmt_store *store;
	int64_t since;
	GHashTable *rows;
	uint64_t removed;
	GError *err;
};

static bool sum_report(void *context, struct rmt_span key, struct rmt_span value)
{
	struct sums *sums = context;
	struct rmt_unpack in = { value, false };
	struct rmt_aggregate_row row;
	uint64_t count, i;
	int64_t end;

	(void)key;
	if (rmt_unpack_number(&in) != VERSION)
		return true;
	rmt_unpack_number(&in);
	end = (int64_t)rmt_unpack_number(&in);
	rmt_unpack_string(&in);
	count = rmt_unpack_number(&in);
	for (i = 0; i < count && !in.damaged && end >= sums->since; i++) {
		struct rmt_span source = rmt_unpack_string(&in);
		struct rmt_span domain = rmt_unpack_string(&in);

		row.source = g_strndup(source.p, source.len);
		row.domain = g_strndup(domain.p, domain.len);
		row.aligned = rmt_unpack_number(&in);
		row.unaligned = rmt_unpack_number(&in);
		if (!in.damaged)
			add_to(sums->rows, &row);
		g_free(row.source);
		g_free(row.domain);
	}
	return true;
}

static gint by_count(gconstpointer a, gconstpointer b)
{
	const struct rmt_aggregate_row *x = *(struct rmt_aggregate_row *const *)a;
	const struct rmt_aggregate_row *y = *(struct rmt_aggregate_row *const *)b;
	uint64_t m = x->aligned + x->unaligned, n = y->aligned + y->unaligned;

	return m < n ? 1 : -(m > n);
}

bool rmt_aggregate_sums(struct rmt_store *store, int64_t since, GPtrArray **rows_r,
			GError **err)
{
	struct sums sums = { .since = since,
			     .rows = g_hash_table_new_full(g_str_hash, g_str_equal,
							   g_free, NULL) };
	bool ok = rmt_store_walk(store, TABLE, rmt_span(NULL, 0), sum_report, &sums, err);
	GHashTableIter iter;
	gpointer row;

	*rows_r = g_ptr_array_new_with_free_func(free_row);
	g_hash_table_iter_init(&iter, sums.rows);
	while (g_hash_table_iter_next(&iter, NULL, &row))
		g_ptr_array_add(*rows_r, row);
	g_hash_table_unref(sums.rows);
	g_ptr_array_sort(*rows_r, by_count);
	if (!ok)
		g_clear_pointer(rows_r, g_ptr_array_unref);
	return ok;
}

static bool expire_report(void *context, struct rmt_span key, struct rmt_span value)
{
	struct sums *sums = context;
	struct rmt_store_change change = { .table = TABLE, .key = key, .remove = true };
	struct rmt_unpack in = { value, false };

	if (rmt_unpack_number(&in) == VERSION) {
		rmt_unpack_number(&in);
		if ((int64_t)rmt_unpack_number(&in) >= sums->since)
			return true;
	}
	sums->removed++;
	return rmt_store_commit_batch(sums->store, &change, 1, false, &sums->err);
}

bool rmt_aggregate_expire(struct rmt_store *store, int64_t before, uint64_t *removed_r,
			  GError **err)
{
	struct sums sums = { .store = store, .since = before };
	bool ok = rmt_store_walk(store, TABLE, rmt_span(NULL, 0), expire_report, &sums,
				 err);

	*removed_r = sums.removed;
	if (sums.err == NULL)
		return ok;
	g_propagate_error(err, sums.err);
	return false;
}
