/* SPDX-License-Identifier: MIT */
#include "postfix-policy/policyd/bulk_keeper.h"

#include "common/base/log.h"

enum { WRITE_SECS = 60 };

/* What the thread is given, and gives back. */
struct writing {
	struct rmt_store *store; /* foreign */
	GPtrArray *rows;         /* own; struct rmt_bulk_row; or NULL */
	GPtrArray *forgotten;    /* own; pairs of strings: organisation, provider */
	gint done;               /* atomic */
};

struct rmt_bulk_keeper {
	struct rmt_store *store; /* foreign */
	struct rmt_bulk *bulk;   /* own */
	GPtrArray *forgotten;    /* own; as above, for the next writing */
	GThread *thread;         /* or NULL */
	struct writing *writing; /* own; the thread's until it is done */
	int64_t next_write;      /* Unix seconds */
};

static GPtrArray *new_strings(void)
{
	return g_ptr_array_new_with_free_func(g_free);
}

struct rmt_bulk_keeper *rmt_bulk_keeper_new(struct rmt_store *store,
					    const struct rmt_psl *psl)
{
	struct rmt_bulk_keeper *keeper = g_new0(struct rmt_bulk_keeper, 1);
	g_autoptr(GError) err = NULL;

	keeper->store = store;
	keeper->bulk = rmt_bulk_new(psl);
	keeper->forgotten = new_strings();
	if (!rmt_bulk_load(keeper->bulk, store, &err))
		rmt_log(RMT_LOG_ERROR, "bulk senders cannot be read: %s", err->message);
	return keeper;
}

/* --- writing ------------------------------------------------------------------------ */

static bool forget_all(const struct writing *writing, GError **err)
{
	bool found;
	guint i;

	for (i = 0; i + 1 < writing->forgotten->len; i += 2)
		if (!rmt_bulk_forget(writing->store, writing->forgotten->pdata[i],
				     writing->forgotten->pdata[i + 1], &found, err))
			return false;
	return true;
}

static gpointer write_all(gpointer data)
{
	struct writing *writing = data;
	g_autoptr(GError) err = NULL;

	if (!forget_all(writing, &err) ||
	    (writing->rows != NULL &&
	     !rmt_bulk_commit(writing->store, writing->rows, &err)))
		rmt_log(RMT_LOG_ERROR, "bulk senders cannot be written: %s",
			err->message);
	g_atomic_int_set(&writing->done, 1);
	return NULL;
}

static struct writing *new_writing(struct rmt_bulk_keeper *keeper)
{
	GPtrArray *rows = rmt_bulk_take_changed(keeper->bulk);
	struct writing *writing;

	if (rows == NULL && keeper->forgotten->len == 0)
		return NULL;
	writing = g_new0(struct writing, 1);
	writing->store = keeper->store;
	writing->rows = rows;
	writing->forgotten = g_steal_pointer(&keeper->forgotten);
	keeper->forgotten = new_strings();
	return writing;
}

static void free_writing(struct writing *writing)
{
	if (writing->rows != NULL)
		g_ptr_array_unref(writing->rows);
	g_ptr_array_unref(writing->forgotten);
	g_free(writing);
}

static void join(struct rmt_bulk_keeper *keeper)
{
	if (keeper->thread == NULL)
		return;
	g_thread_join(g_steal_pointer(&keeper->thread));
	g_clear_pointer(&keeper->writing, free_writing);
}

void rmt_bulk_keeper_turn(struct rmt_bulk_keeper *keeper, int64_t now)
{
	if (keeper->writing != NULL && g_atomic_int_get(&keeper->writing->done) != 0)
		join(keeper);
	if (keeper->writing != NULL || now < keeper->next_write)
		return;
	keeper->next_write = now + WRITE_SECS;
	keeper->writing = new_writing(keeper);
	if (keeper->writing != NULL)
		keeper->thread = g_thread_new("bulk", write_all, keeper->writing);
}

void rmt_bulk_keeper_free(struct rmt_bulk_keeper *keeper)
{
	if (keeper == NULL)
		return;
	join(keeper);
	keeper->writing = new_writing(keeper);
	if (keeper->writing != NULL) {
		write_all(keeper->writing);
		free_writing(keeper->writing);
	}
	rmt_bulk_free(keeper->bulk);
	g_ptr_array_unref(keeper->forgotten);
	g_free(keeper);
}

/* --- counting ------------------------------------------------------------------------
 */

void rmt_bulk_keeper_sent(struct rmt_bulk_keeper *keeper, struct rmt_span sender,
			  struct rmt_span recipient, int64_t now)
{
	const struct rmt_bulk_row *row = NULL;
	const unsigned reached = rmt_bulk_add(keeper->bulk, sender, recipient, now, &row);

	if (reached == 0)
		return;
	keeper->next_write = 0;
	if (reached == RMT_BULK_WARN)
		rmt_log(RMT_LOG_WARNING,
			"bulk: %s has sent to %d recipients at %s within a day: from %d "
			"on it is a bulk sender there for good (remite check %s)",
			row->org, RMT_BULK_WARN, row->provider, RMT_BULK_LIMIT, row->org);
	else
		rmt_log(RMT_LOG_WARNING,
			"bulk: %s is a bulk sender at %s from now on, for good: %d "
			"recipients within a day (remite check %s)",
			row->org, row->provider, RMT_BULK_LIMIT, row->org);
}

void rmt_bulk_keeper_each(struct rmt_bulk_keeper *keeper, int64_t now,
			  rmt_bulk_tell *tell, void *context)
{
	rmt_bulk_each_near(keeper->bulk, now, tell, context);
}

bool rmt_bulk_keeper_forget(struct rmt_bulk_keeper *keeper, const char *org,
			    const char *provider)
{
	if (!rmt_bulk_drop(keeper->bulk, org, provider))
		return false;
	g_ptr_array_add(keeper->forgotten, g_strdup(org));
	g_ptr_array_add(keeper->forgotten, g_strdup(provider));
	keeper->next_write = 0;
	return true;
}
