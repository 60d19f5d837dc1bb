/* SPDX-License-Identifier: MIT */
#include "common/limits/counters_sync.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <unistd.h>

#include "common/limits/counters_log.h"

/* Room is allocated for about as much again as there is, within these. */
enum { ROOM_MIN = 64 << 10, ROOM_MAX = 4 << 20 };

struct rmt_sync {
	GThread *thread;
	GMutex lock; /* of all below */
	GCond wake;
	int fd, directory_fd;
	GArray *retired; /* int */
	uint64_t offset, allocated;
	int64_t length; /* to cut to; -1: not */
	int error;
	bool dirty, quit;
};

/* A snapshot, as it were, of what is to be done. */
struct work {
	int fd, directory_fd;
	GArray *retired; /* own */
	uint64_t allocated, wanted;
};

static bool has_work(const struct rmt_sync *sync)
{
	return sync->dirty || sync->retired->len > 0;
}

static struct work take_work(struct rmt_sync *sync)
{
	uint64_t room = CLAMP(sync->offset, ROOM_MIN, ROOM_MAX);
	struct work work = { sync->fd, sync->directory_fd, sync->retired, sync->allocated,
			     0 };

	if (sync->fd >= 0 && sync->offset + room / 4 > sync->allocated) {
		work.wanted = sync->offset + room;
		sync->allocated = work.wanted;
	}
	sync->retired = g_array_new(false, false, sizeof(int));
	sync->directory_fd = -1;
	sync->dirty = false;
	return work;
}

static int sync_and_close(GArray *retired)
{
	int error = 0;
	guint i;

	for (i = 0; i < retired->len; i++) {
		if (fdatasync(g_array_index(retired, int, i)) != 0)
			error = errno;
		close(g_array_index(retired, int, i));
	}
	g_array_unref(retired);
	return error;
}

static int do_work(const struct work *work)
{
	int error = sync_and_close(work->retired);

	if (work->fd < 0)
		return error;
	/* Where this fails, the writer will hear it from his own write. */
	if (work->wanted > 0 && fallocate(work->fd, 0, (off_t)work->allocated,
					  (off_t)(work->wanted - work->allocated)) != 0)
		errno = 0;
	if (work->directory_fd >= 0 && fsync(work->directory_fd) != 0)
		error = errno;
	if (fdatasync(work->fd) != 0)
		error = errno;
	return error;
}

/* Lets records gather; not when the process waits for the end. */
static void rest(struct rmt_sync *sync)
{
	int64_t until = g_get_monotonic_time() + RMT_SYNC_REST_US;

	while (!sync->quit && g_cond_wait_until(&sync->wake, &sync->lock, until))
		;
}

static void *run(void *context)
{
	struct rmt_sync *sync = context;
	struct work work;
	int error;

	g_mutex_lock(&sync->lock);
	while (!sync->quit || has_work(sync)) {
		if (!has_work(sync)) {
			g_cond_wait(&sync->wake, &sync->lock);
			continue;
		}
		work = take_work(sync);
		g_mutex_unlock(&sync->lock);
		error = do_work(&work);
		g_mutex_lock(&sync->lock);
		rest(sync);
		if (error != 0)
			sync->error = error;
	}
	g_mutex_unlock(&sync->lock);
	return NULL;
}

struct rmt_sync *rmt_sync_start(void)
{
	struct rmt_sync *sync = g_new0(struct rmt_sync, 1);

	g_mutex_init(&sync->lock);
	g_cond_init(&sync->wake);
	sync->fd = sync->directory_fd = -1;
	sync->length = -1;
	sync->retired = g_array_new(false, false, sizeof(int));
	sync->thread = g_thread_new("counters-sync", run, sync);
	return sync;
}

void rmt_sync_stop(struct rmt_sync *sync)
{
	g_mutex_lock(&sync->lock);
	sync->quit = true;
	sync->dirty = sync->fd >= 0;
	g_cond_signal(&sync->wake);
	g_mutex_unlock(&sync->lock);
	g_thread_join(sync->thread);
	if (sync->fd >= 0) {
		if (sync->length >= 0 && ftruncate(sync->fd, sync->length) == 0)
			fdatasync(sync->fd);
		close(sync->fd);
	}
	g_array_unref(sync->retired);
	g_mutex_clear(&sync->lock);
	g_cond_clear(&sync->wake);
	g_free(sync);
}

void rmt_sync_switch(struct rmt_sync *sync, int fd, int directory_fd)
{
	g_mutex_lock(&sync->lock);
	if (sync->fd >= 0)
		g_array_append_val(sync->retired, sync->fd);
	sync->fd = fd;
	sync->directory_fd = directory_fd;
	sync->offset = sync->allocated = 0;
	sync->dirty = fd >= 0;
	g_cond_signal(&sync->wake);
	g_mutex_unlock(&sync->lock);
}

void rmt_sync_dirty(struct rmt_sync *sync, uint64_t offset)
{
	g_mutex_lock(&sync->lock);
	sync->offset = offset;
	if (!sync->dirty) {
		sync->dirty = true;
		g_cond_signal(&sync->wake); /* costs nothing while the thread is awake */
	}
	g_mutex_unlock(&sync->lock);
}

void rmt_sync_truncate(struct rmt_sync *sync, uint64_t length)
{
	g_mutex_lock(&sync->lock);
	sync->length = (int64_t)length;
	g_mutex_unlock(&sync->lock);
}

int rmt_sync_error(struct rmt_sync *sync)
{
	int error;

	g_mutex_lock(&sync->lock);
	error = sync->error;
	sync->error = 0;
	g_mutex_unlock(&sync->lock);
	return error;
}
