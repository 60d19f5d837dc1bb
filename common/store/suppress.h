/* SPDX-License-Identifier: MIT */
/* suppress.h - addresses a stream must not mail.
 *
 * An entry is (scope, address) -> reason, source, note, since, until. The
 * scope is a stream ("stream:news"), a stream class ("class:promotional") or
 * everything ("all").
 */
#ifndef RMT_SUPPRESS_H
#define RMT_SUPPRESS_H

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

/* "all", "stream:NAME", "class:NAME"; the sentence says what to write. */
bool rmt_suppress_scope_check(const char *scope, GError **err);

/* Durable when it returns. An entry that stands is replaced (its since kept). */
bool rmt_suppress_add(struct rmt_store *store, const struct rmt_suppression *entry,
		      GError **err);
/* scope NULL: from every scope. removed_r: how many entries went. */
bool rmt_suppress_remove(struct rmt_store *store, const char *scope, const char *address,
			 size_t *removed_r, GError **err);

/* Every entry of one address, in any scope; own: g_ptr_array_unref. */
bool rmt_suppress_find(struct rmt_store *store, const char *address,
		       GPtrArray **entries_r, GError **err);

/* Every entry, in no particular order; until each returns false. */
typedef bool rmt_suppress_each(void *context, const struct rmt_suppression *entry);
bool rmt_suppress_walk(struct rmt_store *store, rmt_suppress_each *each, void *context,
		       GError **err);

/* Import in batches that hold the write lock for at most 5 ms each. */
struct rmt_suppress_import;
struct rmt_suppress_import *rmt_suppress_import_begin(struct rmt_store *store);
bool rmt_suppress_import_add(struct rmt_suppress_import *import,
			     const struct rmt_suppression *entry, GError **err);
/* Durable when it returns; frees import also on failure. */
bool rmt_suppress_import_end(struct rmt_suppress_import *import, uint64_t *added_r,
			     GError **err);

/* Removes what expired before now; returns how many. */
bool rmt_suppress_expire(struct rmt_store *store, int64_t now, uint64_t *removed_r,
			 GError **err);

/* --- the reader's side: policyd --- */

/* An index in memory in front of the store: most addresses are in no list, and
 * that must cost next to nothing. It is built in steps (or by a thread of its
 * own) while look-ups already work, and follows changes of other processes by
 * the store's version; a look-up sees everything committed before it began. */
struct rmt_suppress_index;
struct rmt_suppress_index *rmt_suppress_index_new(struct rmt_store *store /* foreign */);
void rmt_suppress_index_free(struct rmt_suppress_index *index);

/* Follows changes; cheap when there are none. Once per turn of the loop. */
void rmt_suppress_index_follow(struct rmt_suppress_index *index);

struct rmt_suppress_hit {
	char scope[96], reason[32];
	int64_t since, until;
};

/* Whether stream or its class must not mail address (folded), now. reasons:
 * NULL-terminated list that counts, NULL: every reason. MISSING: may be mailed.
 * FAILED: the store refuses; logged by the caller. */
enum rmt_store_status rmt_suppress_look_up(struct rmt_suppress_index *index,
					   struct rmt_span address, const char *stream,
					   const char *class, char *const *reasons,
					   int64_t now, struct rmt_suppress_hit *hit_r);

/* Entries and octets held, for metrics. */
void rmt_suppress_index_stats(const struct rmt_suppress_index *index, uint64_t *entries_r,
			      uint64_t *bytes_r, bool *complete_r);

#endif
