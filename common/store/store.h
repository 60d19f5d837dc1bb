/* SPDX-License-Identifier: MIT */
/* store.h - `records`: what must not be forgotten, shared by all programs.
 *
 * Tables of key and value; one change is one durable commit. The interface is
 * asynchronous so that a server elsewhere (Redis, Valkey) can stand behind it:
 * the LMDB backend calls back before the call returns. One call per decision.
 *
 * Policyd's loop reads and never writes; commands and other daemons write.
 */
#ifndef RMT_STORE_H
#define RMT_STORE_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/base/span.h"

struct rmt_store;

/* uri: "lmdb:/var/lib/remite/records" (made when missing, 0660 whatever the
 * umask), "mem:" for tests. Open after fork, once per process and path. */
bool rmt_store_open(struct rmt_store **store_r, const char *uri, bool read_only,
		    GError **err);
/* Sets the pointer to NULL; takes NULL and the half-opened. */
void rmt_store_close(struct rmt_store **store);

/* A number that changes with every commit of any process: cheap (no system
 * call), for "has anything changed since?". */
uint64_t rmt_store_version(const struct rmt_store *store);

enum rmt_store_status { RMT_STORE_FOUND, RMT_STORE_MISSING, RMT_STORE_FAILED };

typedef void rmt_store_got(void *context, enum rmt_store_status status,
			   struct rmt_span value, const char *error);

/* value is valid during the callback. */
void rmt_store_get(struct rmt_store *store, const char *table, struct rmt_span key,
		   rmt_store_got *got, void *context);

struct rmt_store_change {
	const char *table;
	struct rmt_span key;
	struct rmt_span value;
	bool remove; /* value is not looked at */
};

/* All changes in one durable commit, or none. removed_r (may be NULL): how many
 * removals found something. */
bool rmt_store_commit(struct rmt_store *store, const struct rmt_store_change *changes,
		      size_t count, size_t *removed_r, GError **err);

/* For imports: like commit, but only the last of a run waits for the disk
 * (last = true); order is kept, a crash loses a tail and nothing else. */
bool rmt_store_commit_batch(struct rmt_store *store,
			    const struct rmt_store_change *changes, size_t count,
			    bool last, GError **err);

/* Entries in key order from the first key >= from; until each returns false. */
typedef bool rmt_store_entry(void *context, struct rmt_span key, struct rmt_span value);
bool rmt_store_walk(struct rmt_store *store, const char *table, struct rmt_span from,
		    rmt_store_entry *each, void *context, GError **err);

uint64_t rmt_store_count(struct rmt_store *store, const char *table);

#endif
