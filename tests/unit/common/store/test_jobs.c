/* SPDX-License-Identifier: MIT */
#include "tests/unit/common/store/store_fixture.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "common/store/jobs.h"

static struct rmt_job job_of(const char *kind, const char *id, int64_t next)
{
	return (struct rmt_job){ .kind = (char *)kind,
				 .id = (char *)id,
				 .since = 100,
				 .next = next,
				 .until = 1000,
				 .payload = RMT_SPAN("octets\0and more") };
}

static bool add(struct rmt_store *store, const char *kind, const char *id, int64_t next)
{
	struct rmt_job job = job_of(kind, id, next);
	GError *err = NULL;
	bool is_new = false;

	assert_ok(rmt_job_add(store, &job, &is_new, &err), err);
	return is_new;
}

/* "kind:id ..." of what is due; the time to ask again. */
static int64_t due(struct rmt_store *store, int64_t now, size_t count_max, GString *seen)
{
	g_autoptr(GPtrArray) jobs = NULL;
	GError *err = NULL;
	int64_t next = 0;
	guint i;

	g_string_truncate(seen, 0);
	assert_ok(rmt_jobs_due(store, now, count_max, &jobs, &next, &err), err);
	for (i = 0; i < jobs->len; i++) {
		const struct rmt_job *job = g_ptr_array_index(jobs, i);

		g_string_append_printf(seen, "%s:%s ", job->kind, job->id);
	}
	return next;
}

static struct rmt_job *get(struct rmt_store *store, const char *kind, const char *id)
{
	struct rmt_job *job = NULL;
	GError *err = NULL;

	assert_ok(rmt_job_get(store, kind, id, &job, &err), err);
	return job;
}

static void a_job_comes_back_as_it_was_put_in(void **state)
{
	struct store_fixture *fixture = *state;
	g_autoptr(rmt_job) job = NULL;

	assert_true(add(fixture->store, "receipt", "one", 200));
	job = get(fixture->store, "receipt", "one");
	assert_non_null(job);
	assert_int_equal(job->state, RMT_JOB_WAITING);
	assert_int_equal(job->since, 100);
	assert_int_equal(job->next, 200);
	assert_int_equal(job->until, 1000);
	assert_int_equal(job->attempts, 0);
	assert_null(job->note);
	assert_true(rmt_span_eq(job->payload, RMT_SPAN("octets\0and more")));
	assert_null(get(fixture->store, "receipt", "two"));
}

static void what_is_put_in_twice_stands_there_once(void **state)
{
	struct store_fixture *fixture = *state;
	g_autoptr(GString) seen = g_string_new(NULL);

	assert_true(add(fixture->store, "receipt", "one", 200));
	assert_false(add(fixture->store, "receipt", "one", 300));
	assert_true(add(fixture->store, "webhook", "one", 250));
	due(fixture->store, 900, 10, seen);
	assert_string_equal(seen->str, "receipt:one webhook:one ");
}

static void jobs_come_in_the_order_of_their_times_and_not_before(void **state)
{
	struct store_fixture *fixture = *state;
	g_autoptr(GString) seen = g_string_new(NULL);

	add(fixture->store, "b", "late", 300);
	add(fixture->store, "a", "soon", 200);
	add(fixture->store, "c", "sooner", 150);
	assert_int_equal(due(fixture->store, 149, 10, seen), 150);
	assert_string_equal(seen->str, "");
	assert_int_equal(due(fixture->store, 200, 10, seen), 300);
	assert_string_equal(seen->str, "c:sooner a:soon ");
	assert_int_equal(due(fixture->store, 900, 2, seen), 300);
	assert_string_equal(seen->str, "c:sooner a:soon ");
	assert_int_equal(due(fixture->store, 900, 10, seen), INT64_MAX);
}

static void a_job_that_is_done_is_gone(void **state)
{
	struct store_fixture *fixture = *state;
	g_autoptr(GString) seen = g_string_new(NULL);
	g_autoptr(rmt_job) job = NULL;
	GError *err = NULL;

	add(fixture->store, "receipt", "one", 200);
	job = get(fixture->store, "receipt", "one");
	assert_ok(rmt_job_done(fixture->store, job, &err), err);
	assert_int_equal(due(fixture->store, 900, 10, seen), INT64_MAX);
	assert_string_equal(seen->str, "");
	assert_int_equal(rmt_store_count(fixture->store, "jobs-due"), 0);
}

static void a_job_that_failed_comes_again_at_its_time_with_a_note(void **state)
{
	struct store_fixture *fixture = *state;
	g_autoptr(GString) seen = g_string_new(NULL);
	g_autoptr(rmt_job) job = NULL, again = NULL;
	GError *err = NULL;

	add(fixture->store, "receipt", "one", 200);
	job = get(fixture->store, "receipt", "one");
	assert_ok(rmt_job_again(fixture->store, job, 400, "451 try\r\nlater", &err), err);
	assert_int_equal(due(fixture->store, 399, 10, seen), 400);
	assert_string_equal(seen->str, "");
	again = get(fixture->store, "receipt", "one");
	assert_int_equal(again->attempts, 1);
	assert_string_equal(again->note, "451 try\\x0d\\x0alater");
	assert_true(rmt_span_eq(again->payload, job->payload));
	assert_int_equal(rmt_store_count(fixture->store, "jobs-due"), 1);
}

static void who_read_a_job_before_it_changed_changes_nothing(void **state)
{
	struct store_fixture *fixture = *state;
	g_autoptr(rmt_job) first = NULL, second = NULL, now = NULL;

	add(fixture->store, "receipt", "one", 200);
	first = get(fixture->store, "receipt", "one");
	second = get(fixture->store, "receipt", "one");
	assert_true(rmt_job_again(fixture->store, first, 400, "busy", NULL));
	assert_true(rmt_job_done(fixture->store, second, NULL));
	now = get(fixture->store, "receipt", "one");
	assert_non_null(now);
	assert_int_equal(now->next, 400);
}

static void a_job_given_up_stays_for_people_to_see(void **state)
{
	struct store_fixture *fixture = *state;
	g_autoptr(GString) seen = g_string_new(NULL);
	g_autoptr(rmt_job) job = NULL, failed = NULL;
	bool removed = false;

	add(fixture->store, "receipt", "one", 200);
	job = get(fixture->store, "receipt", "one");
	assert_true(rmt_job_give_up(fixture->store, job, "550 no", NULL));
	due(fixture->store, 5000, 10, seen);
	assert_string_equal(seen->str, "");
	failed = get(fixture->store, "receipt", "one");
	assert_int_equal(failed->state, RMT_JOB_FAILED);
	assert_true(rmt_job_remove(fixture->store, "receipt", "one", &removed, NULL));
	assert_true(removed);
	assert_true(rmt_job_remove(fixture->store, "receipt", "one", &removed, NULL));
	assert_false(removed);
}

static void an_entry_that_leads_nowhere_is_swept(void **state)
{
	struct store_fixture *fixture = *state;
	g_autoptr(GString) seen = g_string_new(NULL);
	bool removed;

	add(fixture->store, "receipt", "one", 200);
	assert_true(rmt_job_remove(fixture->store, "receipt", "one", &removed, NULL));
	assert_int_equal(rmt_store_count(fixture->store, "jobs-due"), 1);
	due(fixture->store, 300, 10, seen);
	assert_string_equal(seen->str, "");
	assert_int_equal(rmt_store_count(fixture->store, "jobs-due"), 0);
}

static bool gather(void *context, const struct rmt_job *job)
{
	g_string_append_printf(context, "%s:%s ", job->kind, job->id);
	return true;
}

static void one_kind_or_all_are_listed(void **state)
{
	struct store_fixture *fixture = *state;
	g_autoptr(GString) seen = g_string_new(NULL);

	add(fixture->store, "receipt", "b", 200);
	add(fixture->store, "receipt", "a", 300);
	add(fixture->store, "receipts", "c", 300);
	assert_true(rmt_jobs_walk(fixture->store, "receipt", gather, seen, NULL));
	assert_string_equal(seen->str, "receipt:a receipt:b ");
	assert_true(rmt_jobs_walk(fixture->store, NULL, gather, seen, NULL));
	assert_non_null(strstr(seen->str, "receipts:c"));
}

static void waits_double_up_to_the_longest_and_are_spread(void **state)
{
	static const struct {
		unsigned attempts;
		uint32_t spread;
		int64_t want;
	} cases[] = {
		{ 0, 0, 60 },      { 1, 0, 60 }, { 2, 0, 120 },    { 7, 0, 3600 },
		{ 4000, 0, 3600 }, { 1, 5, 65 }, { 7, 360, 3960 }, { 7, 361, 3600 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++)
		assert_int_equal(
			rmt_job_back_off(cases[i].attempts, 60, 3600, cases[i].spread),
			cases[i].want);
}

static void what_is_no_job_is_refused_in_words(void **state)
{
	static const struct {
		const char *kind, *id, *words;
	} cases[] = {
		{ "", "x", "kind" },
		{ "Receipt", "x", "kind" },
		{ "a b", "x", "kind" },
		{ "receipt", "", "id" },
		{ "abcdefghijklmnopqrstuvwxyzabcdef", "x", "kind" },
	};
	struct store_fixture *fixture = *state;
	g_autofree char *longer = g_strnfill(RMT_JOB_ID_MAX + 1, 'x');
	struct rmt_job job = job_of("receipt", longer, 1);
	size_t i;

	assert_false(rmt_job_add(fixture->store, &job, NULL, NULL));
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GError) err = NULL;

		job = job_of(cases[i].kind, cases[i].id, 1);
		assert_false(rmt_job_add(fixture->store, &job, NULL, &err));
		assert_non_null(strstr(err->message, cases[i].words));
	}
}

/* A child adds jobs and says each that is durable; it is killed in between. */
static void add_until_killed(const struct store_fixture *fixture, int out)
{
	struct rmt_store *store = NULL;
	unsigned i;

	if (!rmt_store_open(&store, fixture->uri, false, NULL))
		_exit(1);
	for (i = 0;; i++) {
		char id[16];
		struct rmt_job job = job_of("receipt", id, 200);

		g_snprintf(id, sizeof(id), "%08u", i);
		if (!rmt_job_add(store, &job, NULL, NULL) ||
		    write(out, &i, sizeof(i)) != sizeof(i))
			_exit(1);
	}
}

static unsigned last_said(int in)
{
	unsigned number, last = 0;

	while (read(in, &number, sizeof(number)) == sizeof(number))
		last = number;
	return last;
}

static bool count_both(void *context, const struct rmt_job *job)
{
	unsigned *count = context;

	(void)job;
	(*count)++;
	return true;
}

static void kill_9_loses_nothing_that_was_added_and_leaves_no_half(void **state)
{
	struct store_fixture *fixture = *state;
	int pipes[2], status;
	unsigned first, said, count = 0;
	pid_t child;

	rmt_store_close(&fixture->store);
	assert_int_equal(pipe(pipes), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0)
		add_until_killed(fixture, pipes[1]);
	close(pipes[1]);
	assert_int_equal(read(pipes[0], &first, sizeof(first)), sizeof(first));
	g_usleep(150 * 1000);
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	said = last_said(pipes[0]);
	close(pipes[0]);
	assert_true(WIFSIGNALED(status));
	fixture_open(fixture);
	assert_true(rmt_jobs_walk(fixture->store, NULL, count_both, &count, NULL));
	assert_in_range(count, said + 1, said + 2);
	assert_int_equal(rmt_store_count(fixture->store, "jobs-due"), count);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_BOTH(a_job_comes_back_as_it_was_put_in),
		ON_BOTH(what_is_put_in_twice_stands_there_once),
		ON_BOTH(jobs_come_in_the_order_of_their_times_and_not_before),
		ON_BOTH(a_job_that_is_done_is_gone),
		ON_BOTH(a_job_that_failed_comes_again_at_its_time_with_a_note),
		ON_MEM(who_read_a_job_before_it_changed_changes_nothing),
		ON_MEM(a_job_given_up_stays_for_people_to_see),
		ON_BOTH(an_entry_that_leads_nowhere_is_swept),
		ON_BOTH(one_kind_or_all_are_listed),
		cmocka_unit_test(waits_double_up_to_the_longest_and_are_spread),
		ON_MEM(what_is_no_job_is_refused_in_words),
		ON_LMDB(kill_9_loses_nothing_that_was_added_and_leaves_no_half),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
