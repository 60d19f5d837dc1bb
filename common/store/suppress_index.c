/* SPDX-License-Identifier: MIT */
/* suppress_index.c - the reader's filter in front of the store.
 *
 * A filter stands for a place in the journal: it knows every hash up to there.
 * Following the journal brings it on; where the journal was trimmed before we
 * came, or more has come than may be read between two requests, the filter is
 * dropped, look-ups ask the store alone, and a new one is built.
 */
#include <signal.h>
#include <string.h>

#include "common/base/background.h"
#include "common/base/log.h"
#include "common/store/filter.h"
#include "common/store/suppress_record.h"

enum {
	CAPACITY_MIN = 65536,
	CAPACITY_SPARE_MAX = 2000000,
	FOLLOW_MAX = 65536,  /* hashes in one go: about 2 ms */
	BUILD_FOLLOW = 8192, /* keys walked between two looks at the journal */
	RETRY_AFTER = 1000,  /* calls, when a build failed */
};

/* A filter and how far it has followed. */
struct follower {
	struct rmt_filter *filter; /* own */
	uint64_t position;         /* number of the last record seen */
	/* Of one run. */
	bool begun;      /* the first record was looked at */
	bool from_any;   /* the first record may be any: nothing is built on it yet */
	bool lost;       /* records are missing, or cannot be read */
	uint64_t budget; /* hashes that may still be read */
};

struct build {
	struct rmt_store *store; /* foreign */
	GThread *thread;         /* own */
	gint stop, done;         /* atomic */
	struct follower follower;
	uint64_t walked;
	bool ok;
};

struct rmt_suppress_index {
	struct rmt_store *store;  /* foreign */
	struct follower follower; /* filter NULL: ask the store alone */
	uint64_t seen;            /* version that the follower has read */
	struct build *build;      /* own; under way, or NULL */
	unsigned retry_in;
};

/* --- following --- */

static void add_record(struct follower *follower, struct rmt_span record)
{
	uint64_t hash;

	if (!rmt_journal_begin(&record)) {
		follower->lost = true;
		return;
	}
	while (rmt_journal_next(&record, &hash)) {
		rmt_filter_add(follower->filter, hash);
		follower->budget -= follower->budget > 0;
	}
}

static bool follow_record(void *context, struct rmt_span key, struct rmt_span value)
{
	struct follower *follower = context;
	uint64_t number = rmt_store_sequence(key);

	if (!follower->begun) {
		/* The last record seen must still be there, else some may be gone. */
		follower->begun = true;
		if (number == follower->position && number > 0)
			return true;
		follower->lost =
			!follower->from_any && !(follower->position == 0 && number == 1);
	}
	if (!follower->lost)
		add_record(follower, value);
	follower->position = number;
	follower->lost |= follower->budget == 0;
	return !follower->lost;
}

/* False: this filter is of no use any more. */
static bool follow(struct follower *follower, struct rmt_store *store, bool from_any,
		   uint64_t budget)
{
	g_autoptr(GError) err = NULL;
	char key[RMT_STORE_SEQUENCE];

	follower->begun = follower->lost = false;
	follower->from_any = from_any;
	follower->budget = budget;
	if (!rmt_store_walk(store, RMT_SUPPRESS_JOURNAL,
			    rmt_store_sequence_key(follower->position, key),
			    follow_record, follower, &err)) {
		rmt_log(RMT_LOG_WARNING, "suppress: %s", err->message);
		return false;
	}
	return !follower->lost && (follower->begun || follower->position == 0);
}

/* --- building, in a thread of its own --- */

static bool build_key(void *context, struct rmt_span key, struct rmt_span value)
{
	struct build *build = context;

	(void)value;
	rmt_filter_add(build->follower.filter, rmt_store_sequence(key));
	if (++build->walked % BUILD_FOLLOW != 0)
		return true;
	if (g_atomic_int_get(&build->stop))
		return false;
	build->ok = follow(&build->follower, build->store, false, UINT64_MAX);
	return build->ok;
}

static void build_all(struct build *build)
{
	g_autoptr(GError) err = NULL;

	build->ok = follow(&build->follower, build->store, true, UINT64_MAX);
	if (!build->ok)
		return;
	if (!rmt_store_walk(build->store, RMT_SUPPRESS_TABLE, rmt_span(NULL, 0),
			    build_key, build, &err)) {
		rmt_log(RMT_LOG_WARNING, "suppress: index: %s", err->message);
		build->ok = false;
	}
}

static gpointer build_thread(gpointer data)
{
	struct build *build = data;
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, NULL); /* signals are the host's */
	rmt_background();
	build_all(build);
	g_atomic_int_set(&build->done, 1);
	return NULL;
}

static uint64_t choose_capacity(struct rmt_store *store)
{
	uint64_t count = rmt_store_count(store, RMT_SUPPRESS_TABLE);

	return MAX(CAPACITY_MIN, count + MIN(count, (uint64_t)CAPACITY_SPARE_MAX));
}

static void start_build(struct rmt_suppress_index *index)
{
	struct build *build = g_new0(struct build, 1);

	build->store = index->store;
	build->follower.filter = rmt_filter_new(choose_capacity(index->store));
	build->thread = g_thread_new("suppress-index", build_thread, build);
	index->build = build;
}

static void end_build(struct build **build)
{
	if (*build == NULL)
		return;
	g_atomic_int_set(&(*build)->stop, 1);
	g_thread_join((*build)->thread);
	rmt_filter_free((*build)->follower.filter);
	g_clear_pointer(build, g_free);
}

static void drop_filter(struct rmt_suppress_index *index)
{
	rmt_filter_free(index->follower.filter);
	index->follower = (struct follower){ NULL };
}

static void adopt_build(struct rmt_suppress_index *index)
{
	struct build *build = index->build;

	if (build->ok) {
		drop_filter(index);
		index->follower = build->follower;
		build->follower.filter = NULL;
		index->seen = 0; /* some of the journal is still to be read */
	} else {
		index->retry_in = RETRY_AFTER;
	}
	end_build(&index->build);
}

/* --- the owner's side --- */

struct rmt_suppress_index *rmt_suppress_index_new(struct rmt_store *store)
{
	struct rmt_suppress_index *index = g_new0(struct rmt_suppress_index, 1);

	index->store = store;
	rmt_store_reads_often(store);
	start_build(index);
	return index;
}

void rmt_suppress_index_free(struct rmt_suppress_index *index)
{
	if (index == NULL)
		return;
	end_build(&index->build);
	drop_filter(index);
	g_free(index);
}

static bool wants_build(struct rmt_suppress_index *index)
{
	const struct rmt_filter *filter = index->follower.filter;

	if (index->build != NULL)
		return false;
	if (index->retry_in > 0) {
		index->retry_in--;
		return false;
	}
	return filter == NULL || rmt_filter_count(filter) > rmt_filter_capacity(filter);
}

/* The version is asked before reading: what is committed in between is then
 * read once more, not missed. */
static void follow_changes(struct rmt_suppress_index *index)
{
	uint64_t seen = rmt_store_read_version(index->store);

	if (follow(&index->follower, index->store, false, FOLLOW_MAX))
		index->seen = seen;
	else
		drop_filter(index);
}

void rmt_suppress_index_follow(struct rmt_suppress_index *index)
{
	if (index->build != NULL && g_atomic_int_get(&index->build->done))
		adopt_build(index);
	if (index->follower.filter != NULL &&
	    rmt_store_version(index->store) != index->seen)
		follow_changes(index);
	if (wants_build(index))
		start_build(index);
}

/* --- look-ups --- */

struct look_up {
	struct rmt_span address;
	const char *stream, *class;
	char *const *reasons;
	int64_t now;
	struct rmt_suppress_hit *hit_r;
	enum rmt_store_status status;
};

static bool bars(const struct look_up *look_up, const struct rmt_suppress_view *view)
{
	return rmt_span_eq(view->address, look_up->address) &&
	       rmt_suppress_judge_view(view, look_up->stream, look_up->class,
				       look_up->reasons,
				       look_up->now) == RMT_SUPPRESS_BARS;
}

static void copy_span(char *out, size_t size, struct rmt_span span)
{
	size_t len = MIN(span.len, size - 1);

	if (len > 0)
		memcpy(out, span.p, len);
	out[len] = '\0';
}

static void note_hit(struct look_up *look_up, const struct rmt_suppress_view *view)
{
	struct rmt_suppress_hit *hit = look_up->hit_r;

	look_up->status = RMT_STORE_FOUND;
	copy_span(hit->scope, sizeof(hit->scope), view->scope);
	copy_span(hit->reason, sizeof(hit->reason), view->reason);
	hit->since = view->since;
	hit->until = view->until;
}

static void look_up_got(void *context, enum rmt_store_status status,
			struct rmt_span value, const char *error)
{
	struct look_up *look_up = context;
	struct rmt_suppress_reader reader;
	struct rmt_suppress_view view;

	(void)error;
	look_up->status = status;
	if (status != RMT_STORE_FOUND)
		return;
	look_up->status = RMT_STORE_MISSING;
	rmt_suppress_read(&reader, value);
	while (rmt_suppress_next(&reader, &view)) {
		if (!bars(look_up, &view))
			continue;
		note_hit(look_up, &view);
		return;
	}
	if (reader.in.damaged)
		look_up->status = RMT_STORE_FAILED;
}

enum rmt_store_status rmt_suppress_look_up(struct rmt_suppress_index *index,
					   struct rmt_span address, const char *stream,
					   const char *class, char *const *reasons,
					   int64_t now, struct rmt_suppress_hit *hit_r)
{
	struct look_up look_up = { address, stream, class,           reasons,
				   now,     hit_r,  RMT_STORE_FAILED };
	const struct rmt_filter *filter = index->follower.filter;
	char key[RMT_SUPPRESS_KEY];
	uint64_t hash;

	if (filter != NULL && rmt_filter_count(filter) == 0)
		return RMT_STORE_MISSING;
	hash = rmt_suppress_hash(address);
	if (filter != NULL && !rmt_filter_has(filter, hash))
		return RMT_STORE_MISSING;
	rmt_store_get(index->store, RMT_SUPPRESS_TABLE, rmt_suppress_key(hash, key),
		      look_up_got, &look_up);
	return look_up.status;
}

void rmt_suppress_index_stats(const struct rmt_suppress_index *index, uint64_t *entries_r,
			      uint64_t *bytes_r, bool *complete_r)
{
	const struct rmt_filter *filter = index->follower.filter;

	*entries_r = rmt_store_count(index->store, RMT_SUPPRESS_TABLE);
	*bytes_r = sizeof(*index) + (filter != NULL ? rmt_filter_bytes(filter) : 0);
	*complete_r = filter != NULL;
}
