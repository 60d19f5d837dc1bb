/* SPDX-License-Identifier: MIT */
/* Table "jobs": kind, NUL, id -> version (1), state, attempts, since, next,
 * until (numbers), note, payload (strings). Table "jobs-due": next (8 octets,
 * big-endian), kind, NUL, id -> version (1); an entry whose job is gone, or has
 * another next, means nothing. */
#include <string.h>

#include "common/base/log.h"
#include "common/store/jobs.h"
#include "common/store/pack.h"
#include "common/store/store_backend.h"

#define JOBS_TABLE "jobs"
#define DUE_TABLE  "jobs-due"

enum { JOB_VERSION = 1, DUE_TIME = 8 };

void rmt_job_free(struct rmt_job *job)
{
	if (job == NULL)
		return;
	g_free(job->kind);
	g_free(job->id);
	g_free(job->note);
	g_free((char *)job->payload.p);
	g_free(job);
}

static bool complain(GError **err, const char *text)
{
	g_set_error_literal(err, RMT_STORE_ERROR, RMT_STORE_ERROR_OTHER, text);
	return false;
}

bool rmt_job_check(const struct rmt_job *job, GError **err)
{
	size_t kind = strspn(job->kind, "abcdefghijklmnopqrstuvwxyz0123456789-");

	if (kind == 0 || kind > RMT_JOB_KIND_MAX || job->kind[kind] != '\0')
		return complain(err,
				"a job's kind is one word of a-z, 0-9, '-', up to 31");
	if (*job->id == '\0' || strlen(job->id) > RMT_JOB_ID_MAX)
		return complain(err, "a job's id has 1 to 400 octets");
	if (job->payload.len > RMT_JOB_PAYLOAD_MAX)
		return complain(err, "a job's payload has 1 MiB at most");
	return true;
}

static GString *key_of(const char *kind, const char *id)
{
	GString *key = g_string_new(kind);

	g_string_append_c(key, '\0');
	return g_string_append(key, id);
}

static GString *due_key_of(int64_t next, const char *kind, const char *id)
{
	uint64_t big_endian = GUINT64_TO_BE((uint64_t)MAX(next, 0));
	GString *key = g_string_new_len((const char *)&big_endian, DUE_TIME);

	g_string_append(key, kind);
	g_string_append_c(key, '\0');
	return g_string_append(key, id);
}

static struct rmt_span span(const GString *string)
{
	return rmt_span(string->str, string->len);
}

static void pack(GString *value, const struct rmt_job *job)
{
	rmt_pack_number(value, JOB_VERSION);
	rmt_pack_number(value, (uint64_t)job->state);
	rmt_pack_number(value, job->attempts);
	rmt_pack_number(value, (uint64_t)MAX(job->since, 0));
	rmt_pack_number(value, (uint64_t)MAX(job->next, 0));
	rmt_pack_number(value, (uint64_t)MAX(job->until, 0));
	rmt_pack_string(value, rmt_span_of(job->note));
	rmt_pack_string(value, job->payload);
}

static bool split_key(struct rmt_span key, struct rmt_job *job)
{
	struct rmt_span kind, id;

	if (!rmt_span_split(key, '\0', &kind, &id) || kind.len == 0 || id.len == 0 ||
	    memchr(id.p, '\0', id.len) != NULL)
		return false;
	job->kind = g_strndup(kind.p, kind.len);
	job->id = g_strndup(id.p, id.len);
	return true;
}

static struct rmt_span copy(struct rmt_span from)
{
	return rmt_span(from.len > 0 ? g_memdup2(from.p, from.len) : NULL, from.len);
}

struct rmt_job *rmt_job_read(struct rmt_span key, struct rmt_span value)
{
	g_autoptr(rmt_job) job = g_new0(struct rmt_job, 1);
	struct rmt_unpack in = { value, false };
	struct rmt_span note;
	uint64_t state, attempts;

	if (rmt_unpack_number(&in) != JOB_VERSION || !split_key(key, job))
		return NULL;
	state = rmt_unpack_number(&in);
	job->state = state == RMT_JOB_WAITING ? RMT_JOB_WAITING : RMT_JOB_FAILED;
	attempts = rmt_unpack_number(&in);
	job->attempts = (unsigned)MIN(attempts, UINT32_MAX);
	job->since = (int64_t)rmt_unpack_number(&in);
	job->next = (int64_t)rmt_unpack_number(&in);
	job->until = (int64_t)rmt_unpack_number(&in);
	note = rmt_unpack_string(&in);
	job->note = note.len > 0 ? g_strndup(note.p, note.len) : NULL;
	job->payload = copy(rmt_unpack_string(&in));
	return in.damaged || state > RMT_JOB_FAILED ? NULL : g_steal_pointer(&job);
}

/* --- as parts of a deal --- */

void rmt_deal_put_job(struct rmt_deal *deal, const struct rmt_job *job)
{
	g_autoptr(GString) key = key_of(job->kind, job->id);
	g_autoptr(GString) due = due_key_of(job->next, job->kind, job->id);
	g_autoptr(GString) value = g_string_new(NULL);
	static const char version = JOB_VERSION;

	pack(value, job);
	rmt_deal_put(deal, JOBS_TABLE, span(key), span(value));
	if (job->state == RMT_JOB_WAITING)
		rmt_deal_put(deal, DUE_TABLE, span(due), rmt_span(&version, 1));
}

/* What is left in "jobs-due" leads nowhere, and is swept when its time comes. */
void rmt_deal_remove_job(struct rmt_deal *deal, const char *kind, const char *id)
{
	g_autoptr(GString) key = key_of(kind, id);

	rmt_deal_remove(deal, JOBS_TABLE, span(key));
}

static void remove_due(struct rmt_deal *deal, const struct rmt_job *job)
{
	g_autoptr(GString) due = due_key_of(job->next, job->kind, job->id);

	rmt_deal_remove(deal, DUE_TABLE, span(due));
}

static char *note_of(const char *text)
{
	g_autoptr(GString) note = g_string_new(NULL);

	if (text == NULL)
		return NULL;
	rmt_log_printable(note, rmt_span_of(text), RMT_JOB_NOTE_MAX);
	return g_string_free(g_steal_pointer(&note), FALSE);
}

static void put_again(struct rmt_deal *deal, const struct rmt_job *job,
		      enum rmt_job_state state, int64_t next, const char *text)
{
	g_autofree char *note = note_of(text);
	struct rmt_job again = *job;

	again.attempts++;
	again.state = state;
	again.next = next;
	again.note = note;
	remove_due(deal, job);
	rmt_deal_put_job(deal, &again);
}

void rmt_deal_put_job_again(struct rmt_deal *deal, const struct rmt_job *job,
			    int64_t next, const char *note)
{
	put_again(deal, job, RMT_JOB_WAITING, next, note);
}

/* context: the job as read, foreign; it outlives the commit. */
static bool is_as_read(void *context, struct rmt_span stored)
{
	const struct rmt_job *job = context;
	struct rmt_unpack in = { stored, false };

	return stored.p != NULL && rmt_unpack_number(&in) == JOB_VERSION &&
	       rmt_unpack_number(&in) == (uint64_t)job->state &&
	       rmt_unpack_number(&in) == job->attempts && !in.damaged;
}

void rmt_deal_if_job(struct rmt_deal *deal, const struct rmt_job *job)
{
	g_autoptr(GString) key = key_of(job->kind, job->id);

	rmt_deal_if(deal, JOBS_TABLE, span(key), is_as_read, (void *)job);
}

/* --- by themselves --- */

static bool is_missing(void *context, struct rmt_span stored)
{
	(void)context;
	return stored.p == NULL;
}

bool rmt_job_add(struct rmt_store *store, const struct rmt_job *job, bool *is_new_r,
		 GError **err)
{
	g_autoptr(rmt_deal) deal = rmt_deal_new();
	g_autoptr(GString) key = key_of(job->kind, job->id);

	if (!rmt_job_check(job, err))
		return false;
	rmt_deal_if(deal, JOBS_TABLE, span(key), is_missing, NULL);
	rmt_deal_put_job(deal, job);
	return rmt_deal_commit(store, deal, is_new_r, err);
}

bool rmt_job_done(struct rmt_store *store, const struct rmt_job *job, GError **err)
{
	g_autoptr(rmt_deal) deal = rmt_deal_new();

	rmt_deal_if_job(deal, job);
	rmt_deal_remove_job(deal, job->kind, job->id);
	remove_due(deal, job);
	return rmt_deal_commit(store, deal, NULL, err);
}

static bool put_if_there(struct rmt_store *store, const struct rmt_job *job,
			 enum rmt_job_state state, int64_t next, const char *note,
			 GError **err)
{
	g_autoptr(rmt_deal) deal = rmt_deal_new();

	rmt_deal_if_job(deal, job);
	put_again(deal, job, state, next, note);
	return rmt_deal_commit(store, deal, NULL, err);
}

bool rmt_job_again(struct rmt_store *store, const struct rmt_job *job, int64_t next,
		   const char *note, GError **err)
{
	return put_if_there(store, job, RMT_JOB_WAITING, next, note, err);
}

bool rmt_job_give_up(struct rmt_store *store, const struct rmt_job *job, const char *note,
		     GError **err)
{
	return put_if_there(store, job, RMT_JOB_FAILED, job->next, note, err);
}

bool rmt_job_remove(struct rmt_store *store, const char *kind, const char *id,
		    bool *removed_r, GError **err)
{
	g_autoptr(GString) key = key_of(kind, id);
	struct rmt_store_change change = { .table = JOBS_TABLE, .remove = true };
	size_t removed;

	change.key = span(key);
	if (key->len > RMT_STORE_KEY_MAX)
		return complain(err, "there is no job with so long a name");
	if (!rmt_store_commit(store, &change, 1, &removed, err))
		return false;
	*removed_r = removed > 0;
	return true;
}

bool rmt_job_get(struct rmt_store *store, const char *kind, const char *id,
		 struct rmt_job **job_r, GError **err)
{
	g_autoptr(GString) key = key_of(kind, id);
	g_autoptr(GBytes) value = NULL;
	struct rmt_job *job = NULL;
	gsize size;
	const char *p;

	if (key->len > RMT_STORE_KEY_MAX)
		return complain(err, "there is no job with so long a name");
	if (!rmt_deal_read(store, JOBS_TABLE, span(key), &value, err))
		return false;
	if (value != NULL) {
		p = g_bytes_get_data(value, &size);
		job = rmt_job_read(span(key), rmt_span(p, size));
		if (job == NULL)
			return rmt_store_refused(JOBS_TABLE, err);
	}
	*job_r = job;
	return true;
}

int64_t rmt_job_back_off(unsigned attempts, int64_t first_secs, int64_t last_secs,
			 uint32_t spread)
{
	int64_t secs = first_secs;
	unsigned i;

	for (i = 1; i < attempts && secs < last_secs; i++)
		secs *= 2;
	secs = MIN(secs, last_secs);
	return secs + (int64_t)(spread % (uint32_t)(secs / 10 + 1));
}

/* --- what is due --- */

struct due {
	GPtrArray *keys; /* own; GString */
	int64_t now, next;
	size_t count_max;
};

static void free_string(void *string)
{
	g_string_free(string, TRUE);
}

static bool take_due(void *context, struct rmt_span key, struct rmt_span value)
{
	struct due *due = context;
	int64_t at = (int64_t)rmt_store_sequence(rmt_span(key.p, MIN(key.len, DUE_TIME)));

	(void)value;
	if (at > due->now || due->keys->len == due->count_max) {
		due->next = MIN(at, due->next);
		return false;
	}
	g_ptr_array_add(due->keys, g_string_new_len(key.p, (gssize)key.len));
	return true;
}

static bool sweep(struct rmt_store *store, const GString *due_key, GError **err)
{
	struct rmt_store_change change = { .table = DUE_TABLE,
					   .key = rmt_span(due_key->str, due_key->len),
					   .remove = true };

	return rmt_store_commit(store, &change, 1, NULL, err);
}

/* NULL in *job_r: the entry leads nowhere. */
static bool job_of_due(struct rmt_store *store, const GString *due_key,
		       struct rmt_job **job_r, GError **err)
{
	struct rmt_span key = rmt_span_from(span(due_key), DUE_TIME);
	int64_t at = (int64_t)rmt_store_sequence(rmt_span(due_key->str, DUE_TIME));
	g_autoptr(GBytes) value = NULL;
	g_autoptr(rmt_job) job = NULL;
	gsize size;
	const char *p;

	if (!rmt_deal_read(store, JOBS_TABLE, key, &value, err))
		return false;
	if (value != NULL) {
		p = g_bytes_get_data(value, &size);
		job = rmt_job_read(key, rmt_span(p, size));
		if (job == NULL)
			rmt_log(RMT_LOG_ERROR,
				"a job of kind '%s' is damaged or of a newer program: it "
				"is left alone (remite jobs remove)",
				key.p);
	}
	if (job != NULL && job->state == RMT_JOB_WAITING && job->next == at)
		*job_r = g_steal_pointer(&job);
	return true;
}

static bool take_jobs(struct rmt_store *store, const GPtrArray *keys, GPtrArray *jobs,
		      GError **err)
{
	struct rmt_job *job;
	guint i;

	for (i = 0; i < keys->len; i++) {
		const GString *key = g_ptr_array_index(keys, i);

		job = NULL;
		if (key->len > DUE_TIME && !job_of_due(store, key, &job, err))
			return false;
		if (job != NULL)
			g_ptr_array_add(jobs, job);
		else if (!sweep(store, key, err))
			return false;
	}
	return true;
}

bool rmt_jobs_due(struct rmt_store *store, int64_t now, size_t count_max,
		  GPtrArray **jobs_r, int64_t *next_r, GError **err)
{
	g_autoptr(GPtrArray) keys = g_ptr_array_new_with_free_func(free_string);
	g_autoptr(GPtrArray) jobs =
		g_ptr_array_new_with_free_func((GDestroyNotify)rmt_job_free);
	struct due due = { keys, now, INT64_MAX, count_max };

	if (!rmt_store_walk(store, DUE_TABLE, rmt_span(NULL, 0), take_due, &due, err) ||
	    !take_jobs(store, keys, jobs, err))
		return false;
	*jobs_r = g_steal_pointer(&jobs);
	*next_r = due.next;
	return true;
}

/* --- all --- */

struct walk {
	const char *kind;
	rmt_jobs_each *each;
	void *context;
};

static bool walk_entry(void *context, struct rmt_span key, struct rmt_span value)
{
	const struct walk *walk = context;
	g_autoptr(rmt_job) job = rmt_job_read(key, value);

	if (job == NULL) {
		rmt_log(RMT_LOG_ERROR, "a job is damaged or of a newer program: skipped");
		return true;
	}
	if (walk->kind != NULL && strcmp(job->kind, walk->kind) != 0)
		return false; /* they stand together */
	return walk->each(walk->context, job);
}

bool rmt_jobs_walk(struct rmt_store *store, const char *kind, rmt_jobs_each *each,
		   void *context, GError **err)
{
	g_autoptr(GString) from = g_string_new(kind);
	struct walk walk = { kind, each, context };

	if (kind != NULL)
		g_string_append_c(from, '\0');
	return rmt_store_walk(store, JOBS_TABLE, span(from), walk_entry, &walk, err);
}
