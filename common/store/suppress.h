/* SPDX-License-Identifier: MIT */
/* suppress.h - addresses a stream must not mail.
 *
 * An entry is (scope, address) -> reason, source, note, since, until. The
 * scope is a stream ("stream:news"), a stream class ("class:promotional") or
 * everything ("all"). An entry past its until counts no more, whether
 * rmt_suppress_expire() has come by or not.
 *
 * Addresses are folded (common/message/addr.h) by the caller; stored under an
 * 8-octet hash with the full address beside it.
 */
#ifndef RMT_SUPPRESS_H
#define RMT_SUPPRESS_H

#include "common/message/addr.h"
#include "common/store/store.h"

struct rmt_suppression {
	char *scope;   /* own */
	char *address; /* own; folded */
	char *reason;  /* own; a word: dead, complaint, unsubscribe, manual, ... */
	char *source;  /* own; who says so: "import list.txt", "bounce", a user; or "" */
	char *note;    /* own; or "" */
	int64_t since, until; /* Unix seconds; until 0: for good */
};
void rmt_suppression_free(struct rmt_suppression *suppression);
typedef struct rmt_suppression rmt_suppression; /* for g_autoptr(rmt_suppression) */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(rmt_suppression, rmt_suppression_free)

enum {
	RMT_SUPPRESS_SCOPE_MAX = 95,
	RMT_SUPPRESS_REASON_MAX = 31,
	RMT_SUPPRESS_SOURCE_MAX = 255,
	RMT_SUPPRESS_NOTE_MAX = 1000,
};

/* "all", "stream:NAME", "class:NAME"; the sentence says what to write. */
bool rmt_suppress_scope_check(const char *scope, GError **err);
/* Everything of an entry, its scope too: what could not be stored, or not be
 * exported and read again. */
bool rmt_suppress_check(const struct rmt_suppression *entry, GError **err);

/* The key of an address as people write it; the sentence says what is wrong. */
bool rmt_suppress_fold(const struct rmt_fold *fold, struct rmt_span text,
		       struct rmt_addr *addr_r, GError **err);

/* Durable when it returns. An entry that stands is replaced (its since kept). */
bool rmt_suppress_add(struct rmt_store *store, const struct rmt_suppression *entry,
		      GError **err);
/* scope NULL: from every scope. removed_r: how many entries went. */
bool rmt_suppress_remove(struct rmt_store *store, const char *scope, const char *address,
			 size_t *removed_r, GError **err);

/* Every entry of one address, in any scope; own: g_ptr_array_unref. */
bool rmt_suppress_find(struct rmt_store *store, const char *address,
		       GPtrArray **entries_r, GError **err);

enum rmt_suppress_judgement {
	RMT_SUPPRESS_BARS,
	RMT_SUPPRESS_EXPIRED,
	RMT_SUPPRESS_OTHER_SCOPE,  /* another stream or class */
	RMT_SUPPRESS_OTHER_REASON, /* one that does not count for this stream */
};

/* What an entry means for mail of a stream and its class, as look-ups decide it.
 * reasons: NULL-terminated list that counts, NULL: every reason. */
enum rmt_suppress_judgement rmt_suppress_judge(const struct rmt_suppression *entry,
					       const char *stream, const char *class,
					       char *const *reasons, int64_t now);

/* Every entry, in no particular order; until each returns false. each may be
 * slow, and may write to the store. What cannot be read is skipped and logged. */
typedef bool rmt_suppress_each(void *context, const struct rmt_suppression *entry);
bool rmt_suppress_walk(struct rmt_store *store, rmt_suppress_each *each, void *context,
		       GError **err);

/* Import in batches that hold the write lock for at most 5 ms each; what was
 * added is kept in memory up to 64 MB and written in the order of its hashes.
 *
 *	import = rmt_suppress_import_begin(store);
 *	while (...)
 *		if (!rmt_suppress_import_add(import, &entry, &err)) {
 *			rmt_suppress_import_free(import);
 *			return false;
 *		}
 *	return rmt_suppress_import_end(import, &added, &replaced, &err);
 */
struct rmt_suppress_import;
struct rmt_suppress_import *rmt_suppress_import_begin(struct rmt_store *store);
/* Takes a copy. False: the store refuses; an unknown part before it is stored. */
bool rmt_suppress_import_add(struct rmt_suppress_import *import,
			     const struct rmt_suppression *entry, GError **err);
/* Durable when it returns; frees import also on failure. replaced_r: of those
 * added, how many stood there before. */
bool rmt_suppress_import_end(struct rmt_suppress_import *import, uint64_t *added_r,
			     uint64_t *replaced_r, GError **err);
/* Without writing the rest. */
void rmt_suppress_import_free(struct rmt_suppress_import *import);

/* Removes what expired before now; returns how many. */
bool rmt_suppress_expire(struct rmt_store *store, int64_t now, uint64_t *removed_r,
			 GError **err);

/* --- the reader's side: policyd --- */

/* An index in memory in front of the store: most addresses are in no list, and
 * that must cost next to nothing. A filter of 12 bits an address tells them; the
 * rest is asked of the store. A thread of its own builds the filter, while
 * look-ups already work (each by one get), and again when addresses outgrow it.
 * Changes of other processes are followed by the store's version and a journal:
 * a look-up sees everything committed before the last follow. The thread has
 * all signals blocked. Of one thread; the store must outlive it. */
struct rmt_suppress_index;
struct rmt_suppress_index *rmt_suppress_index_new(struct rmt_store *store /* foreign */);
void rmt_suppress_index_free(struct rmt_suppress_index *index);

/* Follows changes; cheap when there are none. Call it before the look-ups of a turn,
 * and every 100 ms or so, that there is never much to follow. */
void rmt_suppress_index_follow(struct rmt_suppress_index *index);

struct rmt_suppress_hit {
	char scope[RMT_SUPPRESS_SCOPE_MAX + 1], reason[RMT_SUPPRESS_REASON_MAX + 1];
	int64_t since, until;
};

/* Whether stream or its class must not mail address (folded), now. reasons:
 * NULL-terminated list that counts, NULL: every reason. MISSING: may be mailed.
 * FAILED: the store refuses; logged by the caller. */
enum rmt_store_status rmt_suppress_look_up(struct rmt_suppress_index *index,
					   struct rmt_span address, const char *stream,
					   const char *class, char *const *reasons,
					   int64_t now, struct rmt_suppress_hit *hit_r);

/* Addresses in the store, octets of memory held, and whether the filter is in
 * use (else every look-up asks the store), for metrics. */
void rmt_suppress_index_stats(const struct rmt_suppress_index *index, uint64_t *entries_r,
			      uint64_t *bytes_r, bool *complete_r);

#endif
