/* SPDX-License-Identifier: MIT */
/* mailed.h - what left, so that what comes back can be believed: a row a message,
 * with the recipients it went to (as hashes), and one for each return path of the
 * short form.
 *
 * Written by remite-milter when a message leaves. Power loss may forget the last
 * seconds: their bounces are then a stranger's, which harms nobody.
 *
 * Tables: "sent", by the message's key of eight letters; "sent-ids" leads there from
 * a Message-ID or a queue id; "returns", by token.
 */
#ifndef RMT_FEEDBACK_MAILED_H
#define RMT_FEEDBACK_MAILED_H

#include "common/store/store.h"

enum { RMT_MAILED_KEY = 8 };

struct rmt_mailed {
	char key[RMT_MAILED_KEY + 1];
	int64_t at;                                           /* Unix seconds */
	char *stream, *list, *message_id, *queue_id, *sender; /* own; or "" */
	GArray *recipients; /* own; uint64_t of rmt_mailed_hash() */
};
struct rmt_mailed *rmt_mailed_new(void);
void rmt_mailed_free(struct rmt_mailed *sent);
typedef struct rmt_mailed rmt_mailed; /* for g_autoptr(rmt_mailed) */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(rmt_mailed, rmt_mailed_free)

/* Letters and digits that stand for a message in its return path. */
void rmt_mailed_key(const char *queue_id, const char *message_id, int64_t now,
		    char key[RMT_MAILED_KEY + 1]);

/* recipient: folded. */
uint64_t rmt_mailed_hash(struct rmt_span recipient);
bool rmt_mailed_has(const struct rmt_mailed *sent, struct rmt_span recipient);

struct rmt_return {
	char *stream, *message, *recipient; /* own; message: a key of "sent", or "" */
	int64_t at;
};
void rmt_return_clear(struct rmt_return *ret);

/* One commit: the row, what leads to it, and the short forms (token, recipient).
 * counts (may be NULL): changes of rates.h, made in the same commit. */
struct rmt_mailed_short {
	const char *token;
	struct rmt_span recipient;
};
bool rmt_mailed_put(struct rmt_store *store, const struct rmt_mailed *sent,
		    const struct rmt_mailed_short *shorts, size_t short_count,
		    const struct rmt_store_change *counts, size_t count, GError **err);

/* NULL in *sent_r: none. Own. */
bool rmt_mailed_get(struct rmt_store *store, const char *key, struct rmt_mailed **sent_r,
		    GError **err);
bool rmt_mailed_by_message_id(struct rmt_store *store, const char *message_id,
			      struct rmt_mailed **sent_r, GError **err);
bool rmt_mailed_by_queue_id(struct rmt_store *store, const char *queue_id,
			    struct rmt_mailed **sent_r, GError **err);
/* found_r false: *ret_r is all zero. */
bool rmt_return_get(struct rmt_store *store, const char *token, bool *found_r,
		    struct rmt_return *ret_r, GError **err);

/* Removes what is older than before. */
bool rmt_mailed_expire(struct rmt_store *store, int64_t before, uint64_t *removed_r,
		       GError **err);

/* A stored value: for tests and fuzzers. NULL: damaged or of a newer program. */
struct rmt_mailed *rmt_mailed_read(struct rmt_span value);
bool rmt_return_read(struct rmt_span value, struct rmt_return *ret_r);

#endif
