/* SPDX-License-Identifier: MIT */
#include "dovecot-plugin/http/group.h"

#include "common/base/log.h"

enum { COMMIT_MAX = 512 };

struct waiting {
	struct rmt_wish wish; /* all of it own */
	rmt_group_answered *answered;
	void *context;
};

struct rmt_group {
	struct rmt_store *store; /* foreign */
	GPtrArray *waiting;      /* own; struct waiting */
};

static void free_waiting(void *data)
{
	struct waiting *one = data;

	g_free(one->wish.entry.scope);
	g_free(one->wish.entry.address);
	g_free(one->wish.entry.reason);
	g_free(one->wish.entry.source);
	g_free(one->wish.entry.note);
	g_free((char *)one->wish.stream);
	g_free((char *)one->wish.by);
	g_free((char *)one->wish.lists);
	g_free(one);
}

static const struct rmt_wish *wish_at(const GPtrArray *batch, guint i)
{
	return &((const struct waiting *)batch->pdata[i])->wish;
}

struct rmt_group *rmt_group_new(struct rmt_store *store)
{
	struct rmt_group *group = g_new0(struct rmt_group, 1);

	group->store = store;
	group->waiting = g_ptr_array_new_with_free_func(free_waiting);
	return group;
}

static void answer(GPtrArray *answered, bool ok)
{
	guint i;

	for (i = 0; i < answered->len; i++) {
		struct waiting *one = answered->pdata[i];

		one->answered(one->context, ok);
	}
}

void rmt_group_free(struct rmt_group *group)
{
	if (group == NULL)
		return;
	answer(group->waiting, false);
	g_ptr_array_unref(group->waiting);
	g_free(group);
}

void rmt_group_add(struct rmt_group *group, const struct rmt_wish *wish,
		   rmt_group_answered *answered, void *context)
{
	struct waiting *one = g_new0(struct waiting, 1);

	one->wish = *wish;
	one->wish.entry.scope = g_strdup(wish->entry.scope);
	one->wish.entry.address = g_strdup(wish->entry.address);
	one->wish.entry.reason = g_strdup(wish->entry.reason);
	one->wish.entry.source = g_strdup(wish->entry.source);
	one->wish.entry.note = g_strdup(wish->entry.note);
	one->wish.stream = g_strdup(wish->stream);
	one->wish.by = g_strdup(wish->by);
	one->wish.lists = g_strdup(wish->lists);
	one->answered = answered;
	one->context = context;
	g_ptr_array_add(group->waiting, one);
}

bool rmt_group_waits(const struct rmt_group *group)
{
	return group->waiting->len > 0;
}

/* --- what is written -------------------------------------------------------------- */

static struct rmt_deal *make_deal(GPtrArray *batch)
{
	struct rmt_deal *deal = rmt_deal_new();
	struct rmt_suppress_deal parts;
	guint i;

	rmt_suppress_deal_begin(&parts, deal);
	for (i = 0; i < batch->len; i++)
		rmt_wish_put(&parts, wish_at(batch, i), g_get_real_time());
	rmt_suppress_deal_end(&parts);
	return deal;
}

/* Those that came first; the others wait for the next commit. */
static GPtrArray *take_batch(struct rmt_group *group)
{
	GPtrArray *batch = g_ptr_array_new_with_free_func(free_waiting);
	const guint count = MIN(group->waiting->len, (guint)COMMIT_MAX);
	guint i;

	for (i = 0; i < count; i++)
		g_ptr_array_add(batch, group->waiting->pdata[i]);
	g_ptr_array_set_free_func(group->waiting, NULL);
	if (count > 0)
		g_ptr_array_remove_range(group->waiting, 0, count);
	g_ptr_array_set_free_func(group->waiting, free_waiting);
	return batch;
}

void rmt_group_commit(struct rmt_group *group)
{
	g_autoptr(GPtrArray) batch = take_batch(group);
	g_autoptr(rmt_deal) deal = NULL;
	g_autoptr(GError) err = NULL;
	bool ok;
	guint i;

	if (batch->len == 0)
		return;
	deal = make_deal(batch);
	ok = rmt_deal_commit(group->store, deal, NULL, &err);
	if (!ok)
		rmt_log(RMT_LOG_ERROR, "%u unsubscribes could not be kept: %s",
			batch->len, err->message);
	answer(batch, ok);
	for (i = 0; ok && i < batch->len; i++)
		rmt_wish_log(wish_at(batch, i));
}
