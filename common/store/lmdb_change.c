/* SPDX-License-Identifier: MIT */
/* lmdb_change.c - what a commit changes, in LMDB's terms. */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/store/lmdb_db.h"

enum {
	FILE_STEP = 1 << 20, /* octets of disk, made ready at a time */
	FILE_SPARE = 64 << 10,
	CROWD = 16, /* changes: nearly as many pages */
};

/* One commit under way. */
struct write {
	struct rmt_lmdb *db;
	MDB_txn *txn;
	MDB_cursor *cursors[RMT_STORE_TABLES_MAX];
	GString *last[RMT_STORE_TABLES_MAX]; /* no key of the table is behind it; or NULL
					      */
	GString *value;                      /* of modify */
	size_t removed;
};

static int cursor_of(struct write *write, size_t table, MDB_cursor **cursor_r)
{
	int rc = 0;

	if (write->cursors[table] == NULL)
		rc = mdb_cursor_open(write->txn, write->db->tables[table],
				     &write->cursors[table]);
	*cursor_r = write->cursors[table];
	return rc;
}

/* The last key as it was at the first put, or a later one. */
static int last_key(struct write *write, size_t table, MDB_cursor *cursor)
{
	MDB_val key, value;
	int rc;

	if (write->last[table] != NULL)
		return 0;
	write->last[table] = g_string_new(NULL);
	rc = mdb_cursor_get(cursor, &key, &value, MDB_LAST);
	if (rc == 0)
		g_string_append_len(write->last[table], key.mv_data, (gssize)key.mv_size);
	return rc == MDB_NOTFOUND ? 0 : rc;
}

static bool is_behind(const GString *last, struct rmt_span key)
{
	size_t common = MIN(last->len, key.len);
	int order = memcmp(key.p, last->str, common);

	return order > 0 || (order == 0 && key.len > last->len);
}

/* Keys that come in order at the end of a table fill its pages wholly. */
static int put(struct write *write, size_t table, MDB_cursor *cursor, struct rmt_span key,
	       struct rmt_span value)
{
	MDB_val k = rmt_lmdb_val(key), v = rmt_lmdb_val(value);
	int rc = last_key(write, table, cursor);

	if (rc != 0)
		return rc;
	if (!is_behind(write->last[table], key))
		return mdb_cursor_put(cursor, &k, &v, 0);
	g_string_truncate(write->last[table], 0);
	g_string_append_len(write->last[table], key.p, (gssize)key.len);
	return mdb_cursor_put(cursor, &k, &v, MDB_APPEND);
}

static int remove_key(struct write *write, MDB_cursor *cursor, struct rmt_span key)
{
	MDB_val k = rmt_lmdb_val(key), v;
	int rc = mdb_cursor_get(cursor, &k, &v, MDB_SET);

	if (rc == MDB_NOTFOUND)
		return 0;
	if (rc == 0)
		rc = mdb_cursor_del(cursor, 0);
	write->removed += rc == 0;
	return rc;
}

static int modify(struct write *write, size_t table, MDB_cursor *cursor,
		  const struct rmt_store_change *change)
{
	MDB_val key = rmt_lmdb_val(change->key), old = { 0, NULL };
	int rc = mdb_cursor_get(cursor, &key, &old, MDB_SET);

	if (rc != 0 && rc != MDB_NOTFOUND)
		return rc;
	g_string_truncate(write->value, 0);
	switch (change->modify(change->context,
			       rc == 0 ? rmt_lmdb_span(old) : rmt_span(NULL, 0),
			       write->value)) {
	case RMT_STORE_KEEP:
		return 0;
	case RMT_STORE_PUT:
		return put(write, table, cursor, change->key,
			   rmt_span(write->value->str, write->value->len));
	case RMT_STORE_REMOVE:
		return remove_key(write, cursor, change->key);
	case RMT_STORE_REFUSE:
		break;
	}
	write->db->refused = change->table;
	return RMT_LMDB_REFUSED;
}

static int trim(struct write *write, size_t table, MDB_cursor *cursor, uint64_t keep)
{
	MDB_stat stat;
	MDB_val key, value;
	int rc = mdb_stat(write->txn, write->db->tables[table], &stat);

	while (rc == 0 && stat.ms_entries > keep) {
		rc = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);
		if (rc == 0)
			rc = mdb_cursor_del(cursor, 0);
		stat.ms_entries--;
	}
	return rc;
}

static int append(struct write *write, size_t table, MDB_cursor *cursor,
		  const struct rmt_store_change *change)
{
	char key[RMT_STORE_SEQUENCE];
	const GString *last;
	int rc = last_key(write, table, cursor);

	if (rc != 0)
		return rc;
	last = write->last[table];
	rc = put(write, table, cursor,
		 rmt_store_sequence_key(
			 rmt_store_sequence(rmt_span(last->str, last->len)) + 1, key),
		 change->value);
	return rc == 0 ? trim(write, table, cursor, change->append_keep) : rc;
}

static int apply(struct write *write, const struct rmt_store_change *change)
{
	size_t table = rmt_store_table(change->table);
	MDB_cursor *cursor;
	int rc = cursor_of(write, table, &cursor);

	if (rc != 0)
		return rc;
	if (change->append_keep > 0)
		return append(write, table, cursor, change);
	if (change->modify != NULL)
		return modify(write, table, cursor, change);
	if (change->remove)
		return remove_key(write, cursor, change->key);
	return put(write, table, cursor, change->key, change->value);
}

static void finish_write(struct write *write)
{
	size_t i;

	for (i = 0; i < RMT_STORE_TABLES_MAX; i++)
		if (write->last[i] != NULL)
			g_string_free(write->last[i], TRUE);
	g_string_free(write->value, TRUE);
}

static int write_one(struct write *write, struct rmt_commit *commit)
{
	size_t i;
	int rc = 0;

	write->removed = 0;
	for (i = 0; i < commit->count && rc == 0; i++)
		rc = apply(write, &commit->changes[i]);
	commit->removed = write->removed;
	return rc;
}

/* Cursors of a writer end with its transaction. */
static int write_all(struct write *write, struct rmt_commit **commits, size_t count)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < count && rc == 0; i++)
		rc = write_one(write, commits[i]);
	if (rc == 0)
		return mdb_txn_commit(write->txn);
	mdb_txn_abort(write->txn);
	return rc;
}

bool rmt_lmdb_is_durable(struct rmt_commit **commits, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (commits[i]->durable)
			return true;
	return false;
}

/* Nobody else has pages there while we have the lock. Whether the disk has room is
 * told by who needs it. */
void rmt_lmdb_lengthen_file(const struct rmt_lmdb *db)
{
	g_autofree char *zeros = NULL;
	MDB_envinfo info;
	struct stat file;
	MDB_stat stat;

	mdb_env_info(db->env, &info);
	mdb_env_stat(db->env, &stat);
	if (fstat(db->guard, &file) != 0 ||
	    (size_t)file.st_size >= (info.me_last_pgno + 1) * stat.ms_psize + FILE_SPARE)
		return;
	zeros = g_malloc0(FILE_STEP);
	if (pwrite(db->guard, zeros, FILE_STEP, file.st_size) < 0)
		return;
}

static bool is_crowd(struct rmt_commit **commits, size_t count)
{
	size_t i, changes = 0;

	for (i = 0; i < count; i++)
		changes += commits[i]->count;
	return changes >= CROWD;
}

/* Before the first change. */
static int prepare(struct rmt_lmdb *db, MDB_txn *txn, struct rmt_commit **commits,
		   size_t count)
{
	int rc = is_crowd(commits, count) ? rmt_lmdb_make_room(db, txn) : 0;

	if (rc == 0 && rmt_lmdb_is_durable(commits, count))
		rmt_lmdb_lengthen_file(db);
	return rc;
}

int rmt_lmdb_write(struct rmt_lmdb *db, MDB_txn *parent, struct rmt_commit **commits,
		   size_t count, int64_t *since_us_r)
{
	struct write write = { .db = db };
	int rc = mdb_txn_begin(db->env, parent, 0, &write.txn);

	*since_us_r = g_get_monotonic_time();
	if (rc != 0)
		return rc;
	if (parent == NULL && (rc = prepare(db, write.txn, commits, count)) != 0) {
		mdb_txn_abort(write.txn);
		return rc;
	}
	write.value = g_string_new(NULL);
	rc = write_all(&write, commits, count);
	finish_write(&write);
	return rc;
}
