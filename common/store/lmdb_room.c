/* SPDX-License-Identifier: MIT */
/* lmdb_room.c - free pages that lie beside each other.
 *
 * LMDB puts a changed page where one is free, and takes those first that the oldest
 * commit freed. They lie anywhere: of the fifty pages of a commit each is a write, and a
 * request to the disk, of its own. So before a commit of many changes the free ones are
 * gathered, and the file is made longer while they are few beside the others.
 *
 * LMDB's only handle on that is a large value. To find room for it all free pages are
 * read into one sorted list; removed at once, it leaves its own among them; and what the
 * commit does not need of them is kept by LMDB in records of some hundred neighbours,
 * which later commits use up before what was freed since. */
#include <string.h>

#include "common/store/lmdb_db.h"

enum {
	FREE_TABLE = 0,      /* LMDB's own: the pages that each transaction freed */
	GATHERED = 256,      /* pages of a record; one commit frees fewer */
	MANY = 32,           /* records of single commits, worth gathering */
	LOOK_MAX = 10000,    /* records; a reader that stays holds them all */
	TIMES = 4,           /* free pages for one in use ... */
	FREE_MAX = 64 << 20, /* ... or as many octets of them, more or less */
	STEP_MAX = 4 << 20,  /* octets, made at a time: as much is had from malloc */
	STEP_MIN = 64,       /* pages; for so many neighbours LMDB reads on */
};

struct spare {
	size_t freed_by; /* transaction, of the first record */
	size_t records, pages;
	bool gathered; /* what is used next */
};

static void count_spare(MDB_cursor *cursor, struct spare *spare_r)
{
	MDB_val key, value;
	size_t pages;

	while (spare_r->records < LOOK_MAX && !spare_r->gathered &&
	       mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == 0) {
		memcpy(&pages, value.mv_data, sizeof(pages));
		if (spare_r->records == 0)
			memcpy(&spare_r->freed_by, key.mv_data,
			       sizeof(spare_r->freed_by));
		/* The first may be what is left of one. */
		spare_r->gathered = spare_r->records < 2 && pages >= GATHERED;
		spare_r->pages += pages;
		spare_r->records++;
	}
}

/* In a transaction that reads: one that writes may not look there. */
static void look_for_spare(struct rmt_lmdb *db, struct spare *spare_r)
{
	MDB_cursor *cursor;
	MDB_txn *txn;

	memset(spare_r, 0, sizeof(*spare_r));
	if (mdb_txn_begin(db->env, NULL, MDB_RDONLY, &txn) != 0)
		return;
	if (mdb_cursor_open(txn, FREE_TABLE, &cursor) == 0) {
		count_spare(cursor, spare_r);
		mdb_cursor_close(cursor);
	}
	mdb_txn_abort(txn);
}

/* line: "PID THREAD TRANSACTION", "-" for one that reads nothing; or a heading. */
static int note_reader(const char *line, void *context)
{
	const char *last = strrchr(line, ' ');
	size_t *oldest = context;

	if (last != NULL && g_ascii_isdigit(last[1]))
		*oldest = MIN(*oldest, (size_t)g_ascii_strtoull(last, NULL, 10));
	return 0;
}

/* Where none may be used yet LMDB would write the large value out. */
static bool is_free_by_now(const struct rmt_lmdb *db, const struct spare *spare,
			   size_t last_txn)
{
	size_t oldest = last_txn;

	return spare->records > 0 &&
	       mdb_reader_list(db->env, note_reader, &oldest) >= 0 &&
	       spare->freed_by < oldest;
}

/* Of the large value. Where enough are free it is made from those, nearly always. */
static size_t pages_wanted(const struct spare *spare, const MDB_envinfo *info,
			   size_t page)
{
	size_t used = info->me_last_pgno + 1 - spare->pages;
	size_t want = MIN(used * TIMES, FREE_MAX / page);

	if (spare->pages >= want && spare->records < MANY)
		return 0;
	return CLAMP(want - MIN(want, spare->pages), STEP_MIN, STEP_MAX / page);
}

int rmt_lmdb_make_room(struct rmt_lmdb *db, MDB_txn *txn)
{
	MDB_val key = { .mv_size = 4, .mv_data = (void *)"room" }, room = { 0, NULL };
	struct spare spare;
	MDB_envinfo info;
	MDB_stat stat;
	int rc;

	look_for_spare(db, &spare);
	mdb_env_info(db->env, &info);
	mdb_env_stat(db->env, &stat);
	if (spare.gathered || !is_free_by_now(db, &spare, info.me_last_txnid))
		return 0;
	room.mv_size = pages_wanted(&spare, &info, stat.ms_psize) * stat.ms_psize;
	if (room.mv_size == 0)
		return 0;
	rc = mdb_put(txn, db->tables[0], &key, &room, MDB_RESERVE);
	return rc == 0 ? mdb_del(txn, db->tables[0], &key, NULL) : rc;
}
