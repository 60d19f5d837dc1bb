/* SPDX-License-Identifier: MIT */
/* store_mem.c - a store in memory, for tests: one process, nothing kept. */
#include "common/store/store_backend.h"

struct mem {
	GMutex lock;                         /* of all below */
	GTree *tables[RMT_STORE_TABLES_MAX]; /* GBytes -> GBytes */
	uint64_t version;
	struct rmt_store_stats stats;
};

static int compare_keys(gconstpointer a, gconstpointer b, gpointer unused)
{
	(void)unused;
	return g_bytes_compare(a, b); /* as memcmp, the shorter first: LMDB's order */
}

static GTree *new_table(void)
{
	return g_tree_new_full(compare_keys, NULL, (GDestroyNotify)g_bytes_unref,
			       (GDestroyNotify)g_bytes_unref);
}

static bool mem_open(struct rmt_store *store, const char *path, GError **err)
{
	struct mem *mem = g_new0(struct mem, 1);
	size_t i;

	(void)path;
	(void)err;
	g_mutex_init(&mem->lock);
	for (i = 0; rmt_store_tables[i] != NULL; i++)
		mem->tables[i] = new_table();
	mem->version = 1;
	store->state = mem;
	return true;
}

static void mem_close(struct rmt_store *store)
{
	struct mem *mem = store->state;
	size_t i;

	for (i = 0; rmt_store_tables[i] != NULL; i++)
		g_tree_unref(mem->tables[i]);
	g_mutex_clear(&mem->lock);
	g_free(mem);
}

static uint64_t mem_version(struct rmt_store *store)
{
	struct mem *mem = store->state;
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&mem->lock);

	(void)locker;
	return mem->version;
}

static struct rmt_span span_of_bytes(GBytes *bytes)
{
	gsize len;
	const char *p = g_bytes_get_data(bytes, &len);

	/* The empty value is not the missing one. */
	return rmt_span(p != NULL ? p : "", len);
}

static GBytes *look_up(GTree *table, struct rmt_span key)
{
	g_autoptr(GBytes) wanted = g_bytes_new(key.p, key.len);

	return g_tree_lookup(table, wanted);
}

static void mem_get(struct rmt_store *store, size_t table, struct rmt_span key,
		    rmt_store_got *got, void *context)
{
	struct mem *mem = store->state;
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&mem->lock);
	GBytes *value = look_up(mem->tables[table], key);

	(void)locker;
	if (value == NULL)
		got(context, RMT_STORE_MISSING, rmt_span(NULL, 0), NULL);
	else
		got(context, RMT_STORE_FOUND, span_of_bytes(value), NULL);
}

static void put(GTree *table, struct rmt_span key, struct rmt_span value)
{
	g_tree_replace(table, g_bytes_new(key.p, key.len),
		       g_bytes_new(value.p, value.len));
}

static size_t remove_key(GTree *table, struct rmt_span key)
{
	g_autoptr(GBytes) wanted = g_bytes_new(key.p, key.len);

	return g_tree_remove(table, wanted) ? 1 : 0;
}

static void append(GTree *table, struct rmt_span value, uint64_t keep)
{
	GTreeNode *last = g_tree_node_last(table);
	uint64_t number =
		last == NULL
			? 1
			: rmt_store_sequence(span_of_bytes(g_tree_node_key(last))) + 1;
	char key[RMT_STORE_SEQUENCE];

	put(table, rmt_store_sequence_key(number, key), value);
	while ((uint64_t)g_tree_nnodes(table) > keep)
		remove_key(table,
			   span_of_bytes(g_tree_node_key(g_tree_node_first(table))));
}

/* False: refused. */
static bool modify(GTree *table, const struct rmt_store_change *change, size_t *removed)
{
	g_autoptr(GString) value = g_string_new(NULL);
	GBytes *old = look_up(table, change->key);

	switch (change->modify(change->context,
			       old != NULL ? span_of_bytes(old) : rmt_span(NULL, 0),
			       value)) {
	case RMT_STORE_PUT:
		put(table, change->key, rmt_span(value->str, value->len));
		return true;
	case RMT_STORE_REMOVE:
		*removed += remove_key(table, change->key);
		return true;
	case RMT_STORE_KEEP:
		return true;
	case RMT_STORE_REFUSE:
		break;
	}
	return false;
}

static bool apply(GTree *table, const struct rmt_store_change *change, size_t *removed)
{
	if (change->append_keep > 0)
		append(table, change->value, change->append_keep);
	else if (change->modify != NULL)
		return modify(table, change, removed);
	else if (change->remove)
		*removed += remove_key(table, change->key);
	else
		put(table, change->key, change->value);
	return true;
}

static gboolean copy_entry(gpointer key, gpointer value, gpointer copy)
{
	g_tree_insert(copy, g_bytes_ref(key), g_bytes_ref(value));
	return FALSE;
}

/* The tables as they are, to go back to. */
static void save_tables(struct mem *mem, GTree **saved)
{
	size_t i;

	for (i = 0; rmt_store_tables[i] != NULL; i++) {
		saved[i] = new_table();
		g_tree_foreach(mem->tables[i], copy_entry, saved[i]);
	}
}

static void keep_one(struct mem *mem, GTree **saved, bool go_back)
{
	size_t i;

	for (i = 0; rmt_store_tables[i] != NULL; i++) {
		g_tree_unref(go_back ? mem->tables[i] : saved[i]);
		if (go_back)
			mem->tables[i] = saved[i];
	}
}

static bool mem_commit(struct rmt_store *store, const struct rmt_store_change *changes,
		       size_t count, bool durable, size_t *removed_r, GError **err)
{
	struct mem *mem = store->state;
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&mem->lock);
	GTree *saved[RMT_STORE_TABLES_MAX];
	bool ok = true;
	size_t i;

	(void)locker;
	(void)durable;
	save_tables(mem, saved);
	for (i = 0; i < count && ok; i++)
		ok = apply(mem->tables[rmt_store_table(changes[i].table)], &changes[i],
			   removed_r);
	if (!ok)
		rmt_store_refused(changes[i - 1].table, err);
	else
		mem->version++;
	keep_one(mem, saved, !ok);
	mem->stats.commits += ok;
	return ok;
}

static bool mem_step(struct rmt_store *store, struct rmt_store_step *step, GError **err)
{
	struct mem *mem = store->state;
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&mem->lock);
	g_autoptr(GBytes) from = g_bytes_new(step->from.p, step->from.len);
	GTree *table = mem->tables[step->table];
	GTreeNode *node = step->after ? g_tree_upper_bound(table, from)
				      : g_tree_lower_bound(table, from);

	(void)locker;
	(void)err;
	while (node != NULL && step->out->len < step->octets_max) {
		rmt_store_step_add(step, span_of_bytes(g_tree_node_key(node)),
				   span_of_bytes(g_tree_node_value(node)));
		node = g_tree_node_next(node);
	}
	step->end_r = node == NULL;
	return true;
}

static uint64_t mem_count(struct rmt_store *store, size_t table)
{
	struct mem *mem = store->state;
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&mem->lock);

	(void)locker;
	return (uint64_t)g_tree_nnodes(mem->tables[table]);
}

static void mem_stats(struct rmt_store *store, struct rmt_store_stats *stats_r)
{
	struct mem *mem = store->state;
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&mem->lock);

	(void)locker;
	*stats_r = mem->stats;
}

const struct rmt_store_backend rmt_store_mem = {
	.scheme = "mem:",
	.open = mem_open,
	.close = mem_close,
	.version = mem_version,
	.read_version = mem_version,
	.get = mem_get,
	.commit = mem_commit,
	.step = mem_step,
	.count = mem_count,
	.stats = mem_stats,
};
