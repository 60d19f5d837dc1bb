/* SPDX-License-Identifier: MIT */
#include "common/base/log.h"
#include "dovecot-plugin/agent/queue.h"

/* Below LOW at work, more are read, up to MAX: each job is read about twice. */
enum { AT_WORK_LOW = 32, AT_WORK_MAX = 128, SOON_SECS = 5 };

struct rmt_queue {
	struct rmt_agent *agent; /* foreign */
	GAsyncQueue *jobs;       /* own; struct rmt_job, or &end_of_work */
	GPtrArray *threads;      /* own */
	GMutex lock;
	GHashTable *at_work; /* own; "kind id" of those handed out */
};

static char end_of_work;

static char *name_of(const struct rmt_job *job)
{
	return g_strdup_printf("%s %s", job->kind, job->id);
}

static void run(struct rmt_agent *agent, struct rmt_agent_worker *worker,
		const struct rmt_job *job)
{
	const struct rmt_agent_kind *kind = rmt_agent_kind(job->kind);
	g_autoptr(GError) err = NULL;

	if (kind != NULL && kind->run != NULL) {
		kind->run(agent, worker, job);
		return;
	}
	/* Of a newer program, or of one that was removed. */
	rmt_log(RMT_LOG_WARNING, "jobs: nobody does '%s' here: it is given up",
		job->kind);
	if (!rmt_job_give_up(agent->store, job, "this agent does not know the kind",
			     &err))
		rmt_log(RMT_LOG_ERROR, "jobs: %s", err->message);
}

/* It may have been read before another thread had done it. */
static bool still_there(struct rmt_agent *agent, const struct rmt_job *job)
{
	g_autoptr(rmt_job) now = NULL;
	g_autoptr(GError) err = NULL;

	if (!rmt_job_get(agent->store, job->kind, job->id, &now, &err)) {
		rmt_log(RMT_LOG_ERROR, "jobs: %s", err->message);
		return false;
	}
	return now != NULL && now->state == job->state &&
	       now->attempts == job->attempts && now->next == job->next;
}

static void done(struct rmt_queue *queue, const struct rmt_job *job)
{
	g_autofree char *name = name_of(job);

	g_mutex_lock(&queue->lock);
	g_hash_table_remove(queue->at_work, name);
	g_mutex_unlock(&queue->lock);
	queue->agent->wake(queue->agent->context);
}

static void *work(void *data)
{
	struct rmt_queue *queue = data;
	struct rmt_agent_worker worker = { .submission = rmt_submission_new(
						   &queue->agent->config->submission) };
	struct rmt_job *job;

	while ((job = g_async_queue_pop(queue->jobs)) != (void *)&end_of_work) {
		if (still_there(queue->agent, job))
			run(queue->agent, &worker, job);
		done(queue, job);
		rmt_job_free(job);
	}
	rmt_submission_free(worker.submission);
	return NULL;
}

struct rmt_queue *rmt_queue_new(struct rmt_agent *agent, unsigned workers)
{
	struct rmt_queue *queue = g_new0(struct rmt_queue, 1);
	unsigned i;

	queue->agent = agent;
	queue->jobs = g_async_queue_new();
	queue->threads = g_ptr_array_new();
	queue->at_work = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_mutex_init(&queue->lock);
	for (i = 0; i < workers; i++)
		g_ptr_array_add(queue->threads, g_thread_new("worker", work, queue));
	return queue;
}

void rmt_queue_free(struct rmt_queue *queue)
{
	struct rmt_job *job;
	guint i;

	if (queue == NULL)
		return;
	while ((job = g_async_queue_try_pop(queue->jobs)) != NULL)
		rmt_job_free(job);
	for (i = 0; i < queue->threads->len; i++)
		g_async_queue_push(queue->jobs, &end_of_work);
	for (i = 0; i < queue->threads->len; i++)
		g_thread_join(g_ptr_array_index(queue->threads, i));
	g_ptr_array_free(queue->threads, TRUE);
	g_async_queue_unref(queue->jobs);
	g_hash_table_unref(queue->at_work);
	g_mutex_clear(&queue->lock);
	g_free(queue);
}

/* False: it is at work already. */
static bool take(struct rmt_queue *queue, const struct rmt_job *job)
{
	bool is_new;

	g_mutex_lock(&queue->lock);
	is_new = g_hash_table_add(queue->at_work, name_of(job));
	g_mutex_unlock(&queue->lock);
	return is_new;
}

static guint count_at_work(struct rmt_queue *queue)
{
	guint count;

	g_mutex_lock(&queue->lock);
	count = g_hash_table_size(queue->at_work);
	g_mutex_unlock(&queue->lock);
	return count;
}

/* What is at work is still due in the store, and comes along. */
int64_t rmt_queue_turn(struct rmt_queue *queue)
{
	int64_t now = rmt_agent_now(queue->agent), next = INT64_MAX;
	g_autoptr(GPtrArray) jobs = NULL;
	g_autoptr(GError) err = NULL;
	guint i;

	if (count_at_work(queue) >= AT_WORK_LOW)
		return INT64_MAX; /* woken when one is done */
	if (!rmt_jobs_due(queue->agent->store, now, AT_WORK_MAX, &jobs, &next, &err)) {
		rmt_log(RMT_LOG_ERROR, "jobs: %s", err->message);
		return now + SOON_SECS;
	}
	for (i = 0; i < jobs->len; i++)
		if (take(queue, g_ptr_array_index(jobs, i)))
			g_async_queue_push(queue->jobs, g_steal_pointer(&jobs->pdata[i]));
	return next;
}
