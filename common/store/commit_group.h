/* SPDX-License-Identifier: MIT */
/* commit_group.h - commits of many threads in one; for store_*.c alone.
 *
 * Who comes while a commit is under way waits for its end, and so do all who come
 * after him; the first who then wakes does the work of all. Where the disk takes
 * 5 ms for a commit, it takes them for twenty as well.
 *
 *	struct rmt_commit commit = { .changes = changes, .count = count };
 *	rmt_commit_group_do(&group, &commit, write_all_of_them, db);
 *	... commit.rc
 */
#ifndef RMT_COMMIT_GROUP_H
#define RMT_COMMIT_GROUP_H

#include "common/store/store.h"

/* What one caller brings. */
struct rmt_commit {
	const struct rmt_store_change *changes; /* foreign */
	size_t count;
	bool durable;
	/* Written by the work function. */
	int rc;
	size_t removed;
	const char *refused; /* foreign; a table's name */
	bool done;           /* the group's own */
};

struct rmt_commit_group {
	GMutex lock; /* of all below */
	GCond ended;
	GPtrArray *waiting; /* own; struct rmt_commit, foreign: on their callers' stacks
			     */
	bool busy;
};
void rmt_commit_group_init(struct rmt_commit_group *group);
void rmt_commit_group_finish(struct rmt_commit_group *group);

/* Does them all, in order, and tells each how it went. Runs in the thread of one
 * of the callers; one at a time. */
typedef void rmt_commit_work(void *context, struct rmt_commit **commits, size_t count);

/* Returns when it is done. work and context: the same for all of the group. */
void rmt_commit_group_do(struct rmt_commit_group *group, struct rmt_commit *commit,
			 rmt_commit_work *work, void *context);

/* Nobody's work begins until it is given back; what is under way ends first. */
void rmt_commit_group_keep(struct rmt_commit_group *group);
void rmt_commit_group_give_back(struct rmt_commit_group *group);

#endif
