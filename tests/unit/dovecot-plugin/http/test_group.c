/* SPDX-License-Identifier: MIT */
#include "tests/unit/common/store/store_fixture.h"

#include "dovecot-plugin/http/group.h"

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

static void nobody_is_answered_before_the_commit(void **state)
{
	struct store_fixture *fixture = *state;
	struct answers answers = { .fixture = fixture, .address = "ann@example.org" };
	struct rmt_group *group = rmt_group_new(fixture->store);

	assert_false(rmt_group_waits(group));
	add(group, "ann@example.org", &answers);
	assert_true(rmt_group_waits(group));
	assert_int_equal(answers.good, 0);
	rmt_group_commit(group);
	assert_int_equal(answers.good, 1);
	assert_false(rmt_group_waits(group));
	rmt_group_commit(group); /* nothing to do */
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
	rmt_group_commit(group);
	assert_int_equal(rmt_store_read_version(fixture->store), before + 1);
	assert_true(rmt_group_waits(group));
	assert_int_equal(answers.good, 512); /* those that came first */
	rmt_group_commit(group);
	assert_int_equal(rmt_store_read_version(fixture->store), before + 2);
	assert_false(rmt_group_waits(group));
	assert_int_equal(answers.good, 700);
	rmt_group_free(group);
}

static void who_still_waits_at_the_end_is_told_it_failed(void **state)
{
	struct store_fixture *fixture = *state;
	struct rmt_group *group = rmt_group_new(fixture->store);
	struct answers answers = { 0 };

	add(group, "ann@example.org", &answers);
	rmt_group_free(group);
	assert_int_equal(answers.good, 0);
	assert_int_equal(answers.bad, 1);
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
	rmt_group_commit(group);
	assert_int_equal(answers.good, 0);
	assert_int_equal(answers.bad, 1);
	rmt_group_free(group);
	rmt_store_close(&reader);
	fixture_open(fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_BOTH(nobody_is_answered_before_the_commit),
		ON_LMDB(what_waits_is_one_commit_up_to_a_bound),
		ON_BOTH(who_still_waits_at_the_end_is_told_it_failed),
		ON_LMDB(what_cannot_be_kept_is_not_called_done),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
