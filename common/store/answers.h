/* SPDX-License-Identifier: MIT */
/* answers.h - what a user's mailboxes do not show yet.
 *
 * Only the user's own process touches mail. What the agent decided waits here,
 * one row a message, until that process says it is done; a later answer for the
 * same message takes the place of an earlier one.
 */
#ifndef RMT_ANSWERS_H
#define RMT_ANSWERS_H

#include "common/store/claims.h"

struct rmt_answer {
	char *user, *id;      /* own; id of the message, as in its claim */
	char *fields;         /* own; where and what to do, in the words of the protocol:
				 NAME=VALUE, joined by tabs */
	int64_t since, until; /* Unix seconds; until: nobody asked for so long */
	uint64_t number;      /* tells this answer from one that replaced it */
};
void rmt_answer_free(struct rmt_answer *answer);
typedef struct rmt_answer rmt_answer; /* for g_autoptr(rmt_answer) */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(rmt_answer, rmt_answer_free)

void rmt_deal_put_answer(struct rmt_deal *deal, const struct rmt_answer *answer);

/* Removes it unless another took its place. Durable when it returns. */
bool rmt_answer_done(struct rmt_store *store, const char *user, const char *id,
		     uint64_t number, GError **err);

/* Of one user or (NULL) of all, until each returns false; what cannot be read is
 * skipped and logged. */
typedef bool rmt_answers_each(void *context, const struct rmt_answer *answer);
bool rmt_answers_walk(struct rmt_store *store, const char *user, rmt_answers_each *each,
		      void *context, GError **err);

bool rmt_answers_expire(struct rmt_store *store, int64_t now, uint64_t *removed_r,
			GError **err);
bool rmt_answers_erase(struct rmt_store *store, const char *user, uint64_t *erased_r,
		       GError **err);

#endif
