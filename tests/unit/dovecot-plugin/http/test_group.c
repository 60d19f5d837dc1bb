/* SPDX-License-Identifier: MIT */
#include "tests/unit/common/store/store_fixture.h"

#include "dovecot-plugin/http/group.h"
#include "tests/unit/dovecot-plugin/http/readable.h"

struct answers {
	unsigned good, bad;
	struct store_fixture *fixture;
	const char *address; /* must be there when the answer comes; or NULL */
};

static void answered(void *context, bool ok)
{
	struct answers *answers = context;
	g_autoptr(GPtrArray) entries = NULL;

	answers->good += ok;
	answers->bad += !ok;
	if (!ok || answers->address == NULL)
		return;
	assert_true(rmt_suppress_find(answers->fixture->store, answers->address, &entries,
				      NULL));
	assert_int_equal(entries->len, 1);
}

static void add(struct rmt_group *group, const char *address, struct answers *answers)
{
	char *owned = g_strdup(address);
	const struct rmt_wish wish = { .entry = { .scope = (char *)"stream:news",
						  .address = owned,
						  .reason = (char *)"unsubscribe",
						  .source = (char *)"page",
						  .note = (char *)"",
						  .since = 100 },
				       .stream = "news",
				       .by = "page",
				       .lists = "" };

	rmt_group_add(group, &wish, answered, answers);
	memset(owned, '?', strlen(owned)); /* it was copied */
	g_free(owned);
}

/* A turn of the loop, until what it began is on the disk. */
static void turn(struct rmt_group *group)
{
	rmt_group_start(group);
	wait_readable(rmt_group_fd(group));
	rmt_group_finish(group);
}

static void nobody_is_answered_before_the_commit(void **state)
{
	struct store_fixture *fixture = *state;
	struct answers answers = { .fixture = fixture, .address = "ann@example.org" };
	struct rmt_group *group = rmt_group_new(fixture->store);

	add(group, "ann@example.org", &answers);
	rmt_group_finish(group); /* nothing was begun */
	assert_int_equal(answers.good, 0);
	rmt_group_start(group);
	wait_readable(rmt_group_fd(group));
	assert_int_equal(answers.good, 0);
	rmt_group_finish(group);
	assert_int_equal(answers.good, 1);
	rmt_group_start(group); /* nothing to do */
	rmt_group_finish(group);
	rmt_group_free(group);
	assert_int_equal(answers.good + answers.bad, 1);
}

static void what_waits_is_one_commit_up_to_a_bound(void **state)
{
	struct store_fixture *fixture = *state;
	struct rmt_group *group = rmt_group_new(fixture->store);
	const uint64_t before = rmt_store_read_version(fixture->store);
	struct answers answers = { 0 };
	int i;

	for (i = 0; i < 700; i++) {
		g_autofree char *address = g_strdup_printf("u%d@example.org", i);

		add(group, address, &answers);
	}
	turn(group);
	assert_int_equal(answers.good, 512); /* those that came first */
	wait_readable(rmt_group_fd(group));  /* the next was begun with their answers */
	rmt_group_finish(group);
	assert_int_equal(rmt_store_read_version(fixture->store), before + 2);
	assert_int_equal(answers.good, 700);
	rmt_group_free(group);
}

static void who_comes_during_a_commit_is_in_the_next(void **state)
{
	struct store_fixture *fixture = *state;
	struct rmt_group *group = rmt_group_new(fixture->store);
	const uint64_t before = rmt_store_read_version(fixture->store);
	struct answers first = { 0 }, next = { 0 };

	add(group, "ann@example.org", &first);
	rmt_group_start(group);
	add(group, "bob@example.org", &next);
	add(group, "cid@example.org", &next);
	rmt_group_start(group); /* one at a time */
	wait_readable(rmt_group_fd(group));
	rmt_group_finish(group);
	assert_int_equal(first.good, 1);
	assert_int_equal(next.good, 0);
	wait_readable(rmt_group_fd(group));
	rmt_group_finish(group);
	assert_int_equal(next.good, 2);
	assert_int_equal(rmt_store_read_version(fixture->store), before + 2);
	rmt_group_free(group);
}

static void at_the_end_only_what_is_kept_is_called_done(void **state)
{
	struct store_fixture *fixture = *state;
	struct rmt_group *group = rmt_group_new(fixture->store);
	struct answers begun = { .fixture = fixture, .address = "ann@example.org" };
	struct answers waiting = { 0 };

	add(group, "ann@example.org", &begun);
	rmt_group_start(group);
	add(group, "bob@example.org", &waiting);
	rmt_group_free(group);
	assert_int_equal(begun.good, 1);
	assert_int_equal(waiting.good, 0);
	assert_int_equal(waiting.bad, 1);
	rmt_group_free(NULL);
}

static void what_cannot_be_kept_is_not_called_done(void **state)
{
	struct store_fixture *fixture = *state;
	struct rmt_store *reader = NULL;
	struct answers answers = { 0 };
	struct rmt_group *group;

	rmt_store_close(&fixture->store);
	assert_true(rmt_store_open(&reader, fixture->uri, true, NULL));
	group = rmt_group_new(reader);
	add(group, "ann@example.org", &answers);
	turn(group);
	assert_int_equal(answers.good, 0);
	assert_int_equal(answers.bad, 1);
	rmt_group_free(group);
	rmt_store_close(&reader);
	fixture_open(fixture);
}

static void a_stream_is_told_of_when_somebody_left_it_who_was_there(void **state)
{
	struct store_fixture *fixture = *state;
	struct rmt_group *group = rmt_group_new(fixture->store);
	struct answers answers = { 0 };
	char *left;

	assert_null(rmt_group_take_left(group));
	add(group, "ann@example.org", &answers);
	add(group, "bob@example.org", &answers);
	turn(group);
	left = rmt_group_take_left(group);
	assert_string_equal(left, "news");
	g_free(left);
	assert_null(rmt_group_take_left(group));
	add(group, "ann@example.org", &answers); /* once more */
	turn(group);
	assert_int_equal(answers.good, 3);
	assert_null(rmt_group_take_left(group));
	add(group, "cid@example.org", &answers); /* nobody asks: it goes with the group */
	turn(group);
	rmt_group_free(group);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_BOTH(nobody_is_answered_before_the_commit),
		ON_LMDB(what_waits_is_one_commit_up_to_a_bound),
		ON_LMDB(who_comes_during_a_commit_is_in_the_next),
		ON_BOTH(at_the_end_only_what_is_kept_is_called_done),
		ON_LMDB(what_cannot_be_kept_is_not_called_done),
		ON_BOTH(a_stream_is_told_of_when_somebody_left_it_who_was_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
