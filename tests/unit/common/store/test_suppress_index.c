/* SPDX-License-Identifier: MIT */
/* The reader's side: what policyd sees of the list, and when. */
#include "tests/unit/common/store/store_fixture.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "common/store/suppress_record.h"

static bool add(struct rmt_store *store, const char *address, const char *scope,
		const char *reason, int64_t until)
{
	struct rmt_suppression entry = { (char *)scope, (char *)address, (char *)reason,
					 (char *)"",    (char *)"",      100,
					 until };

	return rmt_suppress_add(store, &entry, NULL);
}

static struct rmt_suppress_hit last_hit;

static enum rmt_store_status look_up(struct rmt_suppress_index *index,
				     const char *address)
{
	rmt_suppress_index_follow(index);
	return rmt_suppress_look_up(index, rmt_span_of(address), "news", "promotional",
				    NULL, 1000, &last_hit);
}

static bool is_complete(struct rmt_suppress_index *index)
{
	uint64_t entries, bytes;
	bool complete;

	rmt_suppress_index_follow(index);
	rmt_suppress_index_stats(index, &entries, &bytes, &complete);
	return complete;
}

static void wait_until_complete(struct rmt_suppress_index *index)
{
	unsigned tries;

	for (tries = 0; tries < 200000 && !is_complete(index); tries++)
		g_usleep(1000);
	assert_true(is_complete(index));
}

static void scope_reason_and_expiry_decide(void **state)
{
	static char *const complaints[] = { (char *)"complaint", (char *)"dead", NULL };
	static char *const none[] = { NULL };
	static const struct {
		const char *name, *scope, *reason;
		int64_t until;
		char *const *reasons;
		enum rmt_store_status want;
	} cases[] = {
		{ "everything", "all", "dead", 0, NULL, RMT_STORE_FOUND },
		{ "this stream", "stream:news", "dead", 0, NULL, RMT_STORE_FOUND },
		{ "this class", "class:promotional", "dead", 0, NULL, RMT_STORE_FOUND },
		{ "another stream", "stream:new", "dead", 0, NULL, RMT_STORE_MISSING },
		{ "a longer name", "stream:news2", "dead", 0, NULL, RMT_STORE_MISSING },
		{ "another class", "class:news", "dead", 0, NULL, RMT_STORE_MISSING },
		{ "a reason that counts", "all", "dead", 0, complaints, RMT_STORE_FOUND },
		{ "one that does not", "all", "manual", 0, complaints,
		  RMT_STORE_MISSING },
		{ "no reason counts", "all", "dead", 0, none, RMT_STORE_MISSING },
		{ "not yet over", "all", "dead", 1001, NULL, RMT_STORE_FOUND },
		{ "just over", "all", "dead", 1000, NULL, RMT_STORE_MISSING },
	};
	struct store_fixture *fixture = *state;
	struct rmt_suppress_index *index = rmt_suppress_index_new(fixture->store);
	struct rmt_suppress_hit hit;
	enum rmt_store_status status;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *address = g_strdup_printf("a%zu@example.org", i);

		assert_true(add(fixture->store, address, cases[i].scope, cases[i].reason,
				cases[i].until));
		rmt_suppress_index_follow(index);
		status =
			rmt_suppress_look_up(index, rmt_span_of(address), "news",
					     "promotional", cases[i].reasons, 1000, &hit);
		if (status != cases[i].want)
			fail_msg("%s: status %d", cases[i].name, status);
		if (status == RMT_STORE_FOUND)
			assert_string_equal(hit.scope, cases[i].scope);
	}
	rmt_suppress_index_free(index);
}

static void a_hit_tells_why_and_how_long(void **state)
{
	struct store_fixture *fixture = *state;
	struct rmt_suppress_index *index = rmt_suppress_index_new(fixture->store);

	assert_true(add(fixture->store, "a@example.org", "stream:other", "manual", 0));
	assert_true(add(fixture->store, "a@example.org", "class:promotional", "complaint",
			2000));
	assert_int_equal(look_up(index, "a@example.org"), RMT_STORE_FOUND);
	assert_string_equal(last_hit.scope, "class:promotional");
	assert_string_equal(last_hit.reason, "complaint");
	assert_int_equal(last_hit.since, 100);
	assert_int_equal(last_hit.until, 2000);
	rmt_suppress_index_free(index);
}

static void every_commit_is_seen_at_once_with_and_without_the_filter(void **state)
{
	struct store_fixture *fixture = *state;
	struct rmt_suppress_index *index = rmt_suppress_index_new(fixture->store);
	unsigned i;
	size_t removed;

	for (i = 0; i < 300; i++) {
		g_autofree char *address = g_strdup_printf("a%u@example.org", i);

		if (i == 150)
			wait_until_complete(index);
		assert_int_equal(look_up(index, address), RMT_STORE_MISSING);
		assert_true(add(fixture->store, address, "all", "dead", 0));
		assert_int_equal(look_up(index, address), RMT_STORE_FOUND);
		assert_true(rmt_suppress_remove(fixture->store, NULL, address, &removed,
						NULL));
		assert_int_equal(look_up(index, address), RMT_STORE_MISSING);
	}
	assert_true(is_complete(index));
	rmt_suppress_index_free(index);
}

static void import_range(struct rmt_store *store, unsigned from, unsigned to)
{
	struct rmt_suppress_import *import = rmt_suppress_import_begin(store);
	uint64_t added, replaced;
	GError *err = NULL;
	unsigned i;

	for (i = from; i < to; i++) {
		char address[40];
		struct rmt_suppression entry = {
			(char *)"all", address, (char *)"dead", (char *)"", (char *)"",
			100,           0
		};

		g_snprintf(address, sizeof(address), "a%u@example.org", i);
		assert_ok(rmt_suppress_import_add(import, &entry, &err), err);
	}
	assert_ok(rmt_suppress_import_end(import, &added, &replaced, &err), err);
	assert_int_equal(added, to - from);
}

static unsigned count_found(struct rmt_suppress_index *index, unsigned from, unsigned to)
{
	unsigned i, found = 0;
	char address[40];

	for (i = from; i < to; i++) {
		g_snprintf(address, sizeof(address), "a%u@example.org", i);
		found += look_up(index, address) == RMT_STORE_FOUND;
	}
	return found;
}

/* A filter is made for 65536 at least. */
static void a_filter_that_is_outgrown_is_built_again(void **state)
{
	struct store_fixture *fixture = *state;
	struct rmt_suppress_index *index = rmt_suppress_index_new(fixture->store);
	uint64_t entries, bytes_before, bytes_after = 0;
	bool complete;
	unsigned tries;

	wait_until_complete(index);
	rmt_suppress_index_stats(index, &entries, &bytes_before, &complete);
	import_range(fixture->store, 0, 40000);
	rmt_suppress_index_follow(index);
	import_range(fixture->store, 40000, 80000);
	assert_int_equal(count_found(index, 0, 80000), 80000);
	for (tries = 0; tries < 200000 && bytes_after <= bytes_before; tries++) {
		rmt_suppress_index_follow(index);
		rmt_suppress_index_stats(index, &entries, &bytes_after, &complete);
		g_usleep(1000);
	}
	assert_true(bytes_after > bytes_before);
	assert_true(complete);
	assert_int_equal(entries, 80000);
	assert_int_equal(count_found(index, 0, 80000), 80000);
	assert_int_equal(count_found(index, 80000, 160000), 0);
	rmt_suppress_index_free(index);
}

/* More in one go than may be read between two requests. */
static void after_a_flood_look_ups_ask_the_store_until_the_filter_is_new(void **state)
{
	struct store_fixture *fixture = *state;
	struct rmt_suppress_index *index = rmt_suppress_index_new(fixture->store);

	wait_until_complete(index);
	import_range(fixture->store, 0, 80000);
	assert_int_equal(count_found(index, 79990, 80000), 10);
	wait_until_complete(index);
	assert_int_equal(count_found(index, 0, 80000), 80000);
	rmt_suppress_index_free(index);
}

/* An entry that is not in the journal, then more records than are kept. */
static void outrun_journal(struct rmt_store *store)
{
	struct rmt_suppression entry = { (char *)"all",
					 (char *)"lost@example.org",
					 (char *)"dead",
					 (char *)"",
					 (char *)"",
					 100,
					 0 };
	struct rmt_suppress_view view = rmt_suppress_view_of(&entry);
	g_autoptr(GString) value = g_string_new(NULL), record = g_string_new(NULL);
	g_autofree struct rmt_store_change *changes =
		g_new0(struct rmt_store_change, RMT_JOURNAL_KEEP + 1);
	char key[RMT_SUPPRESS_KEY];
	const uint64_t hash = 1;
	GError *err = NULL;
	size_t i;

	rmt_suppress_append(value, &view);
	changes[0] = (struct rmt_store_change){
		.table = RMT_SUPPRESS_TABLE,
		.key = rmt_suppress_key(rmt_suppress_hash(view.address), key),
		.value = rmt_span(value->str, value->len),
	};
	for (i = 1; i <= RMT_JOURNAL_KEEP; i++)
		changes[i] = rmt_journal_change(record, &hash, 1);
	assert_ok(rmt_store_commit(store, changes, RMT_JOURNAL_KEEP + 1, NULL, &err),
		  err);
}

static void who_comes_too_late_for_the_journal_starts_anew(void **state)
{
	struct store_fixture *fixture = *state;
	struct rmt_suppress_index *index;

	assert_true(add(fixture->store, "a@example.org", "all", "dead", 0));
	index = rmt_suppress_index_new(fixture->store);
	wait_until_complete(index);
	outrun_journal(fixture->store);
	assert_int_equal(look_up(index, "lost@example.org"), RMT_STORE_FOUND);
	wait_until_complete(index);
	assert_int_equal(look_up(index, "lost@example.org"), RMT_STORE_FOUND);
	assert_int_equal(look_up(index, "a@example.org"), RMT_STORE_FOUND);
	rmt_suppress_index_free(index);
}

static void an_index_freed_while_it_is_built_stops(void **state)
{
	struct store_fixture *fixture = *state;
	unsigned i;

	import_range(fixture->store, 0, 20000);
	for (i = 0; i < 20; i++)
		rmt_suppress_index_free(rmt_suppress_index_new(fixture->store));
}

static void a_damaged_record_fails_the_look_up(void **state)
{
	struct store_fixture *fixture = *state;
	struct rmt_suppress_index *index = rmt_suppress_index_new(fixture->store);
	char key[RMT_SUPPRESS_KEY];
	struct rmt_store_change change = {
		.table = RMT_SUPPRESS_TABLE,
		.key = rmt_suppress_key(rmt_suppress_hash(RMT_SPAN("a@example.org")),
					key),
		.value = RMT_SPAN("\x01\x30 cut"),
	};

	wait_until_complete(index);
	assert_true(add(fixture->store, "a@example.org", "all", "dead", 0));
	assert_int_equal(look_up(index, "a@example.org"), RMT_STORE_FOUND);
	assert_true(rmt_store_commit(fixture->store, &change, 1, NULL, NULL));
	assert_int_equal(look_up(index, "a@example.org"), RMT_STORE_FAILED);
	rmt_suppress_index_free(index);
}

/* --- two processes --- */

struct child {
	pid_t pid;
	FILE *acknowledged; /* a line each */
};

static struct child start_child(struct store_fixture *fixture,
				void (*work)(struct rmt_store *store, FILE *out))
{
	struct child child;
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	child.pid = fork();
	assert_true(child.pid >= 0);
	if (child.pid == 0) {
		struct rmt_store *store = NULL;
		FILE *out = fdopen(ends[1], "w");

		close(ends[0]);
		if (out == NULL || !rmt_store_open(&store, fixture->uri, false, NULL))
			_exit(1);
		setvbuf(out, NULL, _IONBF, 0);
		work(store, out);
		_exit(0);
	}
	close(ends[1]);
	child.acknowledged = fdopen(ends[0], "r");
	assert_non_null(child.acknowledged);
	return child;
}

static void end_child(struct child *child, bool killed)
{
	int status;

	fclose(child->acknowledged);
	assert_int_equal(waitpid(child->pid, &status, 0), child->pid);
	if (killed)
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	else
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

enum { IMPORTS = 40, PER_IMPORT = 3000 };

static void import_in_runs(struct rmt_store *store, FILE *out)
{
	unsigned i;

	for (i = 0; i < IMPORTS; i++) {
		import_range(store, i * PER_IMPORT, (i + 1) * PER_IMPORT);
		fprintf(out, "%u\n", i);
	}
}

static void another_processs_import_is_seen_as_soon_as_it_is_acknowledged(void **state)
{
	struct store_fixture *fixture = *state;
	struct child child = start_child(fixture, import_in_runs);
	struct rmt_suppress_index *index = rmt_suppress_index_new(fixture->store);
	struct rmt_store_stats stats;
	char line[32];
	unsigned runs = 0, i;

	while (fgets(line, sizeof(line), child.acknowledged) != NULL) {
		i = (unsigned)atoi(line);
		assert_int_equal(count_found(index, i * PER_IMPORT, (i + 1) * PER_IMPORT),
				 PER_IMPORT);
		assert_int_equal(count_found(index, 900000, 900100), 0);
		runs++;
	}
	assert_int_equal(runs, IMPORTS);
	end_child(&child, false);
	wait_until_complete(index);
	assert_int_equal(count_found(index, 0, IMPORTS * PER_IMPORT),
			 IMPORTS * PER_IMPORT);
	rmt_store_stats(fixture->store, &stats);
	assert_true(stats.used_bytes > 8 << 20); /* the map grew under us */
	rmt_suppress_index_free(index);
}

static void add_for_ever(struct rmt_store *store, FILE *out)
{
	char address[64];
	unsigned i;

	for (i = 0;; i++) {
		g_snprintf(address, sizeof(address), "k%d-%u@example.org", (int)getpid(),
			   i);
		if (!add(store, address, "all", "dead", 0))
			_exit(1);
		fprintf(out, "%s\n", address);
	}
}

static void nothing_acknowledged_is_lost_by_kill_9(void **state)
{
	struct store_fixture *fixture = *state;
	g_autoptr(GPtrArray) acknowledged = g_ptr_array_new_with_free_func(g_free);
	struct rmt_suppress_index *index;
	unsigned round, i;
	char line[80];

	for (round = 0; round < 20; round++) {
		struct child child = start_child(fixture, add_for_ever);

		assert_non_null(fgets(line, sizeof(line), child.acknowledged));
		g_ptr_array_add(acknowledged, g_strdup(g_strchomp(line)));
		g_usleep(g_random_int_range(0, 20000));
		kill(child.pid, SIGKILL);
		while (fgets(line, sizeof(line), child.acknowledged) != NULL)
			g_ptr_array_add(acknowledged, g_strdup(g_strchomp(line)));
		end_child(&child, true);
	}
	index = rmt_suppress_index_new(fixture->store);
	for (i = 0; i < acknowledged->len; i++)
		assert_int_equal(look_up(index, acknowledged->pdata[i]), RMT_STORE_FOUND);
	assert_true(acknowledged->len >= 20);
	rmt_suppress_index_free(index);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_BOTH(scope_reason_and_expiry_decide),
		ON_BOTH(a_hit_tells_why_and_how_long),
		ON_BOTH(every_commit_is_seen_at_once_with_and_without_the_filter),
		ON_LMDB(a_filter_that_is_outgrown_is_built_again),
		ON_LMDB(after_a_flood_look_ups_ask_the_store_until_the_filter_is_new),
		ON_BOTH(who_comes_too_late_for_the_journal_starts_anew),
		ON_LMDB(an_index_freed_while_it_is_built_stops),
		ON_BOTH(a_damaged_record_fails_the_look_up),
		ON_LMDB(another_processs_import_is_seen_as_soon_as_it_is_acknowledged),
		ON_LMDB(nothing_acknowledged_is_lost_by_kill_9),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
