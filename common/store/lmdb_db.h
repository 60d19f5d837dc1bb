/* SPDX-License-Identifier: MIT */
/* lmdb_db.h - what the files of the LMDB backend share; for store_lmdb.c and lmdb_*.c
 * alone.
 *
 * LMDB's oddities end here:
 * - The map grows before it is full (writers) and is taken over as others made
 *   it (readers): only while no transaction of this process is under way, which
 *   map_lock sees to.
 * - The same environment twice in a process goes wrong silently; a lock on the
 *   data file that belongs to the open file, not the process, tells.
 * - Closing any descriptor of the lock file drops LMDB's own locks on it, so it
 *   is touched before LMDB opens it, never after.
 * - Readers' slots belong to transactions (MDB_NOTLS), which are reset and kept
 *   between reads: an idle one pins no pages. Of who reads often one stays open
 *   until it is old, since each new one searches for the table anew.
 * - A commit waits twice for the disk, however little it changes: commits of many
 *   threads, and those of one that holds the store, are one. LMDB waits the first
 *   time, under the lock of all processes, before it writes the page that makes the
 *   commit valid; that page (MDB_NOMETASYNC) is waited for by us, after the lock,
 *   while the next writer is at work. A crash of the machine in between loses the
 *   commit, in order, and nothing before it; whoever saw it and then wrote something
 *   waited for both.
 * - Where a commit makes the file longer, the wait is for the file system's journal,
 *   too, with what others write: the file is made longer by many pages at a time.
 */
#ifndef RMT_LMDB_DB_H
#define RMT_LMDB_DB_H

#include <lmdb.h>

#include "common/store/commit_group.h"
#include "common/store/store_backend.h"

enum { RMT_LMDB_REFUSED = -1 /* by a modify function; none of LMDB's codes */ };

/* Written by who keeps the group; others only ask whether they are the owner. */
struct rmt_lmdb_held {
	GThread *owner; /* atomic; NULL: nobody holds the store */
	MDB_txn *txn;   /* own; its commits are transactions within it */
	int64_t since_us;
	int rc; /* of the first commit that LMDB could not do */
};

struct rmt_lmdb {
	MDB_env *env;
	MDB_dbi tables[RMT_STORE_TABLES_MAX];
	char *path; /* own */
	int guard;  /* the data file; -1 where it is not writable: no lock then */
	bool read_only;
	GRWLock map_lock; /* read: a transaction is under way; write: the map moves */
	struct rmt_commit_group group;
	struct rmt_lmdb_held held;
	GMutex write_lock; /* one writer in this process; also of stats */
	GMutex idle_lock;
	GPtrArray *idle; /* own; reset MDB_txn, under idle_lock */
	MDB_txn *open; /* own; a read transaction nobody uses just now; or NULL; likewise
			*/
	gint reads_often; /* atomic; one is kept open */
	struct rmt_store_stats stats;
	const char *refused; /* foreign; the table of a refusal; under write_lock */
};

/* "PATH: cannot WHAT: why: remedy". Returns false. */
bool rmt_lmdb_fail(const struct rmt_lmdb *db, int rc, const char *what, GError **err);
enum rmt_store_error rmt_lmdb_error_code(int rc);
const char *rmt_lmdb_remedy(int rc);

/* This thread holds the store. */
bool rmt_lmdb_is_held_here(struct rmt_lmdb *db);

/* Moves the map, when all transactions of this process have ended. size 0: as
 * another process made it. Returns LMDB's code. */
int rmt_lmdb_set_map(struct rmt_lmdb *db, size_t size);

static inline MDB_val rmt_lmdb_val(struct rmt_span span)
{
	return (MDB_val){ .mv_size = span.len, .mv_data = (void *)span.p };
}

/* The empty value is not the missing one: p is never NULL. */
static inline struct rmt_span rmt_lmdb_span(MDB_val val)
{
	return rmt_span(val.mv_size > 0 ? val.mv_data : "", val.mv_size);
}

/* --- lmdb_open.c: files, environment, tables --- */

/* Opens db->path, which is made where it is not there yet. False: as on success,
 * rmt_lmdb_close_files() is due. */
bool rmt_lmdb_open_files(struct rmt_lmdb *db, GError **err);
void rmt_lmdb_close_files(struct rmt_lmdb *db);

/* --- lmdb_change.c: changes within a transaction --- */

/* Does all commits in a new transaction, within parent where it is not NULL, and tells
 * each what it removed; all or none. since_us_r: when the lock of all processes was
 * had. Returns LMDB's code, or RMT_LMDB_REFUSED with db->refused set. */
int rmt_lmdb_write(struct rmt_lmdb *db, MDB_txn *parent, struct rmt_commit **commits,
		   size_t count, int64_t *since_us_r);

bool rmt_lmdb_is_durable(struct rmt_commit **commits, size_t count); /* one of them */
/* Within a transaction that writes, before its first change: some pages behind the
 * file's end, unless there are enough. */
void rmt_lmdb_lengthen_file(const struct rmt_lmdb *db);

/* --- lmdb_room.c: free pages that lie beside each other --- */

/* In the same place, for many changes; txn: not within another. Returns LMDB's code. */
int rmt_lmdb_make_room(struct rmt_lmdb *db, MDB_txn *txn);

/* --- lmdb_commit.c: when changes become durable, and how the map grows --- */

bool rmt_lmdb_commit(struct rmt_store *store, const struct rmt_store_change *changes,
		     size_t count, bool durable, size_t *removed_r, GError **err);
bool rmt_lmdb_hold(struct rmt_store *store, GError **err);
bool rmt_lmdb_release(struct rmt_store *store, GError **err);
void rmt_lmdb_map_use(struct rmt_lmdb *db, size_t *used_r, size_t *size_r);

#endif
