/* SPDX-License-Identifier: MIT */
/* store_lmdb.c - the store in one LMDB environment: what it is, and reading it. */
#include <errno.h>
#include <string.h>

#include "common/store/lmdb_db.h"

enum { IDLE_MAX = 8 /* reset read transactions kept */ };

/* --- sentences --- */

enum rmt_store_error rmt_lmdb_error_code(int rc)
{
	switch (rc) {
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
		return RMT_STORE_ERROR_FULL;
	case EROFS:
		return RMT_STORE_ERROR_READ_ONLY;
	case EACCES:
	case EPERM:
		return RMT_STORE_ERROR_DENIED;
	case MDB_CORRUPTED:
	case MDB_PAGE_NOTFOUND:
	case MDB_INVALID:
	case MDB_VERSION_MISMATCH:
		return RMT_STORE_ERROR_DAMAGED;
	default:
		return RMT_STORE_ERROR_OTHER;
	}
}

const char *rmt_lmdb_remedy(int rc)
{
	switch (rmt_lmdb_error_code(rc)) {
	case RMT_STORE_ERROR_FULL:
		return "; nothing was changed: free some space and try again";
	case RMT_STORE_ERROR_READ_ONLY:
		return "; nothing was changed: mount it writable and try again";
	case RMT_STORE_ERROR_DENIED:
		return ": run as root or as a member of the file's group";
	case RMT_STORE_ERROR_DAMAGED:
		return ": move the file away and put a backup in its place";
	default:
		break;
	}
	if (rc == MDB_PANIC)
		return ": an earlier write failed half-way; restart this program";
	if (rc == MDB_READERS_FULL)
		return ": too many programs read it at once";
	return "";
}

bool rmt_lmdb_fail(const struct rmt_lmdb *db, int rc, const char *what, GError **err)
{
	g_set_error(err, RMT_STORE_ERROR, rmt_lmdb_error_code(rc), "%s: cannot %s: %s%s",
		    db->path, what, mdb_strerror(rc), rmt_lmdb_remedy(rc));
	return false;
}

/* --- what all files of it share --- */

bool rmt_lmdb_is_held_here(struct rmt_lmdb *db)
{
	GThread *owner = g_atomic_pointer_get(&db->held.owner);

	return owner != NULL && owner == g_thread_self();
}

static MDB_txn *take_open(struct rmt_lmdb *db)
{
	MDB_txn *txn;

	if (!g_atomic_int_get(&db->reads_often))
		return NULL;
	g_mutex_lock(&db->idle_lock);
	txn = g_steal_pointer(&db->open);
	g_mutex_unlock(&db->idle_lock);
	return txn;
}

static void put_idle(struct rmt_lmdb *db, MDB_txn *txn)
{
	mdb_txn_reset(txn);
	g_mutex_lock(&db->idle_lock);
	if (db->idle->len < IDLE_MAX)
		g_ptr_array_add(db->idle, g_steal_pointer(&txn));
	g_mutex_unlock(&db->idle_lock);
	if (txn != NULL)
		mdb_txn_abort(txn);
}

int rmt_lmdb_set_map(struct rmt_lmdb *db, size_t size)
{
	MDB_txn *open;
	int rc;

	g_rw_lock_writer_lock(&db->map_lock);
	open = take_open(db);
	if (open != NULL)
		put_idle(db, open);
	rc = mdb_env_set_mapsize(db->env, size);
	g_rw_lock_writer_unlock(&db->map_lock);
	return rc;
}

/* --- opening --- */

static bool lmdb_open(struct rmt_store *store, const char *path, GError **err)
{
	struct rmt_lmdb *db = g_new0(struct rmt_lmdb, 1);

	store->state = db;
	db->path = g_strdup(path);
	db->guard = -1;
	db->read_only = store->read_only;
	db->idle = g_ptr_array_new();
	g_rw_lock_init(&db->map_lock);
	g_mutex_init(&db->write_lock);
	g_mutex_init(&db->idle_lock);
	rmt_commit_group_init(&db->group);
	return rmt_lmdb_open_files(db, err);
}

static void lmdb_close(struct rmt_store *store)
{
	struct rmt_lmdb *db = store->state;
	guint i;

	if (db->open != NULL)
		mdb_txn_abort(db->open);
	for (i = 0; i < db->idle->len; i++)
		mdb_txn_abort(g_ptr_array_index(db->idle, i));
	g_ptr_array_free(db->idle, TRUE);
	rmt_lmdb_close_files(db);
	g_rw_lock_clear(&db->map_lock);
	g_mutex_clear(&db->write_lock);
	g_mutex_clear(&db->idle_lock);
	rmt_commit_group_finish(&db->group);
	g_free(db->path);
	g_free(db);
}

/* --- transactions --- */

static MDB_txn *take_idle(struct rmt_lmdb *db)
{
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&db->idle_lock);

	(void)locker;
	return db->idle->len > 0
		       ? g_ptr_array_steal_index_fast(db->idle, db->idle->len - 1)
		       : NULL;
}

/* False: there is one. */
static bool put_open(struct rmt_lmdb *db, MDB_txn *txn)
{
	bool taken;

	if (!g_atomic_int_get(&db->reads_often))
		return false;
	g_mutex_lock(&db->idle_lock);
	taken = db->open == NULL;
	if (taken)
		db->open = txn;
	g_mutex_unlock(&db->idle_lock);
	return taken;
}

static void end_read(struct rmt_lmdb *db, MDB_txn *txn)
{
	if (rmt_lmdb_is_held_here(db))
		return;
	if (!put_open(db, txn))
		put_idle(db, txn);
	g_rw_lock_reader_unlock(&db->map_lock);
}

static uint64_t last_txnid(const struct rmt_lmdb *db)
{
	MDB_envinfo info;

	mdb_env_info(db->env, &info);
	return info.me_last_txnid;
}

static int try_begin_read(struct rmt_lmdb *db, MDB_txn **txn_r)
{
	MDB_txn *txn = take_open(db);
	int rc;

	*txn_r = txn;
	if (txn != NULL && mdb_txn_id(txn) == last_txnid(db))
		return 0;
	if (txn != NULL)
		mdb_txn_reset(txn);
	else
		txn = take_idle(db);
	if (txn == NULL)
		return mdb_txn_begin(db->env, NULL, MDB_RDONLY, txn_r);
	rc = mdb_txn_renew(txn);
	if (rc == 0)
		*txn_r = txn;
	else
		mdb_txn_abort(txn);
	return rc;
}

/* Holds map_lock until end_read(). Who holds the store sees what he has done. */
static int begin_read(struct rmt_lmdb *db, MDB_txn **txn_r)
{
	int rc, tries = 8, dead;

	if (rmt_lmdb_is_held_here(db)) {
		*txn_r = db->held.txn;
		return 0;
	}
	do {
		g_rw_lock_reader_lock(&db->map_lock);
		rc = try_begin_read(db, txn_r);
		if (rc == 0)
			return 0;
		g_rw_lock_reader_unlock(&db->map_lock);
		if (rc == MDB_MAP_RESIZED)
			rc = rmt_lmdb_set_map(db, 0);
		else if (rc == MDB_READERS_FULL)
			rc = mdb_reader_check(db->env, &dead);
	} while (rc == 0 && --tries > 0);
	return rc != 0 ? rc : MDB_READERS_FULL;
}

/* --- reading --- */

static uint64_t lmdb_version(struct rmt_store *store)
{
	struct rmt_lmdb *db = store->state;
	bool is_held = rmt_lmdb_is_held_here(db);
	uint64_t version;

	if (!is_held)
		g_rw_lock_reader_lock(&db->map_lock);
	version = last_txnid(db);
	if (!is_held)
		g_rw_lock_reader_unlock(&db->map_lock);
	return version;
}

static uint64_t lmdb_read_version(struct rmt_store *store)
{
	struct rmt_lmdb *db = store->state;
	MDB_txn *txn;
	uint64_t version;

	if (begin_read(db, &txn) != 0)
		return 0;
	version = mdb_txn_id(txn);
	end_read(db, txn);
	return version;
}

static void lmdb_reads_often(struct rmt_store *store)
{
	struct rmt_lmdb *db = store->state;

	g_atomic_int_set(&db->reads_often, 1);
}

static void got_failure(const struct rmt_lmdb *db, int rc, rmt_store_got *got,
			void *context)
{
	g_autoptr(GError) err = NULL;

	rmt_lmdb_fail(db, rc, "read", &err);
	got(context, RMT_STORE_FAILED, rmt_span(NULL, 0), err->message);
}

static void lmdb_get(struct rmt_store *store, size_t table, struct rmt_span key,
		     rmt_store_got *got, void *context)
{
	struct rmt_lmdb *db = store->state;
	MDB_val wanted = rmt_lmdb_val(key), value;
	MDB_txn *txn;
	int rc = begin_read(db, &txn);

	if (rc != 0) {
		got_failure(db, rc, got, context);
		return;
	}
	rc = mdb_get(txn, db->tables[table], &wanted, &value);
	if (rc == 0)
		got(context, RMT_STORE_FOUND, rmt_lmdb_span(value), NULL);
	else if (rc == MDB_NOTFOUND)
		got(context, RMT_STORE_MISSING, rmt_span(NULL, 0), NULL);
	else
		got_failure(db, rc, got, context);
	end_read(db, txn);
}

/* Puts the cursor on the step's first entry. */
static int seek(MDB_cursor *cursor, const struct rmt_store_step *step, MDB_val *key,
		MDB_val *value)
{
	int rc;

	if (step->from.len == 0)
		return mdb_cursor_get(cursor, key, value, MDB_FIRST);
	*key = rmt_lmdb_val(step->from);
	rc = mdb_cursor_get(cursor, key, value, MDB_SET_RANGE);
	if (rc == 0 && step->after && rmt_span_eq(rmt_lmdb_span(*key), step->from))
		rc = mdb_cursor_get(cursor, key, value, MDB_NEXT);
	return rc;
}

static int read_step(MDB_txn *txn, MDB_dbi table, struct rmt_store_step *step)
{
	MDB_cursor *cursor;
	MDB_val key, value;
	int rc = mdb_cursor_open(txn, table, &cursor);

	if (rc != 0)
		return rc;
	rc = seek(cursor, step, &key, &value);
	while (rc == 0 && step->out->len < step->octets_max) {
		rmt_store_step_add(step, rmt_lmdb_span(key), rmt_lmdb_span(value));
		rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
	}
	mdb_cursor_close(cursor);
	step->end_r = rc == MDB_NOTFOUND;
	return step->end_r ? 0 : rc;
}

static bool lmdb_step(struct rmt_store *store, struct rmt_store_step *step, GError **err)
{
	struct rmt_lmdb *db = store->state;
	MDB_txn *txn;
	int rc = begin_read(db, &txn);

	if (rc != 0)
		return rmt_lmdb_fail(db, rc, "read", err);
	rc = read_step(txn, db->tables[step->table], step);
	end_read(db, txn);
	return rc == 0 || rmt_lmdb_fail(db, rc, "read", err);
}

static uint64_t lmdb_count(struct rmt_store *store, size_t table)
{
	struct rmt_lmdb *db = store->state;
	MDB_stat stat = { 0 };
	MDB_txn *txn;

	if (begin_read(db, &txn) != 0)
		return 0;
	if (mdb_stat(txn, db->tables[table], &stat) != 0)
		stat.ms_entries = 0;
	end_read(db, txn);
	return stat.ms_entries;
}

static void lmdb_stats(struct rmt_store *store, struct rmt_store_stats *stats_r)
{
	struct rmt_lmdb *db = store->state;
	size_t used, size;

	g_mutex_lock(&db->write_lock);
	*stats_r = db->stats;
	g_mutex_unlock(&db->write_lock);
	rmt_lmdb_map_use(db, &used, &size);
	stats_r->used_bytes = used;
	stats_r->map_bytes = size;
}

const struct rmt_store_backend rmt_store_lmdb = {
	.scheme = "lmdb:",
	.open = lmdb_open,
	.close = lmdb_close,
	.version = lmdb_version,
	.read_version = lmdb_read_version,
	.reads_often = lmdb_reads_often,
	.get = lmdb_get,
	.commit = rmt_lmdb_commit,
	.hold = rmt_lmdb_hold,
	.release = rmt_lmdb_release,
	.step = lmdb_step,
	.count = lmdb_count,
	.stats = lmdb_stats,
};
