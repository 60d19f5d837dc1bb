/* SPDX-License-Identifier: MIT */
#include "postfix-policy/milter/names.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/auth/zone.h"

enum { SLEEP_MAX_MS = 60000 };

/* What one call of rmt_names_run() waits for. */
struct batch {
	struct rmt_asker *const *askers; /* foreign */
	size_t count, left;
	int64_t deadline_us;
	pthread_cond_t done;
};

/* Plain pthreads: the thread sanitizer does not see into GMutex. */
struct rmt_names {
	pthread_mutex_t lock;
	struct rmt_zone *zone;         /* own; NULL: the resolver is used. Under lock */
	struct rmt_resolver *resolver; /* own; the thread's */
	GThread *thread;
	int wake;     /* eventfd: something was submitted, or stop */
	GQueue queue; /* foreign struct batch; under lock */
	bool stop;    /* under lock */
};

/* --- the resolver's thread ------------------------------------------------------- */

struct counted {
	struct rmt_names *names;
	struct batch *batch;
};

/* What a waiter sees of a batch it sees under the lock. */
static void asker_done(void *context, struct rmt_asker *asker)
{
	struct counted *counted = context;

	(void)asker;
	pthread_mutex_lock(&counted->names->lock);
	if (--counted->batch->left == 0)
		pthread_cond_signal(&counted->batch->done);
	pthread_mutex_unlock(&counted->names->lock);
	g_free(counted);
}

static void start_batch(struct rmt_names *names, struct batch *batch)
{
	/* With its last asker the batch may be gone. */
	const size_t count = batch->count;
	struct rmt_asker *const *askers = batch->askers;
	const int64_t deadline_us = batch->deadline_us;
	size_t i;

	for (i = 0; i < count; i++) {
		struct counted *counted = g_new(struct counted, 1);

		*counted = (struct counted){ names, batch };
		rmt_resolver_start(names->resolver, askers[i], deadline_us, asker_done,
				   counted);
	}
}

/* False: stop. */
static bool take_batches(struct rmt_names *names)
{
	struct batch *batch;
	uint64_t count;
	bool stop;

	if (read(names->wake, &count, sizeof(count)) < 0 && errno != EAGAIN)
		return false;
	do {
		pthread_mutex_lock(&names->lock);
		batch = g_queue_pop_head(&names->queue);
		stop = names->stop;
		pthread_mutex_unlock(&names->lock);
		if (batch != NULL)
			start_batch(names, batch);
	} while (batch != NULL);
	return !stop;
}

static int milliseconds_until(int64_t deadline_us)
{
	int64_t left_us;

	if (deadline_us == INT64_MAX)
		return SLEEP_MAX_MS;
	left_us = MAX(deadline_us - g_get_monotonic_time(), 0);
	return (int)MIN((left_us + 999) / 1000, SLEEP_MAX_MS);
}

static gpointer serve(gpointer data)
{
	struct rmt_names *names = data;
	struct pollfd fds[2] = { { names->wake, POLLIN, 0 },
				 { rmt_resolver_fd(names->resolver), POLLIN, 0 } };
	int64_t next_us = INT64_MAX;

	do {
		poll(fds, G_N_ELEMENTS(fds), milliseconds_until(next_us));
		rmt_resolver_process(names->resolver);
		if (!take_batches(names))
			break;
		next_us = rmt_resolver_expire(names->resolver, g_get_monotonic_time());
	} while (true);
	return NULL;
}

static void wake_up(struct rmt_names *names)
{
	const uint64_t one = 1;

	if (write(names->wake, &one, sizeof(one)) != sizeof(one))
		g_warning("names: eventfd: %s", g_strerror(errno));
}

/* --- for everybody ----------------------------------------------------------------- */

static bool open_zone(struct rmt_names *names, const char *dns_file, GError **err)
{
	names->zone = rmt_zone_new();
	return rmt_zone_add_file(names->zone, dns_file, err);
}

static bool open_resolver(struct rmt_names *names,
			  const struct rmt_resolver_settings *settings, GError **err)
{
	names->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (names->wake < 0) {
		g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_FAILED, "eventfd: %s",
			    g_strerror(errno));
		return false;
	}
	if (!rmt_resolver_open(&names->resolver, settings, err))
		return false;
	names->thread = g_thread_new("dns", serve, names);
	return true;
}

bool rmt_names_open(struct rmt_names **names_r, const char *dns_file,
		    const struct rmt_resolver_settings *settings, GError **err)
{
	struct rmt_names *names = g_new0(struct rmt_names, 1);

	names->wake = -1;
	pthread_mutex_init(&names->lock, NULL);
	g_queue_init(&names->queue);
	if (dns_file != NULL ? !open_zone(names, dns_file, err)
			     : !open_resolver(names, settings, err)) {
		rmt_names_close(&names);
		return false;
	}
	*names_r = names;
	return true;
}

void rmt_names_close(struct rmt_names **names_ptr)
{
	struct rmt_names *names = *names_ptr;

	*names_ptr = NULL;
	if (names == NULL)
		return;
	if (names->thread != NULL) {
		pthread_mutex_lock(&names->lock);
		names->stop = true;
		pthread_mutex_unlock(&names->lock);
		wake_up(names);
		g_thread_join(names->thread);
	}
	rmt_resolver_close(&names->resolver);
	rmt_zone_free(names->zone);
	if (names->wake >= 0)
		close(names->wake);
	pthread_mutex_destroy(&names->lock);
	g_free(names);
}

static void run_in_zone(struct rmt_names *names, struct rmt_asker *const *askers,
			size_t count)
{
	size_t i;

	pthread_mutex_lock(&names->lock);
	for (i = 0; i < count; i++)
		rmt_zone_run(names->zone, askers[i]);
	pthread_mutex_unlock(&names->lock);
}

static void run_in_thread(struct rmt_names *names, struct batch *batch)
{
	pthread_cond_init(&batch->done, NULL);
	pthread_mutex_lock(&names->lock);
	g_queue_push_tail(&names->queue, batch);
	wake_up(names);
	while (batch->left > 0)
		pthread_cond_wait(&batch->done, &names->lock);
	pthread_mutex_unlock(&names->lock);
	pthread_cond_destroy(&batch->done);
}

void rmt_names_run(struct rmt_names *names, struct rmt_asker *const *askers, size_t count,
		   int64_t deadline_us)
{
	struct batch batch = { .askers = askers,
			       .count = count,
			       .left = count,
			       .deadline_us = deadline_us };
	size_t i, waiting = 0;

	for (i = 0; i < count; i++)
		waiting += askers[i]->waits;
	if (waiting == 0)
		return;
	if (names->zone != NULL)
		run_in_zone(names, askers, count);
	else
		run_in_thread(names, &batch);
}
