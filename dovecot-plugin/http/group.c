/* SPDX-License-Identifier: MIT */
#include "dovecot-plugin/http/group.h"

#include <errno.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/base/log.h"

enum { COMMIT_MAX = 512 };

struct waiting {
	struct rmt_wish wish; /* all of it own */
	struct rmt_leaving leaving;
	rmt_group_answered *answered;
	void *context;
};

/* One commit: the loop's, then the thread's, then the loop's again. */
struct batch {
	GPtrArray *waiting; /* own; struct waiting; empty: the thread is to end */
	bool ok;
	GError *err; /* own */
};

struct rmt_group {
	struct rmt_store *store;   /* foreign */
	GPtrArray *waiting;        /* own; struct waiting, of the next commit */
	GAsyncQueue *begun, *done; /* own; struct batch: one at most, in one of them */
	GHashTable *left;          /* own; names of streams */
	bool busy;                 /* a batch is out */
	int fd;                    /* own; an event for each batch that is done */
	GThread *thread;           /* own */
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

static struct batch *new_batch(void)
{
	struct batch *batch = g_new0(struct batch, 1);

	batch->waiting = g_ptr_array_new_with_free_func(free_waiting);
	return batch;
}

static void free_batch(struct batch *batch)
{
	g_ptr_array_unref(batch->waiting);
	g_clear_error(&batch->err);
	g_free(batch);
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
	one->leaving =
		(struct rmt_leaving){ .wish = &one->wish, .sent_at = wish->entry.since };
	one->answered = answered;
	one->context = context;
	g_ptr_array_add(group->waiting, one);
}

/* --- the thread ------------------------------------------------------------------- */

static struct rmt_deal *make_deal(GPtrArray *batch)
{
	struct rmt_deal *deal = rmt_deal_new();
	struct rmt_leaving *leavings[COMMIT_MAX];
	struct rmt_suppress_deal parts;
	guint i;

	for (i = 0; i < batch->len; i++)
		leavings[i] = &((struct waiting *)batch->pdata[i])->leaving;
	rmt_suppress_deal_begin(&parts, deal);
	rmt_leavings_put(&parts, leavings, batch->len, g_get_real_time());
	rmt_suppress_deal_end(&parts);
	return deal;
}

/* Logs nothing: the sink is the host's, and the host has one thread. */
static gpointer commit_all(gpointer data)
{
	struct rmt_group *group = data;
	struct batch *batch;
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, NULL); /* signals are the host's */
	while ((batch = g_async_queue_pop(group->begun))->waiting->len > 0) {
		g_autoptr(rmt_deal) deal = make_deal(batch->waiting);

		batch->ok = rmt_deal_commit(group->store, deal, NULL, &batch->err);
		g_async_queue_push(group->done, batch);
		eventfd_write(group->fd, 1);
	}
	free_batch(batch);
	return NULL;
}

/* --- the loop --------------------------------------------------------------------- */

struct rmt_group *rmt_group_new(struct rmt_store *store)
{
	struct rmt_group *group = g_new0(struct rmt_group, 1);

	group->store = store;
	group->waiting = g_ptr_array_new_with_free_func(free_waiting);
	group->left = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	group->begun = g_async_queue_new();
	group->done = g_async_queue_new();
	group->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (group->fd < 0)
		g_error("eventfd: %s", g_strerror(errno));
	group->thread = g_thread_new("commit", commit_all, group);
	return group;
}

/* Those that came first; the others wait for the next commit. */
static struct batch *take_batch(struct rmt_group *group)
{
	struct batch *batch = new_batch();
	const guint count = MIN(group->waiting->len, (guint)COMMIT_MAX);
	guint i;

	for (i = 0; i < count; i++)
		g_ptr_array_add(batch->waiting, group->waiting->pdata[i]);
	g_ptr_array_set_free_func(group->waiting, NULL);
	if (count > 0)
		g_ptr_array_remove_range(group->waiting, 0, count);
	g_ptr_array_set_free_func(group->waiting, free_waiting);
	return batch;
}

void rmt_group_start(struct rmt_group *group)
{
	if (group->busy || group->waiting->len == 0)
		return;
	group->busy = true;
	g_async_queue_push(group->begun, take_batch(group));
}

int rmt_group_fd(const struct rmt_group *group)
{
	return group->fd;
}

static void answer(GPtrArray *answered, bool ok)
{
	guint i;

	for (i = 0; i < answered->len; i++) {
		struct waiting *one = answered->pdata[i];

		one->answered(one->context, ok);
	}
}

static void note_left(struct rmt_group *group, const GPtrArray *answered)
{
	guint i;

	for (i = 0; i < answered->len; i++) {
		const struct waiting *one = answered->pdata[i];

		if (one->leaving.counted &&
		    !g_hash_table_contains(group->left, one->wish.stream))
			g_hash_table_add(group->left, g_strdup(one->wish.stream));
	}
}

char *rmt_group_take_left(struct rmt_group *group)
{
	GHashTableIter iter;
	gpointer name;

	g_hash_table_iter_init(&iter, group->left);
	if (!g_hash_table_iter_next(&iter, &name, NULL))
		return NULL;
	g_hash_table_iter_steal(&iter);
	return name;
}

static void log_kept(const GPtrArray *kept)
{
	const struct rmt_wish *wishes[COMMIT_MAX];
	guint i;

	for (i = 0; i < kept->len; i++)
		wishes[i] = &((const struct waiting *)kept->pdata[i])->wish;
	rmt_wish_log(wishes, kept->len);
}

static void end_batch(struct rmt_group *group, struct batch *batch)
{
	if (!batch->ok)
		rmt_log(RMT_LOG_ERROR, "%u unsubscribes could not be kept: %s",
			batch->waiting->len, batch->err->message);
	answer(batch->waiting, batch->ok);
	if (batch->ok) {
		note_left(group, batch->waiting);
		log_kept(batch->waiting);
	}
	free_batch(batch);
}

/* The next commit waits for the disk while these are answered. */
void rmt_group_finish(struct rmt_group *group)
{
	struct batch *batch;
	eventfd_t events;

	eventfd_read(group->fd, &events);
	batch = g_async_queue_try_pop(group->done);
	if (batch == NULL)
		return;
	group->busy = false;
	rmt_group_start(group);
	end_batch(group, batch);
}

void rmt_group_free(struct rmt_group *group)
{
	if (group == NULL)
		return;
	g_async_queue_push(group->begun, new_batch());
	g_thread_join(group->thread);
	if (group->busy)
		end_batch(group, g_async_queue_pop(group->done));
	answer(group->waiting, false);
	g_ptr_array_unref(group->waiting);
	g_hash_table_unref(group->left);
	g_async_queue_unref(group->begun);
	g_async_queue_unref(group->done);
	close(group->fd);
	g_free(group);
}
