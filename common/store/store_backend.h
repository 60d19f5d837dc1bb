/* SPDX-License-Identifier: MIT */
/* store_backend.h - what a backend of the store fills in; for store_*.c alone. */
#ifndef RMT_STORE_BACKEND_H
#define RMT_STORE_BACKEND_H

#include "common/store/store.h"

/* Every table there is, in the order of its number. A new one is one row in
 * store.c; it is made in older files when a writer opens them. */
enum { RMT_STORE_TABLES_MAX = 32 };
extern const char *const rmt_store_tables[]; /* NULL-terminated */
size_t rmt_store_table(const char *name);    /* unknown: a bug, asserts */

/* The layout of the whole, in the table "meta" under "version". */
enum { RMT_STORE_FORMAT = 1 };

struct rmt_store_step {
	size_t table;
	struct rmt_span from;
	bool after;        /* from itself was seen before */
	GByteArray *out;   /* entries are appended by rmt_store_step_add() */
	size_t octets_max; /* stop when out is as long */
	bool end_r;        /* there is no more */
};
void rmt_store_step_add(struct rmt_store_step *step, struct rmt_span key,
			struct rmt_span value);

struct rmt_store_backend {
	const char *scheme; /* "lmdb:" */
	bool (*open)(struct rmt_store *store, const char *path, GError **err);
	void (*close)(struct rmt_store *store); /* also after a failed open */
	uint64_t (*version)(struct rmt_store *store);
	uint64_t (*read_version)(struct rmt_store *store);
	void (*reads_often)(struct rmt_store *store); /* NULL: makes no difference */
	void (*get)(struct rmt_store *store, size_t table, struct rmt_span key,
		    rmt_store_got *got, void *context);
	bool (*commit)(struct rmt_store *store, const struct rmt_store_change *changes,
		       size_t count, bool durable, size_t *removed_r, GError **err);
	/* NULL, both: a commit costs next to nothing, so nothing is held. */
	bool (*hold)(struct rmt_store *store, GError **err);
	bool (*release)(struct rmt_store *store, GError **err);
	bool (*step)(struct rmt_store *store, struct rmt_store_step *step, GError **err);
	uint64_t (*count)(struct rmt_store *store, size_t table);
	void (*stats)(struct rmt_store *store, struct rmt_store_stats *stats_r);
};

struct rmt_store {
	const struct rmt_store_backend *backend;
	void *state; /* own; the backend's */
	bool read_only;
};

extern const struct rmt_store_backend rmt_store_lmdb, rmt_store_mem;

/* A modify function could not read what is there. Returns false. */
bool rmt_store_refused(const char *table, GError **err);

#endif
