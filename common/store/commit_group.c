/* SPDX-License-Identifier: MIT */
#include "common/store/commit_group.h"

#include <string.h>

/* So that nobody waits for a whole crowd, nor a writer in another process. */
enum { TOGETHER_MAX = 64 };

void rmt_commit_group_init(struct rmt_commit_group *group)
{
	memset(group, 0, sizeof(*group));
	g_mutex_init(&group->lock);
	g_cond_init(&group->ended);
	group->waiting = g_ptr_array_new();
}

void rmt_commit_group_finish(struct rmt_commit_group *group)
{
	g_assert(!group->busy && group->waiting->len == 0);
	g_ptr_array_unref(group->waiting);
	g_cond_clear(&group->ended);
	g_mutex_clear(&group->lock);
}

/* Under lock, which is let go meanwhile. */
static void lead(struct rmt_commit_group *group, rmt_commit_work *work, void *context)
{
	struct rmt_commit *commits[TOGETHER_MAX];
	guint i, count = MIN(group->waiting->len, TOGETHER_MAX);

	memcpy(commits, group->waiting->pdata, count * sizeof(*commits));
	g_ptr_array_remove_range(group->waiting, 0, count);
	group->busy = true;
	g_mutex_unlock(&group->lock);
	work(context, commits, count);
	g_mutex_lock(&group->lock);
	for (i = 0; i < count; i++)
		commits[i]->done = true;
	group->busy = false;
	g_cond_broadcast(&group->ended);
}

void rmt_commit_group_do(struct rmt_commit_group *group, struct rmt_commit *commit,
			 rmt_commit_work *work, void *context)
{
	g_mutex_lock(&group->lock);
	commit->done = false;
	g_ptr_array_add(group->waiting, commit);
	while (!commit->done) {
		if (group->busy)
			g_cond_wait(&group->ended, &group->lock);
		else
			lead(group, work, context);
	}
	g_mutex_unlock(&group->lock);
}

void rmt_commit_group_keep(struct rmt_commit_group *group)
{
	g_mutex_lock(&group->lock);
	while (group->busy)
		g_cond_wait(&group->ended, &group->lock);
	group->busy = true;
	g_mutex_unlock(&group->lock);
}

void rmt_commit_group_give_back(struct rmt_commit_group *group)
{
	g_mutex_lock(&group->lock);
	group->busy = false;
	g_cond_broadcast(&group->ended);
	g_mutex_unlock(&group->lock);
}
