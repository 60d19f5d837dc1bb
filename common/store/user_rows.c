/* SPDX-License-Identifier: MIT */
#include "common/base/log.h"
#include "common/store/user_rows.h"

GString *rmt_user_key(const char *user, struct rmt_span rest)
{
	GString *key = g_string_new(user);
	g_autofree char *hash = NULL;

	g_string_append_c(key, '\0');
	if (key->len + rest.len <= RMT_STORE_KEY_MAX)
		return g_string_append_len(key, rest.p, (gssize)rest.len);
	hash = g_compute_checksum_for_data(G_CHECKSUM_SHA256, (const guchar *)rest.p,
					   rest.len);
	return g_string_append(key, hash);
}

bool rmt_user_key_split(struct rmt_span key, struct rmt_span *user_r,
			struct rmt_span *rest_r)
{
	return rmt_span_split(key, '\0', user_r, rest_r) && user_r->len > 0;
}

struct walk {
	struct rmt_span prefix;
	rmt_store_entry *each;
	void *context;
};

static bool walk_entry(void *context, struct rmt_span key, struct rmt_span value)
{
	const struct walk *walk = context;

	if (!rmt_span_starts(key, walk->prefix))
		return false; /* they stand together */
	return walk->each(walk->context, key, value);
}

bool rmt_user_rows_walk(struct rmt_store *store, const char *table, const char *user,
			rmt_store_entry *each, void *context, GError **err)
{
	g_autoptr(GString) prefix = g_string_new(user);
	struct walk walk = { .each = each, .context = context };

	if (user != NULL)
		g_string_append_c(prefix, '\0');
	walk.prefix = rmt_string_span(prefix);
	return rmt_store_walk(store, table, walk.prefix, walk_entry, &walk, err);
}

struct removal {
	struct rmt_store *store;
	const char *table;
	uint64_t removed;
	GError *err;
};

static bool remove_entry(void *context, struct rmt_span key, struct rmt_span value)
{
	struct removal *removal = context;
	struct rmt_store_change change = { .table = removal->table,
					   .key = key,
					   .remove = true };
	size_t removed = 0;

	(void)value;
	if (!rmt_store_commit(removal->store, &change, 1, &removed, &removal->err))
		return false;
	removal->removed += removed;
	return true;
}

bool rmt_user_rows_remove(struct rmt_store *store, const char *table, const char *user,
			  uint64_t *removed_r, GError **err)
{
	struct removal removal = { .store = store, .table = table };

	if (!rmt_user_rows_walk(store, table, user, remove_entry, &removal, err))
		return false;
	if (removal.err != NULL) {
		g_propagate_error(err, removal.err);
		return false;
	}
	*removed_r += removal.removed;
	return true;
}

void rmt_user_row_damaged(const char *what)
{
	rmt_log(RMT_LOG_ERROR, "%s: an entry is damaged or of a newer program: skipped",
		what);
}
