/* SPDX-License-Identifier: MIT */
/* user_rows.h - tables whose keys are a user, NUL and something else; for
 * prompts.c, preferences.c and answers.c alone. */
#ifndef RMT_USER_ROWS_H
#define RMT_USER_ROWS_H

#include "common/store/deal.h"

/* Own. What makes a key too long is hashed. */
GString *rmt_user_key(const char *user, struct rmt_span rest);
bool rmt_user_key_split(struct rmt_span key, struct rmt_span *user_r,
			struct rmt_span *rest_r);

/* Rows of one user or (NULL) of all. */
bool rmt_user_rows_walk(struct rmt_store *store, const char *table, const char *user,
			rmt_store_entry *each, void *context, GError **err);
bool rmt_user_rows_remove(struct rmt_store *store, const char *table, const char *user,
			  uint64_t *removed_r, GError **err);

/* "the prompts": a row of the table cannot be read. Logged. */
void rmt_user_row_damaged(const char *what);

static inline struct rmt_span rmt_string_span(const GString *string)
{
	return rmt_span(string->str, string->len);
}

#endif
