/* SPDX-License-Identifier: MIT */
/* store.h - `records`: what must not be forgotten, shared by all programs.
 *
 * Tables of key and value; one change is one durable commit. The interface is
 * asynchronous so that a server elsewhere (Redis, Valkey) can stand behind it:
 * the LMDB backend calls back before the call returns. One call per decision.
 *
 * Policyd's loop reads and never writes; commands and other daemons write.
 * All calls may be made from any thread; callbacks must not call the store,
 * but that of rmt_store_walk().
 *
 *	if (!rmt_store_open(&store, "lmdb:/var/lib/remite/records", false, &err))
 *		...
 *	change = (struct rmt_store_change){ .table = "streams", .key = k, .value = v };
 *	ok = rmt_store_commit(store, &change, 1, NULL, &err);
 */
#ifndef RMT_STORE_H
#define RMT_STORE_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/base/span.h"

struct rmt_store;
typedef struct rmt_store rmt_store; /* for g_autoptr(rmt_store) */

#define RMT_STORE_ERROR (rmt_store_error_quark())
GQuark rmt_store_error_quark(void);
enum rmt_store_error {
	RMT_STORE_ERROR_OTHER,
	RMT_STORE_ERROR_FULL,      /* the disk is */
	RMT_STORE_ERROR_READ_ONLY, /* the disk, or how it was opened */
	RMT_STORE_ERROR_DENIED,    /* permissions */
	RMT_STORE_ERROR_NEWER,     /* written by a newer program */
	RMT_STORE_ERROR_DAMAGED,
	RMT_STORE_ERROR_TWICE, /* open in this process already */
};

/* uri: "lmdb:/var/lib/remite/records" (a file, and "-lock" beside it; made when
 * missing, also for reading: 0660 whatever the umask and, where root makes it,
 * with the directory's owner and group), "mem:" for tests. The directory must
 * be there. Open after fork; a second time in a process is refused. Readers
 * too must be able to write the lock file, unless the whole disk is read-only. */
bool rmt_store_open(struct rmt_store **store_r, const char *uri, bool read_only,
		    GError **err);
/* Sets the pointer to NULL; takes NULL and the half-opened. */
void rmt_store_close(struct rmt_store **store);
static inline void rmt_store_cleanup(struct rmt_store *store)
{
	rmt_store_close(&store);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(rmt_store, rmt_store_cleanup)

/* A number that changes with every commit of any process: cheap (no system
 * call), for "has anything changed since?". A commit may show here an instant
 * before reads see it: who remembers how far it has read remembers
 * rmt_store_read_version(), asked before reading. */
uint64_t rmt_store_version(struct rmt_store *store);

/* The version of which every later read sees at least all. Never ahead of
 * rmt_store_version(), and the same once the writer is done. 0: the store fails. */
uint64_t rmt_store_read_version(struct rmt_store *store);

/* For who reads all the time: what a read needs is kept from one to the next, as long
 * as nothing changes. After a change, old pages cannot be used again until the next read
 * here, so read (rmt_store_read_version() does) at least every 100 ms or so. */
void rmt_store_reads_often(struct rmt_store *store);

enum rmt_store_status { RMT_STORE_FOUND, RMT_STORE_MISSING, RMT_STORE_FAILED };

typedef void rmt_store_got(void *context, enum rmt_store_status status,
			   struct rmt_span value, const char *error);

/* value is valid during the callback. */
void rmt_store_get(struct rmt_store *store, const char *table, struct rmt_span key,
		   rmt_store_got *got, void *context);

enum rmt_store_verdict {
	RMT_STORE_KEEP,   /* as it is */
	RMT_STORE_PUT,    /* what was written to value_r */
	RMT_STORE_REMOVE, /* the entry; nothing where there is none */
	RMT_STORE_REFUSE, /* the commit fails as DAMAGED; nothing of it is done */
};

/* The new value made from the old (p is NULL where there is none), within the
 * commit. Called again from the first change on where the commit must be
 * repeated, and in any thread, while the caller waits: changes nothing but its own
 * part of context. value_r comes empty. */
typedef enum rmt_store_verdict rmt_store_modify(void *context, struct rmt_span old,
						GString *value_r);

/* One of: put value; remove; modify; append. */
struct rmt_store_change {
	const char *table;
	struct rmt_span key; /* 1 to 511 octets; not looked at for append */
	struct rmt_span value;
	bool remove;
	rmt_store_modify *modify;
	void *context;
	/* Append value under the next number (RMT_STORE_SEQUENCE octets, big-endian,
	 * from 1), and keep only the newest so many. For journals. 0: no append. */
	uint64_t append_keep;
};
enum { RMT_STORE_KEY_MAX = 511, RMT_STORE_SEQUENCE = 8 };
/* 0 where key is no number. */
uint64_t rmt_store_sequence(struct rmt_span key);
struct rmt_span rmt_store_sequence_key(uint64_t number, char key[RMT_STORE_SEQUENCE]);

/* All changes, in order, in one durable commit, or none. Commits that threads make at
 * the same time wait for the disk together. Others see it a little before it is
 * durable; what they then commit is durable after it. removed_r (may be NULL): how
 * many removals found something. */
bool rmt_store_commit(struct rmt_store *store, const struct rmt_store_change *changes,
		      size_t count, size_t *removed_r, GError **err);

/* For imports: like commit, but only the last of a run waits for the disk
 * (last = true); order is kept, a crash loses a tail and nothing else. */
bool rmt_store_commit_batch(struct rmt_store *store,
			    const struct rmt_store_change *changes, size_t count,
			    bool last, GError **err);

/* What this thread commits from hold to release is one durable commit: each commit is
 * there or not as ever, this thread sees it at once, and others, and the disk, with
 * release. For who has many small commits at hand; all other writers, of every
 * process, wait until release, so it is a matter of milliseconds. */
bool rmt_store_hold(struct rmt_store *store, GError **err);
/* False: nothing of it was done. Not held any more, in any case. */
bool rmt_store_release(struct rmt_store *store, GError **err);

/* Entries in key order from the first key >= from; until each returns false.
 * Read in short steps: what others change meanwhile is seen in either state,
 * what they do not touch exactly once. No step pins old data while each runs,
 * which may be slow, and may write. */
typedef bool rmt_store_entry(void *context, struct rmt_span key, struct rmt_span value);
bool rmt_store_walk(struct rmt_store *store, const char *table, struct rmt_span from,
		    rmt_store_entry *each, void *context, GError **err);

/* 0 also where the store fails. */
uint64_t rmt_store_count(struct rmt_store *store, const char *table);

struct rmt_store_stats {
	uint64_t commits;                   /* by this process */
	uint64_t hold_last_ns, hold_max_ns; /* the write lock, by this process */
	uint64_t holds_long;                /* those above 5 ms */
	uint64_t map_bytes, used_bytes;
};
void rmt_store_stats(struct rmt_store *store, struct rmt_store_stats *stats_r);

#endif
