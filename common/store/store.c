/* SPDX-License-Identifier: MIT */
/* store.c - finds the backend, checks what callers bring, walks in steps. */
#include <string.h>

#include "common/store/store_backend.h"

enum { STEP_OCTETS = 64 * 1024 };

const char *const rmt_store_tables[] = {
	"meta",             /* of the store itself */
	"suppress",         /* suppress_record.h */
	"suppress-journal", /* suppress_journal.h */
	"streams",          /* stream_state.h */
	"bulk",             /* bulk.h */
	"selectors",        /* selectors.h */
	"claims",           /* claims.h */
	"receipt-ids",      /* claims.h */
	"jobs",             /* jobs.h */
	"jobs-due",         /* jobs.h */
	"prompts",          /* prompts.h */
	"preferences",      /* prompts.h */
	"answers",          /* answers.h */
	"audit",            /* audit.h */
	"agent",            /* remite-agent's own: what it learned */
	"left",             /* left.h */
	"sent",             /* feedback/mailed.h */
	"sent-ids",         /* feedback/mailed.h */
	"returns",          /* feedback/mailed.h */
	"inbox",            /* feedback/feedback.h */
	"events",           /* feedback/events.h */
	"rates",            /* feedback/rates.h */
	"feedback-state",   /* feedback/maillog.h, feedback/aggregate.h */
	"aggregate",        /* feedback/aggregate.h */
	NULL,
};

GQuark rmt_store_error_quark(void)
{
	return g_quark_from_static_string("rmt-store-error");
}

size_t rmt_store_table(const char *name)
{
	size_t i;

	for (i = 0; rmt_store_tables[i] != NULL; i++)
		if (name == rmt_store_tables[i] || strcmp(name, rmt_store_tables[i]) == 0)
			return i;
	g_error("store: no table '%s'", name);
}

bool rmt_store_refused(const char *table, GError **err)
{
	g_set_error(err, RMT_STORE_ERROR, RMT_STORE_ERROR_DAMAGED,
		    "table '%s': what is stored there is damaged or of a newer program: "
		    "nothing was changed",
		    table);
	return false;
}

uint64_t rmt_store_sequence(struct rmt_span key)
{
	uint64_t big_endian = 0;

	if (key.len == sizeof(big_endian))
		memcpy(&big_endian, key.p, sizeof(big_endian));
	return GUINT64_FROM_BE(big_endian);
}

struct rmt_span rmt_store_sequence_key(uint64_t number, char key[RMT_STORE_SEQUENCE])
{
	uint64_t big_endian = GUINT64_TO_BE(number);

	memcpy(key, &big_endian, sizeof(big_endian));
	return rmt_span(key, sizeof(big_endian));
}

static const struct rmt_store_backend *find_backend(const char *uri, const char **path_r,
						    GError **err)
{
	static const struct rmt_store_backend *const backends[] = { &rmt_store_lmdb,
								    &rmt_store_mem };
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(backends); i++) {
		if (!g_str_has_prefix(uri, backends[i]->scheme))
			continue;
		*path_r = uri + strlen(backends[i]->scheme);
		return backends[i];
	}
	g_set_error(err, RMT_STORE_ERROR, RMT_STORE_ERROR_OTHER,
		    "no such kind of store (write lmdb:/path/to/file)");
	return NULL;
}

bool rmt_store_open(struct rmt_store **store_r, const char *uri, bool read_only,
		    GError **err)
{
	g_autoptr(rmt_store) store = g_new0(struct rmt_store, 1);
	const char *path = NULL;

	store->read_only = read_only;
	store->backend = find_backend(uri, &path, err);
	if (store->backend == NULL || !store->backend->open(store, path, err)) {
		g_prefix_error(err, "store '%s': ", uri);
		return false;
	}
	*store_r = g_steal_pointer(&store);
	return true;
}

void rmt_store_close(struct rmt_store **store)
{
	if (*store == NULL)
		return;
	if ((*store)->backend != NULL)
		(*store)->backend->close(*store);
	g_free(*store);
	*store = NULL;
}

uint64_t rmt_store_version(struct rmt_store *store)
{
	return store->backend->version(store);
}

uint64_t rmt_store_read_version(struct rmt_store *store)
{
	return store->backend->read_version(store);
}

void rmt_store_reads_often(struct rmt_store *store)
{
	if (store->backend->reads_often != NULL)
		store->backend->reads_often(store);
}

void rmt_store_get(struct rmt_store *store, const char *table, struct rmt_span key,
		   rmt_store_got *got, void *context)
{
	g_assert(key.len > 0 && key.len <= RMT_STORE_KEY_MAX);
	store->backend->get(store, rmt_store_table(table), key, got, context);
}

static bool commit(struct rmt_store *store, const struct rmt_store_change *changes,
		   size_t count, bool durable, size_t *removed_r, GError **err)
{
	size_t removed = 0;

	if (store->read_only) {
		g_set_error(err, RMT_STORE_ERROR, RMT_STORE_ERROR_READ_ONLY,
			    "opened for reading only");
		return false;
	}
	if (!store->backend->commit(store, changes, count, durable, &removed, err))
		return false;
	if (removed_r != NULL)
		*removed_r = removed;
	return true;
}

bool rmt_store_commit(struct rmt_store *store, const struct rmt_store_change *changes,
		      size_t count, size_t *removed_r, GError **err)
{
	return commit(store, changes, count, true, removed_r, err);
}

bool rmt_store_commit_batch(struct rmt_store *store,
			    const struct rmt_store_change *changes, size_t count,
			    bool last, GError **err)
{
	return commit(store, changes, count, last, NULL, err);
}

bool rmt_store_hold(struct rmt_store *store, GError **err)
{
	return store->backend->hold == NULL || store->backend->hold(store, err);
}

bool rmt_store_release(struct rmt_store *store, GError **err)
{
	return store->backend->release == NULL || store->backend->release(store, err);
}

/* A step's entries: key length, value length, key, value; lengths as uint32_t. */
void rmt_store_step_add(struct rmt_store_step *step, struct rmt_span key,
			struct rmt_span value)
{
	uint32_t lengths[2] = { (uint32_t)key.len, (uint32_t)value.len };

	g_byte_array_append(step->out, (const guint8 *)lengths, sizeof(lengths));
	g_byte_array_append(step->out, (const guint8 *)key.p, (guint)key.len);
	g_byte_array_append(step->out, (const guint8 *)value.p, (guint)value.len);
}

static bool next_entry(struct rmt_span *rest, struct rmt_span *key_r,
		       struct rmt_span *value_r)
{
	uint32_t lengths[2];

	if (rest->len < sizeof(lengths))
		return false;
	memcpy(lengths, rest->p, sizeof(lengths));
	*key_r = rmt_span(rest->p + sizeof(lengths), lengths[0]);
	*value_r = rmt_span(key_r->p + lengths[0], lengths[1]);
	*rest = rmt_span_from(*rest, sizeof(lengths) + lengths[0] + lengths[1]);
	return true;
}

bool rmt_store_walk(struct rmt_store *store, const char *table, struct rmt_span from,
		    rmt_store_entry *each, void *context, GError **err)
{
	g_autoptr(GByteArray) out = g_byte_array_new();
	g_autoptr(GString) last = g_string_new_len(from.p, (gssize)from.len);
	struct rmt_store_step step = { .table = rmt_store_table(table),
				       .out = out,
				       .octets_max = STEP_OCTETS };
	struct rmt_span rest, key, value;

	while (!step.end_r) {
		g_byte_array_set_size(out, 0);
		step.from = rmt_span(last->str, last->len);
		if (!store->backend->step(store, &step, err))
			return false;
		rest = rmt_span((const char *)out->data, out->len);
		key = rmt_span(NULL, 0);
		while (next_entry(&rest, &key, &value))
			if (!each(context, key, value))
				return true;
		if (key.len == 0)
			break;
		g_string_truncate(last, 0);
		g_string_append_len(last, key.p, (gssize)key.len);
		step.after = true;
	}
	return true;
}

uint64_t rmt_store_count(struct rmt_store *store, const char *table)
{
	return store->backend->count(store, rmt_store_table(table));
}

void rmt_store_stats(struct rmt_store *store, struct rmt_store_stats *stats_r)
{
	memset(stats_r, 0, sizeof(*stats_r));
	store->backend->stats(store, stats_r);
}
