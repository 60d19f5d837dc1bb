/* SPDX-License-Identifier: MIT */
/* lmdb_commit.c - commits together, alone and held, and the map that grows for them. */
#include <errno.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "common/store/lmdb_db.h"

enum {
	MAP_STEP_MAX = 1 << 30, /* it doubles up to this step */
	MAP_HEADROOM = 8 << 20, /* free before a commit begins */
	DISK_FULL = 1 << 20,    /* octets left */
	HOLD_LONG = 5000000,    /* ns */
};

static void note_hold(struct rmt_lmdb *db, int64_t since_us, int rc)
{
	uint64_t ns = (uint64_t)(g_get_monotonic_time() - since_us) * 1000;

	db->stats.hold_last_ns = ns;
	db->stats.hold_max_ns = MAX(db->stats.hold_max_ns, ns);
	db->stats.holds_long += ns > HOLD_LONG;
	db->stats.commits += rc == 0;
}

/* Under write_lock. */
static int try_commit(struct rmt_lmdb *db, struct rmt_commit **commits, size_t count)
{
	int64_t since_us;
	int rc;

	g_rw_lock_reader_lock(&db->map_lock);
	rc = rmt_lmdb_write(db, NULL, commits, count, &since_us);
	note_hold(db, since_us, rc);
	g_rw_lock_reader_unlock(&db->map_lock);
	return rc;
}

void rmt_lmdb_map_use(struct rmt_lmdb *db, size_t *used_r, size_t *size_r)
{
	MDB_envinfo info;
	MDB_stat stat;

	g_rw_lock_reader_lock(&db->map_lock);
	mdb_env_info(db->env, &info);
	mdb_env_stat(db->env, &stat);
	g_rw_lock_reader_unlock(&db->map_lock);
	*used_r = (info.me_last_pgno + 1) * stat.ms_psize;
	*size_r = info.me_mapsize;
}

static int grow_map(struct rmt_lmdb *db)
{
	size_t used, size;

	rmt_lmdb_map_use(db, &used, &size);
	size = MAX(used, size);
	return rmt_lmdb_set_map(db, size + MIN(size, (size_t)MAP_STEP_MAX));
}

static int grow_early(struct rmt_lmdb *db)
{
	size_t used, size;

	rmt_lmdb_map_use(db, &used, &size);
	return used + MAP_HEADROOM > size ? grow_map(db) : 0;
}

static int commit(struct rmt_lmdb *db, struct rmt_commit **commits, size_t count)
{
	int rc = grow_early(db);

	while (rc == 0) {
		rc = try_commit(db, commits, count);
		if (rc == MDB_MAP_FULL)
			rc = grow_map(db);
		else if (rc == MDB_MAP_RESIZED)
			rc = rmt_lmdb_set_map(db, 0);
		else
			break;
	}
	return rc;
}

/* LMDB calls a write that the disk took half of EIO. */
static int clear_reason(const struct rmt_lmdb *db, int rc)
{
	struct statvfs disk;

	if (rc == EIO && fstatvfs(db->guard, &disk) == 0 &&
	    disk.f_bavail * disk.f_frsize < DISK_FULL)
		return ENOSPC;
	return rc;
}

/* Also after a commit that changed nothing: what it found may be another process',
 * which waits for the disk just now. */
static int wait_for_disk(const struct rmt_lmdb *db)
{
	return fdatasync(db->guard) == 0 ? 0 : errno;
}

/* What cannot be done with the others is done alone, so that it fails alone. */
static void write_together(struct rmt_lmdb *db, struct rmt_commit **commits, size_t count)
{
	size_t i;
	int rc;

	g_mutex_lock(&db->write_lock);
	rc = commit(db, commits, count);
	for (i = 0; i < count; i++) {
		commits[i]->rc = rc;
		if (rc != 0 && count > 1)
			commits[i]->rc = commit(db, &commits[i], 1);
		commits[i]->refused = db->refused;
	}
	g_mutex_unlock(&db->write_lock);
}

static void commit_together(void *context, struct rmt_commit **commits, size_t count)
{
	struct rmt_lmdb *db = context;
	size_t i;
	int rc = 0;

	write_together(db, commits, count);
	if (rmt_lmdb_is_durable(commits, count))
		rc = wait_for_disk(db);
	for (i = 0; i < count; i++)
		if (commits[i]->rc == 0 && commits[i]->durable)
			commits[i]->rc = rc;
}

/* --- held --- */

/* The map cannot grow now: who runs into that begins anew after release. */
static void commit_held(struct rmt_lmdb *db, struct rmt_commit *one)
{
	int64_t since_us;

	one->rc = db->held.rc;
	if (one->rc == 0)
		one->rc = rmt_lmdb_write(db, db->held.txn, &one, 1, &since_us);
	one->refused = db->refused;
	if (one->rc != RMT_LMDB_REFUSED)
		db->held.rc = one->rc;
}

static int begin_held(struct rmt_lmdb *db)
{
	int rc = grow_early(db);

	if (rc != 0)
		return rc;
	g_rw_lock_reader_lock(&db->map_lock);
	rc = mdb_txn_begin(db->env, NULL, 0, &db->held.txn);
	if (rc == 0)
		rmt_lmdb_lengthen_file(db);
	else
		g_rw_lock_reader_unlock(&db->map_lock);
	return rc;
}

bool rmt_lmdb_hold(struct rmt_store *store, GError **err)
{
	struct rmt_lmdb *db = store->state;
	int rc;

	g_assert(!rmt_lmdb_is_held_here(db));
	rmt_commit_group_keep(&db->group);
	g_mutex_lock(&db->write_lock);
	rc = begin_held(db);
	if (rc == MDB_MAP_RESIZED && (rc = rmt_lmdb_set_map(db, 0)) == 0)
		rc = begin_held(db);
	if (rc == 0) {
		db->held.rc = 0;
		db->held.since_us = g_get_monotonic_time();
		g_atomic_pointer_set(&db->held.owner, g_thread_self());
		return true;
	}
	g_mutex_unlock(&db->write_lock);
	rmt_commit_group_give_back(&db->group);
	return rmt_lmdb_fail(db, rc, "write", err);
}

bool rmt_lmdb_release(struct rmt_store *store, GError **err)
{
	struct rmt_lmdb *db = store->state;
	int rc = db->held.rc;

	g_assert(rmt_lmdb_is_held_here(db));
	g_atomic_pointer_set(&db->held.owner, NULL);
	if (rc == 0)
		rc = mdb_txn_commit(db->held.txn);
	else
		mdb_txn_abort(db->held.txn);
	db->held.txn = NULL;
	g_rw_lock_reader_unlock(&db->map_lock);
	note_hold(db, db->held.since_us, rc);
	if (rc == MDB_MAP_FULL)
		grow_map(db);
	g_mutex_unlock(&db->write_lock);
	rmt_commit_group_give_back(&db->group);
	if (rc == 0)
		rc = wait_for_disk(db);
	return rc == 0 || rmt_lmdb_fail(db, clear_reason(db, rc), "write", err);
}

bool rmt_lmdb_commit(struct rmt_store *store, const struct rmt_store_change *changes,
		     size_t count, bool durable, size_t *removed_r, GError **err)
{
	struct rmt_lmdb *db = store->state;
	struct rmt_commit one = { .changes = changes,
				  .count = count,
				  .durable = durable };

	if (rmt_lmdb_is_held_here(db))
		commit_held(db, &one);
	else
		rmt_commit_group_do(&db->group, &one, commit_together, db);
	*removed_r = one.removed;
	if (one.rc == RMT_LMDB_REFUSED)
		return rmt_store_refused(one.refused, err);
	return one.rc == 0 || rmt_lmdb_fail(db, clear_reason(db, one.rc), "write", err);
}
