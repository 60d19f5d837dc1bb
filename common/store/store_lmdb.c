/* SPDX-License-Identifier: MIT */
/* store_lmdb.c - the store in one LMDB environment; its oddities end here.
 *
 * - The map grows before it is full (writers) and is taken over as others made
 *   it (readers): only while no transaction of this process is under way, which
 *   map_lock sees to.
 * - The same environment twice in a process goes wrong silently; a lock on the
 *   data file that belongs to the open file, not the process, tells.
 * - Closing any descriptor of the lock file drops LMDB's own locks on it, so it
 *   is touched before LMDB opens it, never after.
 * - Readers' slots belong to transactions (MDB_NOTLS), which are reset and kept
 *   between reads: an idle one pins no pages.
 * - A commit waits twice for the disk, however little it changes: commits of many
 *   threads, and those of one that holds the store, are one.
 */
#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "common/store/commit_group.h"
#include "common/store/store_backend.h"

enum {
	MAP_FIRST = 16 << 20,   /* octets of address space, not of disk */
	MAP_STEP_MAX = 1 << 30, /* it doubles up to this step */
	MAP_HEADROOM = 8 << 20, /* free before a commit begins */
	REFUSED = -1,           /* by a modify function; none of LMDB's codes */
	DISK_FULL = 1 << 20,    /* octets left */
	READERS_MAX = 512,
	IDLE_MAX = 8, /* reset read transactions kept */
	FILE_MODE = 0660,
	HOLD_LONG = 5000000, /* ns */
};
#define GUARD_OFFSET ((off_t)1 << 60) /* + pid: far behind any data */

/* Written by who keeps the group; others only ask whether they are the owner. */
struct held {
	GThread *owner; /* atomic; NULL: nobody holds the store */
	MDB_txn *txn;   /* own; its commits are transactions within it */
	int64_t since_us;
	int rc; /* of the first commit that LMDB could not do */
};

struct lmdb {
	MDB_env *env;
	MDB_dbi tables[RMT_STORE_TABLES_MAX];
	char *path; /* own */
	int guard;  /* the data file; -1 where it is not writable: no lock then */
	bool read_only;
	bool unsynced; /* a commit of ours has not waited for the disk; under write_lock
			*/
	GRWLock map_lock; /* read: a transaction is under way; write: the map moves */
	struct rmt_commit_group group;
	struct held held;
	GMutex write_lock; /* one writer in this process; also of stats */
	GMutex idle_lock;
	GPtrArray *idle; /* own; reset MDB_txn, under idle_lock */
	struct rmt_store_stats stats;
	const char *refused; /* foreign; the table of a refusal; under write_lock */
};

/* --- sentences --- */

static enum rmt_store_error error_code(int rc)
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

static const char *remedy(int rc)
{
	switch (error_code(rc)) {
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

/* "PATH: cannot WHAT: why: remedy" */
static bool fail(const struct lmdb *db, int rc, const char *what, GError **err)
{
	g_set_error(err, RMT_STORE_ERROR, error_code(rc), "%s: cannot %s: %s%s", db->path,
		    what, mdb_strerror(rc), remedy(rc));
	return false;
}

/* --- transactions --- */

static bool is_held_here(struct lmdb *db)
{
	return g_atomic_pointer_get(&db->held.owner) == g_thread_self();
}

static MDB_txn *take_idle(struct lmdb *db)
{
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&db->idle_lock);

	(void)locker;
	return db->idle->len > 0
		       ? g_ptr_array_steal_index_fast(db->idle, db->idle->len - 1)
		       : NULL;
}

static void end_read(struct lmdb *db, MDB_txn *txn)
{
	if (is_held_here(db))
		return;
	mdb_txn_reset(txn);
	g_mutex_lock(&db->idle_lock);
	if (db->idle->len < IDLE_MAX)
		g_ptr_array_add(db->idle, g_steal_pointer(&txn));
	g_mutex_unlock(&db->idle_lock);
	if (txn != NULL)
		mdb_txn_abort(txn);
	g_rw_lock_reader_unlock(&db->map_lock);
}

/* size 0: as another process made it. */
static int set_map(struct lmdb *db, size_t size)
{
	int rc;

	g_rw_lock_writer_lock(&db->map_lock);
	rc = mdb_env_set_mapsize(db->env, size);
	g_rw_lock_writer_unlock(&db->map_lock);
	return rc;
}

static int try_begin_read(struct lmdb *db, MDB_txn **txn_r)
{
	MDB_txn *txn = take_idle(db);
	int rc;

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
static int begin_read(struct lmdb *db, MDB_txn **txn_r)
{
	int rc, tries = 8, dead;

	if (is_held_here(db)) {
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
			rc = set_map(db, 0);
		else if (rc == MDB_READERS_FULL)
			rc = mdb_reader_check(db->env, &dead);
	} while (rc == 0 && --tries > 0);
	return rc != 0 ? rc : MDB_READERS_FULL;
}

static MDB_val val_of(struct rmt_span span)
{
	return (MDB_val){ .mv_size = span.len, .mv_data = (void *)span.p };
}

/* The empty value is not the missing one: p is never NULL. */
static struct rmt_span span_of_val(MDB_val val)
{
	return rmt_span(val.mv_size > 0 ? val.mv_data : "", val.mv_size);
}

/* --- opening --- */

/* As the directory's, so that root's first command locks nobody out. */
static void give_to_group(int fd, const char *path)
{
	g_autofree char *directory = g_path_get_dirname(path);
	struct stat file, dir;

	if (fstat(fd, &file) != 0 || stat(directory, &dir) != 0)
		return;
	if (geteuid() == 0 && file.st_size == 0 &&
	    fchown(fd, dir.st_uid, dir.st_gid) != 0)
		return; /* a file system without owners */
	if ((file.st_mode & 07777) != FILE_MODE &&
	    (file.st_uid == geteuid() || geteuid() == 0) && fchmod(fd, FILE_MODE) != 0)
		return; /* likewise */
}

static int make_file(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, FILE_MODE);

	if (fd >= 0)
		give_to_group(fd, path);
	return fd;
}

/* Opened again in this process, the lock of the first opening is in the way. */
static bool take_guard(struct lmdb *db, GError **err)
{
	struct flock lock = { .l_type = F_WRLCK,
			      .l_whence = SEEK_SET,
			      .l_start = GUARD_OFFSET + getpid(),
			      .l_len = 1 };

	if (fcntl(db->guard, F_OFD_SETLK, &lock) == 0)
		return true;
	if (errno != EAGAIN && errno != EACCES)
		return fail(db, errno, "lock", err);
	g_set_error(err, RMT_STORE_ERROR, RMT_STORE_ERROR_TWICE,
		    "%s: open in this process already: share that one", db->path);
	return false;
}

static bool prepare_data_file(struct lmdb *db, GError **err)
{
	db->guard = make_file(db->path);
	if (db->guard >= 0)
		return take_guard(db, err);
	if (db->read_only && (errno == EACCES || errno == EROFS) &&
	    access(db->path, R_OK) == 0)
		return true;
	if (errno == ENOENT) {
		g_set_error(err, RMT_STORE_ERROR, RMT_STORE_ERROR_OTHER,
			    "%s: its directory is missing: make it, with group remite",
			    db->path);
		return false;
	}
	return fail(db, errno, "open", err);
}

static bool prepare_lock_file(struct lmdb *db, GError **err)
{
	g_autofree char *path = g_strconcat(db->path, "-lock", NULL);
	int fd = make_file(path);

	if (fd >= 0) {
		close(fd);
		return true;
	}
	if (db->read_only && errno == EROFS)
		return true; /* LMDB does without: nobody can write */
	g_set_error(err, RMT_STORE_ERROR, error_code(errno),
		    "%s: cannot open: %s: who reads must write this file too%s", path,
		    g_strerror(errno), remedy(errno));
	return false;
}

static int start_env(struct lmdb *db, bool read_only)
{
	unsigned flags = MDB_NOSUBDIR | MDB_NOTLS | (read_only ? MDB_RDONLY : 0);
	int rc = mdb_env_create(&db->env), dead;

	if (rc == 0)
		rc = mdb_env_set_maxdbs(db->env, RMT_STORE_TABLES_MAX);
	if (rc == 0)
		rc = mdb_env_set_maxreaders(db->env, READERS_MAX);
	if (rc == 0)
		rc = mdb_env_set_mapsize(db->env, MAP_FIRST);
	if (rc == 0)
		rc = mdb_env_open(db->env, db->path, flags, FILE_MODE);
	if (rc == 0)
		rc = mdb_reader_check(db->env, &dead);
	return rc;
}

static void stop_env(struct lmdb *db)
{
	if (db->env != NULL)
		mdb_env_close(db->env);
	db->env = NULL;
}

static int open_tables(struct lmdb *db, MDB_txn *txn, unsigned flags)
{
	size_t i;
	int rc = 0;

	for (i = 0; rmt_store_tables[i] != NULL && rc == 0; i++)
		rc = mdb_dbi_open(txn, rmt_store_tables[i], flags, &db->tables[i]);
	return rc;
}

static const struct rmt_span format_key = { "version", 7 };

static int read_format(struct lmdb *db, MDB_txn *txn, uint32_t *format_r)
{
	MDB_val key = val_of(format_key), value;
	int rc = mdb_get(txn, db->tables[rmt_store_table("meta")], &key, &value);

	if (rc == 0 && value.mv_size != sizeof(*format_r))
		return MDB_INVALID;
	if (rc == 0)
		memcpy(format_r, value.mv_data, sizeof(*format_r));
	*format_r = GUINT32_FROM_LE(*format_r);
	return rc;
}

/* NOTFOUND: something is not there yet. */
static int read_layout(struct lmdb *db, uint32_t *format_r)
{
	MDB_txn *txn;
	int rc = mdb_txn_begin(db->env, NULL, MDB_RDONLY, &txn);

	if (rc != 0)
		return rc;
	rc = open_tables(db, txn, 0);
	if (rc == 0)
		rc = read_format(db, txn, format_r);
	if (rc == 0)
		return mdb_txn_commit(txn); /* keeps the tables' handles */
	mdb_txn_abort(txn);
	return rc;
}

static int make_layout(struct lmdb *db, uint32_t *format_r)
{
	uint32_t format = GUINT32_TO_LE(RMT_STORE_FORMAT);
	MDB_val key = val_of(format_key), value = { sizeof(format), &format };
	MDB_txn *txn;
	int rc = mdb_txn_begin(db->env, NULL, 0, &txn);

	if (rc != 0)
		return rc;
	rc = open_tables(db, txn, MDB_CREATE);
	if (rc == 0)
		rc = mdb_put(txn, db->tables[rmt_store_table("meta")], &key, &value,
			     MDB_NOOVERWRITE);
	if (rc == MDB_KEYEXIST)
		rc = 0;
	if (rc == 0)
		rc = read_format(db, txn, format_r);
	if (rc == 0)
		return mdb_txn_commit(txn);
	mdb_txn_abort(txn);
	return rc;
}

/* The file as a writer finds or makes it. */
static int open_writable(struct lmdb *db, uint32_t *format_r)
{
	int rc = start_env(db, false);

	if (rc == 0)
		rc = read_layout(db, format_r);
	return rc == MDB_NOTFOUND ? make_layout(db, format_r) : rc;
}

static int open_for_reading(struct lmdb *db, uint32_t *format_r)
{
	struct stat file;
	int rc = MDB_NOTFOUND;

	if (stat(db->path, &file) == 0 && file.st_size > 0) {
		rc = start_env(db, true);
		if (rc == 0)
			rc = read_layout(db, format_r);
	}
	if (rc != MDB_NOTFOUND)
		return rc;
	stop_env(db);
	rc = open_writable(db, format_r);
	stop_env(db);
	if (rc == 0)
		rc = start_env(db, true);
	return rc == 0 ? read_layout(db, format_r) : rc;
}

static bool check_format(const struct lmdb *db, uint32_t format, GError **err)
{
	if (format <= RMT_STORE_FORMAT)
		return true;
	g_set_error(err, RMT_STORE_ERROR, RMT_STORE_ERROR_NEWER,
		    "%s: written by a newer Remite (format %u, this program knows %d): "
		    "upgrade this program",
		    db->path, format, RMT_STORE_FORMAT);
	return false;
}

static bool lmdb_open(struct rmt_store *store, const char *path, GError **err)
{
	struct lmdb *db = g_new0(struct lmdb, 1);
	uint32_t format = 0;
	int rc;

	store->state = db;
	db->path = g_strdup(path);
	db->guard = -1;
	db->read_only = store->read_only;
	db->idle = g_ptr_array_new();
	g_rw_lock_init(&db->map_lock);
	g_mutex_init(&db->write_lock);
	g_mutex_init(&db->idle_lock);
	rmt_commit_group_init(&db->group);
	if (!prepare_data_file(db, err) || !prepare_lock_file(db, err))
		return false;
	rc = db->read_only ? open_for_reading(db, &format) : open_writable(db, &format);
	return rc == 0 ? check_format(db, format, err) : fail(db, rc, "open", err);
}

static void lmdb_close(struct rmt_store *store)
{
	struct lmdb *db = store->state;
	guint i;

	for (i = 0; i < db->idle->len; i++)
		mdb_txn_abort(g_ptr_array_index(db->idle, i));
	g_ptr_array_free(db->idle, TRUE);
	stop_env(db);
	if (db->guard >= 0)
		close(db->guard);
	g_rw_lock_clear(&db->map_lock);
	g_mutex_clear(&db->write_lock);
	g_mutex_clear(&db->idle_lock);
	rmt_commit_group_finish(&db->group);
	g_free(db->path);
	g_free(db);
}

/* --- reading --- */

static uint64_t lmdb_version(struct rmt_store *store)
{
	struct lmdb *db = store->state;
	bool is_held = is_held_here(db);
	MDB_envinfo info;

	if (!is_held)
		g_rw_lock_reader_lock(&db->map_lock);
	mdb_env_info(db->env, &info);
	if (!is_held)
		g_rw_lock_reader_unlock(&db->map_lock);
	return info.me_last_txnid;
}

static uint64_t lmdb_read_version(struct rmt_store *store)
{
	struct lmdb *db = store->state;
	MDB_txn *txn;
	uint64_t version;

	if (begin_read(db, &txn) != 0)
		return 0;
	version = mdb_txn_id(txn);
	end_read(db, txn);
	return version;
}

static void got_failure(const struct lmdb *db, int rc, rmt_store_got *got, void *context)
{
	g_autoptr(GError) err = NULL;

	fail(db, rc, "read", &err);
	got(context, RMT_STORE_FAILED, rmt_span(NULL, 0), err->message);
}

static void lmdb_get(struct rmt_store *store, size_t table, struct rmt_span key,
		     rmt_store_got *got, void *context)
{
	struct lmdb *db = store->state;
	MDB_val wanted = val_of(key), value;
	MDB_txn *txn;
	int rc = begin_read(db, &txn);

	if (rc != 0) {
		got_failure(db, rc, got, context);
		return;
	}
	rc = mdb_get(txn, db->tables[table], &wanted, &value);
	if (rc == 0)
		got(context, RMT_STORE_FOUND, span_of_val(value), NULL);
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
	*key = val_of(step->from);
	rc = mdb_cursor_get(cursor, key, value, MDB_SET_RANGE);
	if (rc == 0 && step->after && rmt_span_eq(span_of_val(*key), step->from))
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
		rmt_store_step_add(step, span_of_val(key), span_of_val(value));
		rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
	}
	mdb_cursor_close(cursor);
	step->end_r = rc == MDB_NOTFOUND;
	return step->end_r ? 0 : rc;
}

static bool lmdb_step(struct rmt_store *store, struct rmt_store_step *step, GError **err)
{
	struct lmdb *db = store->state;
	MDB_txn *txn;
	int rc = begin_read(db, &txn);

	if (rc != 0)
		return fail(db, rc, "read", err);
	rc = read_step(txn, db->tables[step->table], step);
	end_read(db, txn);
	return rc == 0 || fail(db, rc, "read", err);
}

static uint64_t lmdb_count(struct rmt_store *store, size_t table)
{
	struct lmdb *db = store->state;
	MDB_stat stat = { 0 };
	MDB_txn *txn;

	if (begin_read(db, &txn) != 0)
		return 0;
	if (mdb_stat(txn, db->tables[table], &stat) != 0)
		stat.ms_entries = 0;
	end_read(db, txn);
	return stat.ms_entries;
}

/* --- writing --- */

/* One commit under way. */
struct write {
	struct lmdb *db;
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
	MDB_val k = val_of(key), v = val_of(value);
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
	MDB_val k = val_of(key), v;
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
	MDB_val key = val_of(change->key), old = { 0, NULL };
	int rc = mdb_cursor_get(cursor, &key, &old, MDB_SET);

	if (rc != 0 && rc != MDB_NOTFOUND)
		return rc;
	g_string_truncate(write->value, 0);
	switch (change->modify(change->context,
			       rc == 0 ? span_of_val(old) : rmt_span(NULL, 0),
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
	return REFUSED;
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

/* parent: NULL, or a transaction that it becomes a part of. since_us_r: when the
 * lock of all processes was had. */
static int write_within(struct lmdb *db, MDB_txn *parent, struct rmt_commit **commits,
			size_t count, int64_t *since_us_r)
{
	struct write write = { .db = db };
	int rc = mdb_txn_begin(db->env, parent, 0, &write.txn);

	*since_us_r = g_get_monotonic_time();
	if (rc != 0)
		return rc;
	write.value = g_string_new(NULL);
	rc = write_all(&write, commits, count);
	finish_write(&write);
	return rc;
}

static void note_hold(struct lmdb *db, int64_t since_us, int rc)
{
	uint64_t ns = (uint64_t)(g_get_monotonic_time() - since_us) * 1000;

	db->stats.hold_last_ns = ns;
	db->stats.hold_max_ns = MAX(db->stats.hold_max_ns, ns);
	db->stats.holds_long += ns > HOLD_LONG;
	db->stats.commits += rc == 0;
}

/* Under write_lock. */
static int try_commit(struct lmdb *db, struct rmt_commit **commits, size_t count)
{
	int64_t since_us;
	int rc;

	g_rw_lock_reader_lock(&db->map_lock);
	rc = write_within(db, NULL, commits, count, &since_us);
	note_hold(db, since_us, rc);
	g_rw_lock_reader_unlock(&db->map_lock);
	return rc;
}

static void map_use(struct lmdb *db, size_t *used_r, size_t *size_r)
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

static int grow_map(struct lmdb *db)
{
	size_t used, size;

	map_use(db, &used, &size);
	size = MAX(used, size);
	return set_map(db, size + MIN(size, (size_t)MAP_STEP_MAX));
}

static int grow_early(struct lmdb *db)
{
	size_t used, size;

	map_use(db, &used, &size);
	return used + MAP_HEADROOM > size ? grow_map(db) : 0;
}

static int commit(struct lmdb *db, struct rmt_commit **commits, size_t count)
{
	int rc = grow_early(db);

	while (rc == 0) {
		rc = try_commit(db, commits, count);
		if (rc == MDB_MAP_FULL)
			rc = grow_map(db);
		else if (rc == MDB_MAP_RESIZED)
			rc = set_map(db, 0);
		else
			break;
	}
	return rc;
}

/* LMDB calls a write that the disk took half of EIO. */
static int clear_reason(const struct lmdb *db, int rc)
{
	struct statvfs disk;

	if (rc == EIO && fstatvfs(db->guard, &disk) == 0 &&
	    disk.f_bavail * disk.f_frsize < DISK_FULL)
		return ENOSPC;
	return rc;
}

static bool is_one_durable(struct rmt_commit **commits, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (commits[i]->durable)
			return true;
	return false;
}

/* Under write_lock. Without the meta page's own wait, a crash of the machine may
 * lose this commit, in order, and nothing before it. */
static int commit_synced(struct lmdb *db, struct rmt_commit **commits, size_t count)
{
	bool durable = is_one_durable(commits, count);
	int rc;

	mdb_env_set_flags(db->env, MDB_NOMETASYNC, !durable);
	rc = commit(db, commits, count);
	if (rc == 0 && durable && db->unsynced)
		rc = mdb_env_sync(db->env, 1); /* the last one may have changed nothing */
	db->unsynced = !durable || (db->unsynced && rc != 0);
	return rc;
}

/* What cannot be done with the others is done alone, so that it fails alone. */
static void commit_together(void *context, struct rmt_commit **commits, size_t count)
{
	struct lmdb *db = context;
	size_t i;
	int rc;

	g_mutex_lock(&db->write_lock);
	rc = commit_synced(db, commits, count);
	for (i = 0; i < count; i++) {
		commits[i]->rc = rc;
		if (rc != 0 && count > 1)
			commits[i]->rc = commit_synced(db, &commits[i], 1);
		commits[i]->refused = db->refused;
	}
	g_mutex_unlock(&db->write_lock);
}

/* --- held --- */

/* The map cannot grow now: who runs into that begins anew after release. */
static void commit_held(struct lmdb *db, struct rmt_commit *one)
{
	int64_t since_us;

	one->rc = db->held.rc;
	if (one->rc == 0)
		one->rc = write_within(db, db->held.txn, &one, 1, &since_us);
	one->refused = db->refused;
	if (one->rc != REFUSED)
		db->held.rc = one->rc;
}

static int begin_held(struct lmdb *db)
{
	int rc = grow_early(db);

	if (rc != 0)
		return rc;
	mdb_env_set_flags(db->env, MDB_NOMETASYNC, 0);
	g_rw_lock_reader_lock(&db->map_lock);
	rc = mdb_txn_begin(db->env, NULL, 0, &db->held.txn);
	if (rc != 0)
		g_rw_lock_reader_unlock(&db->map_lock);
	return rc;
}

static bool lmdb_hold(struct rmt_store *store, GError **err)
{
	struct lmdb *db = store->state;
	int rc;

	g_assert(!is_held_here(db));
	rmt_commit_group_keep(&db->group);
	g_mutex_lock(&db->write_lock);
	rc = begin_held(db);
	if (rc == MDB_MAP_RESIZED && (rc = set_map(db, 0)) == 0)
		rc = begin_held(db);
	if (rc == 0) {
		db->held.rc = 0;
		db->held.since_us = g_get_monotonic_time();
		g_atomic_pointer_set(&db->held.owner, g_thread_self());
		return true;
	}
	g_mutex_unlock(&db->write_lock);
	rmt_commit_group_give_back(&db->group);
	return fail(db, rc, "write", err);
}

static bool lmdb_release(struct rmt_store *store, GError **err)
{
	struct lmdb *db = store->state;
	int rc = db->held.rc;

	g_assert(is_held_here(db));
	g_atomic_pointer_set(&db->held.owner, NULL);
	if (rc == 0)
		rc = mdb_txn_commit(db->held.txn);
	else
		mdb_txn_abort(db->held.txn);
	db->held.txn = NULL;
	g_rw_lock_reader_unlock(&db->map_lock);
	note_hold(db, db->held.since_us, rc);
	if (rc == 0 && db->unsynced)
		rc = mdb_env_sync(db->env, 1);
	db->unsynced = db->unsynced && rc != 0;
	if (rc == MDB_MAP_FULL)
		grow_map(db);
	g_mutex_unlock(&db->write_lock);
	rmt_commit_group_give_back(&db->group);
	return rc == 0 || fail(db, clear_reason(db, rc), "write", err);
}

static bool lmdb_commit(struct rmt_store *store, const struct rmt_store_change *changes,
			size_t count, bool durable, size_t *removed_r, GError **err)
{
	struct lmdb *db = store->state;
	struct rmt_commit one = { .changes = changes,
				  .count = count,
				  .durable = durable };

	if (is_held_here(db))
		commit_held(db, &one);
	else
		rmt_commit_group_do(&db->group, &one, commit_together, db);
	*removed_r = one.removed;
	if (one.rc == REFUSED)
		return rmt_store_refused(one.refused, err);
	return one.rc == 0 || fail(db, clear_reason(db, one.rc), "write", err);
}

static void lmdb_stats(struct rmt_store *store, struct rmt_store_stats *stats_r)
{
	struct lmdb *db = store->state;
	size_t used, size;

	g_mutex_lock(&db->write_lock);
	*stats_r = db->stats;
	g_mutex_unlock(&db->write_lock);
	map_use(db, &used, &size);
	stats_r->used_bytes = used;
	stats_r->map_bytes = size;
}

const struct rmt_store_backend rmt_store_lmdb = {
	.scheme = "lmdb:",
	.open = lmdb_open,
	.close = lmdb_close,
	.version = lmdb_version,
	.read_version = lmdb_read_version,
	.get = lmdb_get,
	.commit = lmdb_commit,
	.hold = lmdb_hold,
	.release = lmdb_release,
	.step = lmdb_step,
	.count = lmdb_count,
	.stats = lmdb_stats,
};
