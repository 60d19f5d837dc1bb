/* SPDX-License-Identifier: MIT */
/* jobs.h - work that must be done although the machine or the other side fails.
 *
 * A job is (kind, id): the kind says who does it ("receipt", "unsubscribe",
 * "webhook", ...), the id is unique in its kind, so that what is put in twice
 * stands there once. What a job needs is in its payload, in a form of the kind's
 * own. A job that was tried is tried again at its time until it is done or its
 * end has come; what was given up stays FAILED for people to see until then.
 *
 *	struct rmt_job job = { .kind = "webhook", .id = id, .since = now,
 *			       .next = now, .until = now + DAY, .payload = text };
 *	rmt_job_add(store, &job, &is_new, &err);
 *	...
 *	rmt_jobs_due(store, now, 100, &jobs, &next, &err);
 *	for each: do it, then rmt_job_done(), rmt_job_again() or rmt_job_give_up()
 *
 * Stored in "jobs" under kind, NUL, id; "jobs-due" has an entry for each that is
 * WAITING, in the order of their times. One process does the jobs of a kind; any
 * may add them.
 */
#ifndef RMT_JOBS_H
#define RMT_JOBS_H

#include "common/store/deal.h"

enum rmt_job_state {
	RMT_JOB_WAITING,
	RMT_JOB_FAILED, /* given up */
};

enum {
	RMT_JOB_KIND_MAX = 31,
	RMT_JOB_ID_MAX = 400, /* octets, none of them NUL */
	RMT_JOB_NOTE_MAX = 300,
	RMT_JOB_PAYLOAD_MAX = 1 << 20,
};

struct rmt_job {
	char *kind, *id; /* own; for those of rmt_jobs_*() */
	enum rmt_job_state state;
	unsigned attempts;          /* so far */
	int64_t since, next, until; /* Unix seconds; until: given up then */
	char *note;                 /* own; how the last attempt went; or NULL */
	struct rmt_span payload;    /* own; for those of rmt_jobs_*() */
};
void rmt_job_free(struct rmt_job *job);
typedef struct rmt_job rmt_job; /* for g_autoptr(rmt_job) */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(rmt_job, rmt_job_free)

/* What could not be stored; the sentence says why. */
bool rmt_job_check(const struct rmt_job *job, GError **err);

/* Durable when it returns. A job that is there stays as it is, WAITING or FAILED;
 * is_new_r may be NULL. */
bool rmt_job_add(struct rmt_store *store, const struct rmt_job *job, bool *is_new_r,
		 GError **err);

/* The same as part of a deal, replacing what is there. */
void rmt_deal_put_job(struct rmt_deal *deal, const struct rmt_job *job);
void rmt_deal_remove_job(struct rmt_deal *deal, const char *kind, const char *id);
/* Later, with a note: as rmt_job_again(). */
void rmt_deal_put_job_again(struct rmt_deal *deal, const struct rmt_job *job,
			    int64_t next, const char *note);
/* The deal is off where the job is no longer there as it was read. */
void rmt_deal_if_job(struct rmt_deal *deal, const struct rmt_job *job);

/* Those WAITING whose time has come, the earliest first, count_max at most; own:
 * g_ptr_array_unref. next_r: when to ask again (INT64_MAX: when something was
 * added). Entries that lead nowhere are swept away. */
bool rmt_jobs_due(struct rmt_store *store, int64_t now, size_t count_max,
		  GPtrArray **jobs_r, int64_t *next_r, GError **err);

/* NULL in *job_r: none. Own. */
bool rmt_job_get(struct rmt_store *store, const char *kind, const char *id,
		 struct rmt_job **job_r, GError **err);

/* Each is durable when it returns, and does nothing where the job is gone. */
bool rmt_job_done(struct rmt_store *store, const struct rmt_job *job, GError **err);
bool rmt_job_again(struct rmt_store *store, const struct rmt_job *job, int64_t next,
		   const char *note, GError **err);
bool rmt_job_give_up(struct rmt_store *store, const struct rmt_job *job, const char *note,
		     GError **err);
/* By people: removed_r whether it was there. */
bool rmt_job_remove(struct rmt_store *store, const char *kind, const char *id,
		    bool *removed_r, GError **err);

/* When to try again after so many attempts: first, doubled each time, at most
 * last; with up to a tenth added by spread (any number), so that many do not
 * come back at once. */
int64_t rmt_job_back_off(unsigned attempts, int64_t first_secs, int64_t last_secs,
			 uint32_t spread);

/* Of one kind or (NULL) of all, in the order of kind and id, until each returns
 * false. What cannot be read is skipped and logged. */
typedef bool rmt_jobs_each(void *context, const struct rmt_job *job);
bool rmt_jobs_walk(struct rmt_store *store, const char *kind, rmt_jobs_each *each,
		   void *context, GError **err);

/* A stored job: for tests and fuzzers. key: kind, NUL, id. NULL: damaged. Own. */
struct rmt_job *rmt_job_read(struct rmt_span key, struct rmt_span value);

#endif
