/* SPDX-License-Identifier: MIT */
/* lmdb_open.c - the files of an LMDB environment, with owner and mode, and its tables. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/store/lmdb_db.h"

enum {
	MAP_FIRST = 16 << 20, /* octets of address space, not of disk */
	READERS_MAX = 512,
	FILE_MODE = 0660,
};
#define GUARD_OFFSET ((off_t)1 << 60) /* + pid: far behind any data */

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

/* Nobody finds it before it is his to open: programs start at the same time. */
static int make_new_file(const char *path)
{
	g_autofree char *made = g_strconcat(path, ".XXXXXX", NULL);
	int fd = g_mkstemp_full(made, O_RDWR | O_CLOEXEC, FILE_MODE);

	if (fd < 0)
		return -1;
	give_to_group(fd, path);
	if (renameat2(AT_FDCWD, made, AT_FDCWD, path, RENAME_NOREPLACE) == 0)
		return fd;
	close(fd);
	unlink(made);
	/* Another was first, or the file system cannot do that. */
	return open(path, O_RDWR | O_CREAT | O_CLOEXEC, FILE_MODE);
}

static int make_file(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		fd = make_new_file(path);
	if (fd >= 0)
		give_to_group(fd, path);
	return fd;
}

/* Opened again in this process, the lock of the first opening is in the way. */
static bool take_guard(struct rmt_lmdb *db, GError **err)
{
	struct flock lock = { .l_type = F_WRLCK,
			      .l_whence = SEEK_SET,
			      .l_start = GUARD_OFFSET + getpid(),
			      .l_len = 1 };

	if (fcntl(db->guard, F_OFD_SETLK, &lock) == 0)
		return true;
	if (errno != EAGAIN && errno != EACCES)
		return rmt_lmdb_fail(db, errno, "lock", err);
	g_set_error(err, RMT_STORE_ERROR, RMT_STORE_ERROR_TWICE,
		    "%s: open in this process already: share that one", db->path);
	return false;
}

static bool prepare_data_file(struct rmt_lmdb *db, GError **err)
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
	return rmt_lmdb_fail(db, errno, "open", err);
}

static bool prepare_lock_file(struct rmt_lmdb *db, GError **err)
{
	g_autofree char *path = g_strconcat(db->path, "-lock", NULL);
	int fd = make_file(path);

	if (fd >= 0) {
		close(fd);
		return true;
	}
	if (db->read_only && errno == EROFS)
		return true; /* LMDB does without: nobody can write */
	g_set_error(err, RMT_STORE_ERROR, rmt_lmdb_error_code(errno),
		    "%s: cannot open: %s: who reads must write this file too%s", path,
		    g_strerror(errno), rmt_lmdb_remedy(errno));
	return false;
}

static int start_env(struct rmt_lmdb *db, bool read_only)
{
	unsigned flags =
		MDB_NOSUBDIR | MDB_NOTLS | (read_only ? MDB_RDONLY : MDB_NOMETASYNC);
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

static void stop_env(struct rmt_lmdb *db)
{
	if (db->env != NULL)
		mdb_env_close(db->env);
	db->env = NULL;
}

static int open_tables(struct rmt_lmdb *db, MDB_txn *txn, unsigned flags)
{
	size_t i;
	int rc = 0;

	for (i = 0; rmt_store_tables[i] != NULL && rc == 0; i++)
		rc = mdb_dbi_open(txn, rmt_store_tables[i], flags, &db->tables[i]);
	return rc;
}

static const struct rmt_span format_key = { "version", 7 };

static int read_format(struct rmt_lmdb *db, MDB_txn *txn, uint32_t *format_r)
{
	MDB_val key = rmt_lmdb_val(format_key), value;
	int rc = mdb_get(txn, db->tables[rmt_store_table("meta")], &key, &value);

	if (rc == 0 && value.mv_size != sizeof(*format_r))
		return MDB_INVALID;
	if (rc == 0)
		memcpy(format_r, value.mv_data, sizeof(*format_r));
	*format_r = GUINT32_FROM_LE(*format_r);
	return rc;
}

/* NOTFOUND: something is not there yet. */
static int read_layout(struct rmt_lmdb *db, uint32_t *format_r)
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

static int make_layout(struct rmt_lmdb *db, uint32_t *format_r)
{
	uint32_t format = GUINT32_TO_LE(RMT_STORE_FORMAT);
	MDB_val key = rmt_lmdb_val(format_key), value = { sizeof(format), &format };
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
static int open_writable(struct rmt_lmdb *db, uint32_t *format_r)
{
	int rc = start_env(db, false);

	if (rc == 0)
		rc = read_layout(db, format_r);
	return rc == MDB_NOTFOUND ? make_layout(db, format_r) : rc;
}

static int open_for_reading(struct rmt_lmdb *db, uint32_t *format_r)
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

static bool check_format(const struct rmt_lmdb *db, uint32_t format, GError **err)
{
	if (format <= RMT_STORE_FORMAT)
		return true;
	g_set_error(err, RMT_STORE_ERROR, RMT_STORE_ERROR_NEWER,
		    "%s: written by a newer Remite (format %u, this program knows %d): "
		    "upgrade this program",
		    db->path, format, RMT_STORE_FORMAT);
	return false;
}

bool rmt_lmdb_open_files(struct rmt_lmdb *db, GError **err)
{
	uint32_t format = 0;
	int rc;

	if (!prepare_data_file(db, err) || !prepare_lock_file(db, err))
		return false;
	rc = db->read_only ? open_for_reading(db, &format) : open_writable(db, &format);
	return rc == 0 ? check_format(db, format, err)
		       : rmt_lmdb_fail(db, rc, "open", err);
}

void rmt_lmdb_close_files(struct rmt_lmdb *db)
{
	stop_env(db);
	if (db->guard >= 0)
		close(db->guard);
	db->guard = -1;
}
