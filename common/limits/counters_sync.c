/* SPDX-License-Identifier: MIT */
#include "common/limits/counters_sync.h"

#include <errno.h>
#include <glib.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include "common/limits/counters_log.h"
#include "common/limits/counters_tail.h"

/* Rests in a row without work, after which the thread has to be woken. */
enum { IDLE_RESTS = 2 };

struct rmt_sync {
	pthread_t thread;
	pthread_mutex_t lock; /* of all below */
	pthread_cond_t wake;
	struct rmt_tail *tail; /* foreign; has a lock of its own */
	int fd, directory_fd;
	GArray *retired; /* own; int; or NULL */
	int64_t length;  /* to cut to; -1: not */
	int error;
	bool dirty, quit, asleep;
};

/* A snapshot, as it were, of what is to be done. */
struct work {
	int fd, directory_fd;
	GArray *retired; /* own; or NULL */
};

static bool has_work(const struct rmt_sync *sync)
{
	return sync->dirty || sync->retired != NULL;
}

static struct work take_work(struct rmt_sync *sync)
{
	struct work work = { .fd = sync->fd,
			     .directory_fd = sync->directory_fd,
			     .retired = sync->retired };

	sync->retired = NULL;
	sync->directory_fd = -1;
	sync->dirty = false;
	return work;
}

static int sync_and_close(GArray *retired)
{
	int error = 0;
	guint i;

	for (i = 0; retired != NULL && i < retired->len; i++) {
		if (fdatasync(g_array_index(retired, int, i)) != 0)
			error = errno;
		close(g_array_index(retired, int, i));
	}
	g_clear_pointer(&retired, g_array_unref);
	return error;
}

static int do_work(struct rmt_tail *tail, const struct work *work)
{
	int error = sync_and_close(work->retired);

	if (work->fd < 0)
		return error;
	if (work->directory_fd >= 0 && fsync(work->directory_fd) != 0)
		error = errno;
	if (!rmt_tail_drain(tail) || fdatasync(work->fd) != 0)
		error = errno;
	return error;
}

/* Lets records gather, the first as those behind it: what one message writes at its
 * three stages is waited for once. Not when the process waits for the end. */
static void rest(struct rmt_sync *sync)
{
	struct timespec until;
	int waited = 0;

	clock_gettime(CLOCK_MONOTONIC, &until); /* of this pause only */
	until.tv_nsec += RMT_SYNC_REST_US * 1000L;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	while (!sync->quit && waited == 0)
		waited = pthread_cond_timedwait(&sync->wake, &sync->lock, &until);
}

static void sleep_until_woken(struct rmt_sync *sync)
{
	sync->asleep = true;
	while (!sync->quit && !has_work(sync))
		pthread_cond_wait(&sync->wake, &sync->lock);
	sync->asleep = false;
}

/* To wake a thread costs the writer more than it costs the thread to look again: where
 * records come by hundreds a second it is never asleep. */
static void *run(void *context)
{
	struct rmt_sync *sync = context;
	struct work work;
	unsigned idle = IDLE_RESTS;
	int error;

	pthread_mutex_lock(&sync->lock);
	while (!sync->quit || has_work(sync)) {
		if (idle >= IDLE_RESTS)
			sleep_until_woken(sync);
		rest(sync);
		idle++;
		if (!has_work(sync))
			continue;
		idle = 0;
		work = take_work(sync);
		pthread_mutex_unlock(&sync->lock);
		error = do_work(sync->tail, &work);
		pthread_mutex_lock(&sync->lock);
		if (error != 0)
			sync->error = error;
	}
	pthread_mutex_unlock(&sync->lock);
	return NULL;
}

struct rmt_sync *rmt_sync_start(struct rmt_tail *tail)
{
	struct rmt_sync *sync = g_new0(struct rmt_sync, 1);
	pthread_condattr_t attributes;

	pthread_mutex_init(&sync->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&sync->wake, &attributes);
	pthread_condattr_destroy(&attributes);
	sync->tail = tail;
	sync->fd = sync->directory_fd = -1;
	sync->length = -1;
	if (pthread_create(&sync->thread, NULL, run, sync) != 0)
		g_error("counters: cannot start the thread that writes to the disk");
	return sync;
}

void rmt_sync_stop(struct rmt_sync *sync)
{
	pthread_mutex_lock(&sync->lock);
	sync->quit = true;
	sync->dirty = sync->fd >= 0;
	pthread_cond_signal(&sync->wake);
	pthread_mutex_unlock(&sync->lock);
	pthread_join(sync->thread, NULL);
	if (sync->fd >= 0) {
		if (sync->length >= 0 && ftruncate(sync->fd, sync->length) == 0)
			fdatasync(sync->fd);
		close(sync->fd);
	}
	pthread_mutex_destroy(&sync->lock);
	pthread_cond_destroy(&sync->wake);
	g_free(sync);
}

void rmt_sync_switch(struct rmt_sync *sync, int fd, int directory_fd)
{
	pthread_mutex_lock(&sync->lock);
	if (sync->fd >= 0 && sync->retired == NULL)
		sync->retired = g_array_new(false, false, sizeof(int));
	if (sync->fd >= 0)
		g_array_append_val(sync->retired, sync->fd);
	sync->fd = fd;
	sync->directory_fd = directory_fd;
	sync->dirty = fd >= 0;
	pthread_cond_signal(&sync->wake);
	pthread_mutex_unlock(&sync->lock);
}

void rmt_sync_dirty(struct rmt_sync *sync)
{
	pthread_mutex_lock(&sync->lock);
	sync->dirty = true;
	/* While it works or rests it will look by itself. */
	if (sync->asleep)
		pthread_cond_signal(&sync->wake);
	pthread_mutex_unlock(&sync->lock);
}

void rmt_sync_truncate(struct rmt_sync *sync, uint64_t length)
{
	pthread_mutex_lock(&sync->lock);
	sync->length = (int64_t)length;
	pthread_mutex_unlock(&sync->lock);
}

int rmt_sync_error(struct rmt_sync *sync)
{
	int error;

	pthread_mutex_lock(&sync->lock);
	error = sync->error;
	sync->error = 0;
	pthread_mutex_unlock(&sync->lock);
	return error;
}
